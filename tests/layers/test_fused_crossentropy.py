"""The loss of labels, against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.fast_paths import FusedCrossentropy

VOID = -1


def of_keras(**options):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **options)


def labels_and_logits(shape, classes, void):
    rng = np.random.default_rng(1)
    labels = rng.integers(-1 if void else 0, classes, shape).astype("int32")
    return tf.constant(labels), tf.constant(
        rng.normal(0, 9, (*shape, classes)), "float32"
    )


def both(loss, labels, logits, weights):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(labels, logits, weights)
    return value, tape.gradient(value, logits)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("shape", [(8,), (2, 5, 7)])
def test_value_and_gradient_are_those_of_keras(shape, void, weighted):
    labels, logits = labels_and_logits(shape, 11, void)
    weights = np.random.default_rng(2).uniform(0, 3, shape).astype("float32")
    options = {"ignore_class": VOID} if void else {}
    sides = (FusedCrossentropy(**options), of_keras(**options))
    for call in (both, tf.function(both, reduce_retracing=True)):
        got, expected = (
            call(loss, labels, logits, weights if weighted else None) for loss in sides
        )
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)
        np.testing.assert_allclose(got[1], expected[1], atol=1e-6)


def test_void_alone_is_no_loss():
    logits = tf.random.normal((2, 3, 3, 4))
    value, slopes = both(FusedCrossentropy(VOID), -tf.ones((2, 3, 3)), logits, None)
    assert float(value) == 0
    assert not np.any(slopes)


def test_large_logits_do_not_overflow():
    logits = tf.constant([[300.0, -300.0, 0.0]])
    value, slopes = both(FusedCrossentropy(), tf.constant([1]), logits, None)
    assert float(value) == pytest.approx(600)
    np.testing.assert_allclose(slopes, [[1, -1, 0]])

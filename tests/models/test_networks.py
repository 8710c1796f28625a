"""What holds for every network of the zoo; declarative rows over one harness."""

import ast
import dataclasses
import gc
import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.symbolic import symbolic

RANDOM = ("Dropout", "SpatialDropout2D", "FractalJoin")
GOLDEN = pathlib.Path(__file__).parent / "golden"
NAMES = kerazoo.list_models()
# A depth of a thousand layers adds hours and no other code path than its small sibling.
SHALLOW = [n for n in NAMES if not re.search(r"1001|1202", n)]
# What detectors give is no score of every class; test_detectors.py has them.
SCORING = [n for n in SHALLOW if kerazoo.find(n).task != "detection"]
# A row is a call such as ``alexnet(groups=2)``; a golden file has those of a family.
ROWS = list(
    dict.fromkeys(
        [row for path in GOLDEN.glob("*.json") for row in json.loads(path.read_text())]
        + NAMES
    )
)


def parse(row):
    """The network and options of a row."""
    call = ast.parse(row if row.endswith(")") else f"{row}()", mode="eval").body
    return call.func.id, {k.arg: ast.literal_eval(k.value) for k in call.keywords}


@pytest.mark.parametrize("row", ROWS)
def test_counts_and_grids(row, golden):
    name, options = parse(row)
    card = kerazoo.find(name)
    model = symbolic(lambda: kerazoo.create(name, **options))
    ledger = kerazoo.ledger(model)
    measured = {
        "trainable": ledger.trainable,
        "total": ledger.total,
        "macs": ledger.macs,
        "grids": ["x".join(map(str, dict.fromkeys(g))) for g in ledger.grids],
    }
    assert golden(card.family, row, measured) == measured
    if not options:
        assert (card.trainable, card.total, card.macs) == (
            ledger.trainable,
            ledger.total,
            ledger.macs,
        )


def smallest(name, **options):
    card = kerazoo.find(name)
    # A perceptron would take one pixel, from which nobody learns.
    # Multiples of the minimum keep to what halves evenly, as ENet asks.
    side = card.minimum * math.ceil(12 / card.minimum)
    size = (side, side, card.input_shape[-1])
    return kerazoo.create(name, input_shape=size, classes=3, **options)


@pytest.fixture(scope="module", params=SCORING)
def small(request):
    """The network at its smallest legal input, built once for the tests below."""
    keras.utils.set_random_seed(1)
    yield smallest(request.param, classifier_activation=None)
    keras.backend.clear_session(free_memory=False)
    gc.collect()


def images(model, count=8):
    shape = (count, *model.inputs[0].shape[1:])
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def main(outputs):
    """The class scores of a network with one or several outputs."""
    return outputs["predictions"] if isinstance(outputs, dict) else outputs


def test_names_follow_the_grammar(small):
    names = [layer.name for layer in small.layers[1:]]
    assert len(set(names)) == len(names)
    assert "predictions" in names
    assert not [n for n in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", n)]
    assert not [n for n in names if re.match(r"(conv2d|dense|dropout)(_\d+)?$", n)]


def test_saves_and_loads(small, tmp_path):
    x = images(small, 2)
    expected = main(small(x, training=False))
    small.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    for old, new in zip(small.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    # Keras' batch norm stands for the fused one, which rounds in another order.
    found, scale = main(again(x, training=False)), np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * scale)


def test_random_layers_act_only_in_training(small):
    if not any(type(layer).__name__ in RANDOM for layer in small.layers):
        pytest.skip("has no random layer")
    x = images(small)
    once, twice = (main(small(x, training=False)) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    once, twice = (main(small(x, training=True)) for _ in range(2))
    assert np.abs(once - twice).max() > 0


def loss_of(outputs, labels):
    """Cross-entropy, summed over the heads and averaged over images and pixels."""
    heads = outputs.values() if isinstance(outputs, dict) else [outputs]
    total = 0.0
    for logits in heads:
        shape = (-1, *[1] * (len(logits.shape) - 2))
        target = tf.broadcast_to(tf.reshape(labels, shape), logits.shape[:-1])
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
        total += tf.reduce_mean(loss)
    return total


def test_learns_eight_images(small):
    """Every trained weight gets a gradient, and a few steps drive the loss down."""
    for layer in small.layers:
        if type(layer).__name__ in RANDOM:
            layer.rate = 0.0
    x, y = images(small), tf.constant([0, 1, 2, 0, 1, 2, 0, 1])
    weights = small.trainable_variables
    values = [w.value for w in weights]
    # A batch norm bears larger steps, and so needs fewer of them.
    normed = any("BatchNorm" in type(layer).__name__ for layer in small.layers)
    rate = 1e-3 if normed else 2e-4
    moments = [[tf.Variable(tf.zeros_like(one)) for _ in "mv"] for one in values]
    losses, idle = [], {w.path for w in weights}

    def gradients_of_loss(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(small(x, training=True), y)
        return loss, tape.gradient(loss, values)

    while len(losses) < 120 and (idle or losses[-1] > 0.7 * losses[0]):
        if len(losses) == 5:
            # Most networks are through by now; for the others compiling pays.
            gradients_of_loss = tf.function(gradients_of_loss, jit_compile=False)
        loss, gradients = gradients_of_loss(x, y)
        for weight, gradient in zip(weights, gradients, strict=True):
            assert gradient is not None, weight.path
            if weight.path in idle and tf.reduce_any(gradient != 0):
                idle.remove(weight.path)
        step = len(losses) + 1
        for value, (m, v), gradient in zip(values, moments, gradients, strict=True):
            # One kernel a weight; Keras' Adam is a dozen operations.
            tf.raw_ops.ResourceApplyAdam(
                var=value.handle, m=m.handle, v=v.handle, grad=gradient, lr=rate,
                beta1=0.9, beta2=0.999, epsilon=1e-7,
                beta1_power=0.9**step, beta2_power=0.999**step,
            )  # fmt: skip
        for weight in weights:
            if weight.constraint is not None:
                weight.assign(weight.constraint(weight))
        losses.append(float(loss))
    assert not idle
    assert np.isfinite(losses).all()
    assert losses[-1] <= 0.7 * losses[0], losses


@pytest.mark.parametrize("name", SCORING)
def test_mixed_bfloat16(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = smallest(name)
        scores = main(model(images(model, 2), training=False))
        assert scores.dtype == tf.float32
        np.testing.assert_allclose(np.sum(scores, -1), 1, atol=1e-5)
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("name", SHALLOW)
def test_two_copies_in_one_graph(name):
    card = kerazoo.find(name)
    size = (card.minimum, card.minimum, card.input_shape[-1])
    shared = keras.Input(size, name="shared")
    options = {"include_top": False, "input_tensor": shared}

    def build():
        sides = [kerazoo.create(name, name=n, **options) for n in ("left", "right")]
        return keras.Model(shared, [side.output for side in sides])

    names = [layer.name for layer in symbolic(build).layers]
    assert len(set(names)) == len(names)
    lefts = [n for n in names if n.startswith("left_")]
    rights = [n for n in names if n.startswith("right_")]
    assert len(lefts) == len(rights)
    assert {"shared", *lefts, *rights} == set(names)


@pytest.mark.parametrize("name", SHALLOW)
def test_smallest_image(name, monkeypatch):
    """The card's minimum is the true one: a pixel less and some grid is empty."""
    card = kerazoo.find(name)
    less = (card.minimum - 1, card.minimum - 1, card.input_shape[-1])
    with pytest.raises(ValueError, match=rf"smallest .* {card.minimum}x{card.minimum}"):
        kerazoo.create(name, input_shape=less)
    if card.minimum > 1:
        builder = card.builder()
        monkeypatch.setattr(builder, "card", dataclasses.replace(card, minimum=1))
        with pytest.raises(ValueError):
            grids = kerazoo.ledger(builder(input_shape=less, include_top=False)).grids
            if 0 in np.ravel(grids):
                raise ValueError("an empty grid")

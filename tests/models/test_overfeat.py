import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.builder import Top
from kerazoo.models import overfeat

RNG = np.random.default_rng(0)


def thin(table, size, classes=2, **options):
    """A network of the paper's shape with few maps."""
    *body, classifier = table
    table = [
        step._replace(filters=3) if isinstance(step, overfeat.Conv) else step
        for step in body
    ]
    table.append(classifier._replace(width=4))
    inputs = keras.Input(size)
    top = Top(True, classes, classifier_activation=None, pooling=None)
    model = keras.Model(inputs, overfeat.overfeat(inputs, top, table, **options))
    return model


# Table 5: image, and the maps of scores at all offsets.
@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((245, 245), (3, 3)),
        ((281, 317), (6, 9)),
        ((317, 389), (9, 15)),
        ((389, 461), (15, 21)),
        ((425, 497), (18, 24)),
        ((461, 569), (21, 30)),
    ],
)
def test_offsets_give_the_maps_of_table_5(size, grid):
    model = thin(overfeat.ACCURATE, (*size, 1), dense=True, offsets=True)
    assert model.output_shape == (None, *grid, 2)


@pytest.fixture
def float64():
    """Sums of large numbers cancel in the scores, which float32 rounds differently."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def test_offsets_equal_nine_poolings_interleaved(float64):
    options = {"classes": 5, "dense": True}
    plain = thin(overfeat.ACCURATE, (None, None, 1), **options)
    shifted = thin(overfeat.ACCURATE, (None, None, 1), **options, offsets=True)
    for layer in plain.layers[1:]:
        weights = [RNG.normal(0, 0.5, w.shape) for w in layer.get_weights()]
        layer.set_weights(weights)
        shifted.get_layer(layer.name).set_weights(weights)

    images = RNG.normal(size=(1, 281, 317, 1))
    trunk = keras.Model(plain.input, plain.get_layer("conv6").output)
    maps = np.asarray(trunk(images))
    assert maps.shape[1:3] == (20, 23)
    expected = np.zeros((1, 6, 9, 5))
    pool = keras.layers.MaxPooling2D(3)
    for row in range(3):
        for column in range(3):
            x = pool(maps[:, row:, column:])
            for name in ("fc7", "fc8", "fc9"):
                x = plain.get_layer(name)(x)
            expected[:, row::3, column::3] = x
    # The last layer computes in float32 all the same.
    largest = np.abs(expected).max()
    np.testing.assert_allclose(shifted(images), expected, atol=1e-6 * largest, rtol=0)


def test_a_larger_image_gives_a_map_of_windows():
    model = thin(overfeat.FAST, (None, None, 1), dense=True)
    images = RNG.normal(size=(1, 231 + 36, 231 + 72, 1)).astype("float32")
    scores = model(images)
    assert scores.shape == (1, 2, 3, 2)
    for row in range(2):
        for column in range(3):
            window = images[:, 36 * row :, 36 * column :][:, :231, :231]
            np.testing.assert_allclose(
                model(window)[:, 0, 0], scores[:, row, column], rtol=1e-4, atol=1e-8
            )


def test_without_dense_the_best_window_counts():
    options = {"input_shape": (77 + 36, 77, 1), "classes": 3}
    best = kerazoo.overfeat_accurate(**options, classifier_activation=None)
    every = keras.Model(best.input, best.get_layer("fc9").output)
    images = RNG.normal(size=(2, 113, 77, 1)).astype("float32")
    np.testing.assert_array_equal(best(images), np.max(every(images), (1, 2)))

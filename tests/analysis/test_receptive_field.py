"""What a position sees: boxes worked out by hand, the ledger's sizes, and gradients."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.analysis.receptive_field import effective_field, receptive_field
from kerazoo.symbolic import symbolic


def net(shape, *parts):
    inputs = x = keras.Input(shape, name="images")
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x, name="net")


def test_a_box_worked_out_by_hand():
    model = net(
        (12, 12, 1),
        layers.ZeroPadding2D(1, name="pad"),
        layers.Conv2D(2, 3, 2, name="conv1"),  # Position i: rows 2i - 1 to 2i + 1.
        layers.MaxPooling2D(2, 2, name="pool"),  # i: conv1's 2i and 2i + 1.
        layers.Conv2D(2, 3, padding="same", name="conv2"),  # i: pool's i - 1 to i + 1.
    )
    field = receptive_field(model, "conv1", (2, 3))
    assert (field.rows, field.columns) == ((3, 5), (5, 7))
    field = receptive_field(model, "pool", (1, 0))
    assert (field.rows, field.columns) == ((3, 7), (-1, 3))
    field = receptive_field(model, "conv2", (1, 0))
    # Pool's rows 0 to 2 and columns -1 to 1.
    assert (field.rows, field.columns) == ((-1, 11), (-5, 7))
    assert field.size == (13, 13)
    assert field.share == 12 * 8 / 144


def test_same_pads_less_above_on_an_even_grid():
    model = net((8, 8, 1), layers.Conv2D(1, 3, 2, padding="same", name="conv"))
    assert receptive_field(model, "conv", (0, 0)).rows == (0, 2)
    model = net((9, 9, 1), layers.Conv2D(1, 3, 2, padding="same", name="conv"))
    assert receptive_field(model, "conv", (0, 0)).rows == (-1, 1)


def test_ways_up_again():
    model = net(
        (16, 16, 1),
        layers.MaxPooling2D(4, name="pool"),
        layers.Conv2DTranspose(1, 4, 2, padding="same", name="up"),
    )
    # Row 4 of 8 is made of rows 1 (by its last weight but one) and 2 of 4.
    assert receptive_field(model, "up", (4, 4)).rows == (4, 11)
    model = net(
        (16, 16, 1), layers.MaxPooling2D(4), layers.UpSampling2D(4, name="wide")
    )
    assert receptive_field(model, "wide", (7, 7)).rows == (4, 7)


@pytest.mark.parametrize("network", ["lenet5", "alexnet", "googlenet", "resnet18"])
def test_its_size_is_the_ledgers(network):
    model = symbolic(lambda: kerazoo.create(network))
    for row in kerazoo.ledger(model).rows[1::3]:
        if len(row.shape) == 3 and row.receptive_field:
            assert receptive_field(model, row.name).size == row.receptive_field


CHAINS = {
    "padded": [
        layers.Conv2D(2, 3, 2, padding="same"),
        layers.Conv2D(1, 5, padding="same"),
        layers.AveragePooling2D(2),
    ],
    "dilated": [
        layers.ZeroPadding2D(((2, 2), (0, 3))),
        layers.Conv2D(2, 3, dilation_rate=2),
        layers.Conv2D(1, (1, 3), (1, 2)),
    ],
    "up": [
        layers.AveragePooling2D(2),
        layers.Conv2DTranspose(2, 3, 2, padding="same"),
        layers.Conv2DTranspose(1, 4, 2, padding="valid"),
        layers.Cropping2D(((1, 0), (2, 1))),
    ],
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.0, 0.3)])
def test_gradients_end_where_the_box_does(chain, place):
    parts = [type(part).from_config(part.get_config()) for part in CHAINS[chain]]
    model = net((29, 29, 1), *parts)
    for weight in model.trainable_variables:
        weight.assign(np.ones(weight.shape))
    name = model.layers[-1].name
    grid = model.output.shape[1:3]
    position = tuple(int(share * side) for share, side in zip(place, grid, strict=True))
    # One sign for all channels, lest they cancel out.
    found = effective_field(model, name, position, count=1, seed=2)
    rows, columns = found.influence.nonzero()
    for places, (first, last) in zip(
        (rows, columns), (found.field.rows, found.field.columns), strict=True
    ):
        assert (places.min(), places.max()) == (max(first, 0), min(last, 28))


def test_equal_weights_give_the_gaussian_of_the_paper():
    """n convolutions of k equal weights: the n-fold convolution of a box with itself.

    Its deviation is sqrt(n (k^2 - 1) / 12), by Luo et al., sec. 2.1 and 2.2.
    """
    n, k = 12, 3
    convolutions = [layers.Conv2D(1, k, use_bias=False) for _ in range(n)]
    model = net((31, 31, 1), *convolutions)
    for weight in model.trainable_variables:
        weight.assign(np.ones(weight.shape) / k**2)
    found = effective_field(model, model.layers[-1].name, count=2)
    expected = np.ones(1)
    for _ in range(n):
        expected = np.convolve(expected, np.ones(k) / k)
    across = found.influence.sum(0)
    # A position of 7 x 7 stands for 25 of the 31 columns.
    first = found.field.columns[0]
    np.testing.assert_allclose(across[first : first + 2 * n + 1], expected, atol=1e-6)
    sigma = (n * (k**2 - 1) / 12) ** 0.5
    assert found.deviation == pytest.approx((sigma, sigma), rel=1e-4)
    places = np.arange(-n, n + 1)
    gaussian = np.exp(-(places**2) / (2 * sigma**2)) / (sigma * (2 * np.pi) ** 0.5)
    assert np.abs(expected - gaussian).max() < 0.02 * gaussian.max()
    # A disc of the pixels above 4.55% of the most: its radius is 2.486 deviations.
    assert found.size == pytest.approx(np.pi**0.5 * 2.486 * sigma, rel=0.05)
    assert found.share < 0.7


def test_random_weights_see_less_than_they_could():
    keras.utils.set_random_seed(1)
    model = kerazoo.create("resnet20_cifar", input_shape=(64, 64, 3))
    found = effective_field(model, "stage2", count=6)
    outside = found.influence.copy()
    (top, bottom), (left, right) = found.field.rows, found.field.columns
    outside[max(0, top) : bottom + 1, max(0, left) : right + 1] = 0
    assert outside.sum() == 0
    assert found.share < 0.8
    # Luo et al., Figure 1: it falls from the middle to the border.
    profile = found.influence.sum(0)
    middle = (max(0, left) + min(63, right)) // 2
    near = profile[middle - 4 : middle + 5].mean()
    border = profile[max(0, left) : max(0, left) + 5].mean()
    assert near > 2 * border


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: receptive_field(m, "covn1"), "did you mean conv1"),
        (lambda m: receptive_field(m, "predictions"), "no extent in space"),
        (lambda m: receptive_field(m, "conv1", (99, 0)), "has 28 rows"),
        (lambda m: effective_field(m, "conv1", images=np.zeros((1, 5, 5, 1))), "takes"),
    ],
)
def test_errors(call, words):
    model = kerazoo.lenet5()
    with pytest.raises(ValueError, match=words):
        call(model)


def test_a_position_that_nothing_moves():
    model = net((8, 8, 1), layers.Conv2D(1, 3, activation="relu", name="conv"))
    for weight in model.trainable_variables:
        weight.assign(np.zeros(weight.shape))
    with pytest.raises(ValueError, match="No pixel moves position"):
        effective_field(model, "conv", count=1)


def test_open_sizes_and_raw_images_are_refused():
    model = net((None, None, 1), layers.Conv2D(1, 3, name="conv"))
    with pytest.raises(ValueError, match="images of any size"):
        receptive_field(model, "conv")
    raw = keras.Input((8, 8, 1), dtype="uint8", name="raw")
    x = layers.Conv2D(1, 3, name="conv")(layers.Rescaling(1 / 255)(raw))
    with pytest.raises(ValueError, match="floating-point numbers"):
        effective_field(keras.Model(raw, x), "conv")


ON_JAX = """
import keras, numpy as np
from kerazoo.analysis.receptive_field import effective_field
inputs = x = keras.Input((15, 15, 1))
for _ in range(3):
    x = keras.layers.Conv2D(1, 3, use_bias=False)(x)
model = keras.Model(inputs, x)
for weight in model.trainable_variables:
    weight.assign(np.ones(weight.shape) / 9)
found = effective_field(model, model.layers[-1].name, count=1)
print(keras.backend.backend(), *found.deviation)
"""


def test_on_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    process = subprocess.run(
        [sys.executable, "-c", ON_JAX], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    backend, *deviation = process.stdout.split()
    assert backend == "jax"
    assert [float(one) for one in deviation] == pytest.approx([2**0.5, 2**0.5])

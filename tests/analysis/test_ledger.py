"""The ledger against what the formulas of the slides give by hand."""

import io
import json

import keras
import numpy as np
import pytest
import rich.console
import tensorflow as tf
from keras import layers

import kerazoo


def net(shape, *parts):
    """A chain of layers as a functional model."""
    inputs = x = keras.Input(shape, name="images")
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x, name="net")


def rows(model):
    return {row.name: row for row in kerazoo.ledger(model).rows}


def fields(model):
    return [row.receptive_field for row in kerazoo.ledger(model).rows[1:]]


def conv(filters, kernel, **options):
    return layers.Conv2D(filters, kernel, **options)


def test_the_recursion_of_the_slides():
    """R_k = R_(k-1) + (f_k - 1) * s_1 * ... * s_(k-1)."""
    model = net(
        (64, 64, 3),
        conv(4, 3),  # 1 + 2 * 1
        conv(4, 3, strides=2),  # 3 + 2 * 1
        layers.MaxPooling2D(2),  # 5 + 1 * 2
        conv(4, 5),  # 7 + 4 * 4
        layers.AveragePooling2D(3, strides=2),  # 23 + 2 * 4
        conv(4, 1),  # 31 + 0 * 8
    )
    assert fields(model) == [(n, n) for n in (3, 5, 7, 23, 31, 31)]
    strides = [row.stride for row in kerazoo.ledger(model).rows[1:]]
    assert strides == [(s, s) for s in (1, 2, 4, 4, 8, 8)]


def test_kernels_that_are_not_square():
    model = net(
        (40, 40, 1), conv(2, (1, 7)), conv(2, (7, 1), strides=(2, 1)), conv(2, (3, 3))
    )
    assert fields(model) == [(1, 7), (7, 7), (11, 9)]


def test_dilation_widens_the_kernel():
    model = net((40, 40, 1), conv(2, 3, dilation_rate=(2, 4)), conv(2, 3))
    assert fields(model) == [(5, 9), (7, 11)]


def test_transposed_convolution_refines_the_grid():
    """A 4x4 kernel of stride 2 joins two neighbours 4 pixels apart."""
    model = net(
        (32, 32, 1),
        layers.MaxPooling2D(4),
        layers.Conv2DTranspose(2, 4, strides=2, padding="same"),
        conv(2, 3, padding="same"),
    )
    assert fields(model) == [(4, 4), (8, 8), (12, 12)]
    assert kerazoo.ledger(model).rows[2].stride == (2, 2)
    assert kerazoo.ledger(model).rows[2].shape == (16, 16, 2)


def test_upsampling_refines_the_grid():
    model = net((32, 32, 1), layers.MaxPooling2D(4), layers.UpSampling2D(4), conv(2, 3))
    assert fields(model) == [(4, 4), (4, 4), (6, 6)]


def test_where_paths_meet_the_widest_counts():
    inputs = keras.Input((16, 16, 2))
    wide = conv(2, 5, padding="same")(inputs)
    narrow = conv(2, 1)(inputs)
    x = layers.Concatenate(name="joined")([narrow, wide])
    assert rows(keras.Model(inputs, x))["joined"].receptive_field == (5, 5)


def test_flattening_sees_the_whole_grid():
    for merge in (layers.Flatten(), layers.GlobalAveragePooling2D()):
        model = net((9, 9, 1), conv(2, 3), layers.MaxPooling2D(2), merge)
        dense = net(
            (9, 9, 1), conv(2, 3), layers.MaxPooling2D(2), merge, layers.Dense(3)
        )
        # The pooled grid is 3x3, each position 4 wide and 2 apart.
        assert fields(model)[-1] == (8, 8)
        assert fields(dense)[-1] == (8, 8)


CHAINS = {
    "plain": [conv(1, 3), conv(1, 5, strides=2), conv(1, 3)],
    "pooled": [conv(1, 3), layers.AveragePooling2D(2), conv(1, 3), conv(1, 3)],
    "dilated": [conv(1, 3, dilation_rate=2), conv(1, (1, 3)), conv(1, 2, strides=3)],
    "asymmetric": [conv(1, (5, 1)), conv(1, (1, 3), strides=(1, 2)), conv(1, 3)],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_the_gradient_reaches_as_far_as_the_field(chain):
    """The pixels that one output position depends on, by differentiation."""
    model = net(
        (61, 61, 1), *(type(p).from_config(p.get_config()) for p in CHAINS[chain])
    )
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    image = tf.Variable(np.ones((1, 61, 61, 1), "float32"))
    with tf.GradientTape() as tape:
        grid = model(image)
        middle = grid[0, grid.shape[1] // 2, grid.shape[2] // 2, 0]
    reached = np.argwhere(np.asarray(tape.gradient(middle, image))[0, ..., 0])
    extent = tuple(map(int, np.ptp(reached, axis=0) + 1))
    assert fields(model)[-1] == extent


def test_memory_weights_and_multiply_adds_by_hand():
    model = net(
        (10, 12, 3),
        conv(8, 3, name="conv"),
        layers.BatchNormalization(name="bn"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        layers.SeparableConv2D(5, 3, padding="same", name="separable"),
        conv(10, 1, groups=5, use_bias=False, name="grouped"),
        layers.Conv2DTranspose(4, 3, strides=2, name="transposed"),
        layers.Flatten(name="flat"),
        layers.Dense(7, name="dense"),
    )
    found = {
        name: (row.shape, row.memory, row.trainable, row.weights, row.macs)
        for name, row in rows(model).items()
    }
    assert found == {
        "images": ((10, 12, 3), 4 * 360, 0, 0, 0),
        "conv": ((8, 10, 8), 4 * 640, 9 * 3 * 8 + 8, 224, 27 * 640),
        "bn": ((8, 10, 8), 4 * 640, 16, 32, 0),
        "depthwise": ((6, 8, 16), 4 * 768, 9 * 16 + 16, 160, 9 * 768),
        "separable": (
            (6, 8, 5),
            4 * 240,
            9 * 16 + 16 * 5 + 5,
            229,
            48 * (9 * 16 + 16 * 5),
        ),
        "grouped": ((6, 8, 10), 4 * 480, 10, 10, 480),
        "transposed": ((13, 17, 4), 4 * 884, 9 * 10 * 4 + 4, 364, 9 * 4 * 480),
        "flat": ((884,), 0, 0, 0, 0),
        "dense": ((7,), 28, 884 * 7 + 7, 6195, 884 * 7),
    }
    ledger = kerazoo.ledger(model)
    assert ledger.trainable == sum(row[2] for row in found.values())
    assert ledger.total == model.count_params() == sum(row[3] for row in found.values())
    assert ledger.macs == sum(row[4] for row in found.values())
    assert ledger.memory == sum(row[1] for row in found.values())


@pytest.mark.parametrize(
    "layer",
    [
        layers.Flatten(),
        layers.Reshape((8, 2)),
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(1.0),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_hands_its_input_on_takes_no_memory(layer):
    model = net((4, 2, 2), layer, layers.ReLU())
    assert [row.memory for row in kerazoo.ledger(model).rows] == [64, 0, 64]
    assert "0 B" not in shown(kerazoo.ledger(model))


def test_grids_in_order():
    model = net(
        (12, 12, 1), conv(2, 3), conv(2, 1), layers.MaxPooling2D(2), layers.Flatten()
    )
    assert kerazoo.ledger(model).grids == ((10, 10), (5, 5))


def test_dropout_has_no_weights():
    """Its generator's state is a variable and no weight."""
    assert kerazoo.ledger(net((4,), layers.Dropout(0.5, seed=1))).total == 0


def test_open_shapes_stay_open():
    model = net(
        (None, None, 3),
        conv(4, 3, name="conv"),
        layers.GlobalAveragePooling2D(name="pool"),
        layers.Dense(5, name="dense"),
    )
    found = rows(model)
    assert found["conv"].shape == (None, None, 4)
    assert found["conv"].memory is found["conv"].macs is None
    assert found["conv"].weights == 112
    assert found["conv"].receptive_field == (3, 3)
    assert found["pool"].receptive_field is None
    assert (found["dense"].macs, found["dense"].memory) == (20, 20)
    ledger = kerazoo.ledger(model)
    assert ledger.macs is ledger.memory is None
    assert ledger.total == 112 + 25
    assert "?" in shown(ledger)


def shown(ledger):
    console = rich.console.Console(width=160, file=io.StringIO())
    console.print(ledger)
    return console.file.getvalue()


def test_the_table_and_the_data():
    ledger = kerazoo.ledger(kerazoo.lenet5())
    text = shown(ledger)
    for row in ledger.rows:
        assert row.name in text
    assert f"{ledger.total:,}" in text
    assert f"{ledger.macs:,}" in text
    data = json.loads(json.dumps(ledger.to_dict()))
    assert data["total"] == kerazoo.find("lenet5").total
    assert [row["name"] for row in data["layers"]] == [row.name for row in ledger.rows]


def test_bytes_are_readable():
    table = shown(kerazoo.ledger(net((5, 50, 1), layers.ReLU())))
    assert "1 kB" in table
    assert "2 kB" in table
    table = shown(kerazoo.ledger(net((249,), layers.Activation("relu"))))
    assert "996 B" in table


def shared():
    inputs, layer = keras.Input((4, 4, 2)), conv(2, 1)
    return keras.Model(inputs, layer(layer(inputs)), name="wrong")


def nested():
    inner = net((4, 4, 2), conv(2, 1))
    inputs = keras.Input((4, 4, 2))
    return keras.Model(inputs, inner(inputs), name="wrong")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="wrong")
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def built():
    model = Subclassed()
    model(np.ones((1, 3)))
    return model


@pytest.mark.parametrize("make", [shared, nested, built, Subclassed])
def test_other_models_are_refused(make):
    with pytest.raises(ValueError, match="wrong is not a flat functional model"):
        kerazoo.ledger(make())

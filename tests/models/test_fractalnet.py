import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.models.fractalnet import extract_column, fractal

SMALL = {"channels": (4, 4, 5, 5, 6), "classes": 3}
IMAGES = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")


def drawn(columns):
    """The block as a formula, with the units and joins written out."""

    def unit(x, *, name):
        return f"{name.removeprefix('b_')}({x})"

    def join(ends, *, name):
        return f"[{' + '.join(ends)}]"

    return fractal("x", columns, unit, join, name="b")


def test_blocks_worked_by_hand():
    assert drawn(1) == ["column1_conv1(x)"]
    assert drawn(2) == ["column1_conv1(x)", "column2_conv2([column2_conv1(x)])"]
    half = "[column2_conv1(x) + column3_conv2([column3_conv1(x)])]"
    assert drawn(3) == [
        "column1_conv1(x)",
        f"column2_conv2({half})",
        f"column3_conv4([column3_conv3({half})])",
    ]


def test_depth():
    for name, depth in (("fractalnet20", 20), ("fractalnet40", 40)):
        model = kerazoo.create(name)
        deepest = 3 if depth == 20 else 4
        found = [la for la in model.layers if f"column{deepest}_conv" in la.name]
        assert len(found) == depth


def without_dropout(**options):
    keras.utils.set_random_seed(1)
    model = kerazoo.fractalnet20(**SMALL | options)
    for layer in model.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
    return model


@pytest.mark.parametrize("pool_before_join", [False, True])
def test_a_global_draw_leaves_one_column(pool_before_join):
    model = without_dropout(global_share=1.0, pool_before_join=pool_before_join)
    columns = [extract_column(model, number) for number in (1, 2, 3)]
    alone = [np.array(column(IMAGES, training=True)) for column in columns]
    assert len({out.tobytes() for out in alone}) == 3
    seen = set()
    for _ in range(12):
        out = np.array(model(IMAGES, training=True))
        distance = [np.abs(out - other).max() for other in alone]
        assert min(distance) < 1e-5
        seen.add(int(np.argmin(distance)))
    assert seen == {0, 1, 2}


def test_inference_is_the_mean_of_all_columns_at_the_end():
    model = without_dropout()
    names = ["column1_bn1", "column2_bn2", "column3_bn4"]
    ends = [model.get_layer(f"block5_{name.replace('bn', 'relu')}") for name in names]
    joined = model.get_layer("block5_join")
    outputs = [layer.output for layer in [*ends, joined]]
    *parts, mean = keras.Model(model.input, outputs)(IMAGES, training=False)
    np.testing.assert_allclose(mean, np.mean(parts, axis=0), atol=1e-6)


def test_a_column_is_a_plain_network_of_its_own():
    model = without_dropout()
    column = extract_column(model, 2)
    assert len([la for la in column.layers if hasattr(la, "kernel")]) == 11
    before = model(IMAGES, training=False)
    for weight in column.weights:
        weight.assign(weight * 0 + 1)
    np.testing.assert_array_equal(model(IMAGES, training=False), before)
    kerazoo.ledger(model), kerazoo.ledger(column)


def test_bad_options():
    with pytest.raises(ValueError, match="columns is 0"):
        kerazoo.fractalnet20(columns=0)
    with pytest.raises(ValueError, match="must be 5 whole numbers from 1"):
        kerazoo.fractalnet20(channels=(64, 128))
    with pytest.raises(ValueError, match="has the columns 1 to 2"):
        extract_column(kerazoo.fractalnet40(columns=2), 3)
    with pytest.raises(ValueError, match="share"):
        kerazoo.fractalnet20(global_share=1.5)

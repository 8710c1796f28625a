"""GoogLeNet's modules against the paper's table, its auxiliary heads, its options."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import recipes
from kerazoo.models import googlenet

# Table 1, column "ops" in millions; conv1's row is that of the separable stem, and 5a's
# (54) does not follow from its widths.
OPS = {
    "conv2": 360, "3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119,
    "4e": 170, "5b": 71, "predictions": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def training():
    keras.utils.set_random_seed(1)
    return kerazoo.googlenet(aux=True, input_shape=(79, 79, 3), classes=3)


def test_modules_cost_what_the_paper_prints():
    rows = kerazoo.ledger(kerazoo.googlenet(stem="separable")).rows
    macs = dict.fromkeys(["conv1", *OPS], 0)
    for row in rows:
        part = row.name.removeprefix("inception_").partition("_")[0]
        if part in macs:
            macs[part] += row.macs / 1e6
    assert round(macs.pop("conv1")) == 34
    assert macs == pytest.approx(OPS, rel=0.015, abs=0.5)
    assert f"{sum(row.macs for row in rows) / 1e9:.1f}" == "1.5"


def test_auxiliary_heads_are_named_outputs(training):
    assert set(training.output_names) == {"predictions", "aux1", "aux2"}
    scores = training(np.zeros((2, 79, 79, 3), "float32"))
    assert {name: tuple(s.shape) for name, s in scores.items()} == dict.fromkeys(
        ("predictions", "aux1", "aux2"), (2, 3)
    )
    weights = {"predictions": 1.0} | dict.fromkeys(
        googlenet.AUXILIARY.values(), recipes.find("googlenet").auxiliary_weight
    )
    loss = dict.fromkeys(weights, "categorical_crossentropy")
    training.compile("sgd", loss, loss_weights=weights)
    y = dict.fromkeys(weights, np.eye(3, dtype="float32")[[0, 1]])
    before = training.get_layer("aux1_fc").get_weights()[0]
    training.train_on_batch(np.ones((2, 79, 79, 3), "float32"), y)
    assert np.abs(training.get_layer("aux1_fc").get_weights()[0] - before).max() > 0


def test_dropping_the_auxiliary_heads_keeps_the_weights(training):
    inference = keras.Model(training.input, training.output["predictions"])
    x = np.random.default_rng(0).normal(size=(2, 79, 79, 3)).astype("float32")
    np.testing.assert_array_equal(
        inference(x, training=False), training(x, training=False)["predictions"]
    )
    plain = kerazoo.googlenet(input_shape=(79, 79, 3), classes=3)
    assert [w.shape for w in plain.weights] == [w.shape for w in inference.weights]
    assert [layer.name for layer in plain.layers] == [
        layer.name for layer in inference.layers
    ]
    plain.set_weights(inference.get_weights())
    np.testing.assert_array_equal(
        plain(x, training=False), inference(x, training=False)
    )


def test_auxiliary_heads_need_the_top_and_a_grid():
    features = kerazoo.googlenet(aux=True, include_top=False)
    assert features.output.shape == (None, 7, 7, 1024)
    for shape in [(78, 78, 3), (None, None, 3)]:
        with pytest.raises(ValueError, match="79x79 or more"):
            kerazoo.googlenet(aux=True, input_shape=shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stem": "seperable"}, "did you mean separable"),
        ({"branch5": "7x7"}, "one of 3x3, 5x5"),
        ({"lrn_alpha_mode": "max"}, "one of mean, sum"),
        ({"auxiliary": True}, "did you mean aux"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        kerazoo.googlenet(**options)


def test_open_sizes_and_other_channels():
    model = kerazoo.bn_googlenet(input_shape=(None, None, 1), classes=2)
    for side in (31, 64):
        assert model(np.zeros((1, side, side, 1), "float32")).shape == (1, 2)


def test_a_training_file_never_loads_halfway(training, tmp_path):
    training.save_weights(tmp_path / "training.weights.h5")
    inference = keras.Model(training.input, training.output["predictions"])
    inference.save_weights(tmp_path / "inference.weights.h5")
    options = {"input_shape": (79, 79, 3), "classes": 3}
    with pytest.raises(ValueError, match="do not fit googlenet"):
        kerazoo.googlenet(weights=tmp_path / "training.weights.h5", **options)
    again = kerazoo.googlenet(weights=tmp_path / "inference.weights.h5", **options)
    for mine, theirs in zip(again.weights, inference.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_pooling_and_epsilon_of_pytorchs_copy():
    model = kerazoo.bn_googlenet(
        branch5="3x3", pool4=2, bn_epsilon=1e-3, input_shape=(64, 64, 3), classes=3
    )
    assert model.get_layer("pool4").pool_size == (2, 2)
    norms = [la for la in model.layers if hasattr(la, "epsilon")]
    assert len(norms) == 57
    assert {la.epsilon for la in norms} == {1e-3}

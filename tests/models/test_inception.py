"""The inception networks against keras.applications, their heads and their options."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import recipes
from kerazoo.symbolic import symbolic


def test_inception_v4_has_the_order_of_the_released_weights():
    model = symbolic(kerazoo.inception_v4)
    kernels = {
        branch: [
            model.get_layer(f"{branch}_conv{number}").kernel_size
            for number in range(2, 2 + count)
        ]
        for branch, count in (
            ("stem_4a_branch2", 2),
            ("inception_b1_branch2", 2),
            ("inception_b1_branch3", 4),
            ("inception_c1_branch3", 2),
        )
    }
    row, column = (1, 7), (7, 1)
    assert kernels == {
        "stem_4a_branch2": [row, column],
        "inception_b1_branch2": [row, column],
        "inception_b1_branch3": [column, row, column, row],
        "inception_c1_branch3": [(3, 1), (1, 3)],
    }
    for letter in "abc":
        pool = model.get_layer(f"inception_{letter}1_branch4_pool1")
        assert type(pool).__name__ == "AveragePooling2D"


@pytest.fixture(scope="module")
def training():
    keras.utils.set_random_seed(1)
    yield kerazoo.inception_v3(aux=True, classes=3)
    keras.backend.clear_session()


def test_dropping_the_auxiliary_head_keeps_the_weights(training):
    inference = keras.Model(training.input, training.output["predictions"])
    x = np.random.default_rng(0).normal(size=(1, 299, 299, 3)).astype("float32")
    scores = training(x, training=False)
    assert set(scores) == {"predictions", "aux"}
    np.testing.assert_array_equal(inference(x, training=False), scores["predictions"])
    assert not [layer for layer in inference.layers if layer.name.startswith("aux")]


def test_the_auxiliary_head_sees_the_last_17x17_map(training):
    ledger = kerazoo.ledger(training)
    head = [row for row in ledger.rows if row.name.startswith("aux")]
    # 3,326,696 for 1000 classes; a class is 768 weights and a bias.
    assert sum(row.trainable for row in head) == 3_326_696 - 997 * 769
    assert [row.shape[:2] for row in head if row.kind == "Conv2D"] == [(5, 5), (1, 1)]
    assert recipes.find("inception_v3").auxiliary_weight == 0.4


def test_the_auxiliary_head_without_all_its_batch_norms():
    """As in the rows of Table 3 before "BN-auxiliary", with a bias in its place."""
    model = kerazoo.inception_v2(aux=True, aux_batch_norm=False, classes=3)
    names = {layer.name for layer in model.layers if layer.name.startswith("aux")}
    assert {"aux_conv2", "aux_bn2", "aux_conv3"} <= names and "aux_bn3" not in names
    fc = model.get_layer("aux_conv3")
    assert fc.use_bias and fc.activation is keras.activations.relu
    assert fc.output.shape[1:] == (1, 1, 768)


def test_auxiliary_heads_need_the_top_and_a_grid():
    features = kerazoo.inception_v3(
        aux=True, include_top=False, input_shape=(75, 75, 3)
    )
    assert features.output.shape == (None, 1, 1, 2048)
    with pytest.raises(ValueError, match="299x299 or more"):
        kerazoo.inception_v3(aux=True, input_shape=(298, 298, 3))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("inception_v3", {"stem": "tabel"}, "did you mean table"),
        ("bn_inception", {"pool_proj": 128}, "one of consistent, table"),
        ("bn_inception", {"stem": "wide"}, "one of plain, separable"),
        ("inception_resnet_v1", {"variant": "facenets"}, "did you mean facenet"),
        ("inception_resnet_v1", {"residual_scale": (0.1, 0.2)}, "must be 3 numbers"),
        ("inception_resnet_v2", {"layout": "papers"}, "did you mean paper"),
    ],
)
def test_bad_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        kerazoo.create(name, input_shape=(75, 75, 3), **options)


def test_bn_inception_takes_odd_grids_and_open_sizes():
    model = kerazoo.bn_inception(input_shape=(None, None, 1), classes=2)
    for side in (7, 75, 139):
        assert model(np.zeros((1, side, side, 1), "float32")).shape == (1, 2)


def test_residual_branches_are_scaled():
    keras.utils.set_random_seed(1)
    options = {"include_top": False, "input_shape": (75, 75, 3)}
    model = kerazoo.inception_resnet_v1(residual_scale=(0.5, 0.25, 0.0), **options)
    names = ["inception_resnet_a1_up", "inception_resnet_a1_add", "reduction_b"]
    names += ["inception_resnet_c5_relu"]
    stem = model.get_layer("inception_resnet_a1_add").input[0]
    parts = keras.Model(
        model.input, [stem, *[model.get_layer(n).output for n in names]]
    )
    x = np.random.default_rng(0).normal(size=(2, 75, 75, 3)).astype("float32")
    start, up, total, reduced, last = (np.asarray(y) for y in parts(x))
    np.testing.assert_allclose(total, start + 0.5 * up, atol=1e-5)
    np.testing.assert_allclose(last, np.maximum(reduced, 0), atol=1e-6)


def test_facenet_ends_in_an_embedding():
    model = kerazoo.inception_resnet_v1(
        variant="facenet", classes=3, input_shape=(75, 75, 3)
    )
    assert model.get_layer("embedding_bn").output.shape == (None, 512)
    names = [layer.name for layer in model.layers]
    assert "inception_resnet_c5_relu" in names
    assert "inception_resnet_c6_relu" not in names

"""Fully connected layers in two."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.symbolic import symbolic


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return kerazoo.fast_rcnn_mini(input_shape=(64, 64, 3), classes=3, proposals=4)


def given():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 30, (1, 4, 2))
    regions = np.concatenate([corners, corners + 30], -1).astype("float32")
    return {
        "images": rng.normal(size=(1, 64, 64, 3)).astype("float32"),
        "proposals": regions,
    }


def test_all_singular_values_but_the_smallest_are_near_the_whole(model):
    split = kerazoo.truncated_svd(model, {"fc6": 120})
    names = [layer.name for layer in split.layers]
    assert names.index("fc6") == names.index("fc6_left") + 1
    assert split.get_layer("fc6_left").bias is None
    left, right = (
        split.get_layer(name).get_weights()[0] for name in ("fc6_left", "fc6")
    )
    kernel, bias = model.get_layer("fc6").get_weights()
    values = np.linalg.svd(kernel, compute_uv=False)
    # Eckart and Young: what is missing is the square root of the rest's squares.
    missing = np.linalg.norm(kernel - left @ right)
    assert missing == pytest.approx(np.sqrt((values[120:] ** 2).sum()), rel=1e-3)
    np.testing.assert_array_equal(split.get_layer("fc6").get_weights()[1], bias)
    x = given()
    # Boxes of nearly the same score may change places.
    np.testing.assert_allclose(split(x)["scores"], model(x)["scores"], atol=0.02)
    assert "fc6_left" not in [layer.name for layer in model.layers]


def test_multiply_adds_are_the_papers(model):
    before, after = (
        {row.name: row.macs for row in kerazoo.ledger(one).rows}
        for one in (model, kerazoo.truncated_svd(model, {"fc6": 16}))
    )
    units = 5 * 5 * 96
    assert before["fc6"] == 4 * units * 128
    assert (after["fc6_left"], after["fc6"]) == (4 * units * 16, 4 * 16 * 128)


def test_a_head_of_vgg_16_comes_to_the_papers_counts():
    """fc6 by 1024, fc7 by 256: 32,411,648 multiply-adds a region in place of 120 M."""
    whole = symbolic(lambda: kerazoo.fast_rcnn_vgg16(proposals=1))
    rows = {row.name: row.macs for row in kerazoo.ledger(whole).rows}
    head = sum(rows[name] for name in ("fc6", "fc7", "scores", "moves"))
    assert head == 119_967_744
    fc6, fc7 = 1024 * (25_088 + 4096), 256 * (4096 + 4096)
    assert head - rows["fc6"] - rows["fc7"] + fc6 + fc7 == 32_411_648


@pytest.mark.parametrize(
    ("ranks", "sentence"),
    [
        ({"fc8": 3}, "dense layer"),
        ({"conv1": 3}, "dense layer"),
        ({"fc6": 128}, "saves nothing; give less than"),
        ({"fc6": 0}, "ranks"),
    ],
)
def test_what_cannot_be_split_is_refused(model, ranks, sentence):
    with pytest.raises(ValueError, match=sentence):
        kerazoo.truncated_svd(model, ranks)

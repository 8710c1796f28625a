"""Regions of interest, spatial pyramids and what region networks learn, by NumPy."""

import json
import math
import os
import pathlib

import keras
import numpy as np
import pytest

from kerazoo.layers import (
    RegionBoxes,
    RegionLoss,
    RegionProposalLoss,
    RegionProposals,
    RegionSampling,
    RoIAlign2D,
    RoIPooling2D,
    SpatialPyramidPooling2D,
    WithinChannelLRN,
    boxes,
)

RNG = np.random.default_rng(1)


def round_away(x):
    """C's round: halves away from zero."""
    return math.floor(x + 0.5)


def pooled(features, region, bins, stride):
    """RoI max pooling, bin by bin, as Caffe's loop over inclusive corners."""
    height, width, channels = features.shape
    x1, y1, x2, y2 = (
        round_away(side / stride)
        for side in (region[0], region[1], region[2] - 1, region[3] - 1)
    )
    tall, wide = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
    found = np.zeros((bins, bins, channels), features.dtype)
    for row in range(bins):
        for column in range(bins):
            top = min(
                max(math.floor(np.float32(row) * np.float32(tall / bins)) + y1, 0),
                height,
            )
            end = min(
                max(math.ceil(np.float32(row + 1) * np.float32(tall / bins)) + y1, 0),
                height,
            )
            left = min(
                max(math.floor(np.float32(column) * np.float32(wide / bins)) + x1, 0),
                width,
            )
            stop = min(
                max(
                    math.ceil(np.float32(column + 1) * np.float32(wide / bins)) + x1, 0
                ),
                width,
            )
            if top < end and left < stop:
                found[row, column] = features[top:end, left:stop].max((0, 1))
    return found


def regions_of(count, height, width):
    """Regions of every size, some of one pixel and some over all."""
    x, y = (np.sort(RNG.uniform(0, side, (count, 2))) for side in (width, height))
    some = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], -1)
    some[0], some[1] = [0, 0, width, height], [5, 5, 6, 6]
    some[2] = [width - 1, height - 1, width, height]
    return some.astype("float32")


@pytest.mark.parametrize("bins", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [(10, 13), (3, 40)])
def test_roi_pooling_equals_caffes_loop(bins, size):
    features = RNG.normal(size=(2, *size, 3)).astype("float32")
    some = np.stack([regions_of(12, 16 * size[0], 16 * size[1]) for _ in range(2)])
    found = np.asarray(RoIPooling2D(bins)(features, some))
    expected = [
        [pooled(features[n], region, bins, 16) for region in some[n]] for n in range(2)
    ]
    np.testing.assert_array_equal(found, expected)


def test_regions_are_cut_off_at_the_map():
    features = RNG.normal(size=(1, 5, 6, 3)).astype("float32")
    some = np.array([[[-40, -30, 60, 50], [20, 33, 300, 90]]], "float32")
    found = np.asarray(RoIPooling2D(3)(features, some))[0]
    for one, region in zip(found, ([0, 0, 60, 50], [20, 33, 96, 80]), strict=True):
        np.testing.assert_array_equal(one, pooled(features[0], region, 3, 16))


def oracle():
    """Values of torchvision, from where ``KERAZOO_TEST_DATA`` says they lie."""
    place = os.environ.get("KERAZOO_TEST_DATA")
    if not place:
        pytest.skip("KERAZOO_TEST_DATA names no folder with reference values")
    file = pathlib.Path(place, "reference", "torchvision_cases.json")
    return json.loads(file.read_text())


@pytest.mark.parametrize("bins", [2, 3, 7])
def test_regions_equal_torchvision(bins):
    cases = oracle()
    features = np.array(cases["features_nhwc"], "float32")
    for row, pool, align in zip(
        cases["rois_batch_x1y1x2y2"],
        cases["roi_pool"][str(bins)],
        cases["roi_align_aligned_2x2"][str(bins)],
        strict=True,
    ):
        image, region = int(row[0]), np.array(row[1:], "float32")[None, None]
        one = features[image : image + 1]
        # torchvision takes the last pixel where Caffe does, and not one before.
        found = RoIPooling2D(bins)(one, region + np.array([0, 0, 1, 1], "float32"))
        np.testing.assert_array_equal(found[0, 0], pool)
        np.testing.assert_allclose(
            RoIAlign2D(bins)(one, region)[0, 0], align, atol=1e-5
        )


def test_suppression_equals_torchvision():
    from kerazoo.layers import NonMaxSuppression

    case = oracle()["nms"]
    found = np.array(case["boxes"], "float32")
    scores = np.array(case["scores"], "float32")[None, :, None]
    for threshold, kept in case["kept"].items():
        given = NonMaxSuppression(float(threshold), -1e9, 24)(found[None], scores)
        there = np.asarray(given["classes"][0]) >= 0
        np.testing.assert_array_equal(np.asarray(given["boxes"][0])[there], found[kept])


def aligned(features, region, bins, stride, samples=2):
    """RoIAlign by its formula, sample by sample."""
    height, width, channels = features.shape
    x1, y1, x2, y2 = np.asarray(region, float) / stride - 0.5
    found = np.zeros((bins, bins, channels))
    for row, column in np.ndindex(bins, bins):
        for i, j in np.ndindex(samples, samples):
            y = y1 + (row + (i + 0.5) / samples) * (y2 - y1) / bins
            x = x1 + (column + (j + 0.5) / samples) * (x2 - x1) / bins
            if not (-1 <= y <= height and -1 <= x <= width):
                continue
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            for cy, cx in np.ndindex(height, width):
                weight = max(0, 1 - abs(y - cy)) * max(0, 1 - abs(x - cx))
                found[row, column] += weight * features[cy, cx] / samples**2
    return found


def test_roi_align_equals_its_formula():
    features = RNG.normal(size=(1, 6, 8, 2)).astype("float32")
    some = regions_of(8, 96, 128)
    found = np.asarray(RoIAlign2D(3)(features, some[None]))[0]
    expected = [aligned(features[0], region, 3, 16) for region in some]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", [RoIPooling2D, RoIAlign2D])
def test_gradients_of_regions(kind, numeric_gradient, gradients):
    some = regions_of(5, 64, 80)[None]
    features = RNG.normal(size=(1, 4, 5, 2)).astype("float32")
    upstream = RNG.normal(size=(1, 5, 2, 2, 2)).astype("float32")

    class Pooled(keras.layers.Layer):
        def call(self, x):
            return kind(2)(x, some)

    reference = pooled if kind is RoIPooling2D else aligned

    def total(x):
        return sum(
            (reference(x[0], region, 2, 16) * part).sum()
            for region, part in zip(some[0], upstream[0], strict=True)
        )

    found, _ = gradients(Pooled(), features, upstream)
    np.testing.assert_allclose(found, numeric_gradient(total, features), atol=2e-3)


def test_regions_need_a_known_size(tmp_path):
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="give the images a height and a width"):
        RoIPooling2D()(images, keras.Input((5, 4)))
    features, some = keras.Input((4, 4, 2)), keras.Input((5, 4))
    for kind in (RoIPooling2D, RoIAlign2D):
        model = keras.Model([features, some], kind(3, 8)(features, some))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


@pytest.mark.parametrize("size", [(13, 13), (10, 11), (7, 29)])
def test_spatial_pyramid(size, reloaded):
    x = RNG.normal(size=(2, *size, 3)).astype("float32")
    layer = SpatialPyramidPooling2D((6, 3, 2, 1))
    found = np.asarray(layer(x))
    expected = []
    for n in (6, 3, 2, 1):
        edges = [
            [(i * side // n, math.ceil((i + 1) * side / n)) for i in range(n)]
            for side in size
        ]
        expected += [
            x[:, a:b, c:d].max((1, 2)) for a, b in edges[0] for c, d in edges[1]
        ]
    assert found.shape == (2, 50, 3)
    np.testing.assert_array_equal(found, np.stack(expected, 1))
    reloaded(layer, x)


def test_spatial_pyramid_of_any_size():
    images = keras.Input((None, None, 2))
    model = keras.Model(images, SpatialPyramidPooling2D((2, 1))(images))
    for size in ((5, 7), (9, 4)):
        x = RNG.normal(size=(1, *size, 2)).astype("float32")
        np.testing.assert_array_equal(
            model.predict(x, verbose=0), SpatialPyramidPooling2D((2, 1))(x)
        )


def test_lrn_within_a_channel(reloaded):
    x = RNG.normal(size=(2, 5, 6, 3)).astype("float32") * 50
    padded = np.pad(x**2, ((0, 0), (1, 1), (1, 1), (0, 0)))
    mean = sum(padded[:, i : i + 5, j : j + 6] for i in range(3) for j in range(3)) / 9
    layer = WithinChannelLRN(3, 5e-3, 0.75)
    np.testing.assert_allclose(layer(x), x * (1 + 5e-3 * mean) ** -0.75, rtol=1e-5)
    reloaded(layer, x)


ANCHORS = {"strides": 16, "ratios": (1.0,), "scales": (2.0, 4.0)}


def proposal_loss(scores, moves, truth, classes, size, high=0.7, low=0.3):
    """The two losses by the paper's rules, of all anchors."""
    height, width, _ = scores.shape
    where = boxes.anchors((height, width), 16, (1.0,), (2.0, 4.0)).reshape(-1, 4)
    pairs = scores.reshape(height, width, 2, 2)
    logits = (pairs[..., 1, :] - pairs[..., 0, :]).reshape(-1)
    moves = moves.reshape(-1, 4)
    real = truth[classes >= 0]
    inside = (
        (where[:, :2] >= 0).all(1) & (where[:, 2] <= size[1]) & (where[:, 3] <= size[0])
    )
    overlaps = (
        np.array(boxes.iou(where, real)) if len(real) else np.zeros((len(where), 0))
    )
    overlaps[~inside] = 0
    positive = inside & (overlaps.max(1, initial=0) >= high)
    for column in overlaps.T:
        if column.max() > 0:
            positive |= inside & (column == column.max())
    negative = inside & ~positive & (overlaps.max(1, initial=0) < low)
    count = positive.sum() + negative.sum()
    entropy = np.log1p(np.exp(logits)) - logits * positive
    box = 0.0
    for n in np.flatnonzero(positive):
        wanted = np.asarray(
            boxes.encode(real[overlaps[n].argmax()][None], where[n][None])
        )
        apart = np.abs(moves[n] - wanted[0])
        box += np.where(apart < 1 / 9, 4.5 * apart**2, apart - 1 / 18).sum()
    return entropy[positive | negative].sum() / count, box / count


@pytest.mark.parametrize("objects", [0, 1, 3])
def test_proposal_loss_equals_the_paper(objects):
    size = (96, 128)
    scores = RNG.normal(size=(1, 6, 8, 4)).astype("float32")
    moves = RNG.normal(size=(1, 6, 8, 8)).astype("float32")
    truth = np.full((1, 3, 4), -1, "float32")
    classes = np.full((1, 3), -1, "int32")
    truth[0, :objects] = np.array(
        [[10, 20, 45, 50], [60, 30, 120, 90], [0, 0, 30, 34]]
    )[:objects]
    classes[0, :objects] = 1
    layer = RegionProposalLoss(size, **ANCHORS, sampled=4096)
    passed = layer(scores, moves, truth, classes)
    np.testing.assert_array_equal(passed, scores)
    expected = proposal_loss(scores[0], moves[0], truth[0], classes[0], size)
    np.testing.assert_allclose(
        [float(x) for x in layer.losses], expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("high", [0.25, 0.7])
def test_overlaps_and_edges_that_anchors_just_reach(high):
    """Anchors that lie in the box are a quarter of it; it ends where the image does."""
    size = (88, 120)
    scores = RNG.normal(size=(1, 6, 8, 4)).astype("float32")
    moves = RNG.normal(size=(1, 6, 8, 8)).astype("float32")
    truth = np.array([[[56, 8, 120, 72]]], "float32")
    classes = np.zeros((1, 1), "int32")
    options = {"positive": high, "negative": 0.25, "sampled": 4096}
    layer = RegionProposalLoss(size, **ANCHORS, **options)
    layer(scores, moves, truth, classes)
    expected = proposal_loss(
        scores[0], moves[0], truth[0], classes[0], size, high, 0.25
    )
    np.testing.assert_allclose([float(x) for x in layer.losses], expected, rtol=1e-4)


def test_half_of_the_drawn_anchors_at_most_have_an_object():
    """With many of both, as many as asked for are drawn."""
    size = (160, 160)
    scores = np.zeros((1, 10, 10, 4), "float32")
    moves = np.zeros((1, 10, 10, 8), "float32")
    truth = np.array([[[16, 16, 48, 48], [96, 96, 160, 160]]], "float32")
    classes = np.zeros((1, 2), "int32")
    layer = RegionProposalLoss(size, **ANCHORS, sampled=8, seed=3)
    layer(scores, moves, truth, classes)
    # Every drawn anchor has a cross-entropy of log 2, and the mean is over those drawn.
    assert float(layer.losses[0]) == pytest.approx(math.log(2), rel=1e-5)


def test_proposals():
    size = (64, 64)
    scores = np.zeros((1, 4, 4, 4), "float32")
    scores[..., :2] = 5.0  # Background everywhere,
    scores[0, 1, 1, :] = [0, 5, 5, 0]  # but for one anchor of 32 pixels,
    scores[0, 3, 3, :] = [5, 0, 0, 6]  # and one of 64 that sticks out.
    moves = np.zeros((1, 4, 4, 8), "float32")
    layer = RegionProposals(size, **ANCHORS, proposals=2, smallest=8)
    found = np.asarray(layer(scores, moves))
    np.testing.assert_array_equal(found[0], [[24, 24, 64, 64], [8, 8, 40, 40]])
    moves[0, 1, 1, :4] = [0.5, 0, math.log(0.5), 0]
    found = np.asarray(layer(scores, moves))
    np.testing.assert_allclose(found[0, 1], [32, 8, 48, 40], atol=1e-4)
    tall = RegionProposals(size, **ANCHORS, proposals=40, smallest=40)
    sides = np.asarray(tall(scores, moves))[0]
    large = sides[(sides != 0).any(1)]
    assert (large[:, 2] - large[:, 0] >= 40).all()
    assert [24, 24, 64, 64] in large.tolist()  # Just as long.


def test_sampling():
    truth = np.array([[[10, 10, 50, 50], [60, 60, 90, 90], [-1] * 4]], "float32")
    classes = np.array([[3, 0, -1]], "int32")
    proposals = np.array(
        [
            [
                [12, 12, 52, 50],
                [0, 0, 20, 20],
                [58, 62, 91, 90],
                [0, 60, 40, 99],
                [0] * 4,
            ]
        ],
        "float32",
    )
    layer = RegionSampling(8, share=0.5, seed=1)
    some, labels, matched = (np.asarray(x)[0] for x in layer(proposals, truth, classes))
    rows = {
        tuple(map(int, row)): label for row, label in zip(some, labels, strict=True)
    }
    assert rows[12, 12, 52, 50] == 4
    assert rows[58, 62, 91, 90] == 1
    assert rows[10, 10, 50, 50] == 4  # The true boxes stand among the proposals.
    assert rows[0, 0, 20, 20] == rows[0, 60, 40, 99] == 0
    assert (labels == -1).sum() == 2
    np.testing.assert_array_equal(matched[labels == 4], np.tile(truth[0, 0], (2, 1)))
    few = RegionSampling(2, share=0.5, seed=1)
    assert sorted(np.asarray(few(proposals, truth, classes)[1])[0] > 0) == [False, True]
    # All that it learns from may have an object.
    alone = RegionSampling(4, share=1.0, seed=1)
    labels = np.asarray(alone(proposals, truth, classes)[1])[0]
    np.testing.assert_array_equal(np.sort(labels), [1, 1, 4, 4])
    hard = RegionSampling(8, background=(0.05, 0.5), seed=1)
    labels = np.asarray(hard(proposals, truth, classes)[1])[0]
    assert (labels == 0).sum() == 1  # 0..20 overlaps by 1/19, the other by nothing.


def test_a_region_that_overlaps_by_just_half_has_an_object():
    truth = np.array([[[10, 10, 50, 50]]], "float32")
    proposals = np.array([[[10, 10, 50, 30], [10, 10, 50, 29]]], "float32")
    layer = RegionSampling(4, share=0.5, seed=1)
    some, labels, _ = layer(proposals, truth, np.zeros((1, 1), "int32"))
    found = zip(np.asarray(some)[0, :3, 3], np.asarray(labels)[0, :3], strict=True)
    assert dict(found) == {50: 1, 30: 1, 29: 0}


def test_sampling_of_an_image_without_objects():
    proposals = np.array([[[0, 0, 10, 10], [20, 20, 40, 40]]], "float32")
    none = np.full((1, 2, 4), -1, "float32"), np.full((1, 2), -1, "int32")
    some, labels, matched = RegionSampling(4, seed=1)(proposals, *none)
    np.testing.assert_array_equal(np.sort(labels[0]), [-1, -1, 0, 0])
    loss = RegionLoss()
    scores = RNG.normal(size=(1, 4, 3)).astype("float32")
    moves = RNG.normal(size=(1, 4, 12)).astype("float32")
    loss(proposals, scores, moves, some, labels, matched)
    assert np.isfinite([float(x) for x in loss.losses]).all()
    assert float(loss.losses[1]) == 0


def test_region_loss_equals_the_paper():
    scores = RNG.normal(size=(2, 4, 3)).astype("float32")
    moves = RNG.normal(size=(2, 4, 12)).astype("float32")
    some, truth = (
        np.stack([regions_of(4, 60, 60) for _ in range(2)]) for _ in range(2)
    )
    labels = np.array([[0, 2, 1, -1], [1, 0, 0, -1]], "int32")
    layer = RegionLoss()
    layer(some, scores, moves, some, labels, truth)
    entropy, apart = [], []
    for n in range(2):
        total = [0.0, 0.0]
        for k in range(3):
            total[0] += np.log(np.exp(scores[n, k]).sum()) - scores[n, k, labels[n, k]]
            if labels[n, k]:
                wanted = np.asarray(
                    boxes.encode(truth[n, k], some[n, k], (0.1, 0.1, 0.2, 0.2))
                )
                d = np.abs(moves[n, k].reshape(3, 4)[labels[n, k]] - wanted)
                total[1] += np.where(d < 1, d**2 / 2, d - 0.5).sum()
        entropy.append(total[0] / 3)
        apart.append(total[1] / 3)
    found = [float(x) for x in layer.losses]
    np.testing.assert_allclose(found, [np.mean(entropy), np.mean(apart)], rtol=1e-4)


def test_region_boxes():
    some = np.array([[[10, 10, 30, 50], [0, 0, 0, 0]]], "float32")
    scores = np.zeros((1, 2, 3), "float32")
    moves = np.zeros((1, 2, 12), "float32")
    moves[0, 0, 8:] = [5, 0, 0, 0]  # Class 1: half a width to the right.
    found, shares = RegionBoxes((60, 35))(some, scores, moves)
    np.testing.assert_allclose(found[0, 0], [[10, 10, 30, 50], [20, 10, 35, 50]])
    np.testing.assert_allclose(shares[0], [[1 / 3, 1 / 3], [0, 0]], rtol=1e-6)

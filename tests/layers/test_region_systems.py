"""What R-CNN and SPP-net look through, against NumPy loops of their own."""

import math

import keras
import numpy as np
import pytest

from kerazoo.layers import (
    PerImage,
    RegionClassLoss,
    RegionCrops,
    RegionPyramidPooling2D,
    RegionRegression,
    RegionSVM,
    ResizeBoxes,
    RestoreBoxes,
    SpatialPyramidPooling2D,
    boxes,
)

RNG = np.random.default_rng(0)
REGIONS = np.array(
    [
        [0, 0, 96, 64],  # all of the image
        [10, 5, 60, 50],
        [-20, -8, 30, 20],  # beyond its edge
        [70, 40, 71, 41],  # a pixel
        [33.4, 12.6, 58.5, 61.2],
    ],
    "float32",
)


def crop(image, region, size, context):
    """A warped region, pixel by pixel."""
    height, width, channels = image.shape
    grown = size / (size - 2 * context)
    x1, y1, x2, y2 = (float(one) for one in region)
    spans = []
    for start, end in ((y1, y2), (x1, x2)):
        middle, half = (start + end) / 2, (end - start) / 2 * grown
        first = math.floor(middle - half + 0.5)
        spans.append((first, max(math.floor(middle + half + 0.5) - first, 1)))
    found = np.zeros((size, size, channels))
    for row, column in np.ndindex(size, size):
        y, x = (
            first + length * (step + 0.5) / size - 0.5
            for (first, length), step in zip(spans, (row, column), strict=True)
        )
        if not (-0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5):
            continue
        y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
        for cy in {math.floor(y), math.ceil(y)}:
            for cx in {math.floor(x), math.ceil(x)}:
                weight = (1 - abs(y - cy)) * (1 - abs(x - cx))
                found[row, column] += weight * image[cy, cx]
    return found


def test_crops_equal_a_loop():
    images = RNG.normal(size=(2, 64, 96, 3)).astype("float32")
    some = np.stack([REGIONS, REGIONS[::-1]])
    found = np.asarray(RegionCrops(16, 2)(images, some))
    expected = [crop(images[n], one, 16, 2) for n in range(2) for one in some[n]]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_crop_is_its_region_with_context():
    """Of 16 pixels, 2 on every side are around the region; outside is 0."""
    image = np.zeros((1, 24, 24, 1), "float32")
    image[0, 6:18, 6:18] = 1
    inner, edge = (
        np.array([[box]], "float32") for box in ([6, 6, 18, 18], [0, 0, 8, 8])
    )
    found = np.asarray(RegionCrops(16, 2)(image, inner))[0, ..., 0]
    expected = np.zeros((16, 16))
    expected[2:14, 2:14] = 1
    np.testing.assert_allclose(found, expected, atol=1e-6)
    corner = np.asarray(RegionCrops(16, 4)(image + 1, edge))[0, ..., 0]
    assert (corner[:4] == 0).all()
    assert (corner[:, :4] == 0).all()
    assert (corner[4:, 4:] > 0).all()


def test_what_leaves_no_region_is_refused():
    with pytest.raises(ValueError, match="leaves nothing of a square of 32 pixels"):
        RegionCrops(32, 16)


def test_regions_of_an_image_stay_together(tmp_path):
    images, some = keras.Input((20, 30, 3)), keras.Input((5, 4))
    crops = RegionCrops(8, 1, name="crops")(images, some)
    mean = keras.layers.GlobalAveragePooling2D()(crops)
    model = keras.Model([images, some], PerImage(5, name="regions")(mean))
    x = RNG.normal(size=(2, 20, 30, 3)).astype("float32")
    found = np.asarray(model([x, np.stack([REGIONS] * 2)]))
    assert found.shape == (2, 5, 3)
    alone = np.asarray(RegionCrops(8, 1)(x[1:], REGIONS[None, 3:4]))
    np.testing.assert_allclose(found[1, 3], alone.mean((0, 1, 2)), atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for name in ("crops", "regions"):
        assert again.get_layer(name).get_config() == model.get_layer(name).get_config()


def pyramid(features, region, levels, stride, offsets):
    """The bins of a region, by the rules of the authors' code."""
    height, width, _ = features.shape
    spans = []
    for start, end, side in (
        (region[1], region[3], height),
        (region[0], region[2], width),
    ):
        first = math.floor((start - offsets[0]) / stride + 0.5)
        last = math.ceil((end - offsets[1]) / stride - 0.5)
        first, last = (min(max(one, 0), side - 1) for one in (first, last))
        if first > last:
            first = last = (first + last) // 2
        spans.append((first, last - first + 1))
    (top, tall), (left, wide) = spans
    found = []
    for n in levels:
        for i, j in np.ndindex(n, n):
            rows = slice(top + i * tall // n, top + math.ceil((i + 1) * tall / n))
            columns = slice(left + j * wide // n, left + math.ceil((j + 1) * wide / n))
            found.append(features[rows, columns].max((0, 1)))
    return found


@pytest.mark.parametrize("offsets", [(-8.0, 8.0), (13.5, 27.5)])
def test_pyramids_of_regions_equal_a_loop(offsets):
    features = RNG.normal(size=(2, 9, 14, 3)).astype("float32")
    some = np.stack([REGIONS * 2, REGIONS[::-1] * 2])
    levels = (4, 2, 1)
    found = np.asarray(RegionPyramidPooling2D(levels, 16, offsets)(features, some))
    expected = [
        [pyramid(features[n], one, levels, 16, offsets) for one in some[n]]
        for n in range(2)
    ]
    np.testing.assert_array_equal(found, expected)


def test_a_pyramid_over_all_is_that_of_the_image():
    x = RNG.normal(size=(1, 13, 13, 4)).astype("float32")
    whole = np.array([[[-100, -100, 1000, 1000]]], "float32")
    np.testing.assert_array_equal(
        RegionPyramidPooling2D()(x, whole)[:, 0], SpatialPyramidPooling2D()(x)
    )


def test_a_pyramid_needs_a_known_size(tmp_path):
    with pytest.raises(ValueError, match="give the images a height and a width"):
        RegionPyramidPooling2D()(keras.Input((None, None, 3)), keras.Input((5, 4)))
    features, some = keras.Input((6, 6, 2)), keras.Input((5, 4))
    model = keras.Model(
        [features, some], RegionPyramidPooling2D((3, 1), 8)(features, some)
    )
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    assert again.output.shape == (None, 5, 10, 2)


def test_machines_stand_where_they_are_fitted():
    features = RNG.normal(size=(1, 4, 6)).astype("float32")
    scores = RNG.normal(size=(1, 4, 3)).astype("float32")
    some = REGIONS[None, :4].copy()
    some[0, 3] = -1
    layer = RegionSVM()
    shares = np.array(keras.ops.softmax(scores))[..., 1:]
    shares[0, 3] = 0
    np.testing.assert_allclose(layer(features, scores, some), shares, rtol=1e-5)
    kernel, bias = RNG.normal(size=(6, 2)), np.array([0.5, -2])
    layer.set_weights([kernel, bias])
    expected = 1 / (1 + np.exp(-(features @ kernel + bias)))
    expected[0, 3] = 0
    np.testing.assert_allclose(layer(features, scores, some), expected, rtol=1e-5)
    assert not layer.trainable_weights


def test_regressions_move_regions():
    features = RNG.normal(size=(1, 3, 5)).astype("float32")
    some = REGIONS[None, [1, 4, 0]]
    layer = RegionRegression(2, (64, 96))
    found = np.asarray(layer(features, some))
    assert found.shape == (1, 3, 2, 4)
    np.testing.assert_allclose(found[:, :, 1], some, rtol=1e-6)
    kernel = RNG.normal(size=(5, 8)).astype("float32") / 20
    layer.set_weights([kernel, np.zeros(8)])
    moves = (features @ kernel).reshape(1, 3, 2, 4)
    expected = boxes.clip(boxes.decode(moves, some[:, :, None]), (64, 96))
    np.testing.assert_allclose(layer(features, some), expected, rtol=1e-5)


def test_the_loss_of_names_is_a_mean_of_regions_and_of_images():
    scores = RNG.normal(size=(2, 4, 3)).astype("float32")
    labels = np.array([[0, 2, 1, -1], [1, -1, -1, -1]], "int32")
    layer = RegionClassLoss()
    layer(scores, scores, labels)
    logs = np.log(np.exp(scores) / np.exp(scores).sum(-1, keepdims=True))
    means = [
        np.mean([-logs[n, k, label] for k, label in enumerate(labels[n]) if label >= 0])
        for n in range(2)
    ]
    np.testing.assert_allclose(float(layer.losses[0]), np.mean(means), rtol=1e-5)


@pytest.mark.parametrize("native", [None, (40, 60)])
@pytest.mark.parametrize("resize", ["bilinear", "pad", "crop", "center"])
def test_boxes_go_to_the_resized_image_and_back(resize, native):
    raw = np.zeros((1, 80, 100, 3), "uint8")
    place = ((48, 64), resize, native)
    # The middle of the image is on it whatever is cut off.
    some = np.array([[[40, 30, 60, 50], [45, 36, 52, 41], [-1, -1, -1, -1]]], "float32")
    there = np.array([[0, 0, -1]], "int32")
    moved = ResizeBoxes(*place)(raw, some)
    back = np.asarray(RestoreBoxes(*place)(raw, moved, there))
    np.testing.assert_allclose(back[:, :2], some[:, :2], atol=1e-4)
    assert (np.asarray(moved)[0, 2] == -1).all()

"""YOLO's loss against a loop as Darknet's, number by number."""

import keras
import numpy as np
import pytest

from kerazoo.layers import YOLOBoxes, YOLOLoss

RNG = np.random.default_rng(2)
S, B, C, SIDE = 7, 2, 4, 140


def overlap(one, other):
    """Intersection over union of two boxes of centre and sides."""
    lows = [
        max(a - b / 2, c - d / 2)
        for a, b, c, d in (
            (one[0], one[2], other[0], other[2]),
            (one[1], one[3], other[1], other[3]),
        )
    ]
    highs = [
        min(a + b / 2, c + d / 2)
        for a, b, c, d in (
            (one[0], one[2], other[0], other[2]),
            (one[1], one[3], other[1], other[3]),
        )
    ]
    both = max(highs[0] - lows[0], 0) * max(highs[1] - lows[1], 0)
    union = one[2] * one[3] + other[2] * other[3] - both
    return both / union if union else 0.0


def loss_of(grid, boxes, classes):
    """The four parts of one image, cell by cell."""
    box = seen = empty = kind = 0.0
    owner = {}
    for (x1, y1, x2, y2), one in zip(boxes / SIDE, classes, strict=True):
        if one < 0 or x2 - x1 < 0.01 or y2 - y1 < 0.01:
            continue
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        cell = (min(int(y * S), S - 1), min(int(x * S), S - 1))
        owner.setdefault(cell, (x, y, x2 - x1, y2 - y1, one))
    for row in range(S):
        for column in range(S):
            said = grid[row, column, : 5 * B].reshape(B, 5)
            empty += 0.5 * (said[:, 4] ** 2).sum()
            if (row, column) not in owner:
                continue
            x, y, width, height, one = owner[row, column]
            found = [
                ((column + p[0]) / S, (row + p[1]) / S, p[2] ** 2, p[3] ** 2)
                for p in said
            ]
            overlaps = [overlap((x, y, width, height), f) for f in found]
            apart = [
                sum((a - b) ** 2 for a, b in zip((x, y, width, height), f, strict=True))
                for f in found
            ]
            best = int(np.argmax(overlaps) if max(overlaps) > 0 else np.argmin(apart))
            p = said[best]
            box += 5 * (
                (p[0] - (x * S - column)) ** 2
                + (p[1] - (y * S - row)) ** 2
                + (p[2] - width**0.5) ** 2
                + (p[3] - height**0.5) ** 2
            )
            seen += (p[4] - overlaps[best]) ** 2
            empty -= 0.5 * p[4] ** 2
            wanted = np.eye(C)[one]
            kind += ((grid[row, column, 5 * B :] - wanted) ** 2).sum()
    return box, seen, empty, kind


def scene(count):
    corners = RNG.uniform(0, SIDE - 40, (count, 2))
    found = np.full((6, 4), -1.0)
    found[:count] = np.concatenate(
        [corners, corners + RNG.uniform(8, 40, (count, 2))], 1
    )
    classes = np.full(6, -1, "int32")
    classes[:count] = RNG.integers(0, C, count)
    return found.astype("float32"), classes


@pytest.mark.parametrize("spread", [0.5, 0.05])
def test_loss_equals_a_loop(spread):
    grid = RNG.normal(scale=spread, size=(4, S, S, 5 * B + C)).astype("float32")
    scenes = [scene(count) for count in (0, 1, 4, 6)]
    scenes[3][0][1] = scenes[3][0][0] + 1  # Two centres in a cell, or next to it.
    scenes[3][0][2] = [0, 0, 1, 50]  # Too narrow to be an object.
    scenes[3][0][3] = [SIDE - 20, 60, SIDE + 20, 90]  # Its centre is on the edge.
    boxes, classes = (np.stack(x) for x in zip(*scenes, strict=True))
    layer = YOLOLoss((SIDE, SIDE), B)
    np.testing.assert_array_equal(layer(grid, boxes, classes), grid)
    expected = np.mean(
        [
            loss_of(g.astype(float), b.astype(float), c)
            for g, b, c in zip(grid, boxes, classes, strict=True)
        ],
        axis=0,
    )
    np.testing.assert_allclose([float(x) for x in layer.losses], expected, rtol=2e-4)


def test_no_gradient_passes_through_the_overlap(gradients):
    """The confidence is drawn to the overlap, and the box by its own error alone."""
    grid = np.zeros((1, 1, 1, 5 + 1), "float32")
    grid[..., :5] = [0.4, 0.5, 0.8, 0.8, 0.2]
    truth = np.array([[[20, 20, 80, 80]]], "float32")

    class Total(keras.layers.Layer):
        def call(self, x):
            layer = YOLOLoss((100, 100), 1)
            layer(x, truth, np.zeros((1, 1), "int32"))
            return keras.ops.reshape(sum(layer.losses), (1,))

    found, _ = gradients(Total(), grid, np.ones(1, "float32"))
    root = np.sqrt(0.6)
    overlap_ = overlap((0.5, 0.5, 0.6, 0.6), (0.4, 0.5, 0.64, 0.64))
    expected = [-1.0, 0, 10 * (0.8 - root), 10 * (0.8 - root), 2 * (0.2 - overlap_), -2]
    np.testing.assert_allclose(found[0, 0, 0], expected, atol=1e-5)


def test_boxes_of_a_grid(reloaded):
    grid = np.zeros((1, 2, 2, 5 * 2 + 3), "float32")
    grid[0, 1, 0] = [0.5, 0.5, 0.5, 1.0, 0.9, 0, 0, 0, 0, 0, 0.1, 0.2, 0.7]
    layer = YOLOBoxes((100, 200), 2)
    boxes, scores = layer(grid)
    assert boxes.shape == (1, 8, 4)
    np.testing.assert_allclose(boxes[0, 4], [25, 25, 75, 100], atol=1e-4)  # Cut off.
    np.testing.assert_allclose(scores[0, 4], [0.09, 0.18, 0.63], rtol=1e-5)
    np.testing.assert_array_equal(scores[0, 5], [0, 0, 0])

"""Box arithmetic and suppression against NumPy, and literal values of torchvision."""

import numpy as np
import pytest

from kerazoo.layers import NonMaxSuppression, boxes

RNG = np.random.default_rng(0)


def some_boxes(*shape, side=100):
    corners = RNG.uniform(0, side, (*shape, 2))
    return np.concatenate([corners, corners + RNG.uniform(1, 40, (*shape, 2))], -1)


def iou_of(one, other):
    """Intersection over union of two boxes, by counting."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return both / (sum(areas) - both)


def greedy(found, scores, threshold):
    """The places that non-maximum suppression keeps, by falling score."""
    left, kept = list(np.argsort(-scores, kind="stable")), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [one for one in left if iou_of(found[best], found[one]) <= threshold]
    return kept


def test_iou_by_hand():
    one = np.array([[0, 0, 2, 2]], "float32")
    others = np.array(
        [[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [0, 0, 1, 2], [5, 5, 5, 5]],
        "float32",
    )
    np.testing.assert_allclose(boxes.iou(one, others), [[1, 1 / 7, 0, 0.5, 0]])
    assert not np.isnan(boxes.iou(others[4:], others[4:])).any()


def test_iou_of_many():
    first, second = some_boxes(3, 5), some_boxes(3, 7)
    expected = [
        [[iou_of(a, b) for b in two] for a in one]
        for one, two in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(
        boxes.iou(first.astype("float32"), second.astype("float32")), expected, 1e-4
    )


def test_encoding_is_undone_by_decoding():
    truth, references = (some_boxes(20).astype("float32") for _ in range(2))
    scales = (0.1, 0.1, 0.2, 0.2)
    moves = boxes.encode(truth, references, scales)
    np.testing.assert_allclose(
        boxes.decode(moves, references, scales), truth, atol=1e-3
    )
    # torchvision 0.29.1: BoxCoder((1, 1, 1, 1)).
    one, other = np.array([[0, 0, 10, 20]], "float32"), np.array([[5, 5, 25, 15]], "f4")
    np.testing.assert_allclose(
        boxes.encode(other, one), [[1.0, 0.0, np.log(2), np.log(0.5)]], atol=1e-6
    )


def test_no_side_grows_without_limit():
    references = np.array([[0, 0, 16, 16]], "float32")
    found = np.asarray(boxes.decode(np.full((1, 4), 1e6, "float32"), references))
    assert np.isfinite(found).all()
    assert found[0, 2] - found[0, 0] == pytest.approx(1000, rel=1e-3)
    assert np.isfinite(boxes.encode(np.zeros((1, 4), "float32"), references)).all()


def test_anchors_are_the_authors():
    """Those of py-faster-rcnn's generate_anchors, half-open."""
    found = boxes.anchors((2, 3), 16, (0.5, 1, 2), (8, 16, 32))
    assert found.shape == (2, 3, 9, 4)
    np.testing.assert_array_equal(
        found[0, 0],
        [
            [-84, -40, 100, 56], [-176, -88, 192, 104], [-360, -184, 376, 200],
            [-56, -56, 72, 72], [-120, -120, 136, 136], [-248, -248, 264, 264],
            [-36, -80, 52, 96], [-80, -168, 96, 184], [-168, -344, 184, 360],
        ],
    )  # fmt: skip
    np.testing.assert_array_equal(found[1, 2] - found[0, 0], np.tile([32, 16], (9, 2)))


@pytest.fixture(params=[False, True], ids=["kernel", "portable"])
def suppression(request, monkeypatch):
    """The layer as TensorFlow computes it, and as other runtimes are told to."""
    monkeypatch.setattr(NonMaxSuppression, "portable", request.param)
    return NonMaxSuppression


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_suppression_equals_the_definition(suppression, threshold):
    found = some_boxes(2, 60).astype("float32")
    scores = RNG.uniform(0.01, 1, (2, 60, 3)).astype("float32")
    scores[:, 7] = scores[:, 3]  # Equal scores: the first box wins.
    layer = suppression(threshold, 0.2, 200)
    given = layer(found, scores)
    for image in range(2):
        expected = []
        for kind in range(3):
            some = np.flatnonzero(scores[image, :, kind] > 0.2)
            kept = some[
                greedy(found[image, some], scores[image, some, kind], threshold)
            ]
            expected += [(scores[image, n, kind], kind, *found[image, n]) for n in kept]
        there = np.asarray(given["classes"][image]) >= 0
        rows = zip(
            np.asarray(given["scores"][image])[there],
            np.asarray(given["classes"][image])[there],
            *np.asarray(given["boxes"][image])[there].T,
            strict=True,
        )
        assert sorted(map(tuple, rows)) == sorted(expected)
        assert (np.diff(np.asarray(given["scores"][image])) <= 0).all()


def test_boxes_of_each_class_and_none_at_all(suppression):
    found = np.tile(np.array([0, 0, 10, 10], "float32"), (1, 2, 2, 1))
    found[0, :, 1] += 50
    scores = np.array([[[0.9, 0.0], [0.0, 0.8]]], "float32")
    given = suppression(0.5, 0.1, 3)(found, scores)
    np.testing.assert_array_equal(given["classes"], [[0, 1, -1]])
    np.testing.assert_array_equal(given["boxes"][0, 1], [50, 50, 60, 60])
    np.testing.assert_array_equal(given["boxes"][0, 2], [0, 0, 0, 0])
    nothing = suppression(0.5, 0.95, 3)(found, scores)
    assert (np.asarray(nothing["classes"]) == -1).all()


def test_an_overlap_that_just_reaches_the_threshold_stays(suppression):
    found = np.array([[[0, 0, 2, 2], [0, 0, 1, 2]]], "float32")
    scores = np.array([[[0.9], [0.8]]], "float32")
    for threshold, kept in ((0.5, 2), (0.49, 1)):
        given = suppression(threshold, 0.0, 2)(found, scores)
        assert (np.asarray(given["classes"]) >= 0).sum() == kept


def test_the_threshold_of_one_suppresses_nothing(suppression):
    same = np.array([[[0, 0, 2, 2], [0, 0, 2, 2]]], "float32")
    given = suppression(1.0, 0.0, 2)(same, np.array([[[0.9], [0.8]]], "float32"))
    np.testing.assert_array_equal(given["classes"], [[0, 0]])


def test_a_score_that_just_reaches_the_threshold_goes(suppression):
    given = suppression(0.5, 0.5, 1)(np.ones((1, 1, 4)), np.full((1, 1, 1), 0.5))
    np.testing.assert_array_equal(given["classes"], [[-1]])


def test_bad_arguments():
    with pytest.raises(ValueError, match="iou_threshold"):
        NonMaxSuppression(1.5)
    with pytest.raises(ValueError, match="max_detections"):
        NonMaxSuppression(max_detections=0)

"""What a classifier gets wrong, on numbers that were worked out by hand."""

import re

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from kerazoo.analysis import mistake_plots, plots
from kerazoo.analysis.mistakes import (
    confusion_pairs,
    losses,
    reliability,
    worst_mistakes,
)

# Classes 0, 1, 2; images 1, 2, 4 and 5 are wrong, 5 the worst of them.
TRUTH = np.array([0, 0, 1, 2, 0, 0])
SCORES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.3, 0.6, 0.1],
        [0.5, 0.25, 0.25],
        [0.0, 0.0, 1.0],
        [0.2, 0.7, 0.1],
        [0.0, 0.1, 0.9],
    ]
)


def test_the_loss_is_the_cross_entropy():
    expected = -np.log([0.8, 0.3, 0.25, 1.0, 0.2, 1e-12])
    np.testing.assert_allclose(losses(TRUTH, SCORES), expected)


def test_the_worst_mistake_comes_first():
    found = worst_mistakes(TRUTH, SCORES)
    assert [one.image for one in found] == [5, 4, 2, 1]
    assert [(one.truth, one.guess) for one in found] == [(0, 2), (0, 1), (1, 0), (0, 1)]
    assert found[1].probability == 0.7 and found[1].truth_probability == 0.2
    assert found[1].loss == pytest.approx(np.log(5))
    assert worst_mistakes(TRUTH, SCORES, 2) == found[:2]


def test_confusions_are_counted_with_their_worst_images():
    first, second, third = confusion_pairs(TRUTH, SCORES)
    assert (first.truth, first.guess, first.count, first.of) == (0, 1, 2, 4)
    assert first.images == (4, 1) and first.share == 0.5
    # One each: that of the class with fewer images comes first.
    assert (second.truth, second.guess) == (1, 0)
    assert (third.truth, third.guess) == (0, 2)
    (only,) = confusion_pairs(TRUTH, SCORES, 1, examples=1)
    assert only.images == (4,)


def test_nothing_wrong():
    assert worst_mistakes(TRUTH[3:4], SCORES[3:4]) == ()
    assert confusion_pairs(TRUTH[3:4], SCORES[3:4]) == ()
    found = reliability(TRUTH[3:4], SCORES[3:4])
    assert found.error == 0 and found.counts[-1] == 1


def test_reliability_by_hand():
    """Two bins: 0.5 ... 1 holds all six, whose mean confidence is 4.5 / 6."""
    found = reliability(TRUTH, SCORES, 2)
    np.testing.assert_array_equal(found.counts, [0, 6])
    np.testing.assert_array_equal(found.edges, [0, 0.5, 1])
    assert np.isnan(found.accuracy[0]) and found.gaps[0] == 0
    assert found.accuracy[1] == pytest.approx(2 / 6)
    assert found.confidence[1] == pytest.approx(4.5 / 6)
    assert found.error == found.largest_gap == pytest.approx(4.5 / 6 - 2 / 6)


def test_reliability_is_scikit_learns_calibration_curve():
    rng = np.random.default_rng(0)
    scores = rng.dirichlet([0.3] * 4, 500)
    truth = rng.integers(0, 4, 500)
    found = reliability(truth, scores)
    right, confidence = scores.argmax(-1) == truth, scores.max(-1)
    accuracy, mean = calibration_curve(right, confidence, n_bins=15)
    there = found.counts > 0
    np.testing.assert_allclose(found.accuracy[there], accuracy)
    np.testing.assert_allclose(found.confidence[there], mean)
    assert found.counts.sum() == 500


def test_who_is_as_sure_as_right_has_no_error():
    """1,000 images with 0.7, of which 700 are right."""
    scores = np.tile([0.7, 0.3], (1000, 1))
    truth = np.repeat([0, 1], [700, 300])
    assert reliability(truth, scores).error == pytest.approx(0, abs=1e-12)
    assert reliability(1 - truth, scores).error == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (TRUTH[:2], "truth has 2 images and scores 6"),
        (TRUTH + 1, "truth must be whole numbers from 0 to 2"),
        (TRUTH - 1, "truth must be whole numbers from 0 to 2"),
        (TRUTH.astype(float), "truth must be whole numbers from 0 to 2"),
    ],
)
def test_classes_that_do_not_fit(truth, words):
    for function in (losses, worst_mistakes, confusion_pairs, reliability):
        with pytest.raises(ValueError, match=re.escape(words)):
            function(truth, SCORES)


# The pictures ----------------------------------------------------------------------


CLASSES = ("cat", "a dog with a name that is far too long", "bird")


def inside(figure):
    """Whether every text lies on the page, and none on another."""
    plots.pixels(figure)
    page = figure.bbox
    boxes = [
        text.get_window_extent()
        for axes in figure.axes
        for text in axes.texts
        if text.get_text()
    ]
    for box in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, box
        assert page.y0 <= box.y0 and box.y1 <= page.y1, box
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[number + 1 :])


def test_the_gallery_shows_class_and_guess():
    found = worst_mistakes(TRUTH, SCORES)
    images = np.random.default_rng(0).uniform(0, 255, (4, 6, 9, 3))
    figure = mistake_plots.mistake_gallery(images, found, CLASSES)
    (axes,) = figure.axes
    assert len(axes.images) == 4
    words = [text.get_text() for text in axes.texts]
    assert words[:2] == ["cat", "as bird, 90%"]
    assert words[2] == "cat" and words[3].startswith("as a dog") and "…" in words[3]
    inside(figure)
    with pytest.raises(ValueError, match="images of 3 mistakes, and 4 mistakes"):
        mistake_plots.mistake_gallery(images[:3], found, CLASSES)


def test_a_row_for_every_pair():
    pairs = confusion_pairs(TRUTH, SCORES)
    images = [np.zeros((len(pair.images), 5, 5, 1)) for pair in pairs]
    figure = mistake_plots.confusion_gallery(pairs, images, CLASSES)
    (axes,) = figure.axes
    assert len(axes.images) == 4
    words = [text.get_text() for text in axes.texts]
    assert words[2] == "2 of 4, 50.0%" and words[6:8] == ["cat", "as bird"]
    inside(figure)


def test_the_diagram_draws_the_bins():
    figure = mistake_plots.reliability_diagram(reliability(TRUTH, SCORES, 2))
    above, below = figure.axes
    accuracy, gap = above.patches
    assert accuracy.get_height() == pytest.approx(2 / 6)
    assert gap.get_y() == pytest.approx(2 / 6)
    assert gap.get_y() + gap.get_height() == pytest.approx(0.75)
    assert below.patches[0].get_height() == 1
    assert "expected calibration error 41.67%" in above.get_title()
    plots.pixels(figure)

"""Pictures that show what they were given."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from kerazoo.analysis import plots


def shown(figure):
    """The arrays of the pictures in a figure."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def test_pixels_of_a_figure():
    figure = Figure(figsize=(2, 1), facecolor=(1, 0, 0))
    pixels = plots.pixels(figure)
    assert pixels.shape == (100, 200, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_image_grid(channels):
    images = np.random.default_rng(0).uniform(-50, 300, (5, 6, 4, channels))
    figure = plots.image_grid(images, ["a", "b", "c", "d", "a very long title indeed"])
    (axes,) = figure.axes
    for place, (image, drawn) in enumerate(zip(images, axes.images, strict=True)):
        expected = np.clip(np.rint(image), 0, 255).astype("uint8").squeeze()
        np.testing.assert_array_equal(drawn.get_array(), expected)
        # Otherwise matplotlib would stretch a dark image to white.
        assert drawn.get_clim() == (0, 255)
        left, right, bottom, top = drawn.get_extent()
        assert (int(left), int(top)) == (place % 3, place // 3)
        # On the page too the image is 4 wide and 6 high.
        assert 1.1 * (right - left) / (1.25 * (bottom - top)) == pytest.approx(
            4 / 6, rel=0.02
        )
    titles = [text.get_text() for text in axes.texts]
    assert titles == ["a", "b", "c", "d", "a very long ti"]
    assert plots.pixels(figure).std() > 0


def test_image_grid_of_one_pixel():
    assert shown(plots.image_grid(np.full((1, 1, 1, 1), 7)))[0].item() == 7


def test_filters_of_colour_are_stretched_each():
    kernels = np.random.default_rng(0).normal(size=(5, 4, 3, 7))
    pictures = shown(plots.filter_grid(kernels))
    assert len(pictures) == 7
    for number, picture in enumerate(pictures):
        assert picture.shape == (5, 4, 3)
        assert (picture.min(), picture.max()) == (0, 1)
        kernel = kernels[..., number]
        assert np.unravel_index(picture.argmax(), picture.shape) == np.unravel_index(
            kernel.argmax(), kernel.shape
        )


@pytest.mark.parametrize("channels", [1, 2, 64])
def test_filters_of_other_depths_are_averaged(channels):
    kernels = np.random.default_rng(0).normal(size=(3, 3, channels, 2))
    pictures = shown(plots.filter_grid(kernels))
    mean = kernels.mean(2)[..., 0]
    expected = (mean - mean.min()) / np.ptp(mean)
    np.testing.assert_allclose(pictures[0], expected)


def test_constant_filters_do_not_divide_by_zero():
    assert np.isfinite(shown(plots.filter_grid(np.ones((3, 3, 1, 2))))).all()


def test_confusion():
    matrix = np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    figure = plots.confusion(matrix, ["cat", "dog", "none"])
    (axes,) = figure.axes
    assert axes.get_title() == "86.67% of 15 images right"
    np.testing.assert_allclose(
        axes.images[0].get_array(), [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]]
    )
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["cat  80%", "dog  100%", "none  0%"]
    places = {text.get_position(): text.get_text() for text in axes.texts}
    assert places == {(0, 0): "8", (1, 0): "2", (1, 1): "5"}
    assert plots.pixels(figure).std() > 0


def test_confusion_of_many_classes_has_no_labels():
    matrix = np.eye(100, dtype=int)
    figure = plots.confusion(matrix, [f"class {n}" for n in range(100)])
    assert not figure.axes[0].texts
    assert max(figure.get_size_inches()) <= 14


def test_curves():
    history = [
        {"epoch": 1, "loss": 2.0, "val_loss": 2.5, "accuracy": 0.2, "lr": 9},
        {"epoch": 2, "loss": 1.0, "val_loss": 1.5, "accuracy": 0.6, "lr": 9},
    ]
    loss, accuracy = plots.curves(history).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in loss.lines}
    assert lines == {"training": [2.0, 1.0], "validation": [2.5, 1.5]}
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.2, 0.6]]
    assert list(loss.lines[0].get_xdata()) == [1, 2]


def test_curves_of_the_main_head_alone():
    history = [{"epoch": 1, "predictions_accuracy": 0.5, "loss": 1, "aux_loss": 3}]
    loss, accuracy = plots.curves(history).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[1]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.5]]


def test_curves_of_nothing():
    assert plots.pixels(plots.curves([])).shape[-1] == 3


def test_the_error_of_an_ensemble():
    rows = [(1, 0.2, 0.1, 0.3), (2, 0.15, 0.1, 0.2), (3, 0.12, 0.12, 0.12)]
    names = ("members", "error", "low", "high")
    points = [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]
    figure = plots.ensemble(points)
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [20, 15, 12])
    band = axes.collections[0].get_paths()[0].vertices
    for number, _, low, high in rows:
        heights = band[band[:, 0] == number, 1]
        assert min(heights) == pytest.approx(100 * low)
        assert max(heights) == pytest.approx(100 * high)

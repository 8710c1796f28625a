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
    long = ["a very long title indeed", "a very long title as well"]
    figure = plots.image_grid(images, ["a", "b", "c", *long])
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
    assert titles == ["a", "b", "c", "a very l…e indeed", "a very l…as well"]
    assert plots.pixels(figure).std() > 0


def test_image_grid_of_one_pixel():
    assert shown(plots.image_grid(np.full((1, 1, 1, 1), 7)))[0].item() == 7


def filters(kernels, columns):
    """The pictures of kernels, by themselves and at their own size."""
    (picture,) = shown(plots.filter_grid(kernels))
    scale = -(-48 // max(kernels.shape[:2]))
    height, width = scale * kernels.shape[0] + 7, scale * kernels.shape[1] + 7
    found = []
    for number in range(kernels.shape[-1]):
        row, column = divmod(number, columns)
        tile = picture[row * height :, column * width :][:height, :width]
        assert (tile[:3] == 1).all()
        assert (tile[:, -4:] == 1).all()
        found.append(tile[3:-4:scale, 3:-4:scale])
    return found


def test_filters_of_colour_are_stretched_each():
    kernels = np.random.default_rng(0).normal(size=(5, 4, 3, 7))
    pictures = filters(kernels, 4)
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
    pictures = filters(kernels, 2)
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
        axes.images[0].get_array() ** 2, [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]]
    )
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["cat  80.0%", "dog  100.0%", "none  no images"]
    places = {text.get_position(): text.get_text() for text in axes.texts}
    assert places == {(0, 0): "8", (1, 0): "2", (1, 1): "5"}
    assert plots.pixels(figure).std() > 0


def test_long_names_leave_room_for_the_matrix():
    names = ["W" * 70, "호랑이와 고양이와 강아지" * 3, "a name of many words " * 3, "d"]
    figure = plots.confusion(np.diag([4, 3, 2, 1]), names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    inches = axes.get_window_extent().width / figure.dpi
    # Of each class a cell for its count.
    assert inches > 0.3 * len(names)
    boxes = [axes.title, axes.xaxis.label, *axes.get_yticklabels()]
    for box in (one.get_window_extent() for one in boxes):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_a_wrong_image_of_many_is_seen():
    (axes,) = plots.confusion(np.array([[99_999, 1], [0, 9]]), ["cat", "dog"]).axes
    assert axes.get_title() == "99.99% of 100,009 images right"
    assert axes.get_yticklabels()[0].get_text() == "cat  99.9%"


@pytest.mark.parametrize(
    ("count", "labels", "counts"), [(2, 2, 2), (30, 30, 30), (100, 100, 0), (101, 0, 0)]
)
def test_confusion_of_many_classes(count, labels, counts):
    names = [f"a class of a long name, number {n}" for n in range(count)]
    figure = plots.confusion(np.eye(count, dtype=int), names)
    (axes,) = figure.axes
    assert len(axes.texts) == counts
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert len({one for one in shown if "class" in one}) == labels
    assert max(figure.get_size_inches()) <= 14


def test_accuracy_of_classes_the_worst_first():
    matrix = np.array([[8, 2, 0], [1, 1, 0], [0, 0, 0]])
    (axes,) = plots.class_accuracy(matrix, ["cat", "dog", "none"]).axes
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.8]
    assert [one.get_text() for one in axes.get_yticklabels()] == ["dog", "cat"]
    assert [one.get_text() for one in axes.texts] == ["50.0% of 2", "80.0% of 10"]
    assert axes.get_title() == "accuracy of every class, 1 without images"
    top, bottom = sorted(axes.get_ylim())
    assert (top, bottom) == (-0.5, 1.5)
    assert axes.yaxis_inverted()


def test_accuracy_of_many_classes_is_that_of_the_worst():
    matrix = np.diag(np.arange(1, 1001)) + 1
    names = [f"n{n}" for n in range(1000)]
    (axes,) = plots.class_accuracy(matrix, names).axes
    assert len(axes.patches) == 40
    assert axes.get_title() == "accuracy of the worst 40 of 1,000 classes"
    assert [one.get_text() for one in axes.get_yticklabels()][:2] == ["n0", "n1"]


def test_accuracy_of_no_images():
    nothing = plots.class_accuracy(np.zeros((2, 2), int), ["cat", "dog"])
    assert plots.pixels(nothing).std() > 0


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


@pytest.mark.parametrize("epoch", [1, 7])
def test_curves_of_one_epoch(epoch):
    """Whole epochs, and no values that an accuracy cannot have."""
    history = [{"epoch": epoch, "loss": 0.0, "accuracy": 1.0, "val_accuracy": 1.0}]
    loss, accuracy = plots.curves(history).axes
    for axes in (loss, accuracy):
        assert list(axes.get_xticks()) == [epoch]
    assert accuracy.get_ylim() == (0.95, 1.0)
    assert loss.get_ylim() == (0.0, 1.0)


def test_curves_of_many_epochs_have_marks_at_whole_ones():
    history = [{"epoch": n, "loss": 1 / n, "accuracy": 1 - 1 / n} for n in range(1, 4)]
    loss, accuracy = plots.curves(history).axes
    assert all(mark == int(mark) for mark in loss.get_xticks())
    assert accuracy.get_ylim() == pytest.approx((0, 2 / 3 * 1.08))


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

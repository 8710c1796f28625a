"""What the charts of runs and of receptive fields show."""

import numpy as np
import pytest

import kerazoo
from kerazoo.analysis import charts
from kerazoo.analysis.plots import pixels
from kerazoo.analysis.receptive_field import effective_field, receptive_field


def history(losses, **others):
    return [
        {"epoch": n, "loss": one, **{k: v[n - 1] for k, v in others.items()}}
        for n, one in enumerate(losses, 1)
    ]


def test_learning_curves_of_several_runs():
    runs = {
        "first": history(
            [2, 1], val_loss=[3, 2], accuracy=[0.1, 0.2], val_accuracy=[0.2, 0.3]
        ),
        "second": history([1.5, 1.2, 1.1], accuracy=[0.3, 0.4, 0.5]),
    }
    figure = charts.learning_curves(runs)
    loss, accuracy = figure.axes
    drawn = [list(one.get_ydata()) for one in loss.lines if len(one.get_ydata())]
    assert drawn == [[3, 2], [2, 1], [1.5, 1.2, 1.1]]
    thick = [one.get_linewidth() for one in loss.lines if len(one.get_ydata())]
    assert thick[0] > thick[1]
    assert thick[2] == thick[0]
    assert accuracy.get_ylabel() == "accuracy"
    (legend,) = figure.legends
    assert [one.get_text() for one in legend.get_texts()] == ["first", "second"]
    colors = {one.get_color() for one in loss.lines}
    assert len(colors) == 2
    assert pixels(figure).std() > 0


def test_losses_of_orders_of_magnitude_are_drawn_by_their_logarithms():
    figure = charts.learning_curves({"a": history([100.0, 1.0, 0.1])})
    assert figure.axes[0].get_yscale() == "log"
    segmentation = history([2.0], val_mean_iou=[0.5], mean_iou=[0.4])
    figure = charts.learning_curves({"a": segmentation})
    assert figure.axes[1].get_ylabel() == "mean IoU"
    with pytest.raises(ValueError, match="histories is empty"):
        charts.learning_curves({})


def test_frames_lie_where_the_fields_are():
    model = kerazoo.lenet5()
    fields = [receptive_field(model, "conv1", (0, 0)), receptive_field(model, "pool2")]
    image = np.zeros((*fields[0].image, 1), "uint8")
    figure = charts.receptive_fields(image, fields)
    frames = {
        (one.get_x(), one.get_y(), one.get_width(), one.get_height())
        for one in figure.axes[0].patches
    }
    expected = {
        (f.columns[0] - 0.5, f.rows[0] - 0.5, f.size[1], f.size[0]) for f in fields
    }
    assert frames == expected
    # All of a frame is seen, beyond the image too.
    low, high = figure.axes[0].get_xlim()
    assert low < min(f.columns[0] for f in fields)
    assert high > max(f.columns[1] for f in fields)
    with pytest.raises(ValueError, match="resize the image"):
        charts.receptive_fields(np.zeros((5, 5, 1)), fields)
    with pytest.raises(ValueError, match="fields is empty"):
        charts.receptive_fields(image, [])


def test_effective_fields_side_by_side():
    model = kerazoo.lenet5()
    found = [effective_field(model, name, count=2) for name in ("conv1", "pool2")]
    figure = charts.effective_fields(found)
    titles = [one.get_title() for one in figure.axes]
    assert titles[0].startswith("conv1\ncan see 5x5")
    assert pixels(figure).std() > 0
    with pytest.raises(ValueError, match="fields is empty"):
        charts.effective_fields([])

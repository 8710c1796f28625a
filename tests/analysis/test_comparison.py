"""Networks side by side: the numbers of their cards and of the textbooks."""

import io

import numpy as np
import pytest
import rich.console

import kerazoo
from kerazoo.analysis import charts
from kerazoo.analysis.comparison import (
    Contender,
    NetworkComparison,
    compare,
    published,
)
from kerazoo.analysis.plots import pixels


def test_depths_are_those_that_the_networks_are_called_by():
    found = compare(["alexnet", "vgg16", "googlenet", "resnet34"])
    depths = {one.network: one.depth for one in found.contenders}
    # "22 layers deep when counting only layers with parameters" (Szegedy et al.).
    assert depths == {
        "alexnet": 8, "vgg16": 16, "googlenet": 22, "resnet34": 34,
    }  # fmt: skip
    (vgg,) = (one for one in found.contenders if one.network == "vgg16")
    assert (vgg.parameters, vgg.macs) == (138_357_544, 15_470_264_320)
    assert vgg.receptive_field == (212, 212)
    assert vgg.published == {"top-1 error": 25.6, "top-5 error": 8.1}
    assert found.measures[0] == "top-5 error"
    text = io.StringIO()
    rich.console.Console(file=text, width=200).print(found)
    assert "15.5 G" in text.getvalue()
    assert "212x212" in text.getvalue()
    assert "latency" not in text.getvalue()
    assert found.to_dict()["networks"][1]["depth"] == 16
    assert "10.07%" in found._repr_html_()


def test_accuracies_are_read_as_errors():
    assert published(kerazoo.find("xception")) == {
        "top-1 error": 21.0,
        "top-5 error": 5.5,
    }
    assert published(kerazoo.find("yolo_pretraining")) == {"top-5 error": 12.0}
    assert published(kerazoo.find("nin_cifar"))["CIFAR-10 error"] == 10.41
    assert published(kerazoo.find("mlp_50")) == {}


def test_latency_is_measured_where_it_is_asked_for(monkeypatch):
    monkeypatch.setattr("kerazoo.analysis.comparison.MEASURED", 0.0)
    (one,) = compare(["lenet5"], latency=True).contenders
    assert 0 < one.latency < 1
    assert "ms" in compare(["lenet5"], latency=True)._repr_html_()


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="networks is empty"):
        compare([])
    with pytest.raises(ValueError, match="did you mean resnet50"):
        compare(["resnet5"])


@pytest.fixture(scope="module")
def small():
    return compare(["resnet20_cifar", "nin_cifar", "fitnet4", "mlp_50"])


def discs(figure):
    return {
        (round(x), y): one.get_sizes()[0]
        for one in figure.axes[0].collections
        for x, y in one.get_offsets()
    }


def test_a_disc_is_as_large_as_its_network(small):
    figure = charts.bubbles(small)
    known = {one.network: one for one in small.contenders}
    sizes = discs(figure)
    assert len(sizes) == 3
    fitnet, nin = (
        sizes[known[name].macs, known[name].published["CIFAR-10 error"]]
        for name in ("fitnet4", "nin_cifar")
    )
    ratio = known["nin_cifar"].parameters / known["fitnet4"].parameters
    assert nin / fitnet == pytest.approx(ratio)
    assert "Without this figure: mlp_50." in figure.axes[0].get_title(loc="left")


def test_no_name_lies_on_another(small):
    figure = charts.bubbles(small)
    pixels(figure)
    boxes = [one.get_window_extent() for one in figure.axes[0].texts]
    assert len(boxes) == 3
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:number])


def test_no_name_lies_on_the_disc_of_another():
    made = [
        Contender(
            network=name,
            year=2015,
            family=name,
            input_shape=(224, 224, 3),
            parameters=weights * 10**6,
            macs=macs * 10**8,
            memory=None,
            depth=10,
            receptive_field=None,
            latency=None,
            published={"top-5 error": error},
        )
        for name, weights, macs, error in (
            ("resnet50", 26, 39, 6.7),
            ("xception", 23, 84, 5.5),
            ("resnet152", 60, 113, 5.7),
            ("vgg16", 138, 155, 8.1),
        )
    ]
    figure = charts.bubbles(NetworkComparison(contenders=tuple(made)))
    pixels(figure)
    (axes,) = figure.axes
    (name,) = [one for one in axes.texts if one.get_text() == "xception"]
    box = name.get_window_extent()
    (middle,) = axes.transData.transform([(113e8, 5.7)])
    radius = 32 * (60 / 138) ** 0.5 * figure.dpi / 72
    nearest = np.clip(middle, box.min, box.max)
    assert np.linalg.norm(nearest - middle) > radius


def test_the_depths_rise_above_the_bars(small):
    figure = charts.revolution_of_depth(small)
    (axes,) = figure.axes
    heights = [one.get_height() for one in axes.patches]
    (line,) = axes.lines
    assert min(line.get_ydata()) > max(heights)
    assert list(line.get_ydata()) == sorted(line.get_ydata())
    words = [one.get_text() for one in axes.texts]
    assert "20 layers" in words
    assert axes.get_xticklabels()[0].get_text().startswith("nin_cifar")


def test_measures_that_are_not_there(small):
    with pytest.raises(ValueError, match="Unknown measure 'top-1 error'"):
        charts.bubbles(small, "top-1 error")
    with pytest.raises(ValueError, match="None of these networks has an error"):
        charts.revolution_of_depth(compare(["mlp_50"]))

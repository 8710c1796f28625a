"""What the callbacks write to TensorBoard, read back from the event files."""

import io
import time

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

import kerazoo
from kerazoo.training.callbacks.histograms import buckets
from kerazoo.training.callbacks.scalars import layer_graph
from kerazoo.training.callbacks.throttled import Throttled


def read(folder):
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


@pytest.fixture(scope="module")
def events(trained):
    """What the run ``train`` has."""
    return read(trained.events / "train")


@pytest.fixture(scope="module")
def validation(trained):
    """What the run ``validation`` has."""
    return read(trained.events / "validation")


def values(events, tag):
    return {e.step: make_ndarray(e.tensor_proto) for e in events.Tensors(tag)}


def picture(tensor):
    """A summary's picture; its first two strings are width and height."""
    width, height, png = tensor
    image = Image.open(io.BytesIO(png))
    assert image.size == (int(width), int(height))
    return np.asarray(image)


def test_learning_rate_follows_the_schedule(events, trained):
    """One epoch up to the base rate, then half a cosine over two: 1, 1/2, 0."""
    rates = {s: float(v) for s, v in values(events, "learning_rate").items()}
    base = trained.recipe.optimizer.learning_rate
    assert rates == pytest.approx({1: base, 2: base / 2, 3: 0}, abs=1e-8)


def test_images_per_second_are_positive(events):
    speeds = values(events, "images_per_second")
    assert sorted(speeds) == [1, 2, 3]
    assert all(0 < v < 1e7 for v in speeds.values())


@pytest.mark.parametrize("name", ["confusion", "class_accuracy"])
def test_figures_of_the_validation_images(validation, name):
    shown = values(validation, f"figures/{name}")
    # Pictures between the first and the last are drawn where that costs little.
    assert {1, 3} <= set(shown) <= {1, 2, 3}
    pixels = picture(shown[3])
    assert pixels.shape[-1] == 3
    assert min(pixels.shape[:2]) > 300
    assert pixels.std() > 10


def test_a_run_has_one_file_of_events(trained):
    """TensorBoard follows one alone."""
    files = [one.parent.name for one in trained.events.rglob("*") if one.is_file()]
    assert sorted(files) == ["train", "validation"]


def test_the_page_begins_with_loss_and_accuracy(events, validation):
    for run in (events, validation):
        tags = sorted(tag for tag in run.Tags()["tensors"] if "/" in tag or "_" in tag)
        tags = [tag for tag in tags if not tag.startswith("_hparams_")]
        assert tags[:2] == ["epoch_accuracy", "epoch_loss"]
        groups = {tag.partition("/")[0] for tag in tags if "/" in tag}
        assert groups <= {"figures", "weights"}


def test_augmented_images_are_a_grid_of_the_first_batch(events):
    shown = values(events, "figures/augmented_images")
    assert list(shown) == [0]
    pixels = picture(shown[0])
    # 64 images are 8 columns of 1.1 and 8 rows of 1.25 inches, at 100 dots each.
    assert pixels.shape == (1000, 880, 3)
    assert (pixels == 0).mean() > 0.1
    assert (pixels > 250).mean() > 0.1


def test_first_filters_before_and_after(events, trained):
    shown = values(events, "figures/first_filters")
    assert {0, 1, 3} <= set(shown) <= {0, 1, 2, 3}
    first, last = picture(shown[0]), picture(shown[3])
    assert first.shape == last.shape
    assert (first != last).any()


def test_recipe_as_text(events, trained):
    text = values(events, "recipe")[0]
    text = np.ravel(text)[0].decode()
    assert text.startswith("| field | value |\n|---|---|\n")
    for row in (
        "| network | lenet5 |",
        "| data | digits |",
        "| recipe.optimizer.name | adam |",
        "| recipe.optimizer.learning_rate | 0.004 |",
        "| recipe.schedule.name | one_cycle |",
        "| recipe.epochs | 3 |",
    ):
        assert row in text, row


def test_recipe_as_hyper_parameters(validation, trained):
    """In the run of the validation, whose metrics then stand beside them."""
    metadata = validation.SummaryMetadata("_hparams_/session_start_info")
    content = metadata.plugin_data.content
    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert info.group_name == f"{trained.path.name} in {trained.path.parent}"
    got = info.hparams
    assert got["network"].string_value == "lenet5"
    assert got["data"].string_value == "digits"
    assert got["recipe"].string_value == trained.recipe.name
    assert got["epochs"].number_value == 3
    assert got["optimizer.learning_rate"].number_value == pytest.approx(0.004)
    assert got["optimizer.name"].string_value == "adam"
    assert got["schedule.name"].string_value == "one_cycle"
    assert not {"source", "networks", "kind"} & set(got)


def test_histograms_of_every_weight(events, trained):
    weights = {w.path: w.numpy() for w in trained.model().weights}
    tags = [t for t in events.Tags()["tensors"] if t.startswith("weights/")]
    assert len(tags) == 10
    shown = values(events, "weights/conv1/kernel")
    assert {1, 3} <= set(shown) <= {1, 2, 3}
    left, right, counts = shown[3].T
    counted, edges = np.histogram(weights["conv1/kernel"], 30)
    np.testing.assert_array_equal(counts, counted)
    np.testing.assert_allclose([*left, right[-1]], edges, rtol=1e-6)


def test_a_histogram_leaves_out_what_is_no_number():
    rows = buckets(np.array([0.0, 1.0, np.nan, np.inf]), 2)
    np.testing.assert_array_equal(rows, [[0, 0.5, 1], [0.5, 1, 1]])


def test_costly_writing_is_left_out_but_for_the_first_and_the_last():
    class Slow(Throttled):
        def write(self, step):
            steps.append(step)
            time.sleep(0.01)

    for share, expected in ((0.0, [2, 7]), (1.0, [2, 4, 6, 7])):
        steps, slow = [], Slow(None, every=2, share=share)
        slow.on_train_begin()
        for epoch in range(7):
            time.sleep(0.02)
            slow.on_epoch_end(epoch)
        slow.on_train_end()
        assert steps == expected


def test_the_graph_is_that_of_the_network(events):
    nodes = {node.name: node for node in events.Graph().node}
    assert list(nodes["pool2"].input) == ["conv1"]
    assert nodes["pool2"].op == "MaxPooling2D"
    (shape,) = nodes["pool2"].attr["_output_shapes"].list.shape
    assert [one.size for one in shape.dim] == [-1, 14, 14, 6]


def test_the_graph_of_several_heads():
    aux = kerazoo.googlenet(input_shape=(224, 224, 3), aux=True)
    nodes = {node.name: node for node in layer_graph(aux).node}
    assert len(nodes) == len(aux.layers)
    assert set(aux.output) <= set(nodes)

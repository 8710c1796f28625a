"""What the callbacks write to TensorBoard, read back from the event files."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

from kerazoo import data
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.training.callbacks.histograms import buckets
from kerazoo.training.callbacks.throttled import Throttled


@pytest.fixture(scope="module")
def events(trained):
    """The file that kerazoo's own callbacks write."""
    read = EventAccumulator(
        str(trained.events / "kerazoo"), size_guidance={"tensors": 0}
    )
    return read.Reload()


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
    assert rates == pytest.approx({0: base, 1: base / 2, 2: 0}, abs=1e-8)


def test_images_per_second_are_positive(events):
    speeds = values(events, "images_per_second")
    assert sorted(speeds) == [0, 1, 2]
    assert all(0 < v < 1e7 for v in speeds.values())


def test_accuracy_of_every_class_is_that_of_the_confusion_matrix(
    events, trained, digits
):
    model = resized_to_output(trained.model())
    images, labels = data.Batches(digits.validation, 64, image_shape=(28, 28, 1)).take(
        digits.validation.size
    )
    guess = np.asarray(model.predict(images, verbose=0)).argmax(-1)
    matrix = confusion_matrix(labels, guess, labels=range(10))
    for label in range(10):
        written = values(events, f"accuracy_of/{label}")
        assert sorted(written) == [1, 2, 3]
        expected = matrix[label, label] / matrix[label].sum()
        assert float(written[3]) == pytest.approx(expected, abs=1e-6)


def test_confusion_matrix_is_a_picture(events):
    shown = values(events, "confusion")
    # Pictures between the first and the last are drawn where that costs little.
    assert {1, 3} <= set(shown) <= {1, 2, 3}
    pixels = picture(shown[3])
    assert pixels.shape[-1] == 3
    assert min(pixels.shape[:2]) > 300
    assert pixels.std() > 10


def test_augmented_images_are_a_grid_of_the_first_batch(events):
    shown = values(events, "augmented_images")
    assert list(shown) == [0]
    pixels = picture(shown[0])
    # 64 images are 8 columns of 1.1 and 8 rows of 1.25 inches, at 100 dots each.
    assert pixels.shape == (1000, 880, 3)
    assert (pixels == 0).mean() > 0.1
    assert (pixels > 250).mean() > 0.1


def test_first_filters_before_and_after(events, trained):
    shown = values(events, "first_filters")
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


def test_recipe_as_hyper_parameters(events):
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    got = info.hparams
    assert got["epochs"].number_value == 3
    assert got["optimizer.learning_rate"].number_value == pytest.approx(0.004)
    assert got["optimizer.name"].string_value == "adam"
    assert got["schedule.name"].string_value == "one_cycle"
    assert "network" not in got


def test_histograms_of_every_weight(events, trained):
    weights = {w.path: w.numpy() for w in trained.model().weights}
    tags = [t for t in events.Tags()["tensors"] if t.endswith("/histogram")]
    assert len(tags) == 10
    shown = values(events, "conv1/kernel/histogram")
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


def test_keras_writes_its_graph_and_scalars(trained):
    read = EventAccumulator(str(trained.events / "train"), size_guidance={"tensors": 0})
    tags = read.Reload().Tags()["tensors"]
    assert "epoch_loss" in tags
    assert "keras" in tags
    assert json.loads(str(np.ravel(values(read, "keras")[0])[0], "utf-8"))["config"]

"""Histograms of outputs and gradients by step, and that they change nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from kerazoo import training
from kerazoo.analysis.signals import layer_signals
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.training.callbacks.at_steps import AtSteps
from kerazoo.training.callbacks.signals import Signals, rows
from kerazoo.training.snapshots import model_at

from ...conftest import TINY, without_pictures

SETTINGS = ("epochs=2", "snapshot_steps=[0]", "optimizer.name=sgd", "validation=0")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, digits, data_dir):
    """The same training, seen and not."""
    place = tmp_path_factory.mktemp("signals")
    options = {
        "precision": "float32",
        "data_dir": data_dir,
        "deterministic": True,
        "verbose": 0,
    }
    with without_pictures():
        return [
            training.fit(
                "mlp_deep5",
                digits,
                TINY.override(*SETTINGS, "options.units=[16,16]"),
                run=place / str(every),
                histograms=every,
                **options,
            )
            for every in (None, 5)
        ]


@pytest.fixture(scope="module")
def events(fitted):
    folder = str(fitted[1].events / "steps")
    return EventAccumulator(folder, size_guidance={"tensors": 0}).Reload()


def test_they_are_written_by_step(events):
    tags = sorted(events.Tags()["tensors"])
    layers = ["hidden1", "hidden2", "predictions"]
    assert tags == [
        "figures/signals_by_depth",
        *(f"layer_gradients/{one}" for one in layers),
        *(f"layer_outputs/{one}" for one in layers),
    ]
    for tag in tags:
        # Of 14, and before the first.
        assert [one.step for one in events.Tensors(tag)] == [0, 5, 10]


class Noted(AtSteps):
    """Notes its calls."""

    def __init__(self, *place):
        super().__init__(*place)
        self.calls = []

    def at(self, before, step):
        self.calls.append((before, step))


def test_several_steps_may_be_one_execution():
    """Seven an epoch, in executions of three at most; then one that goes on."""
    counter = Noted(7)
    counter.on_train_begin()
    for epoch in (0, 1):
        counter.on_epoch_begin(epoch)
        for batch in (2, 5, 6):
            counter.on_train_batch_end(batch)
    assert counter.calls == [
        (-1, 0), (0, 3), (3, 6), (6, 7), (7, 10), (10, 13), (13, 14),
    ]  # fmt: skip
    counter = Noted(7, 1, 3)
    counter.on_train_begin()
    counter.on_epoch_begin(1)
    counter.on_train_batch_end(0)
    counter.on_train_batch_end(3)
    counter.on_epoch_begin(2)
    counter.on_train_batch_end(1)
    assert counter.calls == [(10, 11), (11, 14), (14, 16)]


def test_nobody_feels_it(fitted):
    one, other = (run.model().get_weights() for run in fitted)
    assert all(map(np.array_equal, one, other))
    assert not (fitted[0].events / "steps").exists()


def test_the_first_are_those_of_the_initial_weights(fitted, events, digits):
    """Of the same images; the order of the first epoch is that of the training."""
    run = fitted[1]
    first = events.Tensors("layer_outputs/hidden1")[0]
    written = make_ndarray(first.tensor_proto)
    batches = digits.batches(
        "train",
        batch_size=200,
        image_shape=(8, 8, 1),
        shuffle=True,
        seed=run.recipe.seed,
    )
    images, labels = next(iter(batches.epochs()))
    model = resized_to_output(model_at(run, step=0))
    found = layer_signals(
        model, images.numpy()[:32].astype("float32"), labels.numpy()[:32]
    )
    np.testing.assert_allclose(written, rows(found[0].outputs), rtol=1e-3, atol=1e-4)


def test_what_goes_with_them(fit):
    with pytest.raises(ValueError, match="histograms is 5, but events is False"):
        fit(histograms=5, events=False)
    with pytest.raises(ValueError, match="histograms is 0; it must be a whole number"):
        fit(histograms=0)


def test_a_network_that_learns_from_its_inputs_alone(tmp_path):
    """As detectors do, whose layers add their loss: here 0.5 times a sum of squares."""
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, use_bias=False, name="dense")(inputs)
    model = keras.Model(inputs, keras.layers.ActivityRegularization(l2=0.5)(x))
    model.compile("sgd", loss=None)
    images = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    dataset = tf.data.Dataset.from_tensors((images,))
    writer = tf.summary.create_file_writer(str(tmp_path))
    callback = Signals(writer, dataset, 1, 1)
    callback.set_model(model)
    callback.on_train_begin()
    writer.close()
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    (gradient,) = events.Tensors("layer_gradients/dense")
    edges = make_ndarray(gradient.tensor_proto)[[0, -1], [0, 1]]
    # The first 32 images; Keras takes the mean of their penalties.
    kernel = np.asarray(model.get_layer("dense").kernel)
    expected = images[:32].T @ (images[:32] @ kernel) / 32
    np.testing.assert_allclose(edges, [expected.min(), expected.max()], rtol=1e-4)

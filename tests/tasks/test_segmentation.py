"""The task of a class for every pixel: its targets, loss, metrics and a whole run."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import jaccard_score

import kerazoo
from kerazoo import data, tasks, training
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.tasks.segmentation import iou

RNG = np.random.default_rng(1)
TASK = tasks.find("segmentation")
RECIPE = Recipe(
    name="scenes",
    data="digit_scenes/masks?size=32",
    image_shape=(32, 32, 3),
    batch_size=100,
    epochs=1,
    optimizer=Optimizer(name="adam", learning_rate=3e-3),
)


class Given:
    """A network that says what it was told to, whatever it sees."""

    def __init__(self, scores):
        self.scores = list(scores)
        self.output = tf.zeros(self.scores[0].shape)

    def predict_on_batch(self, images):
        return self.scores.pop(0)


class Batches:
    """Two batches of masks, a tenth of whose pixels are void."""

    def __init__(self):
        masks = RNG.integers(0, 3, (2, 4, 8, 8))
        masks[RNG.random(masks.shape) < 0.1] = -1
        self.masks = masks
        images = np.zeros((2, 4, 8, 8, 3), "uint8")
        self.dataset = tf.data.Dataset.from_tensor_slices((images, masks))


@pytest.fixture(scope="module")
def measured():
    batches = Batches()
    scores = RNG.random((2, 4, 8, 8, 4)).astype("float32")
    scores[..., 3] = 0  # A class that is neither there nor guessed.
    scores /= scores.sum(-1, keepdims=True)
    metrics = TASK.measure(Given(scores), batches, ("a", "b", "c", "d"))
    seen = batches.masks != -1
    return metrics, batches.masks[seen], scores[seen]


def test_measures_as_scikit_learn_does(measured):
    metrics, truth, scores = measured
    guess = scores.argmax(-1)
    expected = jaccard_score(truth, guess, average=None, labels=range(3))
    assert [metrics.iou[name] for name in "abc"] == pytest.approx(expected)
    assert metrics.iou["d"] is None
    assert metrics.mean_iou == pytest.approx(expected.mean())
    assert metrics.accuracy == pytest.approx((truth == guess).mean())
    assert metrics.images == 8
    right = scores[np.arange(len(truth)), truth]
    assert metrics.loss == pytest.approx(-np.log(right).mean(), rel=1e-5)


def test_calibration_is_that_of_classification(measured):
    metrics, truth, scores = measured
    from kerazoo.tasks.classification import classification_metrics

    expected = classification_metrics(truth, scores.astype("float64"), "abcd")
    assert metrics.calibration_error == pytest.approx(expected.calibration_error)
    assert metrics.confusion == expected.confusion


def test_void_pixels_count_neither_in_the_loss_nor_in_the_metrics():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, inputs)
    learnt = TASK.objective(
        model, RECIPE, keras.optimizers.SGD(), classes=3, one_hot=False
    )
    scores = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
    masks = RNG.integers(0, 3, (2, 8, 8)).astype("int32")
    void = masks.copy()
    void[:, :3] = -1
    np.testing.assert_allclose(
        learnt["loss"](void, scores), learnt["loss"](masks[:, 3:], scores[:, 3:]), 1e-6
    )
    accuracy, mean_iou = learnt["metrics"]
    for metric in (accuracy, mean_iou):
        metric.update_state(void, scores)
        some = float(metric.result())
        metric.reset_state()
        metric.update_state(masks[:, 3:], scores[:, 3:])
        assert float(metric.result()) == pytest.approx(some)
    counts = keras.ops.convert_to_numpy(accuracy.matrix)
    assert np.nanmean(iou(counts)) == pytest.approx(float(mean_iou.result()))


def test_targets_take_the_size_of_the_output():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.AveragePooling2D(4)(inputs))
    masks = np.kron([[[0, 1], [2, -1]]], np.ones((4, 4), "int32")).astype("int32")
    dataset = tf.data.Dataset.from_tensors((np.zeros((1, 8, 8, 3)), masks))
    _, small = next(iter(TASK.targets(model, dataset)))
    np.testing.assert_array_equal(small, [[[0, 1], [2, -1]]])


@pytest.mark.slow
def test_a_run_resumes_serves_and_is_evaluated(tmp_path):
    arguments = {"recipe": RECIPE, "events": False, "deterministic": True}
    whole = kerazoo.fit("enet", run=tmp_path / "whole", **arguments)
    recipe = RECIPE.override("epochs=2")
    two = kerazoo.fit("enet", run=tmp_path / "two", **(arguments | {"recipe": recipe}))
    parts = dict(arguments, recipe=recipe, run=tmp_path / "parts")
    kerazoo.fit("enet", until=1, **parts)
    resumed = kerazoo.fit("enet", **parts)
    for one, other in zip(
        two.model().get_weights(), resumed.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert whole.config.task == "segmentation"
    assert training.evaluate(whole) == whole.metrics
    assert 0 < whole.metrics.mean_iou < whole.metrics.accuracy < 1
    scores = whole.model()(np.zeros((2, 50, 40, 3), "uint8"), training=False)
    assert scores.shape == (2, 32, 32, 11)
    np.testing.assert_allclose(scores.numpy().sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("network", "name", "sentence"),
    [
        ("enet", "digits", "enet is a network for segmentation, but digits"),
        ("lenet5", "digit_scenes/masks", "lenet5 is a network for classification"),
    ],
)
def test_a_network_and_data_of_two_tasks_are_refused(tmp_path, network, name, sentence):
    recipe = Recipe(name="other", data=name, image_shape=(32, 32, 3))
    with pytest.raises(ValueError, match=sentence):
        kerazoo.fit(network, recipe=recipe, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("setting", ["loss=squared_hinge", "label_smoothing=0.1"])
def test_losses_that_are_not_for_pixels_are_refused(tmp_path, setting):
    with pytest.raises(ValueError, match="loss=crossentropy label_smoothing=0"):
        kerazoo.fit("enet", recipe=RECIPE.override(setting), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_data_are_found_by_the_same_door():
    assert data.load("digits").task == "classification"

"""The task of a class for every pixel: its targets, loss, metrics and a whole run."""

import dataclasses
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.metrics import jaccard_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import kerazoo
from kerazoo import data, registry, tasks, training, tuning
from kerazoo.colors import palette
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.tasks.segmentation import iou
from kerazoo.training.class_weights import class_weights, weigh

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


def test_void_alone_is_not_measured():
    batches = Batches()
    images, masks = np.zeros((2, 4, 8, 8, 3), "uint8"), np.full((2, 4, 8, 8), -1)
    batches.dataset = tf.data.Dataset.from_tensor_slices((images, masks))
    batches.split = SHAPES.test
    scores = np.full((2, 4, 8, 8, 3), 1 / 3, "float32")
    with pytest.warns(UserWarning, match="has a class, so that nothing is measured"):
        metrics = TASK.measure(Given(scores), batches, ("a", "b", "c"))
    assert metrics.mean_iou is None
    assert set(metrics.iou.values()) == {None}
    with pytest.warns(UserWarning, match="has no image of a, b"):
        split = data.from_arrays(images[0], masks[0], classes=["a", "b"]).train
    with pytest.raises(ValueError, match="there is nothing to learn"):
        class_weights(RECIPE.override("class_weight=inverse_log"), split)


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


def shapes(count, seed):
    """Images of a bright square on noise, and masks that say 1 there; a void corner."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60, (count, 32, 32, 3)).astype("uint8")
    masks = np.zeros((count, 32, 32), "int64")
    for image, mask in zip(images, masks, strict=True):
        top, left = rng.integers(2, 14, 2)
        image[top : top + 14, left : left + 14] += 150
        mask[top : top + 14, left : left + 14] = 1
        mask[:2, :2] = -1
    return images, masks


SHAPES = data.from_arrays(
    *shapes(24, 1), classes=["ground", "square"], test=shapes(8, 2), validation=0.25
)
# Of somebody else's file: it takes a second where ENet's graph takes half a minute.
NETWORK = "small_segmenter"
SMALL = dataclasses.replace(
    RECIPE, batch_size=6, epochs=12, validation=0.25, class_weight="inverse_log"
)
FIT = {"precision": "float32", "deterministic": True, "verbose": 0}


@pytest.fixture(scope="module", autouse=True)
def registered():
    """The network, known as long as these tests run."""
    path = pathlib.Path(__file__).with_name(f"{NETWORK}.py")
    spec = importlib.util.spec_from_file_location(NETWORK, path)
    sys.modules[NETWORK] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield
    del registry._catalogue()[NETWORK], sys.modules[NETWORK]


@pytest.fixture(scope="module")
def run(registered, tmp_path_factory):
    place = tmp_path_factory.mktemp("segmentation") / "run"
    return kerazoo.fit(NETWORK, SHAPES, SMALL, run=place, **FIT)


def test_a_run_learns_and_is_evaluated(run):
    assert run.config.task == "segmentation"
    assert training.evaluate(run, data=SHAPES) == run.metrics
    assert run.metrics.score == run.metrics.mean_iou > 0.6
    assert list(run.metrics.iou) == ["ground", "square"]
    recall = list(run.metrics.per_class.values())
    assert run.metrics.balanced_accuracy == pytest.approx(np.mean(recall))
    scores = run.model()(np.zeros((2, 50, 40, 3), "uint8"), training=False)
    assert scores.shape == (2, 8, 8, 2)
    np.testing.assert_allclose(scores.numpy().sum(-1), 1, rtol=1e-5)
    assert {"confusion.png", "class_iou.png", "curves.png"} <= {
        one.name for one in run.path.iterdir()
    }
    assert "mean IoU" in run.metrics._repr_html_()


def test_an_interrupted_run_is_the_whole(run, tmp_path):
    kerazoo.fit(NETWORK, SHAPES, SMALL, run=tmp_path / "run", until=2, **FIT)
    parts = kerazoo.fit(NETWORK, SHAPES, SMALL, run=tmp_path / "run", **FIT)
    for one, other in zip(
        run.model().get_weights(), parts.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_tensorboard_shows_truth_and_what_was_found(run):
    events = EventAccumulator(str(run.events / "validation")).Reload()
    tags = events.Tags()["tensors"]
    assert {"epoch_mean_iou", "figures/examples", "figures/class_iou"} <= set(tags)
    events = EventAccumulator(str(run.events / "train")).Reload()
    (written,) = events.Tensors("figures/augmented_images")
    *_, png = written.tensor_proto.string_val
    picture = tf.io.decode_png(png, channels=3).numpy()
    # The squares' color in the masks beside the images.
    assert (picture == palette(2)[1]).all(-1).sum() > 100


def photos(folder, sizes):
    """Image files of a bright square in their middle."""
    folder.mkdir()
    for number, (height, width) in enumerate(sizes):
        pixels = np.full((height, width, 3), 30, "uint8")
        pixels[height // 4 : -height // 4, width // 4 : -width // 4] = 200
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("resize", ["bilinear", "crop", "pad", "center"])
def test_masks_have_the_size_of_their_image(run, tmp_path, resize):
    copy = kerazoo.Run(shutil.copytree(run.path, tmp_path / "run"))
    config = copy.path / "config.json"
    config.write_text(config.read_text().replace('"bilinear"', f'"{resize}"'))
    folder = photos(tmp_path / "photos", [(32, 32), (64, 96), (20, 70)])
    found = kerazoo.predict(copy, folder, masks=tmp_path / "masks")
    for one in found:
        with Image.open(one.image) as image, Image.open(one.file) as mask:
            assert mask.size == image.size
            indices = np.asarray(mask)
            assert mask.mode == "P"
        assert set(np.unique(indices)) <= {0, 1, 255}
        cut = resize in ("crop", "center") and image.size != (32, 32)
        assert (255 in indices) == cut
        with Image.open(one.file.replace(".png", "_overlay.png")) as overlay:
            assert overlay.size == image.size
    with pytest.raises(ValueError, match="holds 6 files of these names already"):
        kerazoo.predict(copy, folder, masks=tmp_path / "masks")


def test_no_file_takes_the_place_of_another(run, tmp_path):
    folder = photos(tmp_path / "photos", [(32, 32)] * 5)
    names = ("a.png", "a.bmp", "a.bmp.png", "b.png", "b_overlay.png")
    for number, name in enumerate(names):
        (folder / f"{number}.png").rename(folder / name)
    found = kerazoo.predict(run, folder, masks=tmp_path / "masks")
    assert len({one.file for one in found}) == 5
    written = {path.name for path in (tmp_path / "masks").iterdir()}
    assert len(written) == 10
    for one in found:
        with Image.open(one.file) as mask:
            assert mask.mode == "P"
    # A photo of one's own, called like an overlay.
    own = photos(tmp_path / "own", [(32, 32)] * 2)
    (own / "0.png").rename(own / "b.bmp")
    (own / "1.png").rename(own / "b_overlay.png")
    with pytest.raises(ValueError, match="holds 1 file of these names already"):
        kerazoo.predict(run, own / "b.bmp", masks=own)
    with pytest.raises(ValueError, match="give a folder for the masks"):
        kerazoo.predict(run, folder / "b.png", masks=folder / "b.png")


def test_masks_are_for_segmentation_alone(trained, tmp_path):
    folder = photos(tmp_path / "photos", [(8, 8)])
    with pytest.raises(ValueError, match="masks is for networks for segmentation"):
        kerazoo.predict(trained, folder, masks=tmp_path / "masks")
    assert not (tmp_path / "masks").exists()


def test_search_folds_and_ensemble(tmp_path, capsys):
    """Ranked by the mean IoU, and called so."""
    recipe = SMALL.override("epochs=1")
    options = {"execution": tuning.Execution(precision="float32", verbose=False)}
    plan = tuning.SearchPlan(space=["learning_rate=1e-3,5e-3"], strategy="grid")
    found = tuning.search(
        NETWORK, SHAPES, recipe, folder=tmp_path / "search", plan=plan, **options
    )
    runs = found.runs()
    assert [one.score for one in found.trials] == [one.metrics.mean_iou for one in runs]
    assert "mean IoU" in found._repr_html_()
    folds = tuning.cross_validate(
        NETWORK, SHAPES, recipe, folder=tmp_path / "folds",
        plan=tuning.FoldPlan(folds=2), **options,
    )  # fmt: skip
    assert sum(fold.images for fold in folds.folds) == 24
    assert folds.score_name == "mean IoU"
    joined = tuning.ensemble([one.path for one in runs], data=SHAPES)
    assert joined.score_name == "mean IoU"
    assert [one.score for one in joined.members] == [
        training.evaluate(one, data=SHAPES).mean_iou for one in runs
    ]
    pixels = shapes(2, 3)[0]
    mean = np.mean([one.model()(pixels, training=False) for one in runs], 0)
    np.testing.assert_allclose(joined.model(pixels, training=False), mean, atol=1e-6)


ELSEWHERE = """
import sys
sys.path.insert(0, sys.argv[1])
import small_segmenter
import kerazoo
recipe, run, devices = sys.argv[2:]
kerazoo.fit(
    "small_segmenter", recipe=recipe, run=run, devices=int(devices),
    precision="float32", deterministic=True, verbose=0,
)
"""
SCENES = RECIPE.override("class_weight=inverse_log", "epochs=2", "augment=flip")


@pytest.mark.slow
def test_other_backends_and_devices_train_the_same(tmp_path):
    """Two devices of TensorFlow to the last digits, and JAX."""
    (tmp_path / "recipe.json").write_text(SCENES.to_json())
    sides = {"tensorflow": 2, "jax": 1}
    started = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", ELSEWHERE, str(pathlib.Path(__file__).parent)),
                *(str(tmp_path / "recipe.json"), str(tmp_path / name), str(devices)),
            ],
            env={**os.environ, "KERAS_BACKEND": name},
        )
        for name, devices in sides.items()
    ]
    one = kerazoo.fit(NETWORK, recipe=SCENES, run=tmp_path / "one", **FIT)
    assert [process.wait(300) for process in started] == [0, 0]
    two, jax = (kerazoo.Run(tmp_path / name) for name in sides)
    for row, other in zip(one.history, two.history, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert row["val_mean_iou"] == pytest.approx(other["val_mean_iou"], abs=1e-3)
    assert jax.history[-1]["loss"] < jax.history[0]["loss"]
    # What JAX has trained is measured by TensorFlow as by itself.
    assert training.evaluate(jax).mean_iou == pytest.approx(jax.metrics.mean_iou, 1e-3)


def test_trains_in_mixed_precision(tmp_path):
    options = FIT | {"precision": "mixed_bfloat16"}
    mixed = kerazoo.fit(NETWORK, SHAPES, SMALL, run=tmp_path / "run", **options)
    assert mixed.metrics.mean_iou > 0.6


def test_rare_classes_weigh_more():
    """By hand: a quarter of the pixels, and ENet's 1 / ln(1.02 + p)."""
    masks = np.zeros((4, 8, 8), "int64")
    masks[:, :4, :4] = 1
    masks[:, 7] = 255
    images = np.zeros((4, 8, 8, 3), "uint8")
    images += np.arange(4, dtype="uint8")[:, None, None, None]
    split = data.from_arrays(images, masks, test=(images, masks), validation=0).train
    share = np.array([40, 16]) / 56
    weights = class_weights(RECIPE.override("class_weight=inverse_log"), split)
    expected = 1 / np.log(1.02 + share)
    np.testing.assert_allclose(weights, expected / (expected @ share))
    weights = class_weights(RECIPE.override("class_weight=balanced"), split)
    np.testing.assert_allclose(weights, 1 / (2 * share))
    dataset = tf.data.Dataset.from_tensors((images, np.array([[[0, 1, -1]]])))
    ((_, _, pixels),) = weigh(dataset, weights).as_numpy_iterator()
    np.testing.assert_allclose(pixels, [[[weights[0], weights[1], 0]]], rtol=1e-6)


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


def test_the_encoder_is_asked_for_by_its_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="`kerazoo train enet_encoder_per_pixel`, on"):
        kerazoo.fit("enet", verbose=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", ["loss=squared_hinge", "label_smoothing=0.1"])
def test_losses_that_are_not_for_pixels_are_refused(tmp_path, setting):
    with pytest.raises(ValueError, match="loss=crossentropy label_smoothing=0"):
        kerazoo.fit(NETWORK, recipe=RECIPE.override(setting), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_data_are_found_by_the_same_door():
    assert data.load("digits").task == "classification"

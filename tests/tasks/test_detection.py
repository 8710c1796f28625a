"""The task of boxes: measures, a whole run, and what it serves."""

import csv
import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import kerazoo
from kerazoo import tasks, training, tuning
from kerazoo.detections import Detections, Objects
from kerazoo.layers import RestoreBoxes
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.tasks.detection import mistakes

TASK = tasks.find("detection")
RECIPE = Recipe(
    name="boxes",
    image_shape=(48, 48, 3),
    batch_size=6,
    epochs=20,
    augment=("flip",),
    validation=0.2,
    optimizer=Optimizer(name="adam", learning_rate=3e-3),
)
FIT = {"precision": "float32", "deterministic": True, "verbose": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory, squares):
    place = tmp_path_factory.mktemp("detection") / "run"
    return kerazoo.fit("yolo_mini", squares, RECIPE, run=place, **FIT)


class Given:
    """A network that says what it was told to, whatever it sees."""

    input, inputs = "images", ["images"]

    def __init__(self, *outputs):
        self.outputs = list(outputs)

    def predict_on_batch(self, images):
        return self.outputs.pop(0)


class Batches:
    """Two batches of two images, one of which is empty; an object to be ignored."""

    def __init__(self):
        boxes = np.full((4, 2, 4), -1, "float32")
        boxes[0, 0], boxes[1, 0], boxes[1, 1], boxes[2, 0] = (
            [0, 0, 10, 10], [5, 5, 20, 20], [30, 30, 40, 40], [0, 0, 10, 10],
        )  # fmt: skip
        classes = np.array([[0, -1], [1, 1], [0, -1], [-1, -1]], "int32")
        ignored = np.zeros((4, 2), bool)
        ignored[1, 1] = True
        images = np.zeros((4, 48, 48, 3), "uint8")
        rows = images, Objects(boxes, classes, ignored)
        self.dataset = tf.data.Dataset.from_tensor_slices(rows).batch(2)


def said(*images):
    """A batch of outputs, of rows (class, score, x1, y1, x2, y2)."""
    found = {
        "boxes": np.zeros((2, 3, 4), "float32"),
        "scores": np.zeros((2, 3), "float32"),
        "classes": np.full((2, 3), -1, "int32"),
    }
    for n, rows in enumerate(images):
        for k, (kind, score, *box) in enumerate(rows):
            found["boxes"][n, k] = box
            found["scores"][n, k], found["classes"][n, k] = score, kind
    return found


def test_measures_by_hand():
    first = said(
        [(0, 0.9, 0, 0, 10, 10), (0, 0.4, 30, 30, 40, 40)],
        [(1, 0.8, 30, 30, 40, 40), (1, 0.7, 5, 5, 20, 20)],
    )
    metrics = TASK.measure(Given(first, said([], [])), Batches(), ("a", "b", "c"))
    # Of class a one of two is found, before a miss; of b the one that counts.
    assert metrics.average_precision == {"a": 0.5, "b": 1.0, "c": None}
    assert metrics.objects == {"a": 2, "b": 1, "c": 0}
    assert metrics.score == metrics.map50 == 0.75
    assert metrics.map50_voc07 == pytest.approx((6 / 11 + 1) / 2)
    assert metrics.images == 4
    assert metrics.accuracy is metrics.loss is None
    assert set(metrics.precision_curves) == {"a", "b"}
    assert "mAP50" in metrics._repr_html_()
    assert "loss" not in metrics.to_dict()


def test_what_is_ignored_is_not_learnt():
    model = kerazoo.yolo_mini(input_shape=(48, 48, 3), **TASK.truth())
    inputs = TASK.targets(model, Batches().dataset)
    batches = [one[0] for one in inputs.as_numpy_iterator()]
    classes = np.concatenate([one["classes"] for one in batches])
    np.testing.assert_array_equal(classes, [[0, -1], [1, -1], [0, -1], [-1, -1]])


def test_a_run_learns_and_is_evaluated(run):
    assert run.config.task == "detection"
    assert training.evaluate(run).to_dict() == run.metrics.to_dict()
    assert run.metrics.map50 > 0.5
    rows = run.history
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert {"box", "object", "empty", "class", "val_map50", "val_box"} <= set(rows[0])
    files = {one.name for one in run.path.iterdir()}
    assert {"precision_recall.png", "class_precision.png", "curves.png"} <= files


def test_an_interrupted_run_is_the_whole(run, squares, tmp_path):
    place = tmp_path / "run"
    kerazoo.fit("yolo_mini", squares, RECIPE, run=place, until=12, **FIT)
    parts = kerazoo.fit("yolo_mini", squares, RECIPE, run=place, **FIT)
    for one, other in zip(
        run.model().get_weights(), parts.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert [row["val_map50"] for row in run.history] == [
        row["val_map50"] for row in parts.history
    ]


def test_sampled_regions_resume_too(squares, tmp_path):
    """The drawing of anchors and regions goes on where it stopped."""
    recipe = dataclasses.replace(RECIPE, epochs=2, augment=(), validation=0.0)
    given = ("faster_rcnn_mini", squares, recipe)
    options = FIT | {"events": False}
    whole = kerazoo.fit(*given, run=tmp_path / "whole", **options)
    kerazoo.fit(*given, run=tmp_path / "parts", until=1, **options)
    parts = kerazoo.fit(*given, run=tmp_path / "parts", **options)
    for one, other in zip(
        whole.model().get_weights(), parts.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_tensorboard_shows_boxes_and_precision(run):
    events = EventAccumulator(str(run.events / "validation")).Reload()
    tags = set(events.Tags()["tensors"])
    assert {"figures/examples", "epoch_loss"} <= tags
    events = EventAccumulator(str(run.events / "train")).Reload()
    assert "figures/augmented_images" in events.Tags()["tensors"]


def photos(folder, sizes):
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number, (height, width) in enumerate(sizes):
        pixels = rng.integers(0, 255, (height, width, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


SIZES = [(48, 48), (100, 150), (20, 70), (1, 1)]


def test_detects_on_images_of_any_size(run):
    detect = kerazoo.detector(run)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (*size, 3), "uint8") for size in SIZES]
    found = detect(images)
    assert len(found) == len(SIZES)
    for one, (height, width) in zip(found, SIZES, strict=True):
        assert one.names == ("green", "red")
        assert (np.diff(one.scores) <= 0).all()
        assert (one.boxes >= 0).all()
        assert (one.boxes <= [width, height, width, height]).all()
    (alone,), (first, second) = detect(images[0]), detect(np.stack(images[:1] * 2))
    for other in (alone, first, second):
        np.testing.assert_allclose(other.boxes, found[0].boxes, atol=1e-3)
    few = kerazoo.detector(run, score_threshold=0.05)(images[0])[0]
    assert len(few) == (found[0].scores > 0.05).sum()
    assert "score" in alone._repr_html_()
    grey = images[1][..., 0]
    assert len(detect(grey)) == 1


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((8, 8, 3), "float32"), "give uint8 images"),
        (np.zeros((8,), "uint8"), "give uint8 images"),
        (np.zeros((0, 8, 3), "uint8"), "have no pixels"),
        (np.zeros((8, 8, 7), "uint8"), "have 7 channels; give grey or RGB"),
        ("photo.png", "give uint8 images"),
    ],
)
def test_what_is_no_image_is_refused(run, images, sentence):
    with pytest.raises(ValueError, match=sentence):
        kerazoo.detector(run)(images)


def test_a_bare_network_detects_too(trained):
    keras.utils.set_random_seed(0)
    model = kerazoo.yolo_mini(classes=3, score_threshold=0.0)
    image = np.random.default_rng(0).integers(0, 255, (60, 224, 3), "uint8")
    (found,) = kerazoo.detector(model)(image)
    assert len(found)
    assert found.boxes[:, [0, 2]].max() > 112
    assert found.label(0) in "012"
    with pytest.raises(ValueError, match="give a run of a detector"):
        kerazoo.detector(trained)
    with pytest.raises(ValueError, match=r"give a detector, such as kerazoo\.yolo"):
        kerazoo.detector(kerazoo.lenet5())


@pytest.mark.parametrize("resize", ["bilinear", "crop", "pad", "center"])
@pytest.mark.parametrize("size", [(96, 96), (40, 120), (130, 50)])
def test_boxes_are_restored_to_the_raw_image(resize, size):
    """What the pipeline does to true boxes is undone, but for what it cuts away."""
    from kerazoo.data import boxes, resizing

    height, width = size
    true = np.array([[width / 3, height / 3, width / 2, height / 2]], "float32")
    window = resizing.window(size, (64, 48), resize, np)
    moved = boxes.rewindowed(tf.constant(true), window, (64, 48))
    raw = np.zeros((1, *size, 3), "uint8")
    layer = RestoreBoxes((64, 48), resize)
    found = layer(raw, moved[None], np.zeros((1, 1), "int32"))
    np.testing.assert_allclose(found[0], true, atol=1e-3)
    none = layer(raw, moved[None], np.full((1, 1), -1))
    np.testing.assert_array_equal(none, np.zeros((1, 1, 4)))


def test_boxes_are_restored_through_a_native_size():
    layer = RestoreBoxes((32, 32), "center", (64, 64))
    raw = np.zeros((1, 128, 256, 3), "uint8")
    found = layer(raw, np.array([[[0, 0, 32, 32]]], "float32"), np.zeros((1, 1)))
    np.testing.assert_allclose(found[0, 0], [64, 32, 192, 96])


def test_predicts_draws_and_writes(run, tmp_path, command):
    folder = photos(tmp_path / "photos", SIZES)
    found = kerazoo.predict(run, folder, draw=tmp_path / "drawn", top=2)
    for one in found:
        assert len(one.top) <= 2
        with Image.open(one.image) as image, Image.open(one.file) as drawn:
            factor = max(1, 320 // min(image.size))
            assert drawn.size == tuple(factor * side for side in image.size)
        for guess in one.top:
            assert len(guess.box) == 4
    status, out, _ = command(
        "predict", run.path, folder, "--csv=found.csv", "--top=1", "--draw=pictures"
    )
    assert status == 0
    with open("found.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:7] == [
        "image", "class_1", "probability_1", "x1_1", "y1_1", "x2_1", "y2_1",
    ]  # fmt: skip
    assert [row["file"].endswith(".png") for row in rows] == [True] * 4
    status, out, _ = command("evaluate", run.path)
    assert status == 0
    assert "map50" in out
    with pytest.raises(ValueError, match="masks is for networks for segmentation"):
        kerazoo.predict(run, folder, masks=tmp_path / "masks")


def test_search_folds_and_ensemble(squares, tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=1)
    options = {"execution": tuning.Execution(precision="float32", verbose=False)}
    plan = tuning.SearchPlan(space=["learning_rate=1e-3,5e-3"], strategy="grid")
    given = ("yolo_mini", squares)
    found = tuning.search(
        *given, recipe=recipe, folder=tmp_path / "search", plan=plan, **options
    )
    assert [one.score for one in found.trials] == [
        one.metrics.map50 for one in found.runs()
    ]
    assert "mAP50" in found._repr_html_()
    folds = tuning.cross_validate(
        *given, recipe=recipe, folder=tmp_path / "folds",
        plan=tuning.FoldPlan(folds=2), **options,
    )  # fmt: skip
    assert folds.score_name == "mAP50"
    assert [fold.loss for fold in folds.folds] == [None, None]
    assert "mAP50" in folds._repr_html_()
    runs = [one.path for one in found.runs()]
    with pytest.raises(ValueError, match="give rule weights"):
        tuning.ensemble(runs)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("loss=squared_hinge", "a detector has losses of its own"),
        ("label_smoothing=0.1", "a detector has losses of its own"),
        ("class_weight=balanced", "leave it out"),
        ("augment=mixup", "mixup mixes the labels"),
    ],
)
def test_settings_that_mean_nothing_are_refused(squares, tmp_path, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        kerazoo.fit(
            "yolo_mini",
            squares,
            RECIPE.override(setting),
            run=tmp_path / "run",
            verbose=0,
        )
    assert not (tmp_path / "run").exists()


def test_data_of_another_task_are_refused(tmp_path):
    for network, name in (("yolo_mini", "digits"), ("lenet5", "digit_scenes/boxes")):
        with pytest.raises(ValueError, match="is a network for"):
            kerazoo.fit(network, data=name, run=tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_data_of_another_task_measure_nothing(run):
    """Not even where their classes have the same names."""
    squares = np.zeros((20, 32, 32, 3), "uint8")
    one = kerazoo.data.from_arrays(
        squares, np.arange(20) % len(run.config.classes), classes=run.config.classes
    )
    with pytest.raises(ValueError, match=r"for classification, .* learnt detection"):
        kerazoo.training.evaluate(run, data=one)


def test_records():
    found = Detections.of_batch(said([(2, 0.5, 1, 2, 3, 4)], []), ("a", "b", "c"))
    assert [len(one) for one in found] == [1, 0]
    assert found[0].label(0) == "c"
    assert len(found[0].above(0.5)) == 0
    assert json.loads(json.dumps(found[0].boxes.tolist())) == [[1, 2, 3, 4]]


def test_a_damaged_run_folder_is_named(run, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / "run")
    (copy / "metrics.json").write_text('{"images": 1, "map50": "high"}')
    with pytest.raises(ValueError, match=r"metrics\.json"):
        kerazoo.Run(copy).metrics  # noqa: B018 - it reads


def test_a_training_says_what_it_leaves_out():
    """Two centres in a cell; a box that no anchor overlaps by half."""
    boxes = np.array([[[0, 0, 10, 10], [1, 1, 9, 9], [30, 30, 46, 46]]], "float32")
    objects = Objects(boxes, np.zeros((1, 3), "int32"), np.zeros((1, 3), bool))
    narrow = 0

    class Some:
        def take(self, count):
            return np.zeros((1, 48, 48, 3)), objects

        def too_narrow(self, count):
            return narrow

    def remark(name):
        options = {"input_shape": (48, 48, 3), "classes": 2, **TASK.truth()}
        return TASK.remark(kerazoo.create(name, **options), Some())

    assert remark("yolo_mini").endswith(
        "3 of 1 images; 1 share a cell with another and are not learnt"
    )
    objects.boxes[0, 2] = [1, 1, 1.4, 9]  # It would share their cell as well.
    assert remark("yolo_mini").endswith(
        "; 1 share a cell with another, 1 are less than a hundredth of the image's "
        "side and are not learnt"
    )
    objects.boxes[0, 2] = [30, 30, 46, 46]
    assert "an anchor overlaps 33.3% of them by half" in remark("faster_rcnn_mini")
    assert remark("sppnet_detector_mini") == ""
    narrow = 7
    for name in ("yolo_mini", "faster_rcnn_mini", "sppnet_detector_mini"):
        assert "; 7 are narrower than a pixel once resized and left out" in remark(name)


def test_frozen_layers_stay_as_they_are(squares, tmp_path):
    """Two trainings from the same weights move all but what is frozen."""
    recipe = dataclasses.replace(
        RECIPE, epochs=1, batch_size=8, freeze=("conv1", "bn1")
    )
    options = FIT | {"events": False}
    runs = [
        kerazoo.fit(
            "yolo_mini",
            squares,
            recipe.override(f"optimizer.learning_rate={rate}"),
            run=tmp_path / f"run_{rate}",
            **options,
        )
        for rate in (0.001, 0.01)
    ]
    networks = [run.model() for run in runs]
    for name, same in (("conv1", True), ("bn1", True), ("conv2", False)):
        one, other = (network.get_layer(name).get_weights() for network in networks)
        equal = [np.array_equal(*pair) for pair in zip(one, other, strict=True)]
        assert all(equal) == same, name
    for pattern, sentence in (("none", "no layer with weights"), ("*", "nothing to")):
        with pytest.raises(ValueError, match=sentence):
            kerazoo.fit(
                "yolo_mini",
                squares,
                dataclasses.replace(recipe, freeze=(pattern,)),
                run=tmp_path / "other",
                **options,
            )
    assert not (tmp_path / "other").exists()


def test_mistakes_by_hand():
    there = Objects(
        np.array([[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]], "float32"),
        np.array([0, 1, 1]),
        np.array([False, False, True]),
    )

    def found(*rows):
        kinds, sides = zip(*rows, strict=True)
        scores = np.linspace(0.9, 0.5, len(rows))
        return Detections(np.array(sides, "float32"), scores, np.array(kinds))

    right = (0, (0, 0, 10, 10)), (1, (21, 20, 30, 30))
    assert mistakes(found(*right), there) == 0
    # Of an object that is ignored one may say what one likes.
    assert mistakes(found(*right, (1, (40, 40, 50, 50))), there) == 0
    # The second of one object; another class; beside it; one that is missed.
    assert mistakes(found(*right, (0, (0, 0, 9, 10))), there) == 1
    assert mistakes(found((1, (0, 0, 10, 10)), right[1]), there) == 2
    assert mistakes(found((0, (6, 0, 16, 10)), right[1]), there) == 2
    assert mistakes(found(right[0]), there) == 1
    nothing = Objects(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool))
    assert mistakes(found(right[0]), nothing) == 1


def test_the_worst_images_are_drawn(run):
    """What has no mistake is not; the figure has the true boxes and the wrong ones."""
    images = kerazoo.data.load(run.config.data, seed=1)
    batches = kerazoo.data.Batches(images.test, 4, image_shape=(48, 48, 3))
    none = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    figure = Worst(none).worst(None, batches, images.classes)
    assert len(figure.axes) == 9
    truth = [one for _, one in kerazoo.data.batches.stored(images.test)]

    class Perfect(Worst):
        def _gathered(self, model, dataset):
            _, real = super()._gathered(model, dataset)
            return [
                Detections(one.boxes, np.ones(len(one.boxes)), one.classes)
                for one in real
            ], real

    assert len(truth) > 8
    assert Perfect(none).worst(None, batches, images.classes) is None


class Worst(tasks.detection.Detection):
    """A task whose network finds the same on every image."""

    def __init__(self, found):
        self.found = found

    def _gathered(self, model, dataset):
        truth = [
            objects.on(n) for images, objects in dataset for n in range(len(images))
        ]
        return [self.found] * len(truth), truth


def test_of_several_devices_one_counts():
    """Keras lets each of them predict the whole batch, and gives all they say."""

    class Doubled(Given):
        def predict_on_batch(self, images):
            found = super().predict_on_batch(images)
            return {name: np.concatenate([one, one]) for name, one in found.items()}

    first = said([(0, 0.9, 0, 0, 10, 10)], [(1, 0.8, 30, 30, 40, 40)])
    once, twice = (
        TASK.measure(kind(first, said([], [])), Batches(), ("a", "b", "c"))
        for kind in (Given, Doubled)
    )
    assert once.map50 > 0
    assert once.to_dict() == twice.to_dict()

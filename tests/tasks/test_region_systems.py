"""R-CNN, SPP-net and Fast R-CNN as runs: regions from outside, machines at the end."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.svm import LinearSVC

import kerazoo
from kerazoo import data, tasks, training
from kerazoo.analysis.average_precision import iou
from kerazoo.data.batches import stored
from kerazoo.detections import Objects
from kerazoo.layers.boxes import encode
from kerazoo.proposals import write_proposals
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.tasks import region_svms

SYSTEMS = ["fast_rcnn_mini", "sppnet_detector_mini", "rcnn_mini"]
FIT = {"precision": "float32", "deterministic": True, "verbose": 0, "events": False}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def recipe(squares, tmp_path_factory):
    """Proposals are the true boxes, moved a little, and others that miss them."""
    rng, rows = np.random.default_rng(0), []
    for split in data.load(squares, seed=1).parts.values():
        for image, objects in stored(split):
            around = objects.boxes.repeat(3, 0)
            around = around + rng.uniform(-2, 2, around.shape)
            corners = rng.uniform(0, 34, (6, 2))
            others = np.concatenate([corners, corners + rng.uniform(8, 14, (6, 2))], 1)
            rows.append((image, np.concatenate([objects.boxes, around, others])))
    file = tmp_path_factory.mktemp("proposals") / "own.npz"
    write_proposals(file, rows)
    return Recipe(
        name="regions",
        data=squares,
        image_shape=(48, 48, 3),
        options={"proposals": 16},
        augment=("translate:0.1",),
        proposals=f"file:{file}",
        batch_size=6,
        epochs=8,
        optimizer=Optimizer(name="adam", learning_rate=3e-3),
    )


@pytest.fixture(scope="module", params=SYSTEMS)
def run(request, recipe, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / request.param
    return kerazoo.fit(request.param, recipe=recipe, run=place, **FIT)


def test_learns_and_is_evaluated_alike(run):
    assert training.evaluate(run).to_dict() == run.metrics.to_dict()
    assert run.metrics.map50 > 0.25
    rows = run.history
    assert rows[-1]["class"] < rows[0]["class"]
    assert {"val_map50", "val_class"} <= set(rows[0])


def test_detects_in_pixels_of_the_image(run):
    model = run.model()
    assert {name: one.shape[1:] for name, one in model.input.items()} == {
        "raw": (None, None, 3),
        "proposals": (16, 4),
    }
    images = data.load(run.config.data)
    pixels, objects = data.Batches(images.test, 8, image_shape=(48, 48, 3)).take(8)
    small = kerazoo.detector(run)(pixels)
    assert sum(map(len, small)) > 8
    # Twice the size, with windows in the place of a file that does not know it.
    large = kerazoo.detector(run, proposals="windows")(
        pixels[:2].repeat(2, 1).repeat(2, 2)
    )
    assert all((one.boxes <= 96).all() for one in large)
    assert max(one.boxes.max(initial=0) for one in large) > 48
    truth = [objects.on(n) for n in range(8)]
    best = [
        iou(there.boxes, one.boxes).max()
        for one, there in zip(small, truth, strict=True)
    ]
    assert np.mean(best) > 0.6
    with pytest.raises(ValueError, match="has no proposals for an image of 30x20"):
        kerazoo.detector(run)(np.zeros((30, 20, 3), "uint8"))


def test_predicts_files(run, tmp_path):
    images = data.load(run.config.data)
    pixels, _ = data.Batches(images.test, 2, image_shape=(48, 48, 3)).take(2)
    Image.fromarray(pixels[0]).save(tmp_path / "a.png")
    (one,) = kerazoo.predict(run, tmp_path / "a.png", draw=tmp_path / "drawn")
    assert one.problem is None
    assert one.top[0].box is not None
    assert (tmp_path / "drawn" / "a.png").is_file()


def test_an_interrupted_run_is_the_whole(run, recipe, tmp_path):
    name = run.config.network
    if name != "rcnn_mini":
        pytest.skip("draws its regions as rcnn_mini does")
    kerazoo.fit(name, recipe=recipe, run=tmp_path / "run", until=4, **FIT)
    parts = kerazoo.fit(name, recipe=recipe, run=tmp_path / "run", **FIT)
    for one, other in zip(
        run.model().get_weights(), parts.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_the_best_epoch_is_finished_too(run):
    names = {layer.name for layer in run.model().layers}
    if "svm" not in names:
        pytest.skip("learns its classes and boxes by gradients alone")
    for best in (False, True):
        layer = run.model(best=best).get_layer("svm")
        assert np.abs(np.asarray(layer.kernel)).max() > 0


class Fake:
    """A network whose features are given, of six regions an image."""

    def __init__(self, features, classes):
        inputs = {
            "images": keras.Input((1, 1, 1), name="images"),
            "proposals": keras.Input((6, 4), name="proposals"),
        }
        rng = np.random.default_rng(1)
        given = keras.layers.Dense(
            features, activation="relu", trainable=False, name="given"
        )
        x = given(inputs["proposals"] / 50.0)
        given.set_weights([rng.normal(size=(4, features)), rng.normal(size=features)])
        scores = keras.layers.Dense(classes + 1)(x)
        boxes = kerazoo.layers.RegionRegression(
            classes, (64, 64), penalty=10.0, name="regression"
        )(x, inputs["proposals"])
        shares = kerazoo.layers.RegionSVM(name="svm")(x, scores, inputs["proposals"])
        self.model = keras.Model(inputs, [boxes, shares])


def some_images(classes=3, count=30):
    """Images with two objects each, and proposals near and far."""
    rng, rows = np.random.default_rng(0), []
    for _ in range(count):
        corners = rng.uniform(0, 30, (2, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(15, 30, (2, 2))], 1)
        near = boxes + rng.uniform(-2, 2, boxes.shape)
        far = np.array([[60, 60, 63, 63], [-1, -1, -1, -1]])
        rows.append(
            (
                boxes.astype("float32"),
                # Nothing is of the last class.
                rng.integers(0, classes - 1, 2).astype("int32"),
                np.zeros(2, bool),
                np.concatenate([near, far]).astype("float32"),
            )
        )
    boxes, kinds, ignored, near = map(np.stack, zip(*rows, strict=True))
    return np.zeros((count, 1, 1, 1), "float32"), Objects(boxes, kinds, ignored, near)


def test_machines_and_regressions_equal_scikit_learns():
    """Fewer hard examples than one fit takes: then there is one fit of all."""
    model = Fake(5, 3).model
    images, objects = some_images()
    task = tasks.find("detection")
    region_svms.fit_regions(
        model, lambda x, truth: task.inputs(model, x, truth), [(images, objects)]
    )
    look = keras.Model(model.input, model.get_layer("given").output)
    rows = np.concatenate([objects.boxes, objects.proposals], 1)
    features = np.asarray(look({"images": images, "proposals": rows}))
    there = rows[..., 2] > rows[..., 0]
    scale = 20 / np.linalg.norm(features[there], axis=1).mean()
    svm, regression = model.get_layer("svm"), model.get_layer("regression")
    for kind in (0, 1):
        own = objects.classes == kind
        positive = features[:, :2][own] * scale
        negative = []
        for n in range(len(images)):
            overlaps = iou(rows[n], objects.boxes[n][own[n]]).max(1, initial=0)
            negative.append(features[n][there[n] & (overlaps < 0.3)] * scale)
        negative = np.concatenate(negative)
        machine = LinearSVC(
            C=1e-3, loss="hinge", class_weight={1: 2}, intercept_scaling=10,
            random_state=0, max_iter=20_000,
        )  # fmt: skip
        machine.fit(
            np.concatenate([positive, negative]),
            np.repeat([1, 0], [len(positive), len(negative)]),
        )
        np.testing.assert_allclose(
            np.asarray(svm.kernel)[:, kind], machine.coef_[0] * scale, rtol=1e-3
        )
        np.testing.assert_allclose(
            np.asarray(svm.bias)[kind], machine.intercept_[0], rtol=1e-3
        )
    assert np.asarray(svm.bias)[2] < -40
    assert not np.asarray(svm.kernel)[:, 2].any()
    # Boxes come nearer to the truth, and as near as the ridge on whitened moves.
    near, moves = [], []
    for n in range(len(images)):
        overlaps = iou(objects.proposals[n], objects.boxes[n])
        for place in np.flatnonzero(overlaps.max(1) > 0.6):
            best = overlaps[place].argmax()
            if objects.classes[n, best] == 0:
                near.append(features[n, 2 + place] * scale)
                truth = objects.boxes[n, best][None]
                moves.append(
                    np.asarray(encode(truth, objects.proposals[n, place][None]))
                )
    moves = np.concatenate(moves)
    centred = moves - moves.mean(0)
    values, axes = np.linalg.eigh(np.cov(centred.T, bias=True))
    whiten = axes @ np.diag(1 / np.sqrt(values + 1e-3)) @ axes.T
    ridge = Ridge(alpha=10.0, fit_intercept=False).fit(
        np.concatenate([near, np.ones((len(near), 1))], 1), centred @ whiten
    )
    back = ridge.coef_.T @ np.linalg.inv(whiten)
    np.testing.assert_allclose(
        np.asarray(regression.kernel)[:, :4], back[:-1] * scale, rtol=1e-2, atol=1e-5
    )
    np.testing.assert_allclose(
        np.asarray(regression.bias)[:4], back[-1] + moves.mean(0), rtol=1e-2, atol=1e-5
    )


def test_hard_examples_are_looked_for(monkeypatch):
    """With little room a machine is fitted again and again, and easy examples go."""
    fits = []
    real = region_svms._Machine.fit

    def counted(self):
        real(self)
        fits.append(len(self.negatives))

    monkeypatch.setattr(region_svms, "RETRAIN", 10)
    monkeypatch.setattr(region_svms._Machine, "fit", counted)
    model = Fake(5, 2).model
    images, objects = some_images(classes=2)
    task = tasks.find("detection")
    batches = [
        (images[n : n + 5], Objects(*(one[n : n + 5] for one in objects)))
        for n in range(0, 30, 5)
    ]
    region_svms.fit_regions(
        model, lambda x, truth: task.inputs(model, x, truth), batches
    )
    assert fits[:3] == [11, 22, 30]
    kernel = np.asarray(model.get_layer("svm").kernel)
    assert np.isfinite(kernel).all()
    assert kernel[:, 0].any()


def test_images_without_boxes_are_examples_against_all():
    model = Fake(4, 2).model
    images, objects = some_images(classes=3)
    objects.boxes[::2], objects.classes[::2] = -1, -1
    task = tasks.find("detection")
    region_svms.fit_regions(
        model, lambda x, truth: task.inputs(model, x, truth), [(images, objects)]
    )
    assert all(np.isfinite(w).all() for w in model.get_layer("svm").get_weights())


def test_a_network_of_gradients_alone_is_left_as_it_is():
    model = kerazoo.fast_rcnn_mini(proposals=4)
    before = model.get_weights()
    region_svms.fit_regions(model, None, [])
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_four_steps_share_their_convolutions(recipe, tmp_path):
    """Faster R-CNN as the paper trains it, on small networks."""
    plain = dataclasses.replace(
        recipe, options={}, proposals=None, epochs=1, batch_size=8
    )
    head = ("fc*", "scores", "moves")
    first = kerazoo.fit(
        "faster_rcnn_mini",
        recipe=dataclasses.replace(plain, options={"learns": "proposals"}, freeze=head),
        run=tmp_path / "step1",
        **FIT,
    )
    assert {"rpn_class", "rpn_box"} <= set(first.history[0])
    assert "class" not in first.history[0]
    second = kerazoo.fit(
        "fast_rcnn_mini",
        recipe=dataclasses.replace(
            plain, options={"proposals": 16}, proposals=f"run:{first.path}"
        ),
        run=tmp_path / "step2",
        **FIT,
    )
    third = kerazoo.fit(
        "faster_rcnn_mini",
        recipe=dataclasses.replace(
            plain,
            options={"learns": "proposals"},
            start_from=str(second.path),
            start_layers=("conv*", "bn*", *head),
            freeze=("conv*", "bn*", *head),
        ),
        run=tmp_path / "step3",
        **FIT,
    )
    fourth = kerazoo.fit(
        "faster_rcnn_mini",
        recipe=dataclasses.replace(
            plain,
            options={"learns": "regions"},
            start_from=str(third.path),
            freeze=("conv*", "bn*", "rpn_*"),
        ),
        run=tmp_path / "step4",
        **FIT,
    )
    assert "rpn_class" not in fourth.history[0]
    networks = [one.model() for one in (second, third, fourth)]
    for name in ("conv1", "bn3", "conv5"):
        weights = [network.get_layer(name).get_weights() for network in networks]
        for other in weights[1:]:
            for one, two in zip(weights[0], other, strict=True):
                np.testing.assert_array_equal(one, two)
    for name, same in (("rpn_conv", True), ("fc6", False)):
        one, two = (
            network.get_layer(name).get_weights()[0] for network in networks[1:]
        )
        assert np.array_equal(one, two) == same
    with pytest.raises(ValueError, match="proposes no regions"):
        kerazoo.proposals.find_proposals(f"run:{second.path}")(
            np.zeros((48, 48, 3), "uint8")
        )


def test_an_image_that_a_file_does_not_know_is_one_sentence(recipe, tmp_path):
    write_proposals(
        tmp_path / "few.npz", [(np.zeros((48, 48, 3), "uint8"), [[0, 0, 9, 9]])]
    )
    few = dataclasses.replace(recipe, proposals=f"file:{tmp_path / 'few.npz'}")
    with pytest.raises(
        ValueError, match=r"few\.npz has no proposals for an image"
    ) as e:
        kerazoo.fit("fast_rcnn_mini", recipe=few, run=tmp_path / "run", **FIT)
    assert "\n" not in str(e.value)

"""What holds for every detector of the zoo, and what its parts make together."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.layers import boxes

NAMES = [n for n in kerazoo.list_models() if kerazoo.find(n).task == "detection"]
# Fully connected layers of a hundred million weights learn as these do.
LEARNING = [
    "yolo_mini",
    "faster_rcnn_mini",
    "fast_rcnn_mini",
    "sppnet_detector_mini",
    "rcnn_mini",
]
PARTS = {
    "yolo_mini": ["box", "class", "empty", "object"],
    "faster_rcnn_mini": ["box", "class", "rpn_box", "rpn_class"],
    "fast_rcnn_mini": ["box", "class"],
    "sppnet_detector_mini": ["class"],
    "rcnn_mini": ["class"],
}
SIDE, REGIONS = 64, 12
RNG = np.random.default_rng(0)


def smallest(name, **options):
    keras.utils.set_random_seed(1)
    if "regions" in kerazoo.find(name).options:
        options.setdefault("proposals", REGIONS)
    return kerazoo.create(name, input_shape=(SIDE, SIDE, 3), classes=3, **options)


def regions(count=2):
    """Boxes of all sizes, the last one none."""
    corners = RNG.uniform(0, SIDE - 16, (count, REGIONS, 2))
    sides = RNG.uniform(8, 16, (count, REGIONS, 2))
    found = np.concatenate([corners, corners + sides], -1).astype("float32")
    found[:, -1] = -1
    return found


def given(model, **values):
    """What a network takes, of values by name."""
    values = {"images": images(), "proposals": regions()} | values
    if not isinstance(model.input, dict):
        return values["images"]
    return {name: values[name] for name in model.input}


@pytest.fixture(scope="module", params=NAMES)
def small(request):
    yield smallest(request.param, score_threshold=0.0)
    keras.backend.clear_session(free_memory=False)


def images(count=2):
    return RNG.uniform(-1, 1, (count, SIDE, SIDE, 3)).astype("float32")


def test_gives_boxes_scores_and_classes(small):
    found = {name: np.asarray(x) for name, x in small(given(small)).items()}
    count = found["scores"].shape[1]
    assert found["boxes"].shape == (2, count, 4)
    assert found["classes"].shape == (2, count)
    assert (np.diff(found["scores"]) <= 0).all()
    there = found["classes"] >= 0
    assert found["classes"].max() < 3
    assert (found["boxes"][there] >= 0).all()
    assert (found["boxes"][there] <= SIDE).all()
    assert (found["boxes"][~there] == 0).all()


def test_names_follow_the_grammar(small):
    names = [layer.name for layer in small.layers[1:]]
    assert len(set(names)) == len(names)
    assert names[-1] == "detections"
    assert not [n for n in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", n)]


def test_saves_and_loads(small, tmp_path):
    x = given(small)
    small.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    for (name, old), new in zip(small(x).items(), again(x).values(), strict=True):
        np.testing.assert_allclose(old, new, rtol=1e-4, atol=1e-4, err_msg=name)


def truth():
    """Tensors of the true boxes, and some for two images, one without any."""
    some = np.full((2, 3, 4), -1, "float32")
    some[0, :2] = [[8, 8, 40, 36], [30, 30, 60, 62]]
    classes = np.array([[0, 2, -1], [-1, -1, -1]], "int32")
    inputs = (
        keras.Input((None, 4), name="boxes"),
        keras.Input((None,), dtype="int32", name="classes"),
    )
    return inputs, some, classes


@pytest.mark.parametrize("name", LEARNING)
def test_learns_four_images(name):
    """By plain fit; each part of the loss is in the history, the boxes are found."""
    inputs, some, classes = truth()
    model = smallest(name, truth=inputs)
    needed = {"images", "boxes", "classes"}
    assert set(model.input) - {"proposals"} == needed
    x = np.zeros((2, SIDE, SIDE, 3), "float32")
    for (x1, y1, x2, y2), color in zip(some[0, :2].astype(int), (0, 2), strict=True):
        x[0, y1:y2, x1:x2, color] = 2.0
    near = np.concatenate([some[:1, :2], regions()[:1, 2:]], 1)
    near = np.concatenate([near, regions()[1:]])
    rows = given(model, images=x, boxes=some, classes=classes, proposals=near)
    rows = {key: np.concatenate([value, value]) for key, value in rows.items()}
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(rows, epochs=60, batch_size=4, verbose=0).history
    assert sorted(history) == sorted([*PARTS[name], "loss"])
    sums = np.sum([history[part] for part in PARTS[name]], axis=0)
    np.testing.assert_allclose(history["loss"], sums, rtol=1e-3)
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    found = model.predict(rows, verbose=0)
    # What overlaps no object by a tenth is no background to Fast R-CNN.
    best = found["boxes"][0, :4]
    overlaps = np.array(boxes.iou(some[0, :2], best.astype("float32")))
    overlaps[classes[0, :2, None] != found["classes"][0, :4]] = 0
    assert (overlaps.max(1) > 0.5).all(), (best, found["scores"][0])


@pytest.mark.parametrize("name", LEARNING)
def test_every_weight_gets_a_gradient(name):
    import tensorflow as tf

    inputs, some, classes = truth()
    model = smallest(name, truth=inputs)
    with tf.GradientTape() as tape:
        model(given(model, boxes=some, classes=classes), training=True)
        loss = tf.add_n(model.losses)
    for weight, gradient in zip(
        model.trainable_weights,
        tape.gradient(loss, model.trainable_weights),
        strict=True,
    ):
        assert gradient is not None, weight.path
        assert np.isfinite(np.asarray(gradient)).all()


def test_sampling_is_a_part_of_the_state():
    """Two equal seeds draw the same regions, and the next step draws others."""

    def losses(seed):
        keras.utils.set_random_seed(seed)
        inputs, some, classes = truth()
        model = smallest("faster_rcnn_mini", truth=inputs, regions_sampled=4)
        found = []
        for _ in range(2):
            rows = {"images": x, "boxes": some, "classes": classes}
            model(rows, training=False)
            found.append([float(one) for one in model.losses])
        return found

    x = images()
    first, again = losses(1), losses(1)
    assert first == again
    assert first[0] != first[1]


@pytest.mark.parametrize("name", LEARNING)
def test_boxes_stay_exact_in_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs, some, classes = truth()
        model = smallest(name, truth=inputs)
        rows = given(model, boxes=some, classes=classes)
        found = model(rows, training=True)
        assert {str(x.dtype) for x in found.values()} == {
            "<dtype: 'float32'>",
            "<dtype: 'int32'>",
        }
        assert all("float32" in str(x.dtype) for x in model.losses)
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_detector_needs_a_known_size():
    with pytest.raises(ValueError, match="give input_shape a height and a width"):
        kerazoo.yolo_mini(input_shape=(None, None, 3))


def test_features_without_the_top():
    body = kerazoo.faster_rcnn_vgg16(include_top=False, input_shape=(96, 128, 3))
    assert body.output.shape == (None, 6, 8, 512)
    assert kerazoo.yolo(include_top=False).output.shape == (None, 7, 7, 1024)


def test_caffes_grids():
    """600x800, the card's size: 38x50 for VGG, which rounds up, and 39x51 for ZF."""
    for name, grid in (("faster_rcnn_vgg16", (38, 50)), ("faster_rcnn_zf", (39, 51))):
        assert kerazoo.create(name, include_top=False).output.shape[1:3] == grid


def test_align_is_an_option():
    kinds = {
        align: {
            type(layer).__name__
            for layer in kerazoo.faster_rcnn_mini(align=align).layers
        }
        for align in (True, False)
    }
    assert "RoIAlign2D" in kinds[True]
    assert "RoIPooling2D" in kinds[False]


ON_JAX = """
import sys, pathlib, keras, numpy as np, kerazoo
image = np.random.default_rng(5).integers(0, 5, (90, 70, 3), 'uint8')
proposals, *files = sys.argv[1:]
for file in map(pathlib.Path, files):
    detect = kerazoo.detector(keras.models.load_model(file), proposals=proposals)
    (one,) = detect(image)
    np.savez(file.with_suffix(".npz"), boxes=one.boxes, classes=one.classes)
print(keras.backend.backend())
"""


@pytest.mark.slow
def test_jax_finds_the_same_boxes(tmp_path):
    image = np.random.default_rng(5).integers(0, 5, (90, 70, 3), "uint8")
    # No two of them meet the same cells of a map, and so none scores as another.
    places = [(x, y) for x in (0, 24, 46) for y in (0, 45)]
    places += [(x + 10, y + 12) for x, y in places[:4]]
    some = [(x, y, x + 22, y + 30) for x, y in places]
    kerazoo.write_proposals(tmp_path / "own.npz", [(image, some)])
    proposals = f"file:{tmp_path / 'own.npz'}"
    here = {}
    for name in LEARNING:
        model = smallest(name)
        for layer in model.layers:
            if layer.name == "scores":
                # Scores that are apart, lest the last bit decides between boxes.
                layer.kernel.assign(40 * layer.kernel)
        file = tmp_path / f"{name}.keras"
        model.save(file)
        (here[file],) = kerazoo.detector(model, proposals=proposals)(image)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", ON_JAX, proposals, *map(str, here)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "jax"
    for file, one in here.items():
        there = np.load(file.with_suffix(".npz"))
        assert len(one) == len(there["boxes"]) > 0, file.stem
        # Of nearly the same score they may change places.
        apart = np.abs(one.boxes[:, None] - there["boxes"][None]).max(-1)
        apart[one.classes[:, None] != there["classes"][None]] = np.inf
        assert (apart.min(1) < 1e-3).all(), (file.stem, apart.min(1))

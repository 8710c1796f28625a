"""Boxes move as the pixels do: painted rectangles are followed through everything."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data import Batches, Split, boxes
from kerazoo.detections import Objects

SIZE = 48
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], "uint8")
EXACT = [
    "flip", "vertical_flip", "rotate90", "translate:0.3", "pad_crop:8",
    "area_crop:0.4:0.9",
]  # fmt: skip
HULLS = ["rotate:25", "shear:0.2", "stretch:0.3", "lens:0.2", "rand_augment:2:9"]


class Painted:
    """Black images with three filled rectangles, and their boxes."""

    masked = fresh = False
    boxed = True

    def __init__(self, count=24, shape=(SIZE, SIZE, 3)):
        rng = np.random.default_rng(0)
        self.size, self.shape = count, shape
        self.labels = np.zeros(count, "int64")
        self.images = np.zeros((count, *shape), "uint8")
        self.boxes = np.zeros((count, 3, 4), "float32")
        height, width = shape[:2]
        for image, some in zip(self.images, self.boxes, strict=True):
            # Each in a third of the width, so that none covers another.
            for n, box in enumerate(some):
                x = n * width // 3 + rng.integers(1, 4)
                y = rng.integers(1, height - 18)
                box[:] = [x, y, x + rng.integers(8, 12), y + rng.integers(8, 16)]
                x1, y1, x2, y2 = box.astype(int)
                image[y1:y2, x1:x2] = COLORS[n]

    def shuffled(self, wanted):
        return len(wanted)

    def stream(self, wanted, order, epoch, rank=None):
        numbers = tf.gather(wanted, order)
        return tf.data.Dataset.from_tensor_slices((numbers, numbers))

    def fetch(self, number):
        classes = tf.range(3, dtype=tf.int32)
        truth = Objects(tf.constant(self.boxes)[number], classes, tf.zeros(3, tf.bool))
        return tf.constant(self.images)[number], truth


def taken(source=None, size=(SIZE, SIZE), **options):
    source = source or Painted()
    split = Split(source, name="painted", classes=("red", "green", "blue"))
    batches = Batches(split, source.size, image_shape=(*size, 3), **options)
    return batches.take(source.size)


def painted_boxes(image):
    """The box around the pixels of each color, where there are any."""
    found = {}
    for kind in range(3):
        there = (image[..., kind] > 127) & (image.sum(-1) < 400)
        if there.any():
            rows, columns = (np.flatnonzero(there.any(axis)) for axis in (1, 0))
            found[kind] = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return found


@pytest.mark.parametrize("augment", EXACT)
def test_moves_are_exact(augment):
    images, objects = taken(augment=(augment,))
    seen = 0
    for n, image in enumerate(images):
        one = objects.on(n)
        real = painted_boxes(image)
        # What crops enlarge has edges between two pixels.
        slack = 1.01 if "crop:0" in augment else 1e-4
        for box, kind in zip(one.boxes, one.classes, strict=True):
            np.testing.assert_allclose(box, real[kind], atol=slack)
            seen += 1
        for kind in real.keys() - set(one.classes):
            # Less than a quarter of it is left.
            x1, y1, x2, y2 = real[kind]
            whole = Painted().boxes[n, kind]
            area = np.prod(whole[2:] - whole[:2])
            assert (x2 - x1) * (y2 - y1) < 0.3 * area * (3 if slack > 1 else 1)
    assert seen > 40


@pytest.mark.parametrize("augment", HULLS)
def test_warps_give_the_hull(augment):
    images, objects = taken(augment=(augment,))
    tight = 0
    for n, image in enumerate(images):
        one = objects.on(n)
        for kind, (x1, y1, x2, y2) in painted_boxes(image).items():
            if kind not in one.classes:
                continue
            box = one.boxes[list(one.classes).index(kind)]
            # Every painted pixel lies inside, but for the blur at the edge.
            assert box[0] <= x1 + 1
            assert box[1] <= y1 + 1
            assert box[2] >= x2 - 1
            assert box[3] >= y2 - 1
            tight += np.abs(box - [x1, y1, x2, y2]).max() < 3.1
    assert tight > 20


@pytest.mark.parametrize("how", ["bilinear", "pad", "crop", "center"])
@pytest.mark.parametrize("size", [(48, 48), (24, 96), (60, 40)])
def test_boxes_follow_resizing(how, size):
    images, objects = taken(Painted(shape=(48, 64, 3)), size, resize=how)
    seen = 0
    for n, image in enumerate(images):
        one, real = objects.on(n), painted_boxes(image)
        for box, kind in zip(one.boxes, one.classes, strict=True):
            if kind in real:
                np.testing.assert_allclose(box, real[kind], atol=2.01)
                seen += 1
    assert seen > 20


def test_colors_and_order_leave_boxes_alone():
    _, still = taken()
    _, objects = taken(augment=("color_jitter:0.4", "cutout:8"))
    np.testing.assert_array_equal(objects.boxes, still.boxes)
    np.testing.assert_array_equal(still.boxes, Painted().boxes)
    with pytest.raises(ValueError, match=r"mixup mixes the labels.*has boxes"):
        taken(augment=("mixup",))
    with pytest.raises(ValueError, match="one label; painted has boxes"):
        taken(views="flip")


def test_held_and_streamed_boxes_are_the_same():
    for augment in ((), ("flip", "rotate:10")):
        held, streamed = (
            taken(augment=augment, cache=cache, shuffle=True, seed=3, size=(40, 40))
            for cache in ("memory", "none")
        )
        np.testing.assert_array_equal(held[0], streamed[0])
        np.testing.assert_allclose(held[1].boxes, streamed[1].boxes, atol=1e-4)


def test_moves_after_another_are_one():
    """A flip after a shift mirrors what the shift has left."""
    images, objects = taken(augment=("translate:0.2", "flip", "pad_crop:3"))
    for n, image in enumerate(images):
        one, real = objects.on(n), painted_boxes(image)
        for box, kind in zip(one.boxes, one.classes, strict=True):
            np.testing.assert_allclose(box, real[kind], atol=1e-4)


def test_what_is_nearly_out_is_no_object():
    some = np.array(
        [[[0, 0, 10, 10], [-8, 0, 2, 10], [-6, 0, 2, 8], [5, 47.5, 9, 60]]], "float32"
    )
    objects = Objects(some, np.array([[0, 1, 2, 0]]), np.array([[True] * 4]))
    left = boxes.on_image(objects, (48, 48))
    np.testing.assert_array_equal(left.classes, [[0, -1, 2, -1]])
    np.testing.assert_array_equal(left.boxes[0, 2], [0, 0, 2, 8])
    np.testing.assert_array_equal(left.boxes[0, 1], [-1] * 4)
    np.testing.assert_array_equal(left.ignored, [[True, False, True, False]])

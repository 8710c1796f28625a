"""Moving the boxes of objects as their images are moved."""

from collections.abc import Sequence

import tensorflow as tf

from kerazoo.detections import Objects

# The share of an object's box that has to be on the image for it to count.
VISIBLE = 0.25


def together(objects: Objects) -> tf.Tensor:
    """The boxes of objects and, behind them, the proposals that move as they do."""
    if isinstance(objects.proposals, tf.Tensor):
        return tf.concat([objects.boxes, objects.proposals], -2)
    return objects.boxes


def apart(objects: Objects, boxes: tf.Tensor) -> Objects:
    """Objects with what the boxes of `together` have become."""
    count = tf.shape(objects.boxes)[-2]
    if isinstance(objects.proposals, tf.Tensor):
        objects = objects._replace(proposals=boxes[..., count:, :])
    return objects._replace(boxes=boxes[..., :count, :])


def rewindowed(
    boxes: tf.Tensor, window: Sequence[tuple], size: Sequence[int]
) -> tf.Tensor:
    """Boxes (..., 4) of an image of which a part becomes an image of another size.

    Args:
        boxes: float32, in pixels of the image.
        window: Where that part begins and how long it is, in rows and in columns.
        size: Height and width of what it becomes.
    """
    (top, tall), (left, wide) = (
        [tf.cast(one, tf.float32) for one in axis] for axis in window
    )
    x, y = size[1] / wide, size[0] / tall
    start = tf.stack([left, top, left, top])
    return (boxes - start) * tf.stack([x, y, x, y])


def picked(
    boxes: tf.Tensor,
    rows: tf.Tensor | None,
    columns: tf.Tensor | None,
    size: Sequence[int],
) -> tf.Tensor:
    """Boxes (n, k, 4) of images put together by `augment.geometry.pick`.

    Args:
        boxes: float32.
        rows: For each row which one is shown, shifted or mirrored as a whole; `height`
            for none. None where all are as they were.
        columns: The same for columns.
        size: Height and width.
    """

    def along(start, end, lines, side):
        if lines is None:
            return start, end
        known = lines < side
        first = tf.argmax(known, 1, tf.int32)
        last = side - 1 - tf.argmax(known[:, ::-1], 1, tf.int32)
        source = tf.gather(lines, first, batch_dims=1)
        mirrored = (tf.gather(lines, last, batch_dims=1) < source)[:, None]
        first, source = (tf.cast(one, tf.float32)[:, None] for one in (first, source))
        moved = [
            tf.where(mirrored, first + 1 - (edge - source), edge - source + first)
            for edge in (start, end)
        ]
        return tf.minimum(*moved), tf.maximum(*moved)

    x1, y1, x2, y2 = tf.unstack(boxes, axis=-1)
    y1, y2 = along(y1, y2, rows, size[0])
    x1, x2 = along(x1, x2, columns, size[1])
    return tf.stack([x1, y1, x2, y2], -1)


def warped(boxes: tf.Tensor, matrices: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """The boxes (n, k, 4) around what boxes become by `augment.geometry.warp`.

    Args:
        boxes: float32.
        matrices: float32 (n, 3, 3), from a place of the new image to one of the old.
        size: Height and width.
    """
    unit = min(size) / 2
    middle = tf.constant([size[1] / 2, size[0] / 2])
    corners = tf.gather(boxes, [[0, 1], [2, 1], [0, 3], [2, 3]], axis=-1)
    places = (corners - middle) / unit
    places = tf.concat([places, tf.ones_like(places[..., :1])], -1)
    places = tf.einsum("nij,nkcj->nkci", tf.linalg.inv(matrices), places)
    places = places[..., :2] / places[..., 2:] * unit + middle
    return tf.concat([tf.reduce_min(places, 2), tf.reduce_max(places, 2)], -1)


def painted(boxes: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Masks with a channel for every box: uint8 (n, height, width, k), 1 inside."""
    y, x = (tf.range(side, dtype=tf.float32) + 0.5 for side in size)
    x1, y1, x2, y2 = (one[:, None] for one in tf.unstack(boxes, axis=-1))
    rows = (y[:, None] > y1) & (y[:, None] < y2)
    columns = (x[:, None] > x1) & (x[:, None] < x2)
    return tf.cast(rows[:, :, None] & columns[:, None], tf.uint8)


def around(masks: tf.Tensor) -> tf.Tensor:
    """The boxes around what is marked in every channel of masks, as of `painted`."""
    shapes = tf.transpose(tf.cast(masks, tf.int32), [0, 3, 1, 2])
    return tf.cast(boxes_around(shapes), tf.float32)


def clipped(boxes: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Boxes cut off at the edges of an image of a height and width."""
    height, width = size
    edge = tf.constant([width, height, width, height], tf.float32)
    return tf.clip_by_value(boxes, 0, edge)


def on_image(objects: Objects, size: Sequence[int]) -> Objects:
    """What is left of objects on an image.

    Boxes are cut off at its edges. Where less than a quarter of one is left, or less
    than a pixel, there is no object any more; of proposals a pixel is enough.

    Args:
        objects: Of a batch, or of one image.
        size: Height and width.
    """
    cut = clipped(objects.boxes, size)
    sides, whole = (
        tf.maximum(one[..., 2:] - one[..., :2], 0) for one in (cut, objects.boxes)
    )
    seen = tf.reduce_prod(sides, -1) >= VISIBLE * tf.reduce_prod(whole, -1)
    there = (objects.classes >= 0) & seen & tf.reduce_all(sides >= 1, -1)
    proposals = objects.proposals
    if isinstance(proposals, tf.Tensor):
        proposals = clipped(proposals, size)
        large = tf.reduce_all(proposals[..., 2:] - proposals[..., :2] >= 1, -1)
        proposals = tf.where(large[..., None], proposals, -1)
    return Objects(
        tf.where(there[..., None], cut, -1),
        tf.where(there, objects.classes, -1),
        objects.ignored & there,
        proposals,
    )


def boxes_around(shapes: tf.Tensor) -> tf.Tensor:
    """The boxes around shapes.

    Args:
        shapes: int32 tensor (n, k, height, width): 1 inside, 0 outside.

    Returns:
        int32 tensor (n, k, 4): x1, y1, x2, y2, half-open; rows of -1 around nothing.
    """
    ends = []
    for axis in (-2, -1):  # Along columns for x, then along rows for y.
        line = tf.reduce_max(shapes, axis)
        last = line.shape[-1] - tf.argmax(line[..., ::-1], -1, tf.int32)
        ends.append((tf.argmax(line, -1, tf.int32), last))
    box = tf.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], -1)
    return tf.where(tf.reduce_any(shapes > 0, [-2, -1])[..., None], box, -1)

"""Doing augmentations that are named by strings such as ``"pad_crop:4"``."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from kerazoo import errors

# Importing a family of augmentations puts it on the list.
from kerazoo.data import boxes as box
from kerazoo.data import draws
from kerazoo.data.augment import color, geometry, mixing, rand_augment  # noqa: F401
from kerazoo.data.augment.registry import REGISTRY, Step


def augmentations() -> dict[str, str]:
    """What `Batches` can do to images.

    Returns:
        A dict from the way to write it, with default values ("pad_crop:4"), to a line
        that says what it does.
    """
    return {
        ":".join([one.name, *map(str, one.defaults.values())]): one.summary
        for one in REGISTRY.values()
    }


def parse(text: str) -> Step:
    """Reads "name" or "name:value" or "name:value:value".

    Returns:
        A `Step`.

    Raises:
        ValueError: If there is no such augmentation or a value does not fit it.
    """
    name, *given = str(text).split(":")
    if name not in REGISTRY:
        raise errors.unknown("augmentation", name, REGISTRY)
    one = REGISTRY[name]
    low, high = one.limits
    try:
        values = [float(value) for value in given]
    except ValueError:
        values = [math.nan]
    # A comparison with not-a-number is false, so that nan fails here too.
    if len(given) > len(one.defaults) or not all(low <= v <= high for v in values):
        form = ":".join([name, *(f"<{value}>" for value in one.defaults)])
        bound = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(
            f"augmentation {text!r} cannot be read; write {form}"
            + (f" with numbers {bound}" if one.defaults else " without a value")
        )
    return Step(one, (*values, *list(one.defaults.values())[len(values) :]))


def check_augmentations(steps: Sequence[Step], side: int | None = None) -> None:
    """Refuses augmentations that cannot be done in their order, or to such images.

    Args:
        steps: What is to be done.
        side: The larger side of the images, in pixels, where it is known.

    Raises:
        ValueError: Unless crops come first and mixing comes last, and no number of
            pixels is larger than the side.
    """
    for step in steps:
        pixels = dict(zip(step.augmentation.defaults, step.values, strict=True))
        if side and pixels.get("pixels", 0) > side:
            raise ValueError(
                f"augmentation {step.augmentation.name}:{pixels['pixels']:g} has more "
                f"pixels than the images, which have {side}; give fewer"
            )
    order = {"crop": 0, "move": 1, "warp": 1, "pair": 1, "pixels": 1, "mix": 2}
    ranks = [order[step.kind] for step in steps]
    if ranks != sorted(ranks) or ranks.count(0) > 1:
        names = ", ".join(step.augmentation.name for step in steps)
        raise ValueError(
            f"augmentations {names} cannot be done in this order; put one crop of the "
            "whole image first and mixing last"
        )


class Truth(NamedTuple):
    """What is known of a batch of images, and moves as they do.

    Attributes:
        labels: Class ids (n,), or one-hot rows where a step mixes; None beside boxes.
        masks: uint8 tensor (n, height, width, 1), 0 where nothing is; or None.
        boxes: float32 tensor (n, k, 4) in pixels; or None.
    """

    labels: tf.Tensor | None = None
    masks: tf.Tensor | None = None
    boxes: tf.Tensor | None = None


def part_masks(images: tf.Tensor, masked: bool) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Images, and the last channel by itself where it holds their masks."""
    return (images[..., :-1], images[..., -1:]) if masked else (images, None)


def apply(
    steps: Sequence[Step],
    images: tf.Tensor,
    truth: Truth,
    seed: int,
    epoch: tf.Tensor,
    index: tf.Tensor,
) -> tuple[tf.Tensor, Truth]:
    """Augments one batch.

    Args:
        steps: List of `Step`; a crop among them is passed over.
        images: uint8 tensor (n, height, width, channels).
        truth: What is known of them.
        seed: Integer.
        epoch: Scalar int64 tensor.
        index: int64 tensor (n,): numbers of the examples.

    Returns:
        Images and what is known of them. Boxes may lie outside.
    """
    pending: list[tuple[Step, tf.Tensor]] = []
    for place, step in enumerate(steps):
        if step.kind == "crop":
            continue  # Done while resizing.
        numbers = draws.uniform(seed, epoch, index, place, step.augmentation.draws)
        if pending and pending[0][0].kind != step.kind:
            (images, truth), pending = _geometry(pending, images, truth), []
        if step.kind in ("move", "warp"):
            pending.append((step, numbers))
        elif step.kind == "mix":
            images, labels = step(images, truth.labels, numbers)
            truth = truth._replace(labels=labels)
        elif step.kind == "pair":
            images, truth = _paired(step, numbers, images, truth)
        else:
            images = step(images, numbers)
    return _geometry(pending, images, truth)


def _paired(step, numbers, images, truth):
    """Does what may move pixels in ways of its own; boxes are painted and found."""
    if truth.boxes is None:
        images, masks = step(images, truth.masks, numbers)
        return images, truth._replace(masks=masks)
    images, painted = step(images, box.painted(truth.boxes, images.shape[1:3]), numbers)
    return images, truth._replace(boxes=box.around(painted))


def _geometry(pending, images, truth):
    """Does neighbouring moves, or warps, as one: each pixel is read once."""
    if not pending:
        return images, truth
    masks, boxes, size = truth.masks, truth.boxes, images.shape[1:3]
    if boxes is not None:
        # What has left the image does not come back.
        boxes = box.clipped(boxes, size)
    if pending[0][0].kind == "move":
        rows, columns = None, None
        for step, numbers in pending:
            down, right = step(size, numbers)
            if boxes is not None:
                boxes = box.picked(box.clipped(boxes, size), down, right, size)
            rows = geometry.chain(rows, down)
            columns = geometry.chain(columns, right)
        if masks is not None:
            masks = geometry.pick(masks, rows, columns)
        images = geometry.pick(images, rows, columns)
        return images, truth._replace(masks=masks, boxes=boxes)
    matrix = functools.reduce(tf.matmul, [step(numbers) for step, numbers in pending])
    if masks is not None:
        masks = geometry.warp(masks, matrix, nearest=True)
    if boxes is not None:
        boxes = box.warped(boxes, matrix, size)
    return geometry.warp(images, matrix), truth._replace(masks=masks, boxes=boxes)


def crop(
    step: Step,
    image: tf.Tensor,
    size: Sequence[int],
    seed: int,
    epoch: tf.Tensor,
    number: tf.Tensor,
) -> tuple[tf.Tensor, list[tuple]]:
    """Cuts a box out of one image (height, width, channels), before it is resized.

    Args:
        step: A `Step` of kind "crop"; the first among the augmentations.
        image: uint8 tensor (height, width, channels).
        size: Height and width that the box will be resized to.
        seed: Integer.
        epoch: Scalar int64 tensor.
        number: Scalar int64 tensor: number of the example.

    Returns:
        A uint8 tensor of the box; and where it begins and how long it is, in rows and
        in columns.
    """
    numbers = draws.uniform(seed, epoch, number[None], 0, step.augmentation.draws)[0]
    sides = tf.shape(image)[:2]
    lengths = step(tf.cast(sides, tf.float32), size, numbers[2:])
    # At least a pixel, at most the image; then anywhere inside.
    lengths = tf.clip_by_value(tf.cast(tf.round(lengths), tf.int32), 1, sides)
    room = tf.cast(sides - lengths + 1, tf.float32)
    corner = tf.cast(tf.floor(numbers[:2] * room), tf.int32)
    (top, left), (tall, wide) = tf.unstack(corner), tf.unstack(lengths)
    cut = tf.image.crop_to_bounding_box(image, top, left, tall, wide)
    return cut, [(top, tall), (left, wide)]

"""Augmentations of batches, named by strings such as ``"pad_crop:4"``.

Each is a function of a batch and of uniform random numbers, a row for each example,
that depend on (seed, epoch, example) alone: the same bits come out whatever the
parallelism and wherever an epoch is entered. Images stay uint8 unless a summary says
otherwise; what moves in from outside an image is black.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable

import tensorflow as tf

from kerazoo import errors
from kerazoo.data import draws

_REGISTRY = {}


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What is known of one augmentation.

    Attributes:
        name: What recipes call it.
        summary: One line for people.
        kind: "pixels" takes images and draws; "warp" makes matrices of draws; "crop"
            makes boxes in the undistorted image of draws; "mix" takes images, one-hot
            labels and draws.
        function: Does it.
        draws: How many random numbers an example takes.
        defaults: Values by name, which a recipe may give after colons.
        limits: Smallest and largest value that is allowed.
    """

    name: str
    summary: str
    kind: str
    function: Callable
    draws: int
    defaults: dict
    limits: tuple


@dataclasses.dataclass(frozen=True)
class Step:
    """An augmentation with its values."""

    augmentation: Augmentation
    values: tuple

    @property
    def kind(self):
        return self.augmentation.kind

    def __call__(self, *arguments):
        return self.augmentation.function(*arguments, *self.values)


def _augmentation(kind, *, draws, limits=(0, math.inf)):
    def register(function):
        defaults = {
            parameter.name: parameter.default
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is not parameter.empty
        }
        summary = inspect.getdoc(function).split("\n\n")[0].replace("\n", " ")
        name = function.__name__
        _REGISTRY[name] = Augmentation(
            name, summary, kind, function, draws, defaults, limits
        )
        return function

    return register


def augmentations():
    """What `Batches` can do to images.

    Returns:
        A dict from the way to write it, with default values ("pad_crop:4"), to a line
        that says what it does.
    """
    return {
        ":".join([one.name, *map(str, one.defaults.values())]): one.summary
        for one in _REGISTRY.values()
    }


def parse(text):
    """Reads "name" or "name:value" or "name:value:value".

    Returns:
        A `Step`.

    Raises:
        ValueError: If there is no such augmentation or a value does not fit it.
    """
    name, *given = str(text).split(":")
    if name not in _REGISTRY:
        raise errors.unknown("augmentation", name, _REGISTRY)
    one = _REGISTRY[name]
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


def check(steps):
    """Raises ValueError unless crops come first and mixing comes last."""
    order = {"crop": 0, "warp": 1, "pixels": 1, "mix": 2}
    ranks = [order[step.kind] for step in steps]
    if ranks != sorted(ranks) or ranks.count(0) > 1:
        names = ", ".join(step.augmentation.name for step in steps)
        raise ValueError(
            f"augmentations {names} cannot be done in this order; put one crop of the "
            "whole image first and mixing last"
        )


def apply(steps, images, labels, seed, epoch, index):
    """Augments one batch.

    Args:
        steps: List of `Step`; a crop among them is passed over.
        images: uint8 tensor (n, height, width, channels).
        labels: Class ids (n,), or one-hot rows where a step mixes.
        seed: Integer.
        epoch: Scalar int64 tensor.
        index: int64 tensor (n,): numbers of the examples.

    Returns:
        Images and labels.
    """
    matrices = None
    for place, step in enumerate(steps):
        if step.kind == "crop":
            continue  # Done while resizing.
        numbers = draws.uniform(seed, epoch, index, place, step.augmentation.draws)
        if step.kind == "warp":
            # Neighbouring warps become one, so that an image is interpolated once.
            matrix = step(numbers)
            matrices = matrix if matrices is None else matrices @ matrix
            continue
        if matrices is not None:
            images, matrices = warp(images, matrices), None
        if step.kind == "mix":
            images, labels = step(images, labels, numbers)
        else:
            images = step(images, numbers)
    if matrices is not None:
        images = warp(images, matrices)
    return images, labels


def crop(step, image, size, seed, epoch, number):
    """Cuts a box out of one image (height, width, channels), before it is resized.

    Args:
        step: A `Step` of kind "crop"; the first among the augmentations.
        image: uint8 tensor (height, width, channels).
        size: Height and width that the box will be resized to.
        seed: Integer.
        epoch: Scalar int64 tensor.
        number: Scalar int64 tensor: number of the example.

    Returns:
        A uint8 tensor of the box.
    """
    numbers = draws.uniform(seed, epoch, number[None], 0, step.augmentation.draws)[0]
    sides = tf.shape(image)[:2]
    box = step(tf.cast(sides, tf.float32), tf.constant(size, tf.float32), numbers[2:])
    # At least a pixel, at most the image; then anywhere inside.
    box = tf.clip_by_value(tf.cast(tf.round(box), tf.int32), 1, sides)
    room = tf.cast(sides - box + 1, tf.float32)
    corner = tf.cast(tf.floor(numbers[:2] * room), tf.int32)
    return tf.image.crop_to_bounding_box(image, *tf.unstack(corner), *tf.unstack(box))


def as_like(values, images):
    """Float pixel values in the type of `images`; uint8 is rounded and clipped."""
    if images.dtype == tf.uint8:
        return tf.cast(tf.clip_by_value(tf.round(values), 0, 255), tf.uint8)
    return values


def move(images, down, right):
    """Moves each image by whole pixels; black comes in.

    Args:
        images: Tensor (n, height, width, channels).
        down: int32 tensor (n,).
        right: int32 tensor (n,).

    Returns:
        A tensor like `images`.
    """

    def along_rows(images, shift):
        height = tf.shape(images)[1]
        rows = tf.range(height)[None] - shift[:, None]
        # The row added at the end is the black one.
        rows = tf.where((rows >= 0) & (rows < height), rows, height)
        padded = tf.pad(images, [[0, 0], [0, 1], [0, 0], [0, 0]])
        return tf.gather(padded, rows, batch_dims=1)

    # Gathering whole rows and transposing is twice as fast as gathering pixels.
    moved = tf.transpose(along_rows(images, down), [0, 2, 1, 3])
    moved = tf.transpose(along_rows(moved, right), [0, 2, 1, 3])
    return tf.ensure_shape(moved, images.shape)


def warp(images, matrices):
    """Moves pixels by a projective map each, bilinear.

    Args:
        images: Tensor (n, height, width, channels).
        matrices: float32 tensor (n, 3, 3) that maps a place (x, y, 1) of the output to
            one of the input; the origin is the centre, the unit half a side.

    Returns:
        A tensor like `images`.
    """
    height, width = images.shape[1:3]
    half = tf.constant([(width - 1) / 2, (height - 1) / 2, 1.0])
    centre = tf.constant([[1, 0, half[0]], [0, 1, half[1]], [0, 0, 1.0]])
    from_units = centre @ tf.linalg.diag(half)
    pixel = from_units @ matrices @ tf.linalg.inv(from_units)
    pixel /= pixel[:, 2:, 2:]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.reshape(pixel, [-1, 9])[:, :8],
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return as_like(warped, images)


@_augmentation("pixels", draws=1)
def flip(images, u):
    """Mirrors left and right with probability 1/2."""
    mirrored = tf.reverse(images, [2])
    return tf.where((u[:, 0] < 0.5)[:, None, None, None], mirrored, images)


@_augmentation("pixels", draws=2)
def pad_crop(images, u, pixels=4):
    """Pads every side with black pixels and cuts the old size out anywhere."""
    shift = tf.cast(tf.floor(u * (2 * int(pixels) + 1)), tf.int32) - int(pixels)
    return move(images, shift[:, 0], shift[:, 1])


@_augmentation("pixels", draws=2, limits=(0, 1))
def translate(images, u, share=0.1):
    """Moves by whole pixels, up to this share of the sides, both ways."""
    reach = tf.cast(tf.cast(tf.shape(images)[1:3], tf.float32) * share, tf.int32)
    span = tf.cast(2 * reach + 1, tf.float32)
    shift = tf.cast(tf.floor(u * span), tf.int32) - reach
    return move(images, shift[:, 0], shift[:, 1])

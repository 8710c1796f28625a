"""Augmentations that move pixels."""

import math
from collections.abc import Sequence

import tensorflow as tf

from kerazoo.data.augment.registry import augmentation


def as_like(values: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Float pixel values in the type of `images`; uint8 is rounded and clipped."""
    if images.dtype == tf.uint8:
        return tf.cast(tf.clip_by_value(tf.round(values), 0, 255), tf.uint8)
    return values


def pick(
    images: tf.Tensor, rows: tf.Tensor | None, columns: tf.Tensor | None
) -> tf.Tensor:
    """Puts images together from rows and columns of their own.

    Args:
        images: Tensor (n, height, width, channels).
        rows: int32 tensor (n, height): for each row which one to show; `height` stands
            for a black one. None for all as they are.
        columns: The same for columns, (n, width).

    Returns:
        A tensor like `images`.
    """

    def along_rows(images, rows):
        padded = tf.pad(images, [[0, 0], [0, 1], [0, 0], [0, 0]])
        return tf.gather(padded, rows, batch_dims=1)

    picked = images if rows is None else along_rows(images, rows)
    if columns is not None:
        # Gathering whole rows and transposing costs half of gathering pixels.
        picked = along_rows(tf.transpose(picked, [0, 2, 1, 3]), columns)
        picked = tf.transpose(picked, [0, 2, 1, 3])
    return tf.ensure_shape(picked, images.shape)


def chain(first: tf.Tensor | None, then: tf.Tensor | None) -> tf.Tensor | None:
    """The one choice of rows (or columns) that does what two in a row do."""
    if first is None or then is None:
        return then if first is None else first
    black = tf.fill([tf.shape(first)[0], 1], first.shape[1])
    return tf.gather(tf.concat([first, black], 1), then, batch_dims=1)


def shifted(size: int, shift: tf.Tensor) -> tf.Tensor:
    """The choice of rows (or columns) that moves them on by int32 shifts (n,)."""
    lines = tf.range(size)[None] - shift[:, None]
    return tf.where((lines >= 0) & (lines < size), lines, size)


def warp(images: tf.Tensor, matrices: tf.Tensor, *, nearest: bool = False) -> tf.Tensor:
    """Moves pixels by a projective map each, bilinear.

    Args:
        images: Tensor (n, height, width, channels).
        matrices: float32 tensor (n, 3, 3) that maps a place (x, y, 1) of the output to
            one of the input; the origin is the centre of the image and the unit half
            of its smaller side.
        nearest: Whether a pixel takes the nearest one's value, as masks must.

    Returns:
        A tensor like `images`.
    """
    height, width = images.shape[1:3]
    unit = min(height, width) / 2
    to_pixels = tf.constant(
        [[unit, 0, (width - 1) / 2], [0, unit, (height - 1) / 2], [0, 0, 1]]
    )
    pixels = to_pixels @ matrices @ tf.linalg.inv(to_pixels)
    pixels /= pixels[:, 2:, 2:]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.reshape(pixels, [-1, 9])[:, :8],
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="NEAREST" if nearest else "BILINEAR",
        fill_mode="CONSTANT",
    )
    return as_like(warped, images)


def sample(
    images: tf.Tensor, y: tf.Tensor, x: tf.Tensor, *, nearest: bool = False
) -> tf.Tensor:
    """Reads images at places between the pixels, bilinear; black outside.

    Args:
        images: Tensor (n, height, width, channels).
        y: float32 tensor (n, height, width) of rows.
        x: float32 tensor (n, height, width) of columns.
        nearest: Whether a place takes the nearest pixel's value, as in masks.

    Returns:
        A tensor like `images`.
    """
    height, width = images.shape[1:3]
    if nearest:
        y, x = tf.round(y), tf.round(x)
    padded = tf.cast(tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]]), tf.float32)
    # The border of black pixels shifts all places by one.
    y = tf.clip_by_value(y + 1, 0, height + 0.999)
    x = tf.clip_by_value(x + 1, 0, width + 0.999)
    flat = tf.reshape(padded, [tf.shape(images)[0], -1, images.shape[3]])
    top, left = tf.floor(y), tf.floor(x)
    total = 0.0
    for row, down in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, right in ((left, 1 - (x - left)), (left + 1, x - left)):
            places = tf.cast(row * (width + 2) + column, tf.int32)
            weight = (down * right)[..., None]
            total += weight * tf.gather(flat, places, batch_dims=1)
    return as_like(total, images)


def matrices(rows: Sequence[Sequence[tf.Tensor | float]]) -> tf.Tensor:
    """Stacks a 3x3 nested list of numbers and tensors (n,) to a tensor (n, 3, 3)."""
    size = next(one for row in rows for one in row if tf.is_tensor(one))
    full = [[tf.zeros_like(size) + one for one in row] for row in rows]
    return tf.stack([tf.stack(row, -1) for row in full], -2)


def both_ways(u: tf.Tensor, reach: float) -> tf.Tensor:
    """Uniform numbers in [0, 1) spread over [-reach, reach)."""
    return (2 * u - 1) * reach


@augmentation("move", draws=1)
def flip(size: Sequence[int], u: tf.Tensor) -> tuple[None, tf.Tensor]:
    """Mirrors left and right with probability 1/2."""
    columns = tf.range(size[1])[None]
    return None, tf.where(u < 0.5, columns[:, ::-1], columns)


@augmentation("move", draws=1)
def vertical_flip(size: Sequence[int], u: tf.Tensor) -> tuple[tf.Tensor, None]:
    """Mirrors top and bottom with probability 1/2; not for digits and letters."""
    rows = tf.range(size[0])[None]
    return tf.where(u < 0.5, rows[:, ::-1], rows), None


@augmentation("move", draws=2, limits=(1, math.inf))
def pad_crop(
    size: Sequence[int], u: tf.Tensor, pixels: float = 4
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pads every side with black pixels and cuts the old size out anywhere."""
    shift = tf.cast(tf.floor(u * (2 * int(pixels) + 1)), tf.int32) - int(pixels)
    return shifted(size[0], shift[:, 0]), shifted(size[1], shift[:, 1])


@augmentation("move", draws=2, limits=(0, 1))
def translate(
    size: Sequence[int], u: tf.Tensor, share: float = 0.1
) -> tuple[tf.Tensor, tf.Tensor]:
    """Moves by whole pixels, up to this share of the sides, both ways."""
    reach = tf.constant([int(side * share) for side in size])
    span = tf.cast(2 * reach + 1, tf.float32)
    shift = tf.cast(tf.floor(u * span), tf.int32) - reach
    return shifted(size[0], shift[:, 0]), shifted(size[1], shift[:, 1])


@augmentation("warp", draws=1, limits=(0, 180))
def rotate(u: tf.Tensor, degrees: float = 15) -> tf.Tensor:
    """Turns about the centre by up to this angle, both ways."""
    return turn(both_ways(u[:, 0], degrees) * math.pi / 180)


@augmentation("warp", draws=1)
def rotate90(u: tf.Tensor) -> tf.Tensor:
    """Turns by 0, 90, 180 or 270 degrees; a 6 turned by 180 degrees is a 9.

    Pixels stay what they are. Of an image that is no square, a quarter turn cuts off
    what is beyond its frame, as ``rotate`` does.
    """
    quarters = tf.cast(tf.floor(4 * u[:, 0]), tf.int32)
    # The sines of a table: those of floats would not be 0 and 1.
    sin, cos = (
        tf.gather(tf.constant(table), quarters)
        for table in ([0.0, 1.0, 0.0, -1.0], [1.0, 0.0, -1.0, 0.0])
    )
    return rotation(sin, cos)


def turn(angle: tf.Tensor) -> tf.Tensor:
    """Matrices that turn the image clockwise by angles in radians."""
    return rotation(tf.sin(angle), tf.cos(angle))


def rotation(sin: tf.Tensor, cos: tf.Tensor) -> tf.Tensor:
    """Matrices that turn the image clockwise by angles of these sines and cosines."""
    return matrices([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


@augmentation("warp", draws=1, limits=(0, 10))
def stretch(u: tf.Tensor, share: float = 0.2) -> tf.Tensor:
    """Changes width to height by a factor of up to 1 + share, keeping the area."""
    factor = tf.exp(both_ways(u[:, 0], math.log1p(share) / 2))
    return matrices([[1 / factor, 0, 0], [0, factor, 0], [0, 0, 1]])


@augmentation("warp", draws=2, limits=(0, 2))
def shear(u: tf.Tensor, slope: float = 0.1) -> tf.Tensor:
    """Slants along both axes, by up to this slope, both ways."""
    slopes = both_ways(u, slope)
    across = matrices([[1, slopes[:, 0], 0], [0, 1, 0], [0, 0, 1]])
    return across @ matrices([[1, 0, 0], [slopes[:, 1], 1, 0], [0, 0, 1]])


@augmentation("pair", draws=1, limits=(0, 1))
def lens(
    images: tf.Tensor, masks: tf.Tensor | None, u: tf.Tensor, strength: float = 0.2
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Distorts as a lens does: pincushion to barrel, r to r (1 + k r^2)."""
    height, width = images.shape[1:3]
    middle, centre = (height - 1) / 2, (width - 1) / 2
    y = (tf.range(height, dtype=tf.float32) - middle)[:, None]
    x = (tf.range(width, dtype=tf.float32) - centre)[None]
    # A corner is at distance 1.
    squared = (y**2 + x**2) / max(middle**2 + centre**2, 1)
    factor = 1 + both_ways(u[:, :, None], strength) * squared
    places = middle + y * factor, centre + x * factor
    if masks is not None:
        masks = sample(masks, *places, nearest=True)
    return sample(images, *places), masks


@augmentation("crop", draws=3, limits=(1, math.inf))
def scale_jitter(
    sides: tf.Tensor,
    size: Sequence[int],
    u: tf.Tensor,
    low: float = 256,
    high: float = 512,
) -> tf.Tensor:
    """Scales the smaller side to low ... high pixels and cuts the size out (VGG).

    Simonyan and Zisserman 2014, Sec. 3.1; with low equal to high AlexNet's crops.
    """
    if low < max(size) or high < low:
        raise ValueError(
            f"scale_jitter:{low:g}:{high:g} cannot give {size[0]}x{size[1]} pixels; "
            f"its numbers must rise from {max(size)} or more"
        )
    scaled = low + tf.floor(u[0] * (high - low + 1))
    return tf.constant(size, tf.float32) * tf.reduce_min(sides) / scaled


@augmentation("crop", draws=4, limits=(0, 1))
def area_crop(
    sides: tf.Tensor,
    size: Sequence[int],
    u: tf.Tensor,
    low: float = 0.08,
    high: float = 1.0,
) -> tf.Tensor:
    """Cuts out low ... high of the area at an aspect of 3/4 to 4/3 (GoogLeNet).

    Szegedy et al. 2014, Sec. 6. What would stick out of the image is cut off.
    """
    area = (low + u[0] * (high - low)) * tf.reduce_prod(sides)
    aspect = tf.exp(both_ways(u[1], math.log(4 / 3)))
    return tf.stack([tf.sqrt(area / aspect), tf.sqrt(area * aspect)])

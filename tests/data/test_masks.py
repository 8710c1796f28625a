"""Folders of images and masks, and what moves in both together."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo import data
from kerazoo.colors import palette
from kerazoo.data.augment.registry import REGISTRY
from kerazoo.data.resizing import RESIZES

MOVING = sorted(
    n for n, one in REGISTRY.items() if one.kind in ("move", "warp", "pair")
)
CROPS = {"area_crop": "area_crop:0.4:0.8", "scale_jitter": "scale_jitter:24:48"}


def write(root, images=24, part="", classes="sky\nroad\n"):
    """Images of a bright rectangle on black whose masks say 1 there, 0 elsewhere."""
    rng = np.random.default_rng(1)
    place = root / part
    for name in ("images", "masks"):
        (place / name).mkdir(parents=True)
    for number in range(images):
        mask = np.zeros((20, 30), "uint8")
        top, left = rng.integers(2, 8, 2)
        mask[top : top + 9, left : left + 14] = 1
        image = np.repeat(mask[..., None] * np.uint8(250), 3, -1)
        Image.fromarray(image).save(place / "images" / f"{number:02}.png")
        Image.fromarray(mask).save(place / "masks" / f"{number:02}_mask.png")
    if classes:
        (root / "classes.txt").write_text(classes)
    return f"masks:{root}"


def test_parts_classes_and_void(tmp_path):
    for part in ("Train", "val", "test"):
        write(tmp_path, 6, part=part)
    images = data.load(f"masks:{tmp_path}")
    assert images.classes == ("sky", "road")
    assert [one.size for one in (images.train, images.validation, images.test)] == [
        6
    ] * 3
    pixels, masks = images.batches("train", batch_size=6, image_shape=(20, 30, 3)).take(
        6
    )
    np.testing.assert_array_equal(pixels[..., 0] == 250, masks == 1)
    assert masks.dtype == "int32"
    # The last line stands for no class, so that its index is void.
    (tmp_path / "classes.txt").write_text("sky\nvoid\n")
    images = data.load(f"masks:{tmp_path}")
    _, masks = images.batches("train", batch_size=6, image_shape=(20, 30, 3)).take(6)
    assert images.classes == ("sky",)
    assert set(np.unique(masks)) == {-1, 0}


def test_a_folder_without_parts_is_split_by_names(tmp_path):
    name = write(tmp_path, 40, classes=None)
    images = data.load(name)
    assert images.classes == ("0", "1")
    parts = [set(one.keys) for one in (images.train, images.validation, images.test)]
    assert sum(map(len, parts)) == 40
    assert all(parts)
    (tmp_path / "images" / "00.png").unlink()
    (tmp_path / "masks" / "00_mask.png").unlink()
    again = data.load(name)
    for before, now in zip(
        parts, (again.train, again.validation, again.test), strict=True
    ):
        assert before - set(now.keys) <= {"images/00.png"}
        assert set(now.keys) <= before


def test_colors_are_read_through_classes_txt(tmp_path):
    name = write(tmp_path, 10, classes="sky 0 0 0\nroad 255, 0, 0\nVoid 0 0 9\n")
    for path in sorted((tmp_path / "masks").iterdir()):
        mask = np.asarray(Image.open(path))
        colors = np.zeros((*mask.shape, 3), "uint8")
        colors[mask == 1] = (255, 0, 0)
        colors[0, 0] = (0, 0, 9)
        Image.fromarray(colors).save(path)
    images = data.load(name, validation=0)
    pixels, masks = images.batches("train", batch_size=4, image_shape=(20, 30, 3)).take(
        4
    )
    assert (masks[:, 0, 0] == -1).all()
    np.testing.assert_array_equal((pixels[..., 0] == 250), masks == 1)


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize("size", [(20, 30), (16, 16), (33, 40), (40, 24)])
def test_resizes_bring_a_shape_to_the_same_place(tmp_path, resize, size):
    images = data.load(write(tmp_path, 8), validation=0)
    pixels, masks = images.batches(
        "train", batch_size=4, image_shape=(*size, 3), resize=resize
    ).take(4)
    follows(pixels, masks)


@pytest.mark.parametrize("name", [*MOVING, *CROPS])
@pytest.mark.parametrize("cache", ["none", "memory"])
def test_augmentations_move_a_shape_in_both(tmp_path, name, cache):
    images = data.load(write(tmp_path, 24), validation=0)
    batches = data.Batches(
        images.train,
        16,
        image_shape=(24, 24, 3),
        augment=(CROPS.get(name, name),),
        shuffle=True,
        seed=3,
        cache=cache,
    )
    plain = data.Batches(
        images.train, 16, image_shape=(24, 24, 3), shuffle=True, seed=3
    ).take(16)[1]
    pixels, masks = batches.take(16)
    assert (masks != plain).any()
    # Half of RandAugment's operations change what is bright.
    if name != "rand_augment":
        follows(pixels, masks)


def follows(pixels, masks):
    """Where an image is bright its mask is 1; half of a pixel at the edge is free."""
    bright, shape, light = pixels[..., 0] > 125, masks == 1, pixels[..., 0] > 50
    assert shape.any()
    for a, b in ((bright, shape), (shape, light)):
        near = np.zeros_like(b)
        padded = np.pad(b, ((0, 0), (1, 1), (1, 1)))
        height, width = b.shape[1:]
        for y in range(3):
            for x in range(3):
                near |= padded[:, y : y + height, x : x + width]
        assert not (a & ~near).any()


def test_rand_augment_moves_masks_as_it_moves_images(tmp_path):
    # With the colors' operations undone by a threshold of the moved shape alone.
    import tensorflow as tf

    from kerazoo.data.augment import rand_augment

    shape = np.zeros((6, 24, 24, 1), "uint8")
    shape[:, 5:14, 8:20] = 1
    moves = ["rotate", "shear_x", "shear_y", "translate_x", "translate_y", "identity"]
    chosen = tf.constant([rand_augment.OPERATIONS.index(one) for one in moves])
    pixels, masks = rand_augment.operate(
        tf.constant(shape * np.uint8(250)), tf.constant(shape), chosen, tf.ones(6), 0.6
    )
    follows(pixels.numpy(), masks.numpy()[..., 0])
    assert (masks.numpy()[:5] != shape[:5]).any((1, 2, 3)).all()


@pytest.mark.parametrize("name", ["color_jitter", "lighting", "cutout:8"])
def test_colors_leave_masks_alone(tmp_path, name):
    images = data.load(write(tmp_path, 24), validation=0)
    options = {"image_shape": (20, 30, 3), "seed": 3, "shuffle": True}
    plain = data.Batches(images.train, 16, **options).take(16)
    changed = data.Batches(images.train, 16, augment=(name,), **options).take(16)
    np.testing.assert_array_equal(plain[1], changed[1])
    assert (plain[0] != changed[0]).any()


def spoil(tmp_path, how):
    images, masks = tmp_path / "images", tmp_path / "masks"
    mask = masks / "03_mask.png"
    if how == "no mask":
        mask.unlink()
    elif how == "no image":
        (images / "03.png").unlink()
    elif how == "unreadable":
        mask.write_bytes(mask.read_bytes()[:40])
    elif how == "another size":
        Image.new("L", (9, 9)).save(mask)
    elif how == "beyond the classes":
        Image.new("L", (30, 20), 7).save(mask)
    else:
        Image.new("RGB", (30, 20), (1, 2, 3)).save(mask)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("no mask", "images/03.png is an image without a mask"),
        ("no image", "03_mask.png is a mask without an image"),
        ("unreadable", "03_mask.png is no whole mask"),
        ("another size", "has not the size of its image"),
        ("beyond the classes", r"\(7, where classes\.txt ends with 1\).*\?void=7"),
        ("unknown color", "a color that is not in classes.txt"),
    ],
)
def test_what_is_wrong_is_found_and_said(tmp_path, how, sentence):
    name = write(tmp_path)
    assert data.check(name).problem is None
    spoil(tmp_path, how)
    report = data.check(name)
    assert report.kinds == {how: 1}
    with pytest.raises(ValueError, match=sentence) as caught:
        data.load(name)
    assert report.problem in str(caught.value)


def test_void_index_as_an_option(tmp_path):
    name = write(tmp_path)
    spoil(tmp_path, "beyond the classes")
    images = data.load(f"{name}?void=7", validation=0)
    assert images.classes == ("sky", "road")
    for wrong in ("?void=300", "?void=x", "?nosuch=1"):
        with pytest.raises(ValueError, match=r"void"):
            data.load(name + wrong)


def test_a_class_that_never_occurs_is_said(tmp_path):
    name = write(tmp_path, classes="sky\nroad\ncar\n")
    with pytest.warns(UserWarning, match="has a pixel of car"):
        data.load(name)
    assert data.check(name).counts["all"] == {"sky": 24, "road": 24, "car": 0}


@pytest.mark.parametrize("text", ["void\n", "a\na\n", "\n"])
def test_bad_classes_txt(tmp_path, text):
    name = write(tmp_path, classes=text)
    with pytest.raises(ValueError, match=r"classes\.txt"):
        data.load(name)


def test_folders_that_hold_no_pairs(tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        data.load(f"masks:{tmp_path / 'nosuch'}")
    with pytest.raises(ValueError, match="holds no folders images and masks"):
        data.load(f"masks:{tmp_path}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"augment": ("mixup",)}, "mixes the labels"), ({"views": "flip"}, "views=")],
)
def test_what_cannot_be_done_to_masks(tmp_path, options, sentence):
    images = data.load(write(tmp_path), validation=0)
    with pytest.raises(ValueError, match=sentence):
        data.Batches(images.train, 4, image_shape=(20, 30, 3), **options)


def pairs(count=12):
    """Images of a bright left half, whose masks say 2 there and 1 at the right.

    The corner at the top right has class 0, and the last row none.
    """
    images = np.full((count, 16, 20, 3), 10, "uint8")
    images += np.arange(count, dtype="uint8")[:, None, None, None]
    masks = np.ones((count, 16, 20), "uint8")
    images[:, :, :10], masks[:, :, :10] = 200, 2
    masks[:, 0, 19], masks[:, 15] = 0, 255
    return images, masks


@pytest.mark.parametrize(
    ("names", "name", "classes"),
    [
        (["sky", "road", "car"], "streets", ("sky", "road", "car")),
        # A mask of no known number of classes, beside a class of the whole image.
        (None, "streets?masks=mask", ("0", "1", "2")),
    ],
    ids=["labelled", "named"],
)
def test_a_tfds_set_with_masks(tmp_path, names, name, classes):
    import tensorflow_datasets as tfds

    features = tfds.features
    mask = features.Image(shape=(16, 20, 1))
    if names:
        mask = features.LabeledImage(labels=names, shape=(16, 20, 1), dtype=np.uint8)
    columns = {"image": features.Image(shape=(16, 20, 3)), "mask": mask}
    images, masks = pairs()
    table = {"image": images, "mask": masks[..., None]}
    if not names:
        columns["label"] = features.ClassLabel(num_classes=2)
        table["label"] = np.zeros(12, "int64")
    dataset = tf.data.Dataset.from_tensor_slices(table)
    tfds.dataset_builders.store_as_tfds_dataset(
        "streets",
        version="1.0.0",
        features=features.FeaturesDict(columns),
        split_datasets={"train": dataset.take(8), "test": dataset.skip(8).take(4)},
        data_dir=tmp_path,
        disable_shuffling=True,
    )
    found = data.load(name, data_dir=tmp_path, validation=0.25)
    assert (found.task, found.classes) == ("segmentation", classes)
    assert [one.size for one in found.parts.values()] == [6, 2, 4]
    pixels, ids = found.batches("test", batch_size=4, image_shape=(16, 20, 3)).take(4)
    np.testing.assert_array_equal(pixels, images[8:])
    truth = masks[8:].astype(int)
    np.testing.assert_array_equal(ids, np.where(truth == 255, -1, truth))
    with pytest.raises(ValueError, match="has no image and mask 'image'"):
        data.load("streets?masks=image", data_dir=tmp_path)
    if not names:
        assert data.load("streets", data_dir=tmp_path).task == "classification"


def test_arrays_and_datasets_of_masks():
    images, masks = pairs()
    found = data.from_arrays(images, masks, classes=["sky", "road", "car"])
    assert (found.task, found.shape) == ("segmentation", (16, 20, 3))
    batches = found.batches("train", batch_size=4, image_shape=(16, 20, 3))
    pixels, ids = batches.take(4)
    np.testing.assert_array_equal(ids[:, 1:15], 1 + (pixels[:, 1:15, :, 0] == 200))
    assert (ids[:, 0, 19] == 0).all()
    assert (ids[:, 15] == -1).all()
    # The mask is no channel of the image.
    assert len(found.mean) == 3
    dataset = tf.data.Dataset.from_tensor_slices((images, masks[..., None]))
    for one in (dataset, dataset.batch(5)):
        other = data.from_dataset(one, classes=["sky", "road", "car"])
        assert other.digest == found.digest
    with pytest.raises(ValueError, match="y holds -1 to 2; with 2 classes"):
        data.from_arrays(images, masks, classes=["sky", "road"])
    with pytest.raises(ValueError, match="y is float64; give a class id a pixel"):
        data.from_arrays(images, masks / 2)


def test_pictures_show_images_beside_their_masks(tmp_path):
    found = data.from_arrays(*pairs(), classes=["sky", "road", "car"], validation=0)
    batches = data.Batches(found.train, 4, image_shape=(16, 20, 3))
    data.show(batches, tmp_path / "grid.png", count=1, side=16)
    grid = np.asarray(Image.open(tmp_path / "grid.png"))
    colors = palette(3)
    assert grid.shape == (16 + 2 * 4, 40 + 2 * 4, 3)
    np.testing.assert_array_equal(grid[4, 4 + 20], colors[2])
    np.testing.assert_array_equal(grid[4, 4 + 39], colors[0])
    # Void is white.
    np.testing.assert_array_equal(grid[4 + 15, 4 + 20 :][:20], 255)


def test_the_palette_is_that_of_pascal_voc():
    found = [tuple(color) for color in palette(22)]
    assert found[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert (found[15], found[20]) == ((192, 128, 128), (0, 64, 128))
    assert len(set(found)) == 22


def recolored(root, colors):
    """The masks of a folder as images in colors, by index."""
    for path in sorted((root / "masks").iterdir()):
        mask = np.asarray(Image.open(path))
        Image.fromarray(np.array(colors, "uint8")[mask]).save(path)


def test_a_class_without_a_color_keeps_its_place(tmp_path):
    name = write(tmp_path, 10, classes="sky 1 2 3\nroad\ncar 4 5 6\n")
    recolored(tmp_path, [(1, 2, 3), (4, 5, 6)])
    with pytest.warns(UserWarning, match="has a pixel of road"):
        images = data.load(name, validation=0)
    assert images.classes == ("sky", "road", "car")
    masks = images.batches("train", batch_size=4, image_shape=(20, 30, 3)).take(4)[1]
    assert set(np.unique(masks)) == {0, 2}


@pytest.mark.parametrize("classes", ["ground\nroad\n", None])
def test_the_first_index_may_be_void(tmp_path, classes):
    name = write(tmp_path, 10, classes=classes) + "?void=0"
    images = data.load(name, validation=0)
    assert images.classes == (("road",) if classes else ("1",))
    masks = images.batches("train", batch_size=4, image_shape=(20, 30, 3)).take(4)[1]
    assert set(np.unique(masks)) == {-1, 0}
    assert list(data.check(name).counts["all"].values()) == [10]


@pytest.mark.parametrize("kind", ["uint16", "int32"])
def test_masks_may_have_more_bits(tmp_path, kind):
    name = write(tmp_path, 10)
    for path in sorted((tmp_path / "masks").iterdir()):
        wide = np.asarray(Image.open(path)).astype(kind)
        path.unlink()
        suffix = ".png" if kind == "uint16" else ".tif"
        Image.fromarray(wide).save(path.with_suffix(suffix))
    masks = data.load(name).batches("test", batch_size=1, image_shape=(20, 30, 3))
    assert set(np.unique(masks.take(2)[1])) == {0, 1}


def double_image(root):
    Image.new("RGB", (30, 20)).save(root / "images" / "00.bmp")


def double_mask(root):
    Image.new("L", (30, 20)).save(root / "masks" / "00.png")


def in_jpeg(root):
    path = root / "masks" / "00_mask.png"
    Image.open(path).save(path.with_suffix(".jpg"))
    path.unlink()


def all_void(root):
    for path in (root / "masks").iterdir():
        Image.new("L", (30, 20), 255).save(path)


def only_extremes(root):
    for path in (root / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) * np.uint8(255)).save(path)


def lines(text):
    return lambda root: (root / "classes.txt").write_bytes(text)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (double_image, "00.bmp is one of two files of the same name"),
        (double_mask, "00.png is one of two files of the same name"),
        (in_jpeg, "00_mask.jpg is a mask in JPEG"),
        (all_void, "no mask has a pixel of a class"),
        (only_extremes, "values 0 and 255 alone"),
        (lines(b"sky 1 2 3\nroad 1 2 3\n"), "'sky' and 'road' one color"),
        (lines(b"sky 1 2 300\nroad\n"), "color 1 2 300 in line 1"),
        (lines("straße\n".encode("latin-1")), "classes.txt is not in UTF-8"),
        (lines(b"void\n"), "names 0 classes in 1 line"),
    ],
)
def test_what_would_be_dropped_or_misread_is_refused(tmp_path, spoil, sentence):
    name = write(tmp_path, 6)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        data.load(name)


def test_void_may_stand_between_classes(tmp_path):
    write(tmp_path, 6, classes="sky\nvoid\nroad\n")
    for path in (tmp_path / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) * np.uint8(2)).save(path)
    images = data.load(f"masks:{tmp_path}")
    assert images.classes == ("sky", "road")
    _, masks = images.batches("test", batch_size=1, image_shape=(20, 30, 3)).take(1)
    assert set(np.unique(masks)) == {0, 1}


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    name = write(tmp_path, 6)
    (tmp_path / "classes.txt").write_text("sky\nroad\n", encoding="utf-8-sig")
    assert data.load(name).classes == ("sky", "road")


def test_images_and_masks_may_share_a_suffix(tmp_path):
    name = write(tmp_path, 6)
    for path in list((tmp_path / "images").iterdir()):
        path.rename(path.with_name(f"{path.stem}_mask.png"))
    Image.new("RGB", (30, 20)).save(tmp_path / "images" / "00.png")
    Image.new("L", (30, 20)).save(tmp_path / "masks" / "00.png")
    images = data.load(name)
    assert sum(one.size for one in images.parts.values()) == 7


def test_check_counts_images(tmp_path):
    text = str(data.check(write(tmp_path, 6)))
    assert "images │   6" in text
    assert text.index("sky") < text.index("road")


def test_an_image_in_two_parts_is_told(tmp_path):
    for part in ("train", "test"):
        name = write(tmp_path, 6, part=part)  # The same six.
    report = data.check(name)
    assert report.problem is None
    assert report.kinds["in two parts"] == 12
    for path in (tmp_path / "test" / "images").iterdir():
        Image.fromarray(np.array(Image.open(path)) // 2).save(path)
    assert not data.check(name).findings

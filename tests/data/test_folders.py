"""Folders of images: the odd files people have, and one sentence for bad folders."""

import numpy as np
import pytest
from PIL import Image

from kerazoo import data

RNG = np.random.default_rng(0)


def photo(height=12, width=18):
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 9, x * 9, 200 - y * 5], -1).astype("uint8")


def fill(place, classes="ab", count=6, shape=(12, 18)):
    for number, name in enumerate(classes):
        folder = place / name
        folder.mkdir(parents=True)
        for one in range(count):
            values = RNG.integers(0, 256, (*shape, 3), "uint8")
            values[0, 0] = number * 100
            Image.fromarray(values).save(folder / f"{one}.png")
    return place


def turned(path):
    """A photo lying on its side, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(photo())).save(path, quality=100, exif=exif)


def cmyk(path):
    Image.fromarray(photo()).convert("CMYK").save(path, quality=100)


def deep(path):
    values = (np.arange(12 * 18).reshape(12, 18) * 257).astype("uint16")
    Image.fromarray(values).save(path)


def animated(path):
    frames = [Image.new("RGB", (18, 12), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def transparent(path):
    values = np.dstack([photo(), np.full((12, 18), 100, "uint8")])
    Image.fromarray(values).save(path)


def cut_jpeg(path):
    noise = RNG.integers(0, 256, (80, 80, 3), "uint8")
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:3000])


def cut_png(path):
    noise = RNG.integers(0, 256, (80, 80, 3), "uint8")
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:9000])


ODD = {
    "empty.jpg": ("empty", lambda path: path.touch()),
    "text.png": ("undecodable", lambda path: path.write_text("no image")),
    "cut.jpg": ("truncated", cut_jpeg),
    "cut.png": ("truncated", cut_png),
    "press.jpg": ("cmyk", cmyk),
    "deep.png": ("16-bit", deep),
    "moving.gif": ("animated", animated),
    "side.jpg": ("rotated", turned),
    "glass.png": ("transparent", transparent),
}


@pytest.fixture
def odd(tmp_path):
    place = fill(tmp_path / "odd")
    for name, (_, write) in ODD.items():
        write(place / "a" / name)
    (place / "a" / ".DS_Store").write_text("hidden")
    return place


@pytest.mark.filterwarnings("ignore:folder.*skips 4 files:UserWarning")
def test_check_names_each_odd_file(odd):
    report = data.check(f"folder:{odd}")
    found = {finding.path.rsplit("/", 1)[1]: finding for finding in report.findings}
    assert {name: one.kinds for name, one in found.items()} == {
        name: (kind,) for name, (kind, _) in ODD.items()
    }
    assert report.counts == {"all": {"a": 6 + 5, "b": 6}}
    assert report.problem is None
    text = str(report)
    for name, (kind, _) in ODD.items():
        assert kind in text and name in text
    # What check counts is what load uses.
    images = data.load(f"folder:{odd}", validation=0)
    assert images.train.size + images.test.size == 17


def test_load_says_what_it_skips(odd):
    with pytest.warns(UserWarning, match="skips 4 files") as caught:
        images = data.load(f"folder:{odd}")
    assert len(caught) == 1
    names = {finding.path.rsplit("/", 1)[1] for finding in images.skipped}
    assert names == {"empty.jpg", "text.png", "cut.jpg", "cut.png"}


def test_odd_files_are_read_as_they_should_be_seen(odd):
    place = odd / "a"
    upright = data.read_image(place / "side.jpg")
    assert upright.shape == (12, 18, 3)
    assert np.abs(upright.astype(int) - photo()).mean() < 4
    press = data.read_image(place / "press.jpg")
    assert np.abs(press.astype(int) - photo()).mean() < 4
    steps = data.read_image(place / "deep.png")
    assert (steps[..., 0] == np.arange(12 * 18).reshape(12, 18)).all()
    assert (data.read_image(place / "moving.gif") == [255, 0, 0]).all()
    assert (data.read_image(place / "glass.png") == photo()).all()
    for name in ("empty.jpg", "text.png", "cut.jpg", "cut.png", "nothing.png"):
        with pytest.raises(ValueError, match=name):
            data.read_image(place / name)


def test_shape_and_classes(tmp_path):
    images = data.load(f"folder:{fill(tmp_path / 'x', 'abc', 10)}")
    assert images.shape == (12, 18, 3)
    assert images.classes == ("a", "b", "c")
    sizes = [part.size for part in (images.train, images.validation, images.test)]
    assert sizes == [21, 3, 6]
    assert (np.bincount(images.test.labels) == 2).all()
    Image.new("L", (5, 5)).save(tmp_path / "x" / "a" / "small.png")
    assert data.load(f"folder:{tmp_path / 'x'}").shape == (None, None, 3)


def test_grey_folder_has_one_channel(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for one in range(4):
            Image.new("L", (8, 8), one).save(tmp_path / name / f"{one}.png")
    images = data.load(f"folder:{tmp_path}", validation=0)
    assert images.shape == (8, 8, 1)
    batches = data.Batches(images.train, 2, image_shape=(8, 8, 3), cache="none")
    pixels, _ = batches.take(10)
    assert {int(value) for value in pixels[:, 0, 0, 0]} <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        (("train",), [14, 2, 4]),
        (("train", "test"), [18, 2, 20]),
        (("train", "val"), [18, 2, 20]),
        (("train", "val", "test"), [20, 20, 20]),
    ],
)
def test_parts(tmp_path, parts, sizes):
    for part in parts:
        fill(tmp_path / part, "ab", 10)
    images = data.load(f"folder:{tmp_path}")
    assert [one.size for one in (images.train, images.validation, images.test)] == sizes
    used = [
        {one.source.paths[index] for index in one.indices}
        for one in (images.train, images.validation, images.test)
    ]
    assert len(set.union(*used)) == sum(sizes)


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_every_file_is_seen_once_with_its_label(tmp_path, cache):
    images = data.load(f"folder:{fill(tmp_path / 'x', 'abc', 10)}", validation=0)
    batches = data.Batches(
        images.train, 5, image_shape=(12, 18, 3), shuffle=True, cache=cache
    )
    pixels, labels = batches.take(100)
    assert (pixels[:, 0, 0, 0] == labels * 100).all()
    found = {image.tobytes() for image in pixels}
    paths = [images.train.source.paths[index] for index in images.train.indices]
    assert found == {data.read_image(path).tobytes() for path in paths}
    assert len(labels) == images.train.size == 24
    rest = batches.epochs(0, 2).take(batches.steps - 2)
    assert (np.concatenate([some for some, _ in rest]) == pixels[10:]).all()


def test_images_of_any_size_are_cropped(tmp_path):
    place = fill(tmp_path / "x", "ab", 10, (40, 60))
    Image.new("RGB", (99, 33)).save(place / "a" / "wide.png")
    images = data.load(f"folder:{place}", validation=0)
    assert images.mean == pytest.approx((127, 127, 127), abs=12)
    batches = data.Batches(
        images.train, 4, image_shape=(16, 16, 3), augment=["area_crop"], shuffle=True
    )
    first, again = batches.take(20)[0], batches.take(20)[0]
    assert first.shape == (17, 16, 16, 3) and (first == again).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_jpegs_are_pillows_to_the_bit(tmp_path, channels):
    """Also the grey among coloured ones, which TensorFlow reads otherwise."""
    rng = np.random.default_rng(1)
    for number in range(8):
        folder = tmp_path / "x" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (24, 32, channels), "uint8")
        image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
        image = image.resize((63, 47)).convert("RGB" if channels == 3 else "L")
        if number > 5:
            image = image.convert("L")
        image.save(folder / f"{number}.jpg", subsampling=number % 3, quality=80)
    split = data.load(f"folder:{tmp_path / 'x'}", validation=0).train
    assert split.source.jpegs.sum() == (6 if channels == 3 else 8)
    batches = data.Batches(split, 4, image_shape=(47, 63, channels), cache="none")
    for image, place in zip(batches.take(8)[0], split.indices, strict=True):
        expected = data.read_image(split.source.paths[place], channels)
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_file_that_breaks_later_is_named(tmp_path, suffix):
    place = fill(tmp_path / "x")
    for path in [*place.rglob("*.png")] if suffix == "jpg" else ():
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"))
        path.unlink()
    images = data.load(f"folder:{place}", validation=0)
    batches = data.Batches(images.train, 4, image_shape=(8, 8, 3), cache="none")
    broken = images.train.source.paths[images.train.indices[0]]
    open(broken, "w").close()
    with pytest.raises(Exception, match=broken):
        batches.take(4)


def no_folder(place):
    return place / "nowhere"


def loose(place):
    Image.new("RGB", (4, 4)).save(place / "one.png")
    return place


def single(place):
    return fill(place, "a")


def empty_class(place):
    (fill(place) / "c").mkdir()
    return place


def differing(place):
    fill(place / "train", "abc")
    fill(place / "test", "abd")
    return place


BAD = {
    no_folder: "there is no folder",
    loose: "has no subfolders",
    single: "only one class, 'a'",
    empty_class: "class 'c' of all has no image",
    differing: "test adds d and lacks c",
}


@pytest.mark.parametrize(("make", "words"), BAD.items())
def test_one_sentence(tmp_path, make, words):
    with pytest.raises(ValueError) as caught:
        data.load(f"folder:{make(tmp_path)}")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_check_of_a_bad_folder_says_the_same(tmp_path):
    assert "only one class" in data.check(f"folder:{single(tmp_path)}").problem


def test_folder_has_no_tfds_splits(tmp_path):
    with pytest.raises(ValueError, match="no TFDS splits"):
        data.load(f"folder:{tmp_path}", train_split="train[:10%]")


def test_check_of_tfds_sets(data_dir, digits):
    report = data.check("digits", data_dir=data_dir)
    assert report.problem is None
    assert sum(report.counts["train"].values()) == 1442
    assert report.counts["test"]["9"] == 36
    missing = data.check("mnist", data_dir=data_dir)
    assert "t10k-images-idx3-ubyte.gz" in missing.problem
    assert str(data_dir) in str(missing).replace("\n", "")
    with pytest.raises(ValueError, match="did you mean"):
        data.check("minst", data_dir=data_dir)

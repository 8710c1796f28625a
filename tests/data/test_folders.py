"""Folders of images: the odd files people have, and one sentence for bad folders."""

import warnings

import numpy as np
import pytest
from PIL import Image

from kerazoo import data
from kerazoo.data import folders

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


def test_check_names_scans_that_come_out_dark(tmp_path):
    place = fill(tmp_path / "scans")
    for name, most in (("dark", 4095), ("bright", 4096)):
        values = np.full((12, 18), most, "uint16")
        Image.fromarray(values).save(place / "a" / f"{name}.png")
    report = data.check(f"folder:{place}")
    kinds = {one.path.rsplit("/", 1)[1]: one.kinds for one in report.findings}
    assert kinds == {"dark.png": ("16-bit", "12-bit"), "bright.png": ("16-bit",)}
    assert "nearly black" in str(report)


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
    assert sum(sizes) == 30 and min(sizes) >= 3
    assert (np.bincount(images.test.labels) > 0).all()
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
        (("train",), None),
        (("train", "test"), [None, None, 20]),
        (("train", "val"), [None, None, 20]),
        (("train", "val", "test"), [20, 20, 20]),
    ],
)
def test_parts(tmp_path, parts, sizes):
    for part in parts:
        fill(tmp_path / part, "ab", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "val" alone is said to be the test part.
        images = data.load(f"folder:{tmp_path}")
    found = [one.size for one in (images.train, images.validation, images.test)]
    # What a hash splits off has a share on average.
    assert sum(found) == 20 * len(parts) and min(found) >= 2
    assert all(
        want in (None, one) for one, want in zip(found, sizes or found, strict=True)
    )
    used = [
        {one.source.paths[index] for index in one.indices}
        for one in (images.train, images.validation, images.test)
    ]
    assert len(set.union(*used)) == sum(found)


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
    assert len(labels) == images.train.size >= 20
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


LAYOUTS = {
    "plain": ("train", "val", "test"),
    "capitals": ("Train", "Valid", "Test"),
    "sets": ("training_set", "validation_set", "test_set"),
    "data": ("training-data", "dev", "Testing"),
    "no validation": ("train", None, "test"),
}


@pytest.mark.parametrize("names", LAYOUTS.values(), ids=LAYOUTS)
def test_parts_are_known_by_their_usual_names(tmp_path, names):
    for number, name in enumerate(names):
        if name:
            fill(tmp_path / "set" / name, "ab", 4 + number)
    fill(tmp_path / "set" / "__MACOSX", "ab", 3)
    images = data.load(f"folder:{tmp_path / 'set'}")
    assert images.classes == ("a", "b")
    assert images.test.size == 2 * 6
    if names[1]:
        assert images.train.size == 2 * 4
        assert images.validation.size == 2 * 5
    else:
        assert images.train.size + images.validation.size == 2 * 4


def test_a_class_may_be_called_train(tmp_path):
    place = fill(tmp_path / "set", ["bus", "car", "train"])
    assert data.load(f"folder:{place}").classes == ("bus", "car", "train")


def test_a_layout_that_is_not_plain_is_refused_and_can_be_stated(tmp_path):
    place = tmp_path / "set"
    fill(place / "train")
    fill(place / "test")
    fill(place, ["extra"])
    with pytest.raises(ValueError, match="train, test beside extra"):
        data.load(f"folder:{place}")
    images = data.load(f"folder:{place}?layout=parts")
    assert images.classes == ("a", "b")
    images = data.load(f"folder:{place}?layout=classes")
    assert images.classes == ("extra", "test", "train")
    with pytest.raises(ValueError, match="layout=auto"):
        data.load(f"folder:{place}?layout=flat")


def test_parts_without_a_training_part_are_refused(tmp_path):
    for part in ("val", "test"):
        fill(tmp_path / "set" / part)
    with pytest.raises(ValueError, match="val, test and no training part"):
        data.load(f"folder:{tmp_path / 'set'}")


def test_two_folders_for_one_part_are_refused(tmp_path):
    for part in ("train", "val", "validation"):
        fill(tmp_path / "set" / part)
    with pytest.raises(ValueError, match="two folders for the val part"):
        data.load(f"folder:{tmp_path / 'set'}")


def test_a_validation_folder_used_as_test_is_said_aloud(tmp_path):
    for part in ("train", "val"):
        fill(tmp_path / "set" / part, count=20)
    with pytest.warns(UserWarning, match="has no test folder"):
        images = data.load(f"folder:{tmp_path / 'set'}")
    assert images.test.size == 40


def names_of(images, part):
    split = getattr(images, part)
    return {split.source.keys[number] for number in split.indices}


def test_a_file_more_or_less_moves_no_other(tmp_path):
    place = fill(tmp_path / "set", count=60)
    before = data.load(f"folder:{place}", seed=3)
    assert 0.1 < before.test.size / 120 < 0.3
    (place / "a" / "7.png").unlink()
    Image.fromarray(photo()).save(place / "b" / "new.png")
    after = data.load(f"folder:{place}", seed=3)
    changed = {"a/7.png", "b/new.png"}
    for part in ("train", "validation", "test"):
        assert names_of(before, part) - changed == names_of(after, part) - changed
    assert before.fingerprint["digest"] != after.fingerprint["digest"]


def test_where_the_folder_lies_decides_nothing(tmp_path):
    first = fill(tmp_path / "one", count=30)
    second = fill(tmp_path / "two" / "deep", count=30)
    found = [data.load(f"folder:{place}") for place in (first, second)]
    assert names_of(found[0], "test") == names_of(found[1], "test")
    assert found[0].fingerprint == found[1].fingerprint


def test_a_rare_class_is_measured_or_named(tmp_path):
    place = fill(tmp_path / "set", ["common"], 100)
    fill(place, ["rare"], 3)
    images = data.load(f"folder:{place}", validation=0.1)
    assert (images.test.labels == 1).any()
    fill(tmp_path / "two", ["common"], 50)
    fill(tmp_path / "two", ["single"], 1)
    with pytest.warns(UserWarning, match="test has no image of single"):
        data.load(f"folder:{tmp_path / 'two'}", validation=0)


def test_linked_folders_are_read(tmp_path):
    fill(tmp_path / "elsewhere", ["a"], 5)
    place = fill(tmp_path / "set", ["b"], 5)
    (place / "a").symlink_to(tmp_path / "elsewhere" / "a")
    # A link to a folder above would never end.
    (tmp_path / "elsewhere" / "a" / "loop").symlink_to(tmp_path / "elsewhere")
    report = data.check(f"folder:{place}")
    assert report.counts["all"]["b"] == 5 and report.counts["all"]["a"] >= 5


def cut_animation(path):
    frames = [Image.effect_noise((64, 64), 90) for _ in range(4)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[:900])


def cut_pages(path):
    pages = [Image.effect_noise((64, 64), 40) for _ in range(2)]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:])
    path.write_bytes(path.read_bytes()[:-3])


def odd_texture(path):
    Image.effect_noise((64, 64), 40).convert("RGB").save(path, "DDS")
    content = bytearray(path.read_bytes())
    content[80:84] = bytes(4)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.gif", cut_animation), ("a.tiff", cut_pages), ("a.dds", odd_texture)],
)
def test_whatever_pillow_raises_the_file_is_named(tmp_path, name, write):
    place = fill(tmp_path / "set")
    write(place / "a" / name)
    report = data.check(f"folder:{place}")
    try:
        data.read_image(place / "a" / name)
    except ValueError as error:
        assert name in str(error)
        assert [name in finding.path for finding in report.findings] == [True]


def test_a_folder_is_inspected_once(tmp_path, monkeypatch):
    from kerazoo.data import folders

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = fill(tmp_path / "set")
    first = data.check(f"folder:{place}")
    inspected = []
    monkeypatch.setattr(folders, "inspect", inspected.append)
    assert data.check(f"folder:{place}") == first
    assert not inspected
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (place / "a" / "0.png").write_text("no image any more")
    assert data.check(f"folder:{place}").counts["all"]["a"] == 5
    # What is no cache is passed over.
    for store in (tmp_path / "cache").rglob("*.json"):
        store.write_text('{"x": 3}')
    assert data.check(f"folder:{place}").counts["all"]["a"] == 5


def scenes(place, classes="ab", count=20, each=4):
    """Images ``scene<n>_<k>.png``, some of every class in a scene."""
    for name in classes:
        (place / name).mkdir(parents=True)
        for scene in range(count):
            for number in range(each):
                values = RNG.integers(0, 256, (6, 6, 3), "uint8")
                path = place / name / f"scene{scene}_{number}.png"
                Image.fromarray(values).save(path)
    return place


def groups_of(images):
    parts = (images.train, images.validation, images.test)
    return [set(part.groups) for part in parts]


def test_groups_of_files_stay_together(tmp_path):
    place = scenes(tmp_path / "set")
    images = data.load(rf"folder:{place}?groups=scene\d+", seed=2)
    sets = groups_of(images)
    assert sum(map(len, sets)) == len(set.union(*sets)) == 20
    assert all(sets)
    assert set.union(*sets) == {f"scene{n}" for n in range(20)}
    # The first group of the expression, wherever the folder has them.
    same = data.load(rf"folder:{place}?layout=classes&groups=^scene(\d+)_", seed=2)
    assert set.union(*groups_of(same)) == set(map(str, range(20)))
    # An image more, of an old scene or a new one, moves no other.
    for name in ("scene3_9", "scene77_0"):
        Image.fromarray(photo()).save(place / "a" / f"{name}.png")
    grown = groups_of(data.load(rf"folder:{place}?groups=scene\d+", seed=2))
    assert [one - {"scene77"} for one in grown] == sets


def test_groups_of_subfolders(tmp_path):
    for name in "ab":
        for patient in range(12):
            folder = tmp_path / "set" / name / f"p{patient}"
            folder.mkdir(parents=True)
            for number in range(3):
                Image.fromarray(photo(6, 6)).save(folder / f"{number}.png")
    images = data.load(f"folder:{tmp_path / 'set'}?groups=[^/]+")
    assert set.union(*groups_of(images)) == {f"p{n}" for n in range(12)}


def test_groups_across_the_parts_that_a_user_made_are_refused(tmp_path):
    scenes(tmp_path / "set" / "train")
    scenes(tmp_path / "set" / "test", count=2)
    with pytest.raises(ValueError, match=r"group 'scene[01]' has images in train and"):
        data.load(rf"folder:{tmp_path / 'set'}?groups=scene\d+")


def test_bad_groups_are_refused(tmp_path):
    place = scenes(tmp_path / "set", count=8)
    for text, words in (
        ("groups=patient", "fits no file of .*such as scene0_0.png"),
        ("groups=(", "is no regular expression"),
        ("groups=", "cannot be read; after the question mark"),
        ("layout=flat&groups=a", "cannot be read"),
        ("layout=classesgroups=a", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            data.load(f"folder:{place}?{text}")
        assert "\n" not in str(caught.value)
    Image.fromarray(photo()).save(place / "a" / "odd.png")
    with pytest.warns(UserWarning, match="does not fit 1 files .*a/odd.png"):
        images = data.load(rf"folder:{place}?groups=scene\d+")
    assert "only a/odd.png" in set.union(*groups_of(images))


def test_check_reads_past_the_options(tmp_path):
    place = scenes(tmp_path / "set", count=2)
    report = data.check(rf"folder:{place}?groups=scene\d+")
    assert report.counts["all"] == {"a": 8, "b": 8}


def test_looking_at_many_files_is_told(tmp_path, monkeypatch, capsys):
    """Without a terminal by lines, on stderr, where they stand in no result's way."""
    monkeypatch.setattr(folders, "MANY", 12)
    fill(tmp_path)
    data.check(f"folder:{tmp_path}")
    told = capsys.readouterr()
    assert not told.out
    lines = told.err.splitlines()
    assert lines[0] == f"0 of 12 files of {tmp_path} looked at"
    assert len(lines) == 6
    data.check(f"folder:{tmp_path}")
    assert capsys.readouterr().err == ""


def test_an_image_in_two_parts_is_told(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test")
    name = f"folder:{tmp_path}"
    assert not data.check(name).findings
    twin = tmp_path / "test" / "b" / "another.png"
    twin.write_bytes((tmp_path / "train" / "a" / "0.png").read_bytes())
    report = data.check(name)
    assert report.problem is None
    assert {one.path for one in report.findings} == {
        str(twin),
        str(tmp_path / "train" / "a" / "0.png"),
    }
    assert "in two parts" in str(report)

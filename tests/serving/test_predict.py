import json
import shutil

import numpy as np
import pytest
from PIL import Image

from kerazoo import data, training
from kerazoo.run import Run
from kerazoo.serving.predict import predict


@pytest.fixture(scope="module")
def digit(digits):
    """A test image, uint8 (8, 8), and its label."""
    images, labels = data.Batches(digits.test, 16, image_shape=digits.shape).take(16)
    return images[0, ..., 0], int(labels[0])


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run to be damaged."""
    return Run(shutil.copytree(trained.path, tmp_path / "run"))


def scores_of(run, pixels):
    return np.asarray(run.model()(pixels[None, ..., None], training=False))[0]


@pytest.mark.parametrize(
    ("name", "size", "mode"),
    [
        ("same.png", (8, 8), "L"),
        ("large.png", (53, 37), "L"),
        ("tiny.png", (1, 1), "L"),
        ("black.png", (20, 20), "1"),
        ("colour.png", (20, 31), "RGB"),
        ("clear.png", (20, 31), "RGBA"),
        ("palette.png", (20, 31), "P"),
        ("photo.jpg", (64, 48), "L"),
        ("photo.jpeg", (64, 48), "RGB"),
    ],
)
def test_any_size_and_kind(trained, digit, tmp_path, name, size, mode):
    path = tmp_path / name
    Image.fromarray(digit[0]).resize(size).convert(mode).save(path)
    (row,) = predict(trained, [path], top=10)
    assert row.image == str(path)
    with Image.open(path) as picture:
        grey = picture.convert("RGB") if mode == "P" else picture
        expected = scores_of(trained, np.asarray(grey.convert("L")))
    assert [guess.label for guess in row.top] == [
        str(place) for place in np.argsort(-expected)
    ]
    assert [guess.probability for guess in row.top] == pytest.approx(
        np.sort(expected)[::-1], abs=1e-6
    )


def test_names_the_class(trained, digit, tmp_path):
    Image.fromarray(digit[0]).save(tmp_path / "digit.png")
    (row,) = predict(trained.path, [tmp_path / "digit.png"], top=1)
    assert len(row.top) == 1
    assert row.top[0].label == str(digit[1])


def test_sixteen_bits_keep_their_shades(trained, digit, tmp_path):
    deep = digit[0].astype("uint16") * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(digit[0]).save(tmp_path / "flat.png")
    deep, flat = predict(trained, [tmp_path / n for n in ("deep.png", "flat.png")])
    assert deep.top == flat.top


def test_rotation_notes_are_followed(trained, digit, tmp_path):
    picture = Image.fromarray(digit[0]).resize((24, 16))
    picture.save(tmp_path / "upright.png")
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    notes = Image.Exif()
    notes[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=notes)
    upright, turned = predict(
        trained, [tmp_path / "upright.png", tmp_path / "turned.png"]
    )
    assert turned.top == upright.top


def test_files_that_are_no_images(trained, digit, tmp_path):
    Image.fromarray(digit[0]).resize((64, 64)).save(tmp_path / "good.png")
    Image.fromarray(digit[0]).resize((64, 64)).save(tmp_path / "good.jpg")
    png, jpg = ((tmp_path / f"good.{kind}").read_bytes() for kind in ("png", "jpg"))
    (tmp_path / "folder.png").mkdir()
    for name, content in {
        "empty.png": b"",
        "words.png": b"not an image at all",
        "cut.png": png[: len(png) // 2],
        "head.png": png[:30],
        "chunk.png": png[:37] + b"\0\0\0\0" + png[41:],
        "cut.jpg": jpg[: len(jpg) // 2],
        "missing.png": None,
        "folder.png": None,
    }.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        if content is None:
            with pytest.raises(ValueError, match="there is no image") as caught:
                predict(trained, [tmp_path / "good.png", path])
            assert str(path) in str(caught.value)
            continue
        good, bad = predict(trained, [tmp_path / "good.png", path])
        assert good.top and not good.problem
        assert not bad.top
        assert f"{path} is not an image that can be read" in bad.problem


def test_damaged_images_never_escape(trained, digit, tmp_path):
    """Whatever bytes are changed, there is an answer or one sentence."""
    random = np.random.default_rng(0)
    for kind in ("png", "jpg"):
        path = tmp_path / f"image.{kind}"
        Image.fromarray(digit[0]).resize((64, 64)).save(path)
        content = np.frombuffer(path.read_bytes(), "uint8")
        paths = []
        for number in range(40):
            damaged = content.copy()
            places = random.integers(0, len(content), 3)
            damaged[places] = random.integers(0, 256, 3)
            paths.append(tmp_path / f"{number}.{kind}")
            paths[-1].write_bytes(damaged.tobytes())
        for one in predict(trained, paths):
            assert bool(one.top) != bool(one.problem)
            assert one.top or one.image in one.problem


def test_top_must_be_positive(trained):
    with pytest.raises(ValueError, match="top is 0; it must be a whole number from 1"):
        predict(trained, [], top=0)


def test_a_run_without_a_model(run, digit, tmp_path):
    (run.path / "model.keras").unlink()
    Image.fromarray(digit[0]).save(tmp_path / "digit.png")
    with pytest.raises(ValueError, match=r"network of .* was not kept"):
        predict(run, [tmp_path / "digit.png"])
    with pytest.raises(ValueError, match=r"network of .* was not kept"):
        training.evaluate(run)


@pytest.mark.parametrize("content", [b"", b"no zip", "half"])
def test_a_run_with_a_damaged_model(run, content):
    path = run.path / "model.keras"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ValueError, match=r"model\.keras is damaged and c") as caught:
        run.model()
    assert "\n" not in str(caught.value)


def test_runs_that_are_none(run, tmp_path):
    with pytest.raises(ValueError, match="There is no run folder"):
        Run(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"it has no config\.json"):
        Run(tmp_path / "empty")
    config = run.path / "config.json"
    config.write_text(config.read_text()[:50])
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        training.evaluate(run)
    config.write_text(json.dumps(["other"]))
    with pytest.raises(ValueError, match="names no network and recipe"):
        training.evaluate(run)


def test_an_unfinished_run_says_so(run):
    (run.path / "metrics.json").unlink()
    (run.path / "history.csv").unlink()
    assert not run.finished
    for name in ("metrics", "history"):
        with pytest.raises(ValueError, match=rf"no {name}\..*: the run has not ended"):
            getattr(run, name)


def test_folders_and_patterns_and_one_that_cannot_be_read(trained, digit, tmp_path):
    for name in ("1.png", "deep/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(digit[0]).save(tmp_path / name)
    (tmp_path / "3.png").write_text("no image")
    (tmp_path / "notes.txt").write_text("no image either")
    found = predict(trained, tmp_path)
    assert [one.image for one in found] == [
        str(tmp_path / name) for name in ("1.png", "3.png", "deep/2.png")
    ]
    assert [bool(one.top) for one in found] == [True, False, True]
    assert "3.png is not an image" in found[1].problem
    assert predict(trained, str(tmp_path / "*1.png")) == found[:1]
    with pytest.raises(ValueError, match=r"no image .*nothing"):
        predict(trained, tmp_path / "nothing*.png")

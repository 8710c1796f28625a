"""Embeddings as TensorBoard's projector reads them."""

import dataclasses
import shutil

import keras
import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins import projector

from kerazoo import files
from kerazoo.run import FILES, Run
from kerazoo.surgery.preprocessing import resized_to_output
from kerazoo.training import embed, embeddings, write_projector
from kerazoo.training.embeddings import sprite_sheet


@pytest.fixture(scope="module")
def run(trained, tmp_path_factory):
    copy = tmp_path_factory.mktemp("embeddings") / "run"
    shutil.copytree(trained.path, copy)
    return Run(copy)


@pytest.fixture(scope="module")
def found(run):
    return embed(run, count=40)


def test_features_are_what_the_class_scores_see(run, found, digits):
    assert found.layer == "predictions input"
    assert found.vectors.shape == (40, 84) and found.images.shape == (40, 28, 28, 1)
    # Evenly chosen, the first and the last among them.
    assert found.names[0] == "0" and found.names[-1] == str(digits.test.size - 1)
    places = np.array(found.names, int)
    np.testing.assert_array_equal(found.truth, digits.test.labels[places])
    model = resized_to_output(run.model())
    scores = model.predict_on_batch(found.images.astype("float32"))
    np.testing.assert_array_equal(found.guess, scores.argmax(-1))
    np.testing.assert_allclose(found.probability, scores.max(-1), atol=1e-4)
    kernel, bias = run.model().get_layer("predictions").get_weights()
    logits = found.vectors @ kernel + bias
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(shares, scores, atol=1e-4)


def test_maps_are_averaged(run):
    found = embed(run, "conv3", count=3)
    served = run.model()
    maps = keras.Model(served.input, served.get_layer("conv3").output)
    expected = np.asarray(maps(found.images)).mean((1, 2))
    np.testing.assert_allclose(found.vectors, expected, atol=1e-4)


def test_the_projector_finds_all(run, found):
    pool = embed(run, "pool2", count=40)
    place = write_projector([found, pool])
    assert place == run.path / "events" / "embeddings"
    config = projector.ProjectorConfig()
    text_format.Parse((place / "projector_config.pbtxt").read_text(), config)
    names = [one.tensor_name for one in config.embeddings]
    assert names == ["predictions input", "pool2"]
    for entry, one in zip(config.embeddings, (found, pool), strict=True):
        vectors = np.loadtxt(place / entry.tensor_path, delimiter="\t")
        np.testing.assert_allclose(vectors, one.vectors, rtol=1e-4, atol=1e-6)
        head, *rows = (place / entry.metadata_path).read_text().splitlines()
        assert head.split("\t")[0] == "class" and len(rows) == 40
        label, guess, right, *_ = rows[3].split("\t")
        # The first column that is no number is what TensorBoard shows.
        assert label == f"class {found.classes[found.truth[3]]}"
        assert (label == guess) == (right == "right")
        with Image.open(place / entry.sprite.image_path) as sheet:
            assert sheet.size == (7 * 28, 7 * 28)
        assert list(entry.sprite.single_image_dim) == [28, 28]
    # TensorBoard takes a folder for a run where events are.
    assert len(list(place.glob("events.out.tfevents.*"))) == 1
    files.check_own(run.path, FILES, "test")
    write_projector(found)
    left = sorted(path.name for path in place.iterdir())
    assert [name for name in left if "2" in name.partition(".")[0]] == []
    assert len(left) == 5


def test_sprites_lie_row_by_row_in_proportion():
    images = np.zeros((5, 4, 8, 3), "uint8")
    images[:, :, :, 0] = 10 * np.arange(1, 6)[:, None, None]
    sheet, side = sprite_sheet(images)
    assert side == 8 and sheet.shape == (24, 24, 3)
    # The fourth begins the second row; it is half as high as its place.
    assert (sheet[10:14, :8, 0] == 40).all() and (sheet[8:10, :8] == 0).all()
    assert (sheet[16:, :] == 0).all()


def test_sheets_that_webgl_can_hold(monkeypatch):
    images = np.zeros((16, 100, 100, 1), "uint8")
    assert sprite_sheet(images)[1] == 64
    monkeypatch.setattr(embeddings, "LARGEST_SHEET", 101)
    sheet, side = sprite_sheet(images)
    assert side == 25 and sheet.shape[0] == 100


def test_names_without_letters_that_part_columns(found, tmp_path):
    names = [f"a\tb\n{n}" for n in range(10)]
    place = write_projector(dataclasses.replace(found, classes=names), tmp_path)
    rows = (place / "labels-1.tsv").read_text().splitlines()
    assert len(rows) == 41 and {len(row.split("\t")) for row in rows} == {5}


def test_what_cannot_be(run, found, tmp_path):
    with pytest.raises(
        ValueError, match=r"Unknown layer or stage of .* did you mean co"
    ):
        embed(run, "conv33")
    with pytest.raises(ValueError, match="layers predictions input, predictions inp"):
        write_projector([found, found], tmp_path)
    with pytest.raises(ValueError, match="the layers none"):
        write_projector([], tmp_path)
    with pytest.raises(ValueError, match="is a file; give a folder"):
        write_projector(found, "/dev/null")


def test_the_command(run, command):
    words = ("embed", run.path, "--layer", "conv5", "--layer", "pool4", "--count", 9)
    status, out, errors = command(*words)
    assert status == 0, errors
    assert "conv5: 120 features of 9 images" in out and "Projector" in out

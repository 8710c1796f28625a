"""What a run gets wrong: against its own metrics, and as files."""

import csv
import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from kerazoo import files
from kerazoo.run import FILES, Run
from kerazoo.training import evaluate, find_mistakes, write_mistakes


@pytest.fixture(scope="module")
def run(results):
    """A perceptron after one epoch, which gets a lot wrong."""
    return Run(results / "run")


@pytest.fixture(scope="module")
def found(run):
    return find_mistakes(run, count=5, pairs=3)


def test_they_are_those_of_the_metrics(run, found):
    metrics = run.metrics
    assert len(found.truth) == metrics.images == len(found.scores)
    right = round(metrics.accuracy * metrics.images)
    assert len(found.mistakes) == metrics.images - right > 10
    assert found.reliability.error == pytest.approx(metrics.calibration_error, rel=1e-3)
    matrix = np.array(metrics.confusion)
    np.fill_diagonal(matrix, 0)
    assert found.pairs[0].count == matrix.max()
    for pair in found.pairs:
        assert pair.count == matrix[pair.truth, pair.guess]


def test_the_images_are_those_of_the_split(run, found, digits):
    assert len(found.worst) == 5 and len(found.pairs) == 3
    wanted = {one.image for one in found.worst}
    wanted |= {place for pair in found.pairs for place in pair.images}
    assert set(found.images) == wanted
    split = digits.test
    for place, image in found.images.items():
        stored = split.source.images[split.indices[place]]
        np.testing.assert_array_equal(image, stored)
        assert found.truth[place] == split.labels[place]


def test_pictures_and_a_table(run, tmp_path, found):
    written = write_mistakes(found, tmp_path / "new")
    names = ["worst.png", "pairs.png", "reliability.png", "mistakes.csv"]
    assert [path.name for path in written] == names
    for path in written[:3]:
        with Image.open(path) as picture:
            assert np.asarray(picture).std() > 10
    rows = list(csv.DictReader(written[3].read_text().splitlines()))
    assert len(rows) == len(found.mistakes)
    first, one = rows[0], found.mistakes[0]
    assert int(first["image"]) == one.image and "name" not in first
    assert first["class"] == found.classes[one.truth]
    assert first["guess"] == found.classes[one.guess]
    assert float(first["loss"]) == pytest.approx(one.loss, abs=1e-4)
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)


def test_they_belong_to_the_run(run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    write_mistakes(find_mistakes(copy, split="validation", count=1, pairs=0))
    names = {path.name for path in (copy / "mistakes").iterdir()}
    assert names == {"worst.png", "reliability.png", "mistakes.csv"}
    files.check_own(copy, FILES, "test")


def test_a_network_without_mistakes(found, tmp_path):
    """The galleries of an earlier look are gone then."""
    write_mistakes(found, tmp_path)
    clean = dataclasses.replace(found, mistakes=(), worst=(), pairs=())
    written = write_mistakes(clean, tmp_path)
    assert [path.name for path in written] == ["reliability.png", "mistakes.csv"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert len(written[1].read_text().splitlines()) == 1


def test_names_of_files(run, tmp_path, found):
    """A folder's images are called by their files."""
    rng = np.random.default_rng(0)
    for number in range(200):
        place = tmp_path / "photos" / str(number % 10)
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (8, 8), "uint8")
        Image.fromarray(pixels).save(place / f"image{number}.png")
    again = find_mistakes(run, data=f"folder:{tmp_path / 'photos'}", split="test")
    assert len(again.names) == 200 == len(again.truth)
    (*_, table) = write_mistakes(again, tmp_path / "out")
    rows = csv.DictReader(table.read_text().splitlines())
    names = [row["name"] for row in rows]
    assert all(pathlib.PurePath(name).name.startswith("image") for name in names)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("segmentation", "is a segmentation, .* confusion.png, class_iou.png and exam"),
        ("detection", "is a detection, .* worst.png has the images with the most"),
    ],
)
def test_what_other_tasks_have_instead(run, tmp_path, task, words):
    config = json.loads((run.path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"task": task}))
    with pytest.raises(ValueError, match=words):
        find_mistakes(tmp_path)


def test_the_command(run, tmp_path, command):
    words = ("mistakes", run.path, "--folder", "out", "--count", 4, "--pairs", 2)
    status, out, errors = command(*words)
    assert status == 0, errors
    assert f"of {run.metrics.images} images" in out
    assert len(list((tmp_path / "out").iterdir())) == 4
    status, out, _ = command(*words, "--json")
    record = json.loads(out)
    assert len(record["mistakes"]) == 4 and len(record["pairs"]) == 2
    status, _, errors = command("mistakes", run.path, "--split", "nosuch")
    assert status == 2 and "Unknown split 'nosuch'" in errors
    status, _, errors = command("mistakes", run.path, "--folder", "/dev/null")
    assert status == 2 and "/dev/null is a file" in errors


def test_evaluation_still_measures_the_same(run):
    assert evaluate(run).confusion == run.metrics.confusion

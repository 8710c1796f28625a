"""What people met who tried kerazoo for the first time."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import data, training, tuning
from kerazoo.recipe import Recipe


def photos(root, classes=("cat", "dog"), count=12, size=(8, 8)):
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for n in range(count):
            pixels = rng.integers(0, 100, (*size, 3), "uint8") + np.uint8(120 * number)
            Image.fromarray(pixels).save(root / name / f"{n}.png")
    return root


SMALL = Recipe(name="small", image_shape=(8, 8, 3), batch_size=4, epochs=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("newcomer")
    return kerazoo.fit(
        "mlp_50",
        f"folder:{photos(place / 'photos')}",
        SMALL,
        run=place / "run",
        precision="float32",
        events=False,
        verbose=0,
    )


@pytest.mark.parametrize("way", ["slash", "dots", "option", "copy", "moved"])
def test_a_folder_that_is_spelt_otherwise_is_the_same(run, tmp_path, way):
    """What was trained on is never tested, however the folder is called now."""
    place = run.config.data.removeprefix("folder:")
    spelt = {
        "slash": f"{place}/",
        "dots": f"{place}/../photos",
        "option": f"{place}?layout=classes",
        "copy": str(tmp_path / "copy"),
        "moved": str(tmp_path / "moved"),
    }[way]
    if way in ("copy", "moved"):
        shutil.copytree(place, spelt)
    found = training.evaluate(run, data=f"folder:{spelt}")
    assert found.images == run.metrics.images
    other = photos(tmp_path / "other", count=5)
    assert training.evaluate(run, data=f"folder:{other}").images == 10


def test_a_batch_larger_than_a_fold_is_refused_before_anything_is_written(tmp_path):
    name = f"folder:{photos(tmp_path / 'photos')}"
    recipe = Recipe(name="large", image_shape=(8, 8, 3), batch_size=100, epochs=1)
    folder = tmp_path / "out"
    with pytest.raises(ValueError, match=r"batch_size at most \d+"):
        tuning.cross_validate(
            "mlp_50", name, recipe, folder=folder, plan=tuning.FoldPlan(folds=3)
        )
    plan = tuning.SearchPlan(space=["learning_rate=0.1,0.2"], trials=1)
    with pytest.raises(ValueError, match=r"batch_size at most \d+"):
        tuning.search("mlp_50", name, recipe, folder=folder, plan=plan)
    assert not folder.exists()


def test_an_optimiser_that_is_not_there_is_refused_before_the_search(tmp_path):
    plan = tuning.SearchPlan(space=["optimizer=adam,sgdd"], strategy="grid")
    with pytest.raises(ValueError, match="did you mean sgd"):
        tuning.search("mlp_50", "digits", folder=tmp_path / "out", plan=plan)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [
        (np.linspace(0, 1, 64, dtype="float32").reshape(8, 8), "float"),
        (np.full((8, 8), 2**30, "int32"), "32-bit"),
    ],
)
def test_pixels_without_a_range_are_skipped_and_named(tmp_path, pixels, kind):
    root = photos(tmp_path / "photos")
    file = root / "cat" / "odd.tif"
    Image.fromarray(pixels).save(file)
    assert data.check(f"folder:{root}").kinds[kind] == 1
    with pytest.raises(ValueError, match="whose range nobody says"):
        data.read_image(file)
    with pytest.warns(UserWarning, match=r"skips 1 files.*odd\.tif"):
        assert data.load(f"folder:{root}").train.size


def test_colors_of_printers_become_grey(tmp_path):
    Image.new("LAB", (4, 4), (128, 0, 0)).save(tmp_path / "lab.tif")
    assert data.read_image(tmp_path / "lab.tif", 1).shape == (4, 4, 1)


@pytest.mark.parametrize("kind", ["folder", "masks", "voc", "coco", "yolo"])
def test_no_place_is_not_the_current_folder(kind, tmp_path, monkeypatch):
    photos(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="names no place"):
        data.load(f"{kind}:")


def test_a_link_back_up_brings_no_other_class(tmp_path):
    root = photos(tmp_path / "photos")
    os.symlink("..", root / "dog" / "loop")
    counts = data.check(f"folder:{root}").counts["all"]
    assert counts == {"cat": 12, "dog": 12}


def test_a_folder_around_the_classes_is_named(tmp_path):
    root = photos(tmp_path / "outer" / "inner").parent
    problem = data.check(f"folder:{root}").problem
    assert f"say folder:{root / 'inner'}" in problem


def test_a_wrong_argument_names_the_function_and_what_it_takes():
    with pytest.raises(TypeError, match=r"^fit: .*; it takes network, data, recipe"):
        kerazoo.fit("mlp_50", "digits", epochs=1)


def test_a_damaged_network_is_called_so(run, tmp_path):
    copy = kerazoo.Run(shutil.copytree(run.path, tmp_path / "run"))
    os.truncate(copy.path / "model.keras", 5000)
    with pytest.raises(ValueError, match="is damaged and cannot be read"):
        copy.model()

"""Arguments as people give them: NumPy's numbers, paths, one for a list of one."""

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import data, tuning
from kerazoo.recipe import Recipe

from .conftest import TINY


def test_numpys_numbers_and_tensorflows_shapes(digits, tmp_path):
    recipe = Recipe(
        image_shape=tf.TensorShape([8, 8, 1]),
        epochs=np.int64(0),
        seed=np.uint8(3),
        batch_size=np.int32(50),
        snapshots=np.array([], int),
    )
    assert recipe.image_shape == (8, 8, 1) and type(recipe.seed) is int
    run = kerazoo.fit(
        np.str_("mlp_50"),
        digits,
        recipe,
        run=tmp_path / "run",
        devices=np.int64(1),
        save_every=np.int64(3),
        events=np.bool_(False),
        verbose=np.int64(0),
    )
    again = kerazoo.evaluate(run, data=digits, batch_size=np.int64(16))
    assert again.confusion == run.metrics.confusion
    with pytest.raises(ValueError, match=r"batch_size is 0; it must be a whole number"):
        kerazoo.evaluate(run, data=digits, batch_size=0)
    batches = data.Batches(
        digits.test.subset(np.int64(3)),
        np.int64(1),
        image_shape=tf.TensorShape([8, 8, 1]),
    )
    assert batches.size == 1
    lenet = kerazoo.lenet5(input_shape=tf.TensorShape([28, 28, 1]), classes=np.int8(4))
    assert lenet.output.shape == (None, 4)
    stride = np.int64(2)
    assert list(kerazoo.features(lenet, stride).output) == ["stride2"]


def test_a_run_is_a_path_and_one_run_a_list_of_one(trained, data_dir):
    assert kerazoo.Run(trained).path == trained.path
    assert tuning.members(trained)[0].run.path == trained.path
    for given in (trained, trained.path, str(trained.path), [trained]):
        with pytest.raises(ValueError, match=r"two members or more, but .*lenet5"):
            tuning.ensemble(given)


def test_a_recipe_by_name(digits):
    space = tuning.Space("mlp_50", "laptop", "learning_rate=0.1,0.2")
    assert space.recipe == kerazoo.recipes.for_network("mlp_50", "laptop")
    assert tuning.default_space("mlp_50", "laptop")
    assert tuning.default_space("mlp_50", TINY)


def test_data_to_look_over(digits, tmp_path):
    with pytest.raises(ValueError, match="there is no folder"):
        data.check(tmp_path / "nowhere")
    source = digits.test.source
    report = data.check((source.images, source.labels))
    assert report.name == "arrays"
    assert sum(sum(part.values()) for part in report.counts.values()) == source.size


@pytest.mark.parametrize("validation", ["a", None, 1.0, -0.1])
def test_a_validation_that_is_no_share(validation):
    for given in ("digits", (np.zeros((4, 2, 2), "uint8"), [0, 1, 0, 1])):
        words = f"validation is {validation!r}; it must be a number from 0 up to"
        with pytest.raises(ValueError, match=words):
            data.load(given, validation=validation)


def test_arrays_are_no_image_files(trained):
    with pytest.raises(ValueError, match=r"images is array.*arrays go to the network"):
        kerazoo.predict(trained, np.zeros((2, 28, 28, 1), "uint8"))

"""The zoo in keras-tuner's own tuners."""

import dataclasses

import keras
import keras_tuner
import numpy as np
import pytest

from kerazoo import data
from kerazoo.tuning import HyperZoo

from ..conftest import TINY

RECIPE = TINY.override("batch_size=100")


@pytest.fixture(scope="module")
def zoo(data_dir):
    images = data.load("digits", data_dir=data_dir, validation=0.1, seed=1)
    space = {"learning_rate": [0.003, 0.03], "initializer": ["he_normal", None]}
    return HyperZoo("mlp_50", space, RECIPE, images)


def test_a_plain_tuner_searches(zoo, tmp_path):
    tuner = keras_tuner.RandomSearch(
        zoo, "val_accuracy", max_trials=2, seed=1, directory=tmp_path
    )
    tuner.search(verbose=0)
    best = tuner.oracle.get_best_trials()[0]
    assert best.score > 0.3
    assert best.metrics.exists("val_loss")
    hp = tuner.get_best_hyperparameters()[0]
    assert zoo.recipe(hp).optimizer.learning_rate == hp["learning_rate"]
    model = tuner.get_best_models()[0]
    images, labels = zoo.images.validation.source.images, zoo.images.validation
    logits = model.predict_on_batch(images[labels.indices])
    right = np.mean(logits.argmax(-1) == labels.labels)
    assert right == pytest.approx(best.score, abs=1e-6)


def test_hyperband_gives_the_epochs(zoo, tmp_path):
    tuner = keras_tuner.Hyperband(
        zoo, "val_accuracy", max_epochs=2, factor=2, seed=1, directory=tmp_path
    )
    tuner.search(verbose=0)
    trials = tuner.oracle.trials.values()
    assert {t.hyperparameters.values["tuner/epochs"] for t in trials} == {1, 2}
    assert {t.status for t in trials} == {"COMPLETED"}


def test_several_heads_have_one_accuracy(few):
    recipe = RECIPE.override("image_shape=8,8,3", "epochs=1", "options.companions=true")
    images = dataclasses.replace(few, validation=few.train.subset(np.arange(40)))
    zoo = HyperZoo("dsn", ["learning_rate=0.001,0.003"], recipe, images)
    hp = zoo.space.hyperparameters()
    history = zoo.fit(hp, zoo.build(hp), verbose=0).history
    assert history["val_accuracy"] == history["val_predictions_accuracy"]
    assert history["val_loss"] != history["val_predictions_loss"]
    assert "val_companion1_loss" in history


def test_own_arrays_are_taken_as_they_are(zoo):
    hp = zoo.space.hyperparameters()
    model = zoo.build(hp)
    images = np.zeros((20, 8, 8, 1), "uint8")
    history = zoo.fit(hp, model, images, np.zeros(20, int), epochs=1, verbose=0)
    assert isinstance(history, keras.callbacks.History)
    assert history.history["accuracy"][0] <= 1


def test_data_are_loaded_by_name_when_they_are_needed(data_dir):
    zoo = HyperZoo("mlp_50", (), RECIPE, "digits", data_dir=data_dir)
    assert {one.name for one in zoo.space} >= {"learning_rate", "width"}
    assert zoo.images.validation.size == 143


def test_bad_names_are_refused_at_once():
    with pytest.raises(ValueError, match="Unknown network 'lenet'"):
        HyperZoo("lenet")
    with pytest.raises(ValueError, match="did you mean batch_norm or batch_size"):
        HyperZoo("lenet5", ["batch=1,2"])

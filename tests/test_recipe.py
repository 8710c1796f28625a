"""Recipes as data: what they read, print and refuse."""

import json
import math

import pytest

from kerazoo import recipes
from kerazoo.recipe import Optimizer, Recipe, Schedule


@pytest.mark.parametrize("name", recipes.list_recipes())
def test_the_catalogue_goes_through_json(name):
    recipe = recipes.find(name)
    assert recipe.name == name
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe


def test_every_field_goes_through_json():
    recipe = Recipe(
        name="all",
        networks=("a*", "b"),
        kind="paper",
        options={"groups": 2, "units": [3, 4], "deep": {"one": None}},
        image_shape=(32, 32, 3),
        augment=("flip", "pad_crop:4"),
        steps=5,
        optimizer=Optimizer(name="adamw", weight_decay=0.01, clipnorm=2),
        schedule=Schedule(name="step", boundaries=(1, 2.5), values=(1, 0.1, 0.01)),
        label_smoothing=0.1,
        max_norm=3,
        dropout_scale=0.5,
        early_stopping=4,
    )
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe


def test_settings_reach_every_level():
    recipe = Recipe(options={"groups": 1}).override(
        "epochs=3",
        "data=mnist",
        "steps=None",
        "image_shape=[32, 32, 3]",
        "optimizer.learning_rate=1e-3",
        "optimizer.nesterov=true",
        "schedule.name=step",
        "augment=flip,pad_crop:4",
        "schedule.boundaries=[1, 2.5]",
        "options.groups=2",
        "options.activation=relu",
    )
    assert (recipe.epochs, recipe.data, recipe.steps) == (3, "mnist", None)
    assert recipe.image_shape == (32, 32, 3)
    assert recipe.optimizer == Optimizer(learning_rate=0.001, nesterov=True)
    assert recipe.schedule == Schedule(name="step", boundaries=(1.0, 2.5))
    assert recipe.augment == ("flip", "pad_crop:4")
    assert recipe.options == {"groups": 2, "activation": "relu"}


def test_settings_leave_the_original_alone():
    recipe = Recipe(options={"groups": 1})
    recipe.override("options.groups=2", "epochs=1")
    assert recipe == Recipe(options={"groups": 1})


def test_a_list_of_numbers_may_go_without_brackets():
    recipe = Recipe().override(
        "image_shape=32,32,3", "schedule.name=step", "schedule.boundaries=1,2.5"
    )
    assert recipe.image_shape == (32, 32, 3)
    assert recipe.schedule.boundaries == (1.0, 2.5)


@pytest.mark.parametrize(
    ("name", "setting", "others"),
    [
        ("constant", "schedule.warmup=0.2", "cosine or one_cycle"),
        ("one_cycle", "schedule.factor=0.5", "step or exponential or plateau"),
        ("cosine", "schedule.boundaries=1,2", "step"),
        ("plateau", "schedule.power=2", "polynomial"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(name, setting, others):
    recipe = Recipe(schedule=Schedule(name=name))
    words = f"{setting.partition('=')[0]} does nothing where .* {name!r}; .*{others}"
    with pytest.raises(ValueError, match=words):
        recipe.override(setting)
    # Beside a schedule that speaks of it, it means something.
    step = ["schedule.boundaries=1,2"] * (others.partition(" ")[0] == "step")
    other = f"schedule.name={others.partition(' ')[0]}"
    assert recipe.override(setting, other, *step).schedule.name == other[14:]


def test_a_recipe_itself_may_hold_what_its_schedule_does_not_speak_of():
    recipe = Recipe(schedule=Schedule(name="one_cycle", warmup=0.2, unit="share"))
    assert recipe.override("schedule.name=constant").schedule.warmup == 0.2


def test_epochs_do_not_pass_for_steps():
    recipe = Recipe(steps=64_000)
    with pytest.raises(ValueError, match=r"counts 64,000 steps .* steps=None beside"):
        recipe.override("epochs=5")
    assert recipe.override("epochs=5", "steps=None").epochs == 5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("epoch=3", "Unknown recipe field 'epoch'; did you mean epochs"),
        ("optimizer.lerning_rate=3", "did you mean optimizer.learning_rate"),
        ("optimiser.learning_rate=3", "did you mean optimizer.learning_rate"),
        ("optimizer.name.first=3", "Unknown recipe field 'optimizer.name.first'"),
        ("epochs", "'epochs' has no '='"),
        ("epochs=many", "epochs is 'many'; it must be a whole number from 0"),
        ("epochs=2.5", "epochs is 2.5; it must be a whole number"),
        ("epochs=true", "epochs is True; it must be a whole number"),
        ("epochs=null", "epochs is None; it must be a whole number"),
        ("optimizer=adam", "optimizer is 'adam'; it must be a mapping of fields"),
        ("optimizer.learning_rate=fast", "is 'fast'; it must be a number above 0"),
        ("optimizer.learning_rate=true", "is True; it must be a number above 0"),
        ("optimizer.nesterov=1", "is 1; it must be True or False"),
        ("schedule.name=cosin", "Unknown schedule.name 'cosin'; did you mean cosine"),
        ("kind=desktop", "Unknown kind 'desktop'; it must be one of"),
        ("options=3", "options is 3; it must be a mapping of fields"),
        (
            "image_shape=[32, 32, 1.5]",
            "image_shape is [32, 32, 1.5]; it must be height, width and channels",
        ),
    ],
)
def test_a_bad_setting_is_named(setting, words):
    with pytest.raises(ValueError) as caught:
        Recipe().override(setting)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"epoch": 3}, "Unknown recipe field 'epoch'; did you mean epochs"),
        ({"optimizer": {"nme": "sgd"}}, "'optimizer.nme'; did you mean optimizer.name"),
        (
            {"optimizer": ["sgd"]},
            "optimizer is ['sgd']; it must be a mapping of fields",
        ),
        ({3: 4}, "Unknown recipe field '3'"),
        ({"schedule": {"boundaries": [1, "2"]}}, "schedule.boundaries is '2'"),
        ([1, 2], "A recipe is a mapping of fields, not a list"),
        ("laptop", "A recipe is a mapping of fields, not a str"),
        (None, "A recipe is a mapping of fields, not a NoneType"),
    ],
)
def test_bad_data_is_named(data, words):
    with pytest.raises(ValueError) as caught:
        Recipe.from_dict(data)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "setting",
    [
        "batch_size=0",
        "epochs=-1",
        "seed=-1",
        "steps=0",
        "early_stopping=0",
        "validation=1",
        "validation=-0.1",
        "validation=NaN",
        "label_smoothing=1.5",
        "weight_decay=-0.0005",
        "l1=-1",
        "max_norm=0",
        "dropout_scale=-0.5",
        "optimizer.learning_rate=0",
        "optimizer.learning_rate=-1",
        "optimizer.learning_rate=NaN",
        "optimizer.learning_rate=Infinity",
        "schedule.patience=-1",
        "schedule.warmup=-1",
        "schedule.boundaries=[5, 2]",
        "schedule.every=0",
        "optimizer.gradient_accumulation_steps=0",
    ],
)
def test_numbers_that_mean_nothing(setting):
    name = setting.partition("=")[0]
    with pytest.raises(ValueError, match=rf"{name} is .*must be"):
        Recipe().override(setting)


def test_python_meets_the_same_checks():
    with pytest.raises(ValueError, match="learning_rate is nan"):
        Recipe(optimizer=Optimizer(learning_rate=math.nan))
    with pytest.raises(ValueError, match="validation is nan"):
        Recipe(validation=math.nan)


def test_averaged_weights_and_early_stopping_exclude_each_other():
    with pytest.raises(ValueError, match="early_stopping would"):
        Recipe(early_stopping=3, optimizer=Optimizer(ema_momentum=0.9))


def test_the_recipe_that_fits_most_closely():
    assert recipes.for_network("lenet5").name == "lenet5"
    assert recipes.for_network("mlp_256").name == "mlp"
    assert recipes.for_network("alexnet").name == "laptop"
    assert recipes.for_network("alexnet", "paper").name == "alexnet_2012"
    assert recipes.for_network("lenet5_original", "paper").name == "lenet5_1998"
    with pytest.raises(ValueError, match="no paper recipe for mlp_256; there are"):
        recipes.for_network("mlp_256", "paper")


def test_unknown_recipe_gives_the_nearest():
    with pytest.raises(ValueError, match=r"recipe 'lenet6'; did you mean lenet5"):
        recipes.find("lenet6")


def test_recipes_of_a_network():
    names = recipes.list_recipes("lenet5_original")
    assert {"laptop", "lenet5", "lenet5_1998"} <= set(names)
    assert "mlp" not in names
    assert set(names) < set(recipes.list_recipes())

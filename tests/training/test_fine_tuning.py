"""Frozen layers, two phases, rates by stage: what moves, when, and by how much."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import tuning
from kerazoo.layers.fast_paths import FusedAdam, FusedBatchNormalization, FusedSGD
from kerazoo.recipe import Optimizer, Recipe, Schedule
from kerazoo.run import Run, list_states, read_state
from kerazoo.surgery.replace_head import score_layers
from kerazoo.tasks import Classification
from kerazoo.training import compilation
from kerazoo.training.best_weights import EarlyStopping
from kerazoo.training.freezing import Phases, batch_norms
from kerazoo.training.stages import find_layers, stage_depths, stages
from kerazoo.tuning.spaces import Space

from ..conftest import without_pictures

RECIPE = Recipe(
    name="tuned",
    # 11 steps an epoch, which no execution of several steps divides.
    batch_size=120,
    epochs=4,
    freeze=("body",),
    unfreeze_at=2,
    optimizer=Optimizer(name="adam", learning_rate=0.01),
    schedule=Schedule(name="cosine"),
)


def network(norm=keras.layers.BatchNormalization):
    """Two stages of 16 channels, whose batch norms are kerazoo's fused ones at will."""
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((8, 8, 1))
    for stage in (1, 2):
        x = keras.layers.Conv2D(16, 3, 2, use_bias=False, name=f"stage{stage}_conv")(x)
        x = norm(name=f"stage{stage}_bn")(x)
        x = keras.layers.ReLU(name=f"stage{stage}_relu")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(10, name="predictions")(x)
    return keras.Model(inputs, x, name="small")


def moved(before, after):
    """The layers of which a weight differs, and how many of each."""
    found = {}
    for layer in before.layers:
        if weights := layer.get_weights():
            pairs = zip(weights, after.get_layer(layer.name).get_weights(), strict=True)
            found[layer.name] = sum(not np.array_equal(*pair) for pair in pairs)
    return found


@pytest.fixture(scope="module")
def fit(digits, tmp_path_factory):
    """Trains :func:`network` or what is given, without pictures."""

    def run(recipe, model=None, run=None, **options):
        place = run or tmp_path_factory.mktemp("runs") / "run"
        options = {"precision": "float32", "verbose": 0, "events": False} | options
        return kerazoo.fit(model or network(), digits, recipe, run=place, **options)

    with without_pictures():
        yield run


# What is frozen ---------------------------------------------------------------------


def test_stages_and_heads_of_networks():
    resnet = kerazoo.create("resnet20_cifar")
    names = ["stem", "stage1", "stage2", "stage3", "predictions"]
    assert list(stages(resnet)) == names
    assert list(stage_depths(resnet).values()) == [4, 3, 2, 1, 0]
    assert sum(map(len, stages(resnet).values())) == 39
    # A batch norm that is named by itself goes with the layer before it.
    yolo = kerazoo.create("yolo_mini")
    assert [la.name for la in stages(yolo)["conv2"]] == ["conv2", "bn2"]
    assert stage_depths(yolo)["grid"] == 0
    # Modules have two words; an auxiliary head is no stage on the way.
    depths = stage_depths(kerazoo.create("googlenet", aux=True))
    assert depths["aux1"] == depths["aux2"] == depths["predictions"] == 0
    assert depths["inception_5b"] == 1 and depths["conv1"] == 11
    numbered = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(2, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Conv2D(2, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    assert list(stage_depths(numbered).values()) == [2, 1, 0]


@pytest.mark.parametrize("name", ["nin_cifar", "all_cnn_c", "dsn", "elu11", "lenet5"])
def test_the_body_is_all_but_the_scores(name):
    model = kerazoo.create(name, classifier_activation=None)
    body, heads = find_layers(model, "body", "freeze"), score_layers(model)
    weighted = [layer for layer in model.layers if layer.weights]
    assert heads and heads[-1] is weighted[-1]
    assert len(body) == len(weighted) - len(heads)
    assert not {id(la) for la in body} & {id(la) for la in heads}


def test_names_patterns_and_what_they_mean():
    resnet = kerazoo.create("resnet20_cifar")

    def names(pattern):
        return [la.name for la in find_layers(resnet, pattern, "freeze")]

    assert names("stage1") == names("stage1_*") and len(names("stage1")) == 12
    assert names("stem_conv1") == ["stem_conv1"]
    assert len(names("*_bn*")) == 19
    with pytest.raises(ValueError, match="fits 'stage'; its stages are stem, stage1"):
        names("stage")
    with pytest.raises(ValueError, match="ends in no layer of class scores"):
        find_layers(kerazoo.create("yolo_mini"), "body", "freeze")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"unfreeze_at": 2}, "freeze names no layer"),
        ({"freeze": ("body",), "unfreeze_at": 10}, "less than the recipe's epochs, 10"),
        ({"freeze": ("body",), "unfreeze_from": "stage3"}, "does not say when"),
        ({"freeze": ("body",), "batch_norm": "frosen"}, "did you mean frozen"),
        ({"freeze": ("body",), "unfreeze_at": 0}, "unfreeze_at is 0; it must be"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        Recipe(**words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"freeze": ("stage1", "stage2", "predictions")}, "nothing to train"),
        ({"freeze": ("stage7",)}, "fits 'stage7'; its stages are stage1, stage2, pred"),
        ({"unfreeze_from": "stage7"}, "Unknown unfreeze_from 'stage7'; did you mean"),
        ({"freeze": ("stage1",), "unfreeze_from": "stage2"}, "no layer from there on"),
        ({"steps": 22, "unfreeze_at": 2}, "2 epochs of 11 steps, but the .* 22 steps"),
    ],
)
def test_what_a_network_cannot_freeze_is_refused(fit, words, sentence, tmp_path):
    recipe = dataclasses.replace(RECIPE, **{"unfreeze_at": 1} | words)
    with pytest.raises(ValueError, match=sentence):
        fit(recipe, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_frozen_already_is_refused():
    model = kerazoo.mlp_50(input_shape=(8, 8, 1))
    model.trainable = False
    with pytest.raises(ValueError, match="mlp_50 has no weights that are trainable"):
        Phases(model, RECIPE, 1, lambda _: None)


def test_recipes_of_the_old_name_are_read(tmp_path):
    config = {"network": "a", "data": "b", "classes": ["c"], "image_shape": [8, 8, 1]}
    recipe = RECIPE.to_dict()
    recipe["frozen"] = recipe.pop("freeze")
    (tmp_path / "config.json").write_text(json.dumps(config | {"recipe": recipe}))
    assert Run(tmp_path).recipe == Recipe.from_dict(recipe) == RECIPE


# Batch norms ------------------------------------------------------------------------


def test_frozen_batch_norms_do_not_move(fit):
    """The table of docs/fine_tuning.md: averages, scale and shift, before and after."""
    shifts = {}
    for how, words in {
        "trained": {},
        "frozen": {"batch_norm": "frozen"},
        "frozen in both phases": {"batch_norm": "frozen", "freeze": ("body",)},
        "frozen with its layer": {"freeze": ("stage1",)},
    }.items():
        recipe = dataclasses.replace(RECIPE, **{"freeze": (), "unfreeze_at": None})
        recipe = dataclasses.replace(recipe, **words, epochs=2, batch_size=400)
        if how == "frozen in both phases":
            recipe = dataclasses.replace(recipe, unfreeze_at=1)
        model = network(FusedBatchNormalization)
        after = fit(recipe, model).model()
        shifts[how] = moved(model, after)
    assert shifts["trained"] == {
        "stage1_conv": 1, "stage1_bn": 4, "stage2_conv": 1, "stage2_bn": 4,
        "predictions": 2,
    }  # fmt: skip
    still = {"stage1_bn": 0, "stage2_bn": 0}
    assert shifts["frozen"] == shifts["trained"] | still
    assert shifts["frozen in both phases"] == shifts["trained"] | still
    kept = {"stage1_conv": 0, "stage1_bn": 0}
    assert shifts["frozen with its layer"] == shifts["trained"] | kept


def test_batch_norms_within_models_are_found():
    inner = network()
    images = keras.Input((8, 8, 1))
    outer = keras.Model(images, keras.layers.Dense(3)(inner(images)))
    assert [la.name for la in batch_norms(outer)] == ["stage1_bn", "stage2_bn"]
    recipe = Recipe(batch_norm="frozen", freeze=("small",))
    phases = Phases(outer, recipe, 5, lambda before: outer.compile("sgd", "mse"))
    assert len(outer.trainable_variables) == 2
    assert phases.rows()[0] == ("learns", "33 of 2,715 weights")


@pytest.mark.parametrize(
    ("words", "warns"),
    [
        ({"freeze": ("stage1",)}, True),
        ({"freeze": ("stage1",), "batch_norm": "frozen"}, False),
        ({"freeze": ("body",)}, False),
        ({"freeze": ("stage1",), "batch_size": 8}, False),
        ({}, False),
    ],
)
def test_small_batches_are_warned_of(words, warns, recwarn):
    recipe = dataclasses.replace(Recipe(batch_size=7), **words)
    model = network()
    Phases(model, recipe, 5, lambda before: model.compile("sgd", "mse"))
    said = [str(one.message) for one in recwarn]
    assert len(said) == warns
    assert not warns or "trained with batches of 7" in said[0]


# Two phases -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(fit, tmp_path_factory):
    """Two phases without a break, bit for bit, and the weights between them."""
    place = tmp_path_factory.mktemp("whole") / "run"
    kept = {}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            count = len(self.model.trainable_variables)
            slots = len(self.model.optimizer.variables)
            kept[epoch] = self.model.get_weights(), count, slots, dict(logs)

        def on_train_batch_end(self, batch, logs=None):
            kept.setdefault("rates", []).append(
                float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            )

    run = fit(RECIPE, run=place, deterministic=True, callbacks=[Look()])
    return run, kept


def test_the_body_learns_in_the_second_phase_alone(whole):
    run, kept = whole
    start = network().get_weights()
    first, second = kept[1][0], kept[3][0]
    # The head's kernel and bias are last; batch norms lie still with their layers.
    same = [np.array_equal(a, b) for a, b in zip(start, first, strict=True)]
    assert same == [True] * 10 + [False, False]
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    # As cheap as its head alone: what is frozen has no moments.
    assert [kept[epoch][1] for epoch in range(4)] == [2, 2, 8, 8]
    assert kept[1][2] < kept[2][2] == kept[1][2] + 2 * 6
    assert run.metrics.accuracy > 0.5


def test_the_schedule_goes_on_across_the_border(whole):
    _, kept = whole
    rate = compilation.learning_rate(RECIPE.schedule, 0.01, 11, 44)
    # Read after a step, when the next one's is due.
    expected = [float(rate(step + 1)) for step in range(44)]
    # The new optimiser is made between the epochs.
    np.testing.assert_allclose(kept["rates"], expected, rtol=1e-5, atol=1e-8)


def test_thawed_weights_begin_with_a_step_of_the_rate():
    """Fresh moments with an old step's number would make it 3.2 times as long."""
    model = network()

    def compile(before):
        compilation.compile(
            model,
            dataclasses.replace(RECIPE, schedule=Schedule(name="constant")),
            Classification(),
            steps_per_epoch=1000,
            one_hot=False,
            classes=10,
            before=before,
        )

    phases = Phases(model, RECIPE, 1000, compile)
    phases.enter(2)
    before = model.get_layer("stage1_conv").get_weights()[0]
    random = np.random.default_rng(0)
    model.train_on_batch(random.normal(size=(20, 8, 8, 1)), np.arange(20) % 10)
    step = np.abs(model.get_layer("stage1_conv").get_weights()[0] - before)
    assert step.max() == pytest.approx(0.01, rel=0.01)


@pytest.fixture(scope="module")
def many_states(fit, tmp_path_factory, whole):
    """The states of a training as it went, by epoch and step."""
    place = tmp_path_factory.mktemp("states")

    class Keeps(keras.callbacks.Callback):
        def keep(self):
            for path in list_states(place / "run"):
                if not (place / path.name).exists():
                    shutil.copy(path, place / path.name)

        def on_train_batch_begin(self, batch, logs=None):
            self.keep()

        def on_epoch_begin(self, epoch, logs=None):
            self.keep()

    run = fit(
        RECIPE,
        run=place / "run",
        deterministic=True,
        save_every=1,
        callbacks=[Keeps()],
    )
    found = {}
    for path in sorted(place.glob("step-*.npz")):
        notes = read_state(path).notes
        found[notes["epoch"], notes["step"]] = path
    return run, found


def same_weights(one, two):
    return all(
        np.array_equal(a, b)
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True)
    )


def test_training_resumes_from_any_phase(fit, many_states, whole, tmp_path):
    """From within the first, from the very border and from within the second."""
    run, found = many_states
    assert same_weights(run.model(), whole[0].model())
    for number, at in enumerate([(0, 4), (2, 0), (2, 1), (3, 7)]):
        place = tmp_path / str(number)
        (place / "state").mkdir(parents=True)
        shutil.copy(run.path / "config.json", place / "config.json")
        shutil.copy(found[at], place / "state" / found[at].name)
        again = fit(RECIPE, run=place, deterministic=True)
        assert same_weights(again.model(), run.model()), at
        assert again.history == run.history, at
        assert again.best == run.best


def test_what_ends_at_the_border_goes_on_behind_it(fit, whole, tmp_path):
    """``until`` leaves the first phase's optimiser, from which the second begins."""
    for until in (2, 3):
        part = fit(RECIPE, run=tmp_path / "run", deterministic=True, until=until)
        assert len(part.history) == until
    again = fit(RECIPE, run=tmp_path / "run", deterministic=True)
    assert same_weights(again.model(), whole[0].model())
    assert again.history == whole[0].history


def test_stages_thaw_from_one_on(fit):
    recipe = dataclasses.replace(RECIPE, unfreeze_from="stage2", unfreeze_at=1)
    recipe = dataclasses.replace(recipe, epochs=2, batch_norm="frozen")
    start = network()
    found = moved(start, fit(recipe, start).model())
    assert found == {
        "stage1_conv": 0, "stage1_bn": 0, "stage2_conv": 1, "stage2_bn": 0,
        "predictions": 2,
    }  # fmt: skip


def test_early_stopping_waits_for_the_second_phase(fit):
    """A rate of nothing improves nothing: three epochs, and two of patience."""
    recipe = dataclasses.replace(
        RECIPE,
        epochs=9,
        unfreeze_at=3,
        batch_norm="frozen",
        early_stopping=2,
        schedule=Schedule(name="constant"),
        optimizer=Optimizer(learning_rate=1e-30),
    )
    run = fit(recipe)
    assert len(run.history) == 5
    # The best of the first phase counts all the same.
    assert run.best.epoch == 1


def test_early_stopping_keeps_the_best_of_the_first_phase():
    stopping = EarlyStopping(2, monitor="val_loss", patience=1)
    stopping.set_model(network())
    stopping.model.stop_training = False
    stopping.on_train_begin()
    stops = []
    for epoch, loss in enumerate([1.0, 3.0, 2.0]):
        stopping.on_epoch_end(epoch, {"val_loss": loss})
        stops.append(stopping.model.stop_training)
    assert stops == [False, False, True]
    assert stopping.best == 1.0 and stopping.best_epoch == 0


def test_a_plateau_and_an_average_go_on_across_the_border(fit, tmp_path):
    words = {"batch_norm": "frozen", "epochs": 3, "unfreeze_at": 2, "validation": 0.2}
    schedule = Schedule(name="plateau", patience=1)
    recipe = dataclasses.replace(
        RECIPE, schedule=schedule, optimizer=Optimizer(learning_rate=1e-30), **words
    )
    rates = [row["learning_rate"] for row in fit(recipe).history]
    assert rates == pytest.approx([1e-30, 1e-30, 1e-31], rel=1e-3, abs=0)
    averaged = Optimizer(name="adam", learning_rate=0.01, ema_momentum=0.9)
    recipe = dataclasses.replace(RECIPE, optimizer=averaged, **words, snapshots=())
    run = fit(recipe)
    # An average that began at zero, late, would be a tenth of the weights.
    losses = [row["val_loss"] for row in run.history]
    assert losses[2] < losses[1] < losses[0]


def test_an_auxiliary_loss_fades_on(monkeypatch):
    recipe = Recipe(auxiliary_weight=0.4, auxiliary_fade=100, epochs=20)
    seen = []

    class Task:
        def objective(self, model, recipe, *args, **options):
            seen.append((recipe.auxiliary_weight, recipe.auxiliary_fade))
            return {"loss": "mse"}

    options = {"steps_per_epoch": 10, "one_hot": False, "classes": 10}
    for before in (0, 25, 100):
        compilation.compile(network(), recipe, Task(), before=before, **options)
    # At 25 of 100 steps 0.3 is left, which is gone after 75 more.
    assert seen == [(0.4, 100), (pytest.approx(0.3), 75), (0, None)]


@pytest.mark.slow
def test_two_devices_see_both_phases(begin, tmp_path):
    """The losses of one device, across the border."""
    settings = [f"--set={name}" for name in (
        "freeze=body", "unfreeze_at=1", "optimizer.stage_rate=0.5", "batch_size=100",
        "optimizer.weight_decay=0.01", "image_shape=8,8,1", "optimizer.name=adamw",
        "schedule.name=cosine",
    )]  # fmt: skip
    words = [
        "train",
        "mlp_50",
        "--data=digits",
        "--epochs=2",
        "--precision=float32",
        "--json",
    ]
    words = [*words, *settings, "--set=validation=0.1"]
    found = []
    for number in (1, 2):
        run = tmp_path / str(number)
        process = begin(*words, f"--run={run}", f"--devices={number}")
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        found.append([row["loss"] for row in Run(run).history])
    # The last batch, of 99 images, is left out where two share it.
    assert found[0] == pytest.approx(found[1], rel=0.02)


# Rates ------------------------------------------------------------------------------

WORDS = {
    "sgd": {"momentum": 0.9, "weight_decay": 0.1, "clipnorm": 1.0},
    "adam": {},
    "adamw": {"weight_decay": 0.1, "gradient_accumulation_steps": 2},
    "rmsprop": {"momentum": 0.5},
    "lion": {"global_clipnorm": 1.0},
    "nadam": {"ema_momentum": 0.9},
}


def steps(config, multiples, count, jit_compile=False):
    """How far three equal weights move, and their averages, with one gradient."""
    start = np.array([0.01, -0.02, 0.03], "float32")
    variables = [keras.Variable(start) for _ in range(3)]
    made = compilation.optimizer(config, config.learning_rate, multiples)
    made.build(variables)
    gradient = tf.constant([0.1, -0.7, 1.3])

    @tf.function(jit_compile=jit_compile)
    def step():
        made.apply([gradient] * 3, variables)

    for _ in range(count):
        step()
    averages = [one for one in made.variables if one.path.endswith("_average")]
    return [one.numpy() - start for one in [*variables, *averages]], made


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", WORDS)
def test_every_optimizer_has_a_rate_for_every_weight(name, jit_compile):
    """As many optimisers would move the weights, each with one of the rates."""
    config = Optimizer(name=name, learning_rate=0.01, **WORDS[name])
    multiples = [0.1, 1.0, 0.0]
    # Keras averages every batch, and moves after two where it accumulates.
    moves, made = steps(config, multiples, 6, jit_compile)
    for number, multiple in enumerate(multiples):
        rate = config.learning_rate * multiple or 1e-30
        alone = dataclasses.replace(config, learning_rate=rate)
        expected, _ = steps(alone, (), 6, jit_compile)
        for one, two in zip(moves[number::3], expected[number::3], strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-8)
    assert not moves[2].any() and len(moves) == (6 if name == "nadam" else 3)
    # A copy of its configuration decays alike.
    decay = made.get_config()["weight_decay"]
    assert decay == WORDS[name].get("weight_decay", decay)
    assert type(made).from_config(made.get_config()).get_config() == made.get_config()


def test_stage_rates_and_patterns_multiply():
    model = network()
    config = Optimizer(stage_rate=0.1, multipliers={"*bias": 2, "stage1_bn/*": 3})
    multiples = compilation.rate_multiples(config, model, model.trainable_variables)
    assert multiples == pytest.approx([0.01, 0.03, 0.03, 0.1, 0.1, 0.1, 1, 2])


def test_plain_sgd_multiplies_gradients_as_before():
    """To the bit: so were the recipes trained that use multiples."""
    rate, config = 0.1, Optimizer(momentum=0.9, multipliers={"*bias": 2})
    made = compilation.optimizer(config, rate, [2.0, 1.0])
    variables = [keras.Variable(np.full(3, 0.3, "float32")) for _ in range(2)]
    by_hand = FusedSGD(rate, momentum=0.9)
    others = [keras.Variable(np.full(3, 0.3, "float32")) for _ in range(2)]
    gradient = keras.ops.convert_to_tensor(np.array([0.1, -0.7, 1.3], "float32"))
    for _ in range(3):
        made.apply([gradient, gradient], variables)
        by_hand.apply([gradient * 2.0, gradient], others)
    for one, two in zip(variables, others, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    assert isinstance(compilation.optimizer(Optimizer(name="adam"), rate), FusedAdam)


JAX = """
import sys
sys.path.insert(0, {tests!r})
import numpy as np, keras
assert keras.backend.backend() == "jax"
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.tasks import Classification
from kerazoo.training import compilation

def trained(**words):
    keras.utils.set_random_seed(3)
    x = images = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(4, 3, name="stage1_conv")(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(images, keras.layers.Dense(3, name="predictions")(x))
    config = Optimizer(name="adamw", learning_rate=0.01, weight_decay=0.1, **words)
    options = dict(steps_per_epoch=10, one_hot=False, classes=3)
    compilation.compile(model, Recipe(optimizer=config), Classification(), **options)
    before = [np.asarray(v) for v in model.trainable_variables]
    random = np.random.default_rng(0)
    model.train_on_batch(random.normal(size=(6, 4, 4, 1)), np.arange(6) % 3)
    return [np.asarray(v) - b for v, b in zip(model.trainable_variables, before)]

for one, two, m in zip(trained(), trained(stage_rate=0.1), [0.1, 0.1, 1, 1]):
    np.testing.assert_allclose(two, m * one, atol=3e-7, rtol=1e-3)
print("equal")
"""


def test_jax_scales_its_steps(tmp_path):
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", JAX.format(tests=str(tmp_path))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "equal\n", done.stderr


# What is said, searched, joined ------------------------------------------------------


def test_a_training_says_what_it_trains(fit, capsys):
    recipe = dataclasses.replace(
        RECIPE,
        epochs=2,
        unfreeze_at=1,
        optimizer=Optimizer(learning_rate=0.1, stage_rate=0.5),
    )
    fit(recipe, verbose=2)
    said = capsys.readouterr().out
    assert "learns     170 of 2,682 weights for 1 epoch, 2,682 from epoch 2 on" in said
    assert "batch norm 2 from epoch 2 on\n" in said
    assert "rates      stage1 0.025, stage2 0.05, predictions 0.1\n" in said
    # A plain training says nothing of it.
    fit(Recipe(epochs=1, batch_size=400), verbose=2)
    said = capsys.readouterr().out
    assert "learns" not in said and "batch norm" not in said and "rates" not in said


def test_networks_by_name_are_searched_joined_and_validated(data_dir, tmp_path):
    recipe = Recipe(
        image_shape=(8, 8, 1),
        batch_size=400,
        epochs=3,
        freeze=("body",),
        unfreeze_at=2,
        optimizer=Optimizer(name="adam", learning_rate=0.01),
    )
    execution = tuning.Execution(data_dir=data_dir, precision="float32", verbose=False)
    found = tuning.search(
        "mlp_50",
        recipe=recipe,
        folder=tmp_path / "search",
        plan=tuning.SearchPlan(
            space=["unfreeze_at=1,2", "stage_rate=0.5"], strategy="grid"
        ),
        execution=execution,
    )
    tried = [trial.values["unfreeze_at"] for trial in found.trials]
    assert sorted(tried) == [1, 2] and found.best.score > 0.3
    with pytest.raises(ValueError, match="less than the recipe's epochs, 3"):
        Space("mlp_50", recipe, "unfreeze_at=2,3")
    tuning.cross_validate(
        "mlp_50",
        recipe=recipe,
        folder=tmp_path / "folds",
        plan=tuning.FoldPlan(folds=2),
        execution=execution,
        keep_models=True,
    )
    joint = tuning.ensemble(tmp_path / "folds", data_dir=data_dir)
    assert joint.metrics.accuracy > 0.3
    hyper = tuning.HyperZoo("mlp_50", "batch_size=100,200", recipe=recipe)
    with pytest.raises(ValueError, match="where nothing can thaw"):
        hyper.build(keras_tuner.HyperParameters())

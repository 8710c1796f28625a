"""The learning-rate finder: what it tries, suggests, and leaves as it was."""

import json
import math

import keras
import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.training import rate_sweep
from kerazoo.training.rate_sweep import RateSweep

RECIPE = Recipe(batch_size=200, optimizer=Optimizer(name="sgd", momentum=0.9))


def network():
    keras.utils.set_random_seed(2)
    images = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(images)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dropout(0.1, seed=1)(x)
    return keras.Model(images, keras.layers.Dense(10, name="predictions")(x), name="m")


@pytest.fixture(scope="module")
def found(digits):
    model = network()
    before = model.get_weights()
    recipe = RECIPE.replace({"normalization": "none"})
    sweep = kerazoo.find_learning_rate(
        model, digits, recipe, precision="float32", highest=1e3
    )
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    return sweep


def test_rates_rise_until_the_loss_diverges(found):
    assert (found.network, found.data) == ("m", "digits")
    assert found.rates[0] == 1e-7 and 10 < found.diverged_at < 1e3
    ratios = np.divide(found.rates[1:], found.rates[:-1])
    np.testing.assert_allclose(ratios, 1e10 ** (1 / 99), rtol=1e-6)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 100
    assert all(map(math.isfinite, found.smoothed))
    lowest = int(np.argmin(found.smoothed))
    assert max(found.smoothed[lowest:]) <= 4 * found.smoothed[lowest]
    # The first batches learn nothing, and those at the suggestion do.
    assert found.losses[0] > 2 > min(found.smoothed)
    assert 1e-4 < found.suggestion < found.rates[lowest]


def test_the_smoothed_loss_is_an_average_corrected_for_its_beginning(found):
    average = 0.0
    for count, (loss, smoothed) in enumerate(
        zip(found.losses, found.smoothed, strict=True), 1
    ):
        average = 0.9 * average + 0.1 * loss
        assert smoothed == pytest.approx(average / (1 - 0.9**count))


def test_the_suggestion_learns_where_a_low_rate_does_not(found, digits):
    losses = {}
    for rate in (1e-5, found.suggestion):
        model = network()
        model.compile(
            keras.optimizers.SGD(rate, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        data = digits.batches(
            "train", batch_size=200, image_shape=(8, 8, 1), shuffle=True, seed=1
        )
        options = {"steps_per_epoch": data.steps, "shuffle": False, "verbose": 0}
        options["epochs"] = 4
        history = model.fit(data.epochs(), **options)
        losses[rate] = history.history["loss"][-1]
    assert losses[found.suggestion] < 0.8 * losses[1e-5]


def test_a_sweep_puts_every_variable_back():
    model = network()
    model.compile(keras.optimizers.SGD(0.5), "mse", steps_per_execution=4)
    before = [keras.ops.convert_to_numpy(v).copy() for v in model.variables]
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 1)).astype("float32")
    moved = []

    def batches():
        for _ in range(5):
            yield images, np.ones((8, 10), "float32")
            pairs = zip(before, model.variables, strict=True)
            moved.append(sum(np.any(a != b.numpy()) for a, b in pairs))

    losses, smoothed, diverged = rate_sweep.sweep(model, batches(), [1.0] * 5)
    assert len(losses) == len(smoothed) == 5 and diverged is None
    # Weights, averages and the dropout's generator had moved.
    assert moved[-1] >= 7
    for one, two in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, two.numpy())

    def breaks():
        yield images, np.ones((8, 10), "float32")
        raise OSError

    with pytest.raises(OSError):
        rate_sweep.sweep(model, breaks(), [1.0] * 5)
    for one, two in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, two.numpy())


def test_the_valley_is_the_longest_fall():
    rates = [10.0**n for n in range(-7, 2)]
    # It falls from the third to the seventh, over a bump.
    assert rate_sweep.valley(rates, [3, 3, 3, 2.5, 2, 2.2, 1, 0.5, 4]) == 1e-3
    assert rate_sweep.valley(rates, [1, 2, 3]) is None
    assert rate_sweep.valley(rates, []) is None
    assert rate_sweep.valley(rates, [2, 1]) == 1e-6


def test_a_loss_that_never_falls_has_no_suggestion():
    sweep = RateSweep(network="a", data="b", rates=(1,), losses=(1,), smoothed=(1,))
    assert sweep.rows() == [("suggestion", "none"), ("diverged at", "none")]
    assert "learning rates of a on b" in sweep._repr_html_()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"lowest": 1, "highest": 1}, "lowest is 1 and highest 1; the rate must rise"),
        ({"steps": 1}, "steps is 1; it must be a whole number from 2"),
        ({"recipe": RECIPE.replace({"freeze": ["x"]})}, "its stages are hidden1, pred"),
    ],
)
def test_wrong_calls(words, sentence, digits):
    recipe = RECIPE.replace({"image_shape": (8, 8, 1)})
    with pytest.raises(ValueError, match=sentence):
        kerazoo.find_learning_rate("mlp_50", digits, **{"recipe": recipe} | words)


def test_the_command(command, data_dir, tmp_path):
    words = ["lr-find", "mlp_50", "--data=digits", "--set=image_shape=8,8,1"]
    words += [f"--data-dir={data_dir}", "--precision=float32", "--set=freeze=body"]
    status, out, errors = command(*words, "--save=curve.png")
    assert status == 0, errors
    assert out.startswith("suggestion ") and "train with it  --set optimizer." in out
    with Image.open(tmp_path / "curve.png") as curve:
        assert curve.size[0] > 600
    status, again, _ = command(*words, "--json")
    found = json.loads(again)
    assert status == 0 and f"suggestion     {found['suggestion']:.2g}\n" in out
    assert set(found) == set(RateSweep.__dataclass_fields__)
    status, _, errors = command(*words, "--save=.")
    assert status == 2 and errors.count("\n") == 1

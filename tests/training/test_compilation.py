"""Recipes' words against rates, gradients and losses computed by hand."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from kerazoo.recipe import Optimizer, Recipe, Schedule
from kerazoo.tasks import Classification
from kerazoo.training import compilation


def half_cosine(share):
    return (1 + math.cos(math.pi * share)) / 2


# Schedule; base rate, batches an epoch, batches in all; the rate at some batches.
RATES = {
    "step by epochs": (
        Schedule(name="step", boundaries=(2, 3), factor=0.1),
        (0.5, 10, 50),
        {0: 0.5, 19: 0.5, 20: 0.05, 29: 0.05, 30: 0.005, 49: 0.005},
    ),
    "step by steps": (
        Schedule(name="step", unit="steps", boundaries=(3, 7), values=(1, 0.5, 2)),
        (0.2, 10, 50),
        {0: 0.2, 2: 0.2, 3: 0.1, 6: 0.1, 7: 0.4, 40: 0.4},
    ),
    "step in an epoch": (
        Schedule(name="step", boundaries=(1.5,)),
        (1.0, 10, 50),
        {14: 1.0, 15: 0.1},
    ),
    "staircase": (
        Schedule(name="exponential", factor=0.9, every=2),
        (1.0, 5, 50),
        {0: 1.0, 9: 1.0, 10: 0.9, 19: 0.9, 20: 0.81},
    ),
    "exponential": (
        Schedule(name="exponential", factor=0.25, every=1, staircase=False),
        (1.0, 4, 50),
        {0: 1.0, 2: 0.5, 4: 0.25, 6: 0.125},
    ),
    "polynomial": (
        Schedule(name="polynomial"),
        (1.0, 10, 100),
        {0: 1.0, 25: 0.75, 50: 0.5, 100: 0.0, 120: 0.0},
    ),
    "polynomial of power 2": (
        Schedule(name="polynomial", power=2, end=0.1),
        (1.0, 10, 100),
        {0: 1.0, 50: 0.1 + 0.9 * 0.25, 100: 0.1},
    ),
    "cosine": (
        Schedule(name="cosine", end=0.2),
        (0.5, 10, 100),
        {0: 0.5, 25: 0.5 * (0.2 + 0.8 * half_cosine(0.25)), 50: 0.3, 100: 0.1},
    ),
    "cosine with a rise": (
        Schedule(name="cosine", warmup=2),
        (1.0, 10, 100),
        {0: 0.0, 10: 0.5, 20: 1.0, 60: 0.5, 100: 0.0},
    ),
    "three cosines": (
        Schedule(name="cosine", cycles=3, end=0.1),
        (0.5, 10, 100),
        {0: 0.5, 17: 0.275, 33: 0.05096, 34: 0.5, 51: 0.275, 68: 0.5, 85: 0.275},
    ),
    "one cycle": (
        Schedule(name="one_cycle", warmup=2, start=0.1, end=0.01),
        (2.0, 10, 100),
        {0: 0.2, 10: 1.1, 20: 2.0, 60: 2 * (0.01 + 0.99 * 0.5), 100: 0.02},
    ),
}


@pytest.mark.parametrize("case", RATES)
def test_rates_by_hand(case):
    schedule, arguments, expected = RATES[case]
    rate = compilation.learning_rate(schedule, *arguments)
    got = {step: float(rate(step)) for step in expected}
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_rates_that_others_move(name):
    assert compilation.learning_rate(Schedule(name=name), 0.3, 10, 100) == 0.3


def test_every_schedule_is_tried():
    names = {schedule.name for schedule, *_ in RATES.values()} | {"constant", "plateau"}
    assert names == set(Schedule.__annotations__["name"].__args__)


def test_values_must_be_one_more_than_boundaries():
    with pytest.raises(ValueError, match=r"2 numbers for 2 boundaries; .* one more"):
        Schedule(name="step", boundaries=(1, 2), values=(1, 0.5))


def network(seed=0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4, 4, 1))
    x = layers.Conv2D(3, 2, name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(6, name="predictions")(x))


def compiled(recipe, steps_per_epoch=10, one_hot=False):
    model = network()
    options = {"steps_per_epoch": steps_per_epoch, "one_hot": one_hot, "classes": 6}
    compilation.compile(model, recipe, Classification(), **options)
    return model


def batch(count=8):
    random = np.random.default_rng(1)
    return random.normal(size=(count, 4, 4, 1)).astype("float32"), np.arange(count) % 6


def test_weight_decay_adds_w_theta_to_the_gradient():
    """The penalty's slope, by finite differences, is the paper's ``w * theta``."""
    model, decay = compiled(Recipe(weight_decay=0.02)), 0.02
    for name in ("conv", "predictions"):
        kernel = model.get_layer(name).kernel
        theta = keras.ops.convert_to_numpy(kernel).astype("float64")
        assert kernel.regularizer is not None

        def penalty(values, kernel=kernel):
            kernel.assign(values)
            return sum(float(loss) for loss in model.losses)

        # The penalty is a parabola, for which a central difference is exact.
        step = 0.5
        for place in [(0,) * theta.ndim, tuple(n - 1 for n in theta.shape)]:
            shift = np.zeros_like(theta)
            shift[place] = step
            slope = (penalty(theta + shift) - penalty(theta - shift)) / (2 * step)
            assert slope == pytest.approx(decay * theta[place], abs=2e-5)
        kernel.assign(theta)


def test_weight_decay_in_a_step():
    """Plain SGD with rate r moves every kernel by a further ``-r * w * theta``."""
    plain, decayed = (
        compiled(Recipe(weight_decay=w, optimizer=Optimizer(learning_rate=0.5)))
        for w in (0.0, 0.1)
    )
    before = {v.path: keras.ops.convert_to_numpy(v) for v in plain.trainable_variables}
    for model in (plain, decayed):
        model.train_on_batch(*batch())
    for one, two in zip(
        plain.trainable_variables, decayed.trainable_variables, strict=True
    ):
        moved = keras.ops.convert_to_numpy(two) - keras.ops.convert_to_numpy(one)
        decays = 0.5 * 0.1 if one.path.endswith("kernel") else 0.0
        np.testing.assert_allclose(moved, -decays * before[one.path], atol=2e-6)


def test_decay_of_everything():
    model = compiled(Recipe(weight_decay=0.1, decay_all=True))
    assert all(v.regularizer is not None for v in model.trainable_variables)
    expected = 0.05 * sum(
        float(keras.ops.sum(v * v)) for v in model.trainable_variables
    )
    assert sum(map(float, model.losses)) == pytest.approx(expected, rel=1e-5)


def test_absolute_penalty():
    model = compiled(Recipe(l1=0.3))
    kernels = [v for v in model.trainable_variables if v.path.endswith("kernel")]
    expected = 0.3 * sum(float(keras.ops.sum(keras.ops.abs(v))) for v in kernels)
    assert sum(map(float, model.losses)) == pytest.approx(expected, rel=1e-5)


def test_penalties_of_layers():
    """The slides' two weights: one of input to hidden, one of hidden to output."""
    words = {"weight_decay": {"*": 0.4, "predictions": 0.1}, "l1": {"conv": 0.3}}
    model = compiled(Recipe(**words))
    first, last = (
        keras.ops.convert_to_numpy(model.get_layer(name).kernel)
        for name in ("conv", "predictions")
    )
    squares = 0.2 * (first**2).sum() + 0.05 * (last**2).sum()
    expected = squares + 0.3 * np.abs(first).sum()
    assert sum(map(float, model.losses)) == pytest.approx(expected, rel=1e-5)
    alone = compiled(Recipe().override('weight_decay={"predictions": 0.1}'))
    penalized = [v.path for v in alone.trainable_variables if v.regularizer]
    assert penalized == ["predictions/kernel"]


def test_penalties_of_layers_that_are_not_there():
    message = "l1: .* no layer with weights that fits 'hidden1'"
    with pytest.raises(ValueError, match=message):
        compiled(Recipe(l1={"hidden1": 0.1}))
    with pytest.raises(ValueError, match="a mapping from layers"):
        Recipe(weight_decay={"conv": -1})


def test_largest_norm():
    model = compiled(Recipe(max_norm=0.2, optimizer=Optimizer(learning_rate=1.0)))
    model.train_on_batch(*batch())
    for name in ("conv", "predictions"):
        kernel = keras.ops.convert_to_numpy(model.get_layer(name).kernel)
        norms = np.sqrt((kernel.reshape(-1, kernel.shape[-1]) ** 2).sum(0))
        assert norms.max() == pytest.approx(0.2, rel=1e-4)


def test_accumulated_batches_are_one_step():
    """Two halves accumulated move the weights as the whole batch does."""
    whole = compiled(Recipe(optimizer=Optimizer(learning_rate=0.5)))
    words = Optimizer(learning_rate=0.5, gradient_accumulation_steps=2)
    halves = compiled(Recipe(optimizer=words))
    for model in (whole, halves):
        # Its statistics would differ between a batch and its halves.
        model.get_layer("bn").trainable = False
    images, labels = batch()
    whole.train_on_batch(images, labels)
    halves.train_on_batch(images[:4], labels[:4])
    halves.train_on_batch(images[4:], labels[4:])
    for one, two in zip(whole.get_weights(), halves.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_schedules_count_every_batch():
    words = Optimizer(learning_rate=1.0, gradient_accumulation_steps=4)
    recipe = Recipe(optimizer=words, schedule=Schedule(name="polynomial"), epochs=2)
    model = compiled(recipe, steps_per_epoch=4)
    for expected in (1.0, 0.875, 0.75, 0.625, 0.5):
        assert float(model.optimizer.learning_rate) == pytest.approx(expected)
        model.train_on_batch(*batch())


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (Optimizer(name="sgd", momentum=0.9, nesterov=True), "FusedSGD"),
        (Optimizer(name="Adam", beta_1=0.8, beta_2=0.9, epsilon=1e-4), "FusedAdam"),
        (Optimizer(name="adamw", weight_decay=0.05), "AdamW"),
        (Optimizer(name="rmsprop", rho=0.8, momentum=0.9, epsilon=1.0), "RMSprop"),
        (Optimizer(name="nadam", clipnorm=1.0), "Nadam"),
        (Optimizer(name="sgd", global_clipnorm=2.0), "FusedSGD"),
        (Optimizer(name="sgd", clipvalue=0.5), "FusedSGD"),
    ],
)
def test_optimisers_take_their_words(words, kind):
    made = compilation.optimizer(words, 0.25)
    assert type(made).__name__ == kind
    assert float(made.learning_rate) == 0.25
    config = made.get_config()
    for field, value in vars(words).items():
        if value not in (None, {}) and field not in ("name", "learning_rate"):
            assert config[field] == value, field


def test_averages_are_switched_on():
    config = compilation.optimizer(Optimizer(ema_momentum=0.9), 0.1).get_config()
    assert config["use_ema"] is True
    assert config["ema_momentum"] == 0.9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (Optimizer(name="sgdd"), r"Unknown optimizer.name 'sgdd'; did you mean sgd"),
        (Optimizer(name="adam", momentum=0.9), "adam does not take .*momentum"),
        (Optimizer(name="sgd", rho=0.9), r"sgd does not take .*rho.*0\.9"),
        (Optimizer(name="sgd", clipnorm=1.0, clipvalue=1.0), "sgd does not take"),
    ],
)
def test_optimisers_refuse_other_words(words, message):
    with pytest.raises(ValueError, match=message) as caught:
        compilation.optimizer(words, 0.1)
    assert "\n" not in str(caught.value)


def test_side_heads_weigh_less():
    inputs = keras.Input((4,))
    heads = {
        name: layers.Dense(3, name=name)(inputs) for name in ("aux", "predictions")
    }
    model = keras.Model(inputs, heads)
    recipe = Recipe(auxiliary_weight=0.25)
    options = {"steps_per_epoch": 5, "one_hot": False, "classes": 3}
    compilation.compile(model, recipe, Classification(), **options)
    images, labels = np.ones((2, 4), "float32"), np.array([0, 1])
    logs = model.evaluate(
        images, dict.fromkeys(heads, labels), return_dict=True, verbose=0
    )
    expected = logs["predictions_loss"] + 0.25 * logs["aux_loss"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert "predictions_accuracy" in logs
    assert "aux_accuracy" not in logs


def test_epochs_of_a_number_of_steps():
    assert compilation.num_epochs(Recipe(epochs=7), 10) == 7
    assert compilation.num_epochs(Recipe(steps=31), 10) == 4
    assert compilation.num_epochs(Recipe(steps=30), 10) == 3


def test_a_share_follows_the_length_of_training():
    """Warmed up for a fifth, whatever the number of epochs."""
    schedule = Schedule(name="one_cycle", unit="share", warmup=0.2)
    for steps in (50, 1000):
        rate = compilation.learning_rate(schedule, 0.1, 10, steps)
        assert float(rate(steps // 5)) == pytest.approx(0.1)
        assert float(rate(steps // 10)) == pytest.approx(0.05)
        assert float(rate(steps)) == pytest.approx(0, abs=1e-8)


def test_a_warmup_must_be_shorter_than_the_training():
    schedule = Schedule(name="one_cycle", warmup=8)
    with pytest.raises(ValueError, match=r"warmup is 8 epochs.*training has 4"):
        compilation.learning_rate(schedule, 0.1, 10, 40)

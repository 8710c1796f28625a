"""A recipe in Keras: its optimiser, schedule, loss and regularisation."""

import fnmatch
from collections.abc import Iterable
from typing import Any

import keras

from kerazoo.errors import unknown
from kerazoo.recipe import Optimizer, Recipe, Schedule
from kerazoo.tasks import Task
from kerazoo.training.clipping import clip_across_replicas


def learning_rate(
    schedule: Schedule, base: float, steps_per_epoch: int, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate: a number, or a Keras schedule over the batches.

    Args:
        schedule: The recipe's schedule.
        base: The base rate.
        steps_per_epoch: Batches of an epoch.
        steps: Batches of the whole training.
    """
    schedules = keras.optimizers.schedules
    unit = {"epochs": steps_per_epoch, "steps": 1, "share": steps}[schedule.unit]
    match schedule.name:
        case "constant" | "plateau":
            return base
        case "step":
            boundaries = [round(b * unit) for b in schedule.boundaries]
            values = schedule.values or [
                schedule.factor**n for n in range(len(boundaries) + 1)
            ]
            # A boundary belongs to the stage before it in Keras, after it here.
            return schedules.PiecewiseConstantDecay(
                [b - 1 for b in boundaries], [base * value for value in values]
            )
        case "exponential":
            return schedules.ExponentialDecay(
                base,
                max(1, round(schedule.every * unit)),
                schedule.factor,
                staircase=schedule.staircase,
            )
        case "polynomial":
            return schedules.PolynomialDecay(
                base, steps, base * schedule.end, schedule.power
            )
    if schedule.cycles > 1:
        if schedule.cycles > steps:
            raise ValueError(
                f"schedule.cycles is {schedule.cycles}, but the whole training has "
                f"{steps} steps; give fewer."
            )
        # Huang et al. 2017, arXiv 1704.00109, Eq. 2.
        return schedules.CosineDecayRestarts(
            base, -(-steps // schedule.cycles), t_mul=1.0, alpha=schedule.end
        )
    warmup = round(schedule.warmup * unit)
    if warmup >= steps > 1:
        raise ValueError(
            f"schedule.warmup is {schedule.warmup:g} {schedule.unit}, but the whole "
            f"training has {steps / unit:g}; shorten it, or give it as a share "
            "(schedule.unit=share schedule.warmup=0.2)."
        )
    rise = {"warmup_target": base, "warmup_steps": warmup} if warmup else {}
    return schedules.CosineDecay(
        base * schedule.start if warmup else base,
        max(1, steps - warmup),
        alpha=schedule.end,
        **rise,
    )


def optimizer(
    config: Optimizer, rate: Any, paths: Iterable[str] = ()
) -> keras.optimizers.Optimizer:
    """The optimiser that a recipe names.

    Args:
        config: The recipe's optimiser.
        rate: The learning rate or its schedule.
        paths: Of the weights to train, in their order; multipliers look at them.

    Raises:
        ValueError: For a name that Keras does not know, an argument that the
            optimiser does not take, or multipliers that mean nothing here.
    """
    kind: Any = optimizer_class(config)
    arguments = {
        field: value
        for field, value in vars(config).items()
        if value is not None and field not in ("name", "learning_rate", "multipliers")
    }
    if "ema_momentum" in arguments:
        arguments["use_ema"] = True
    if keras.backend.backend() == "tensorflow":
        from kerazoo.layers.fast_paths import FusedAdam, FusedSGD

        fast = {keras.optimizers.SGD: FusedSGD, keras.optimizers.Adam: FusedAdam}
        kind = fast.get(kind, kind)
    if config.multipliers:
        kind = _multiplied(kind, _factors(config, paths))
    try:
        return kind(learning_rate=rate, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The optimiser {config.name} does not take these arguments: "
            f"{arguments} ({str(error).splitlines()[0]})."
        ) from error


def optimizer_class(config: Optimizer) -> Any:
    """Keras' optimiser of a name.

    Raises:
        ValueError: For a name that Keras does not know.
    """
    kinds = {
        name.lower(): kind
        for name, kind in vars(keras.optimizers).items()
        if isinstance(kind, type)
        and issubclass(kind, keras.optimizers.Optimizer)
        and kind is not keras.optimizers.Optimizer
    }
    if config.name.lower() not in kinds:
        raise unknown("optimizer.name", config.name, kinds)
    return kinds[config.name.lower()]


def _factors(config, paths):
    """The multiple of the learning rate of every weight."""
    if config.name.lower() != "sgd":
        raise ValueError(
            f"optimizer.multipliers work with sgd alone; {config.name} takes no notice "
            "of a gradient's size. Leave them out or set optimizer.name=sgd."
        )
    factors = dict.fromkeys(paths, 1.0)
    for pattern, factor in config.multipliers.items():
        fitting = fnmatch.filter(paths, pattern)
        if not fitting:
            raise ValueError(
                f"optimizer.multipliers: no weight fits {pattern!r}; the first ones "
                f"are {', '.join(paths[:4])}."
            )
        factors |= dict.fromkeys(fitting, float(factor))
    return [factors[path] for path in paths]


def _multiplied(kind, factors):
    """``kind`` with gradients that are multiplied first.

    To SGD, with momentum or without, that is the same as a multiple of the rate.
    """

    class Multiplied(kind):  # type: ignore[misc, valid-type]
        def apply(self, grads, trainable_variables=None):
            grads = [
                grad if grad is None or factor == 1 else grad * factor
                for grad, factor in zip(grads, factors, strict=True)
            ]
            return super().apply(grads, trainable_variables)

    return Multiplied


def regularize(model: keras.Model, recipe: Recipe) -> None:
    """Puts the recipe's penalties and norms on a built network.

    The papers' weight decay ``w`` adds ``w * theta`` to the gradient, which is Keras'
    ``L2(w / 2)``; Keras' own ``weight_decay`` is another rule.
    """
    for variable in model.trainable_variables:
        kernel = variable.path.rpartition("/")[2].endswith("kernel")
        if (recipe.weight_decay or recipe.l1) and (kernel or recipe.decay_all):
            variable.regularizer = keras.regularizers.L1L2(
                l1=recipe.l1, l2=recipe.weight_decay / 2
            )
        if recipe.max_norm and kernel:
            axes = list(range(len(variable.shape) - 1))
            variable.constraint = keras.constraints.MaxNorm(recipe.max_norm, axes)


def compile(
    model: keras.Model,
    recipe: Recipe,
    task: Task,
    *,
    steps_per_epoch: int,
    one_hot: bool,
    classes: int,
    replicas: int = 1,
    **options: Any,
) -> None:
    """Compiles a network as its recipe says.

    Args:
        model: From images to logits, or to a dictionary of them.
        recipe: The recipe.
        task: What it learns.
        steps_per_epoch: Batches of an epoch.
        one_hot: Whether labels are rows.
        classes: Number of classes.
        replicas: Devices whose gradients TensorFlow adds up.
        **options: What else ``keras.Model.compile`` takes.
    """
    regularize(model, recipe)
    # A schedule of Keras counts every batch, those of an accumulated step too.
    rate = learning_rate(
        recipe.schedule,
        recipe.optimizer.learning_rate,
        steps_per_epoch,
        max(1, recipe.steps or recipe.epochs * steps_per_epoch),
    )
    paths = [variable.path for variable in model.trainable_variables]
    built = clip_across_replicas(optimizer(recipe.optimizer, rate, paths), replicas)
    learnt = task.objective(model, recipe, built, classes=classes, one_hot=one_hot)
    model.compile(optimizer=built, **learnt, **options)


def num_epochs(recipe: Recipe, steps_per_epoch: int) -> int:
    """Passes over the training set: the recipe's, or enough for its steps."""
    if recipe.steps is None:
        return recipe.epochs
    return -(-recipe.steps // steps_per_epoch)

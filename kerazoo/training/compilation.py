"""What a recipe's words mean in Keras: optimiser, schedule, loss, regularisation."""

import keras

from kerazoo.errors import unknown
from kerazoo.layers import MAPLoss
from kerazoo.recipe import Optimizer, Recipe, Schedule


def learning_rate(schedule: Schedule, base: float, steps_per_epoch: int, steps: int):
    """The learning rate: a number, or a Keras schedule over the optimiser's steps.

    Args:
        schedule: The recipe's schedule.
        base: The base rate.
        steps_per_epoch: Optimiser steps of an epoch.
        steps: Optimiser steps of the whole training.
    """
    schedules = keras.optimizers.schedules
    unit = steps_per_epoch if schedule.unit == "epochs" else 1
    match schedule.name:
        case "constant" | "plateau":
            return base
        case "step":
            boundaries = [round(b * unit) for b in schedule.boundaries]
            values = schedule.values or [
                schedule.factor**n for n in range(len(boundaries) + 1)
            ]
            if len(values) != len(boundaries) + 1:
                raise ValueError(
                    f"schedule.values has {len(values)} numbers for "
                    f"{len(boundaries)} boundaries; it must have one more."
                )
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
    warmup = round(schedule.warmup * unit)
    rise = {"warmup_target": base, "warmup_steps": warmup} if warmup else {}
    return schedules.CosineDecay(
        base * schedule.start if warmup else base,
        max(1, steps - warmup),
        alpha=schedule.end,
        **rise,
    )


def optimizer(words: Optimizer, rate) -> keras.optimizers.Optimizer:
    """The optimiser that a recipe names.

    Raises:
        ValueError: For a name that Keras does not know or an argument that the
            optimiser does not take.
    """
    kinds = {
        name.lower(): kind
        for name, kind in vars(keras.optimizers).items()
        if isinstance(kind, type)
        and issubclass(kind, keras.optimizers.Optimizer)
        and kind is not keras.optimizers.Optimizer
    }
    if words.name.lower() not in kinds:
        raise unknown("optimizer.name", words.name, kinds)
    arguments = {
        field: value
        for field, value in vars(words).items()
        if value is not None and field not in ("name", "learning_rate")
    }
    if "ema_momentum" in arguments:
        arguments["use_ema"] = True
    try:
        return kinds[words.name.lower()](learning_rate=rate, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The optimiser {words.name} does not take these arguments: "
            f"{arguments} ({str(error).splitlines()[0]})."
        ) from error


def one_hot(recipe: Recipe) -> bool:
    """Whether the loss needs labels as rows."""
    return recipe.loss == "squared_hinge" or recipe.label_smoothing > 0


def loss(recipe: Recipe, rows: bool) -> keras.losses.Loss:
    """The loss on logits.

    Args:
        recipe: The recipe.
        rows: Whether labels are one-hot (or mixed) rows rather than class ids.
    """
    if recipe.loss == "map":
        return MAPLoss()
    if recipe.loss == "squared_hinge":
        return keras.losses.SquaredHinge()
    if rows:
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def metrics(classes: int, rows: bool) -> list[keras.metrics.Metric]:
    """Top-1 accuracy, and top-5 where there are more than five classes."""
    m = keras.metrics
    top1 = m.CategoricalAccuracy if rows else m.SparseCategoricalAccuracy
    top5 = m.TopKCategoricalAccuracy if rows else m.SparseTopKCategoricalAccuracy
    five = [top5(5, name="top5")] if classes > 5 else []
    return [top1(name="accuracy"), *five]


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
    model: keras.Model, recipe: Recipe, *, steps_per_epoch, rows, classes, **options
):
    """Compiles a network as its recipe says.

    Args:
        model: From images to logits, or to a dictionary of them.
        recipe: The recipe.
        steps_per_epoch: Batches of an epoch.
        rows: Whether labels are rows.
        classes: Number of classes.
        **options: What else ``keras.Model.compile`` takes.
    """
    regularize(model, recipe)
    updates = recipe.optimizer.gradient_accumulation_steps or 1
    epoch = steps_per_epoch / updates
    total = round(epochs(recipe, steps_per_epoch) * epoch)
    rate = learning_rate(
        recipe.schedule, recipe.optimizer.learning_rate, epoch, max(1, total)
    )
    if isinstance(model.output, dict):
        loss_arguments = {
            "loss": {name: loss(recipe, rows) for name in model.output},
            "loss_weights": {
                name: 1.0 if name == "predictions" else recipe.auxiliary_weight
                for name in model.output
            },
            "metrics": {"predictions": metrics(classes, rows)},
        }
    else:
        loss_arguments = {
            "loss": loss(recipe, rows),
            "metrics": metrics(classes, rows),
        }
    model.compile(
        optimizer=optimizer(recipe.optimizer, rate), **loss_arguments, **options
    )


def epochs(recipe: Recipe, steps_per_epoch: int) -> int:
    """Passes over the training set: the recipe's, or enough for its steps."""
    if recipe.steps is None:
        return recipe.epochs
    return -(-recipe.steps // steps_per_epoch)

"""A recipe in Keras: its optimiser, schedule, loss and regularisation."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from kerazoo.errors import unknown
from kerazoo.recipe import Optimizer, Recipe, Schedule
from kerazoo.tasks import Task
from kerazoo.training.clipping import clip_across_replicas
from kerazoo.training.stages import find_layers, stage_depths, stages

# Fields of an optimiser that are not arguments of Keras'.
OURS = ("name", "learning_rate", "multipliers", "stage_rate")


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


@keras.saving.register_keras_serializable("kerazoo")
class Continued(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for an optimiser that is made when some steps lie behind.

    Args:
        schedule: The schedule of the whole training.
        steps: Those steps.
    """

    def __init__(self, schedule: Any, steps: int) -> None:
        schedules = keras.optimizers.schedules
        is_config = isinstance(schedule, dict)
        self.schedule = schedules.deserialize(schedule) if is_config else schedule
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """The rate at a step of the optimiser."""
        return self.schedule(keras.ops.cast(step, "int32") + self.steps)

    def get_config(self) -> dict[str, Any]:
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "steps": self.steps}


def optimizer(
    config: Optimizer, rate: Any, multiples: Sequence[float] = ()
) -> keras.optimizers.Optimizer:
    """The optimiser that a recipe names.

    Args:
        config: The recipe's optimiser.
        rate: The learning rate or its schedule.
        multiples: Of the rate, for every weight to train, in their order.

    Raises:
        ValueError: For a name that Keras does not know, or an argument that the
            optimiser does not take.
    """
    kind: Any = optimizer_class(config)
    arguments = {
        field: value
        for field, value in vars(config).items()
        if value is not None and field not in OURS
    }
    if "ema_momentum" in arguments:
        arguments["use_ema"] = True
    if keras.backend.backend() == "tensorflow":
        from kerazoo.layers.fast_paths import FusedAdam, FusedSGD

        fast = {keras.optimizers.SGD: FusedSGD, keras.optimizers.Adam: FusedAdam}
        kind = fast.get(kind, kind)
    if any(multiple != 1 for multiple in multiples):
        whole = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
        plain = config.name.lower() == "sgd" and not any(n in arguments for n in whole)
        made = gradients_multiplied if plain else rates_multiplied
        kind = made(kind, multiples)
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


def rate_multiples(
    config: Optimizer, model: keras.Model, variables: Iterable[keras.Variable]
) -> list[float]:
    """The multiple of the learning rate of some weights.

    Args:
        config: The recipe's optimiser.
        model: The network.
        variables: Weights of it.

    Raises:
        ValueError: For a pattern that no weight of the network fits.
    """
    multiples = {id(weight): 1.0 for weight in model.weights}
    if config.stage_rate is not None:
        layers, depths = stages(model), stage_depths(model)
        for stage, depth in depths.items():
            rate = config.stage_rate**depth
            multiples |= {id(w): rate for la in layers[stage] for w in la.weights}
    paths = [weight.path for weight in model.weights]
    of_patterns: dict[str, float] = {}
    for pattern, multiple in config.multipliers.items():
        fitting = fnmatch.filter(paths, pattern)
        if not fitting:
            raise ValueError(
                f"optimizer.multipliers: no weight fits {pattern!r}; the first ones "
                f"are {', '.join(paths[:4])}."
            )
        of_patterns |= dict.fromkeys(fitting, float(multiple))
    return [multiples[id(one)] * of_patterns.get(one.path, 1.0) for one in variables]


def stage_rates(
    config: Optimizer, model: keras.Model, variables: Sequence[keras.Variable]
) -> list[str]:
    """The base rates of the stages in words, neighbours of the same rates in one.

    Args:
        config: The recipe's optimiser.
        model: The network.
        variables: The weights that are trained.
    """
    found = zip(variables, rate_multiples(config, model, variables), strict=True)
    multiples = {id(variable): multiple for variable, multiple in found}
    rows: list[tuple[list[str], str]] = []
    for stage, layers in stages(model).items():
        weights = [id(weight) for layer in layers for weight in layer.weights]
        own = sorted({multiples[one] for one in weights if one in multiples})
        rates = " and ".join(f"{config.learning_rate * one:.3g}" for one in own)
        if rates and rows and rows[-1][1] == rates:
            rows[-1][0].append(stage)
        elif rates:
            rows.append(([stage], rates))
    return [
        f"{names[0]}{f' to {names[-1]}' if names[1:] else ''} {rates}"
        for names, rates in rows
    ]


def gradients_multiplied(kind: Any, multiples: Sequence[float]) -> Any:
    """``kind`` with gradients that are multiplied first.

    To SGD, with momentum or without, that is the same as a multiple of the rate, where
    it neither clips nor decays.

    Args:
        kind: A class of optimisers.
        multiples: For every weight.
    """

    class Multiplied(kind):
        def apply(self, grads, trainable_variables=None):
            grads = [
                grad if grad is None or multiple == 1 else grad * multiple
                for grad, multiple in zip(grads, multiples, strict=True)
            ]
            return super().apply(grads, trainable_variables)

    return Multiplied


def rates_multiplied(kind: Any, multiples: Sequence[float]) -> Any:
    """``kind`` with a rate for every weight.

    Adam and its like take no notice of a gradient's size. Keras' decoupled decay knows
    one rate alone, so that it is applied here.

    Args:
        kind: A class of optimisers.
        multiples: For every weight.
    """

    class Multiplied(kind):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.decay = self.weight_decay
            self.weight_decay: float | None = None

        def get_config(self):
            return super().get_config() | {"weight_decay": self.decay}

        def build(self, variables):
            if not self.built:
                super().build(variables)
                pairs = zip(variables, multiples, strict=True)
                self._multiples = {key: m for v, m in pairs for key in _keys(v)}

        def update_step(self, gradient, variable, learning_rate):
            (key,) = _keys(variable)
            rate = learning_rate * self._multiples[key]
            if self.decay:
                decay = keras.ops.cast(self.decay * rate, variable.dtype)
                self.assign_sub(variable, variable * decay)
            super().update_step(gradient, variable, rate)

    return Multiplied


def _keys(variable):
    """What a weight is known by: TensorFlow's optimisers see its copies by device."""
    if keras.backend.backend() != "tensorflow":
        return [id(variable)]
    import tensorflow as tf

    if isinstance(variable, keras.Variable):
        variable = variable.value
    return [
        one.ref()
        for one in tf.distribute.get_strategy().experimental_local_results(variable)
    ]


def regularize(model: keras.Model, recipe: Recipe) -> None:
    """Puts the recipe's penalties and norms on a built network.

    The papers' weight decay ``w`` adds ``w * theta`` to the gradient, which is Keras'
    ``L2(w / 2)``; Keras' own ``weight_decay`` is another rule.

    Raises:
        ValueError: For a layer that the network does not have.
    """
    decay = _by_weight(model, recipe.weight_decay, "weight_decay")
    l1 = _by_weight(model, recipe.l1, "l1")
    for variable in model.trainable_variables:
        kernel = variable.path.rpartition("/")[2].endswith("kernel")
        w, own_l1 = decay.get(id(variable), 0.0), l1.get(id(variable), 0.0)
        if (w or own_l1) and (kernel or recipe.decay_all):
            variable.regularizer = keras.regularizers.L1L2(l1=own_l1, l2=w / 2)
        if recipe.max_norm and kernel:
            axes = list(range(len(variable.shape) - 1))
            variable.constraint = keras.constraints.MaxNorm(recipe.max_norm, axes)


def _by_weight(model, value, field):
    """A number for every weight by its id, from one for all or from those of layers."""
    if not isinstance(value, Mapping):
        return {id(weight): value for weight in model.weights}
    found: dict[int, float] = {}
    for name, one in value.items():
        for layer in find_layers(model, name, field):
            found |= {id(weight): one for weight in layer.weights}
    return found


def compile(
    model: keras.Model,
    recipe: Recipe,
    task: Task,
    *,
    steps_per_epoch: int,
    one_hot: bool,
    classes: int,
    replicas: int = 1,
    before: int = 0,
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
        before: Steps that lie behind. The optimiser is new: moments that began at zero
            there would, with the step's own number, not be corrected for it.
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
    if before and callable(rate):
        rate = Continued(rate, before)
    config = recipe.optimizer
    multiples = rate_multiples(config, model, model.trainable_variables)
    built = clip_across_replicas(optimizer(config, rate, multiples), replicas)
    recipe = _faded(recipe, before)
    learnt = task.objective(model, recipe, built, classes=classes, one_hot=one_hot)
    model.compile(optimizer=built, **learnt, **options)


def _faded(recipe, before):
    """The recipe whose auxiliary losses fade on from where they are after some steps.

    They are counted by the optimiser, which is new then.
    """
    if not before or not recipe.auxiliary_fade:
        return recipe
    steps = before // (recipe.optimizer.gradient_accumulation_steps or 1)
    rest = recipe.auxiliary_fade - steps
    weight = recipe.auxiliary_weight * max(0, rest) / recipe.auxiliary_fade
    fade = rest if rest > 0 else None
    return recipe.replace({"auxiliary_weight": weight, "auxiliary_fade": fade})


def num_epochs(recipe: Recipe, steps_per_epoch: int) -> int:
    """Passes over the training set: the recipe's, or enough for its steps."""
    if recipe.steps is None:
        return recipe.epochs
    return -(-recipe.steps // steps_per_epoch)

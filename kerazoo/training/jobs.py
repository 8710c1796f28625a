"""What a training needs before it can begin: network, batches, configuration."""

import dataclasses
import functools
import importlib.metadata
import math
import os
import platform

import keras
import tensorflow as tf

from kerazoo import data as kerazoo_data
from kerazoo import recipes
from kerazoo.data.arrays import DataLike
from kerazoo.errors import counted
from kerazoo.precision import Precision, choose, prepare_gpus, use
from kerazoo.reader import Count, Path, Weights
from kerazoo.recipe import Recipe
from kerazoo.run import RunConfig
from kerazoo.tasks import Task
from kerazoo.training import compilation
from kerazoo.training.class_weights import class_weights, weigh
from kerazoo.training.compatibility import (
    check_compatible,
    check_size,
    check_task,
    with_weights,
)
from kerazoo.training.distribution import Distribution, distribute
from kerazoo.training.evaluation import own_parts
from kerazoo.training.freezing import Phases
from kerazoo.training.initial_weights import set_initial_weights
from kerazoo.training.own_model import OwnModel
from kerazoo.training.pipeline import Pipeline
from kerazoo.weights.loading import locate, resolve

# What whitening is fitted to: three times the values of an image of 32x32x3.
ZCA_IMAGES = 10_000


@dataclasses.dataclass(frozen=True)
class Job:
    """A training that is ready to begin.

    Of the training images, ``training`` are the batches that are learnt from, and
    ``plain`` the same ones neither shuffled nor augmented.
    """

    pipeline: Pipeline
    class_weights: tuple[float, ...] | None
    model: keras.Model
    training: kerazoo_data.Batches
    plain: kerazoo_data.Batches
    validation: kerazoo_data.Batches | None
    test: kerazoo_data.Batches
    config: RunConfig
    distribution: Distribution
    phases: Phases
    begins: str

    @property
    def recipe(self) -> Recipe:
        return self.pipeline.recipe

    @property
    def task(self) -> Task:
        return self.pipeline.task

    @property
    def classes(self) -> tuple[str, ...]:
        return self.config.classes

    @property
    def length(self) -> str:
        """How long it is, in words."""
        if self.recipe.steps:
            return counted(self.recipe.steps, "step")
        return counted(self.recipe.epochs, "epoch")

    @property
    def weighed_epochs(self) -> int:
        """The epochs in which the classes' weights count."""
        epochs = compilation.num_epochs(self.recipe, self.training.steps)
        return math.ceil(round(self.recipe.class_weight_share * epochs, 6))

    def weighed(self, dataset: tf.data.Dataset, epoch: int = 0) -> tf.data.Dataset:
        """Batches to learn from with the task's targets and the classes' weights."""
        if self.class_weights and epoch < self.weighed_epochs:
            dataset = weigh(dataset, self.class_weights)
        return self.task.targets(self.model, dataset)


def ready(
    network: str | keras.Model,
    data: DataLike | None,
    recipe: Recipe | str | None,
    *,
    weights: Weights | None = None,
    data_dir: Path | None,
    precision: str,
    devices: Count | None = None,
) -> tuple[Job, Precision]:
    """What :func:`fit` is about to train, and in which precision.

    Args:
        network: As for :func:`fit`.
        data: The same.
        recipe: The same.
        weights: The same.
        data_dir: The same.
        precision: The same.
        devices: The same.

    Raises:
        ValueError: For bad arguments.
    """
    network, recipe, own = network_and_recipe(network, recipe, weights)
    if recipe.weights and (known := resolve(network, recipe.weights)):
        # A download that cannot be had is known before the data are loaded.
        locate(known)
    prepare_gpus()
    distribution = distribute(devices)
    distribution.check_batch(recipe.batch_size)
    chosen = _precision(precision, own, distribution)
    parts = None
    if isinstance(data, kerazoo_data.ImageData):
        parts = own_parts(data, recipe)
    images = kerazoo_data.load(
        recipe.data if data is None else data,
        data_dir=data_dir,
        validation=recipe.validation,
        seed=recipe.seed,
    )
    # Not before: a set that is prepared on first use draws random numbers.
    keras.utils.set_random_seed(recipe.seed)
    with use(chosen), distribution.scope():
        job = prepare(network, images, recipe, chosen, distribution, own)
    config = dataclasses.replace(
        job.config, data_dir=None if data_dir is None else str(data_dir), parts=parts
    )
    return dataclasses.replace(job, config=config), chosen


def network_and_recipe(
    network: str | keras.Model,
    recipe: Recipe | str | None,
    weights: Weights | None = None,
) -> tuple[str, Recipe, OwnModel | None]:
    """A network's name, how to train it, and the model where it is the caller's."""
    if isinstance(network, keras.Model):
        own = OwnModel(network)
        if weights is not None:
            raise ValueError(
                f"weights is {weights}, but {own.name} is a model of your own, which "
                "begins with the weights that it has; leave weights out."
            )
        return own.name, own.choose_recipe(recipe), own
    if weights is not None:
        chosen = recipes.choose(recipe or "tuning", network)
        fields = {"weights": os.fspath(weights), "normalization": "weights"}
        recipe = chosen.replace(fields)
    recipe = recipes.choose(recipe, network)
    check_compatible(network, recipe)
    return network, recipe, None


def _precision(name, own, distribution):
    chosen = choose(name)
    if own and chosen.policy != "float32":
        if name != "auto":
            raise ValueError(
                f"precision is {name!r}, but the layers of {own.name} have the "
                "precision that they were made in; leave it out, or make the model "
                f"after keras.config.set_dtype_policy({name!r})."
            )
        chosen = choose("float32")
    if distribution.replicas > 1:
        chosen = dataclasses.replace(chosen, jit_compile=False)
    return chosen


def prepare(
    network: str,
    images: kerazoo_data.ImageData,
    recipe: Recipe,
    precision: Precision,
    distribution: Distribution,
    own: OwnModel | None = None,
) -> Job:
    """Model, batches and configuration of a training; nothing is written yet."""
    if own is None:
        check_task(network, images)
        recipe = with_weights(network, recipe)
    weights = class_weights(recipe, images.train)
    pipeline = _pipeline(network, images, recipe, own)
    batch = pipeline.batch
    training = images.batches(
        "train",
        augment=recipe.augment,
        shuffle=True,
        seed=recipe.seed,
        # A last batch that the devices cannot share evenly would weigh too much.
        drop_remainder=distribution.devices > 1,
        sizes=recipe.image_sizes,
        **batch,
    )
    batch["one_hot"] = training.one_hot
    plain = images.batches("train", **batch)
    if recipe.normalization == "zca":
        pipeline = dataclasses.replace(pipeline, images=plain.take(ZCA_IMAGES)[0])
    _check_accumulation(recipe, training.steps)
    _check_snapshot_steps(recipe, training.steps)
    if images.validation:
        distribution.check_validation(images.validation.size, recipe.batch_size)
    model = pipeline.for_training()
    if own:
        # What cannot be served is known before the first step.
        pipeline.for_serving(model)
    distribution.synchronise(model)
    begins = set_initial_weights(model, recipe, training, pipeline.weights)
    phases = _phases(model, pipeline, training, precision, distribution)
    return Job(
        pipeline=pipeline,
        class_weights=weights,
        model=model,
        training=training,
        plain=plain,
        validation=images.batches("validation", **batch) if images.validation else None,
        test=images.batches("test", **batch),
        config=RunConfig(
            network=network,
            task=pipeline.task_name,
            architecture=own.fingerprint if own else None,
            data=images.name,
            classes=images.classes,
            image_shape=pipeline.image_shape,
            images=images.fingerprint,
            recipe=recipe,
            precision=dataclasses.asdict(precision),
            distribution={
                "workers": distribution.workers,
                "devices": distribution.devices,
            },
            versions=_versions(),
        ),
        distribution=distribution,
        phases=phases,
        begins=begins,
    )


def _phases(model, pipeline, training, precision, distribution):
    """The phases of a training, compiled for the first."""
    recipe = pipeline.recipe
    compile = functools.partial(
        compilation.compile,
        model,
        recipe,
        pipeline.task,
        steps_per_epoch=training.steps,
        one_hot=training.one_hot,
        classes=pipeline.classes,
        # TensorFlow's kernels for boxes are not XLA's, which compiles for one size.
        jit_compile=precision.jit_compile
        and not recipe.image_sizes
        and all(layer.supports_jit for layer in model.layers),
        steps_per_execution=1
        if distribution.devices > 1
        else _steps_per_execution(pipeline, training.steps),
        replicas=distribution.replicas,
    )
    return Phases(model, recipe, training.steps, lambda before: compile(before=before))


def _pipeline(network, images, recipe, own):
    pipeline = Pipeline(
        network=network,
        recipe=recipe,
        classes=len(images.classes),
        source_shape=images.shape,
        mean=images.mean,
        std=images.std,
        own=own,
    )
    if own:
        own.check_classes(len(images.classes))
        check_size(network, recipe, pipeline.image_shape)
    return pipeline


def _check_accumulation(recipe, batches):
    steps = recipe.optimizer.gradient_accumulation_steps or 1
    if steps > batches:
        raise ValueError(
            f"optimizer.gradient_accumulation_steps is {steps}, but an epoch has "
            f"{batches} batches; give fewer, or a smaller batch_size."
        )


def _check_snapshot_steps(recipe, steps_per_epoch):
    total = recipe.steps or recipe.epochs * steps_per_epoch
    for step in recipe.snapshot_steps:
        if step > total:
            raise ValueError(
                f"snapshot_steps names step {step:,}, but the training has "
                f"{counted(total, 'step')}; name none beyond."
            )


def _steps_per_execution(pipeline, steps):
    """Steps between two visits to Python: some, where a step is shorter than a visit.

    The number divides an epoch, the recipe's steps where it counts them, for the last
    execution would be too long otherwise, the steps of its snapshots, and those between
    two looks at the validation images.
    """
    recipe = pipeline.recipe
    if pipeline.macs * recipe.batch_size > 1e8:
        return 1
    looks = recipe.validate_every or 0
    together = math.gcd(steps, recipe.steps or steps, looks, *recipe.snapshot_steps)
    return max(count for count in range(1, 9) if together % count == 0)


def _versions():
    names = ("kerazoo", "keras", "tensorflow", "tensorflow-datasets", "numpy")
    versions = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **versions}

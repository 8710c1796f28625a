"""The networks of the zoo for keras-tuner's own tuner classes."""

import functools
from typing import Any

import keras
import keras_tuner

from kerazoo import data as kerazoo_data
from kerazoo import reader, recipes
from kerazoo.precision import choose
from kerazoo.reader import Name, Path
from kerazoo.recipe import Recipe
from kerazoo.training import compilation
from kerazoo.training.distribution import Distribution
from kerazoo.training.generators import generators_kept
from kerazoo.training.jobs import Job, prepare
from kerazoo.tuning.records import Settings
from kerazoo.tuning.spaces import Space


class HyperZoo(keras_tuner.HyperModel):
    """A network of the zoo with free hyper-parameters, for any tuner of keras-tuner.

    ::

        zoo = HyperZoo("lenet5", ["learning_rate=log:1e-4:1e-1", "pool=max,avg"])
        tuner = keras_tuner.RandomSearch(zoo, "val_accuracy", max_trials=10, seed=1)
        tuner.search()

    The tuner trains and scores as keras-tuner does; :func:`kerazoo.tuning.search` adds
    what that lacks. A model that it builds takes images of the network's size, pixels
    of 0..255, and gives logits. The accuracy of a network with several heads is that
    of ``predictions``.

    Args:
        network: The network's name.
        space: Dimensions as for :class:`kerazoo.tuning.Space`; by default
            :func:`default_space`.
        recipe: What they change, as for :func:`kerazoo.fit`.
        data: A data set's name, or a loaded one; by default the recipe's. It is decoded
            once for all trials.
        data_dir: Where the data set's files are.

    Attributes:
        space: The :class:`kerazoo.tuning.Space`.

    Raises:
        ValueError: For an unknown network or dimension.
    """

    @reader.checked
    def __init__(
        self,
        network: str,
        space: Settings = (),
        recipe: Recipe | Name | None = None,
        data: Name | kerazoo_data.ImageData | None = None,
        *,
        data_dir: Path | None = None,
    ) -> None:
        super().__init__(name=network)
        self.space = Space(network, recipes.choose(recipe, network), space)
        self._data, self._data_dir = data, data_dir
        self._job: Job | None = None

    @functools.cached_property
    def images(self) -> kerazoo_data.ImageData:
        """The data set."""
        recipe = self.space.recipe
        return kerazoo_data.load(
            self._data or recipe.data,
            data_dir=self._data_dir,
            validation=recipe.validation,
            seed=recipe.seed,
        )

    def recipe(self, hp: keras_tuner.HyperParameters) -> Recipe:
        """The recipe of a tuner's hyper-parameters, to train with ``kerazoo.fit``."""
        return self.space.apply(self.space.declare(hp))[1]

    @generators_kept()
    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled network of a tuner's hyper-parameters."""
        network, recipe = self.space.apply(self.space.declare(hp))
        if recipe.unfreeze_at:
            raise ValueError(
                f"unfreeze_at is {recipe.unfreeze_at}, but a tuner of keras-tuner "
                "trains in one call of fit, where nothing can thaw; search with "
                "kerazoo.tuning.search, or leave unfreeze_at out."
            )
        keras.utils.set_random_seed(recipe.seed)
        precision = choose("float32")
        job = prepare(network, self.images, recipe, precision, Distribution())
        self._job, model = job, job.model
        # Whoever loads a saved trial finds a place for all of its state.
        model.optimizer.build(model.trainable_variables)
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *args: Any,
        **options: Any,
    ) -> Any:
        """Trains on the data set as the recipe says, or on what ``search`` was given.

        Args:
            hp: The tuner's hyper-parameters.
            model: What :meth:`build` made of them.
            *args: As in Keras' ``fit``; nothing for the data set.
            **options: The same; ``epochs`` is the recipe's where it is missing.
        """
        job = self._job
        if job is None:
            raise ValueError("There is no network to train; call build before fit.")
        if isinstance(model.output, dict):
            options["callbacks"] = [MainHead(), *options.get("callbacks", ())]
        if args or "x" in options:
            x = args[0] if args else options["x"]
            if getattr(x, "size", 0) and hasattr(x, "max") and 0 < x.max() <= 1:
                raise ValueError(
                    "x lies in 0..1, but the network normalises its images itself; "
                    "give pixels of 0..255, as in 255 * x."
                )
            return model.fit(*args, **options)
        start = options.get("initial_epoch", 0)
        options.setdefault(
            "epochs", compilation.num_epochs(job.recipe, job.training.steps)
        )
        if job.validation:
            validation = job.task.targets(model, job.validation.dataset)
            options.setdefault("validation_data", validation)
        return model.fit(
            job.task.targets(model, job.training.epochs(start)),
            steps_per_epoch=job.training.steps,
            shuffle=False,
            **options,
        )


class MainHead(keras.callbacks.Callback):
    """Calls the accuracy of the main head as that of a network with one head."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds ``val_accuracy`` where Keras has ``val_predictions_accuracy``."""
        logs = {} if logs is None else logs
        for name in list(logs):
            logs.setdefault(name.replace("predictions_", ""), logs[name])

"""A network with its normalisation in front, as it is trained and as it is served."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import layers

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry, tasks
from kerazoo.data.resizing import resized
from kerazoo.layers import ResizeBoxes
from kerazoo.proposals import of_recipe
from kerazoo.reader import Count
from kerazoo.recipe import Recipe
from kerazoo.surgery.plain_keras import plain_copy
from kerazoo.training.own_model import OwnModel
from kerazoo.weights import WeightSet
from kerazoo.weights.loading import resolve
from kerazoo.weights.normalization import normalized


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """What belongs between a data set's pixels and a network's scores.

    Attributes:
        network: The network's name.
        recipe: The recipe.
        classes: Number of classes.
        source_shape: The data set's images, ``None`` where they differ.
        mean: Per-channel mean of the training images, 0..255.
        std: Per-channel standard deviation.
        images: For ZCA whitening: training images of the network's size.
        own: The caller's model, in place of a network of kerazoo.
    """

    network: str
    recipe: Recipe
    classes: Count
    source_shape: tuple[Count | None, Count | None, Count | None]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    images: np.ndarray | None = None
    own: OwnModel | None = None

    def __post_init__(self) -> None:
        reader.validate(self)

    @functools.cached_property
    def weights(self) -> WeightSet | None:
        """The trained weights that it begins with, whose preprocessing counts."""
        if self.recipe.weights is None:
            return None
        return resolve(self.network, self.recipe.weights)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """What the network takes, ``(height, width, channels)``."""
        if self.own:
            return self.own.image_shape(self.recipe, self.source_shape)
        return self.recipe.image_shape or registry.find(self.network).input_shape

    @property
    def task(self) -> tasks.Task:
        """What the network learns."""
        return tasks.find(self.task_name)

    @property
    def task_name(self) -> str:
        """The name of its task."""
        return "classification" if self.own else registry.find(self.network).task

    @functools.cached_property
    def proposals(self) -> dict[str, Any]:
        """What ``Batches`` are told of proposals; nothing where the network needs none.

        Raises:
            ValueError: For a method that is not there, or that the network needs not.
        """
        if self.own:
            return {}
        return of_recipe(registry.find(self.network), self.recipe)

    @property
    def batch(self) -> dict[str, Any]:
        """The arguments that ``Batches`` of every part have."""
        return {
            "batch_size": self.recipe.batch_size,
            "image_shape": self.image_shape,
            "resize": self.recipe.resize,
            "one_hot": self.task.needs_one_hot(self.recipe),
            **self.proposals,
        }

    @property
    def macs(self) -> float:
        """Multiply-adds of an image, those of the network's default size."""
        return self.own.macs if self.own else registry.find(self.network).macs

    def _network(self, raw: Any, x: Any, activation: str | None, **others: Any) -> Any:
        """The network on an input and on what was computed of it."""
        x = self._normalized(x)
        if self.own:
            return self.own.build(raw, x, activation)
        return registry.create(
            self.network,
            input_tensor=x,
            classes=self.classes,
            classifier_activation=activation,
            **self.recipe.options,
            **others,
        )

    def _normalized(self, x):
        channels = self.image_shape[-1]
        if self.weights is not None:
            return normalized(x, _fitting(self.weights.preprocessing, channels))
        for layer in kerazoo_data.normalization(
            self.recipe.normalization,
            mean=_adapt(self.mean, channels),
            std=_adapt(self.std, channels),
            images=self.images,
        ):
            # Pixels of 0..255 lose their last bits in 16-bit arithmetic.
            layer.dtype_policy = "float32"
            x = layer(x)
        return x

    def for_training(self) -> keras.Model:
        """The model that ``fit`` trains: images of the network's size to logits.

        Raises:
            ValueError: Where the recipe would drop everything.
        """
        shape: tuple[int | None, ...] = self.image_shape
        if self.recipe.image_sizes:
            shape = (None, None, shape[-1])
        images = keras.Input(shape, name="images")
        model = self._network(images, images, None, **self.task.truth())
        scale = self.recipe.dropout_scale
        for layer in model.layers:
            if isinstance(layer, layers.Dropout):
                if layer.rate * scale >= 1:
                    raise ValueError(
                        f"dropout_scale is {scale:g}, but {self.network} drops "
                        f"{layer.rate:g} already; it must be less than "
                        f"{1 / layer.rate:g}."
                    )
                layer.rate *= scale
        return model

    def for_serving(self, trained: keras.Model) -> keras.Model:
        """The model that a run saves: raw uint8 images of any size to probabilities.

        Auxiliary heads are left behind, and Keras' own layers stand for the fast ones
        of kerazoo, so that the file opens without it where nothing else needs it.
        """
        raw = keras.Input((None, None, self.image_shape[-1]), dtype="uint8", name="raw")
        size, how, native = self.image_shape[:2], self.recipe.resize, self._native
        place = (size, how, native)
        regions = {}
        if self.proposals:
            # In pixels of the raw image, as those who propose them see it.
            found = keras.Input((self.proposals["proposed"], 4), name="proposals")
            layer = ResizeBoxes(*place, name="resized_proposals")
            regions["regions"] = layer(raw, found)
        images = resized(raw, size, how, native=native)
        model = self._network(raw, images, self.task.served_activation, **regions)
        served = self.task.restored(self.task.served(model.output), raw, *place)
        if served is not model.output:
            model = keras.Model(model.input, served, name=model.name)
        copy = plain_copy(model)
        for layer in copy.layers:
            if layer.weights:
                layer.set_weights(trained.get_layer(layer.name).get_weights())
        return copy

    @property
    def _native(self):
        """What images are brought to before they are cut, or None.

        The size of the data set's images, where they all have one.
        """
        height, width, _ = self.source_shape
        known = self.recipe.resize == "center" and height and width
        return (height, width) if known else None


def _fitting(known, channels):
    """What weights were trained with, for as many channels as the network takes."""
    if len(known.mean) == channels:
        return known
    # One channel has no order.
    order = "grey" if channels == 1 else "rgb"
    mean, std = _adapt(known.mean, channels), _adapt(known.std, channels)
    return dataclasses.replace(known, mean=mean, std=std, order=order)


def _adapt(values, channels):
    """Statistics of grey images for RGB, and the luma of RGB statistics for grey."""
    if values is None or len(values) == channels:
        return values
    if len(values) == 1:
        return values * channels
    luma = (0.299, 0.587, 0.114)
    return (sum(v * w for v, w in zip(values, luma, strict=True)),)

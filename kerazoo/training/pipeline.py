"""A network with its normalisation in front, as it is trained and as it is served."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers

from kerazoo import data as kerazoo_data
from kerazoo import reader, registry, tasks
from kerazoo.reader import Count
from kerazoo.recipe import Recipe
from kerazoo.surgery.plain_keras import plain_copy


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
    """

    network: str
    recipe: Recipe
    classes: Count
    source_shape: tuple[Count | None, Count | None, Count | None]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    images: np.ndarray | None = None

    def __post_init__(self) -> None:
        reader.validate(self)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """What the network takes, ``(height, width, channels)``."""
        return self.recipe.image_shape or registry.find(self.network).input_shape

    @property
    def task(self) -> tasks.Task:
        """What the network learns."""
        return tasks.find(registry.find(self.network).task)

    def _network(self, images: Any, activation: str | None) -> Any:
        x = images
        channels = self.image_shape[-1]
        for layer in kerazoo_data.normalization(
            self.recipe.normalization,
            mean=_adapt(self.mean, channels),
            std=_adapt(self.std, channels),
            images=self.images,
        ):
            # Pixels of 0..255 lose their last bits in 16-bit arithmetic.
            layer.dtype_policy = "float32"
            x = layer(x)
        return registry.create(
            self.network,
            input_tensor=x,
            classes=self.classes,
            classifier_activation=activation,
            **self.recipe.options,
        )

    def for_training(self) -> keras.Model:
        """The model that ``fit`` trains: images of the network's size to logits.

        Raises:
            ValueError: Where the recipe would drop everything.
        """
        images = keras.Input(self.image_shape, name="images")
        model = self._network(images, None)
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
        model = self._network(self._resized(raw), self.task.served_activation)
        served = self.task.served(model.output)
        if served is not model.output:
            model = keras.Model(raw, served, name=model.name)
        copy = plain_copy(model)
        for layer in copy.layers:
            if layer.weights:
                layer.set_weights(trained.get_layer(layer.name).get_weights())
        return copy

    def _resized(self, x):
        height, width, _ = self.image_shape
        how, size = self.recipe.resize, (height, width)
        options = {"antialias": True, "dtype": "float32"}
        # Keras 3.15 cannot pad whole numbers.
        x = layers.Rescaling(1.0, dtype="float32", name="pixels")(x)
        # Resizing is for training unless it is told, and takes all layers after it
        # along: batch norms and dropout would train in a plain model(images).
        if how != "center":
            return layers.Resizing(
                *size,
                crop_to_aspect_ratio=how == "crop",
                pad_to_aspect_ratio=how == "pad",
                name="resized",
                **options,
            )(x, training=False)
        # Images are cut and filled up around the centre, as in training. Where all of
        # the data set have one size, others are brought to it first.
        if None not in self.source_shape[:2]:
            brought = layers.Resizing(*self.source_shape[:2], name="native", **options)
            x = brought(x, training=False)
        x = layers.ZeroPadding2D(size, name="filled")(x)
        return layers.CenterCrop(*size, dtype="float32", name="resized")(
            x, training=False
        )


def _adapt(values, channels):
    """Statistics of grey images for RGB, and the luma of RGB statistics for grey."""
    if values is None or len(values) == channels:
        return values
    if len(values) == 1:
        return values * channels
    luma = (0.299, 0.587, 0.114)
    return (sum(v * w for v, w in zip(values, luma, strict=True)),)

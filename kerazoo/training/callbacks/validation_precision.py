"""The average precision of a detector on the validation images."""

from typing import Any

import keras
import numpy as np

from kerazoo.detections import Detections, Objects
from kerazoo.tasks.detection import detection_metrics


class ValidationPrecision(keras.callbacks.Callback):
    """Adds ``val_map50`` to what is known of an epoch.

    Args:
        dataset: Batches of images and their objects.
        classes: Number of classes.
    """

    def __init__(self, dataset: Any, classes: int) -> None:
        super().__init__()
        self.dataset, self.classes = dataset, classes

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        found: list[Detections] = []
        truth: list[Objects] = []
        for images, objects in self.dataset:
            named = {"images": images, **objects._asdict()}
            inputs = {key: np.asarray(value) for key, value in named.items()}
            del inputs["ignored"]
            outputs = self.model.predict_on_batch(inputs)
            found += Detections.of_batch(outputs)
            truth += [objects.on(n) for n in range(len(images))]
        names = tuple(map(str, range(self.classes)))
        measured = detection_metrics(found, truth, names)
        if logs is not None:
            logs["val_map50"] = measured.map50 or 0.0

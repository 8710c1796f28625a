"""What a task measures on the validation images after every epoch."""

from collections.abc import Sequence
from typing import Any

import keras

from kerazoo.tasks import Task


class TaskMeasures(keras.callbacks.Callback):
    """Adds a task's measures, such as ``val_map50``, to what is known of an epoch.

    Args:
        task: The task.
        dataset: The validation batches.
        classes: Class names.
    """

    def __init__(self, task: Task, dataset: Any, classes: Sequence[str]) -> None:
        super().__init__()
        self.task, self.dataset, self.classes = task, dataset, classes

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs.update(
                self.task.epoch_measures(self.model, self.dataset, self.classes)
            )

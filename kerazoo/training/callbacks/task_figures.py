"""What a task draws of the validation images: for classification the confusions."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.tasks import Task
from kerazoo.training.callbacks.throttled import Throttled


class TaskFigures(Throttled):
    """Writes the figures of a task.

    Args:
        writer: A writer of ``tf.summary``; ``None`` where another worker writes, for
            the counts are added up over all of them.
        task: The task.
        classes: Class names.
        every: Epochs between figures; they are also written at the end.
    """

    def __init__(
        self, writer: Any, task: Task, classes: Sequence[str], every: int = 10
    ) -> None:
        super().__init__(writer, every)
        self.task, self.classes = task, classes

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # The metrics still hold what the validation has counted.
        counts = self.task.counts(self.model)
        if self.writer and counts is not None:
            self._counts = counts
            super().on_epoch_end(epoch, logs)

    def write(self, step: int) -> None:
        figures = self.task.figures(self._counts, self.classes)
        with self.writer.as_default(step=step):
            for name, figure in figures.items():
                tf.summary.image(f"figures/{name}", plots.pixels(figure)[None])

"""The filters of the first convolution."""

from typing import Any

import tensorflow as tf

from kerazoo.analysis import plots
from kerazoo.analysis.filters import first_filters
from kerazoo.training.callbacks.throttled import Throttled


class FirstFilters(Throttled):
    """Writes a picture of the first layer's kernels, before the training as well."""

    def write(self, step: int) -> None:
        kernels = first_filters(self.model)
        if kernels is not None:
            with self.writer.as_default(step=step):
                picture = plots.pixels(plots.filter_grid(kernels))
                tf.summary.image("figures/first_filters", picture[None])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.write(0)

"""Which layers of a network learn, and from which epoch on."""

import math
import warnings
from collections.abc import Callable, Iterable

import keras

from kerazoo.errors import counted, unknown
from kerazoo.recipe import Recipe
from kerazoo.training.compilation import stage_rates
from kerazoo.training.stages import find_layers, stages, weighted_layers

# Images below which the mean and variance of a batch say little of the data.
FEW_IMAGES = 8


class Phases:
    """The one or two phases of a training: what it freezes, and what thaws.

    A frozen layer is not ``trainable``, which alone keeps batch norms still (in a
    functional network ``training=False`` does not) and spares its gradients. Keras
    trains what was trainable when the network was compiled, so that it is compiled anew
    where the second phase begins.

    Args:
        model: The network with its initial weights, not compiled.
        recipe: The recipe.
        steps_per_epoch: Batches of an epoch.
        compile: Compiles the network; it is told the steps that lie behind.

    Attributes:
        border: Epochs of the first phase; 0 where there is one phase.

    Raises:
        ValueError: For a name that no layer with weights fits, where nothing would be
            left to train, or where the second phase would have nothing to do.
    """

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        steps_per_epoch: int,
        compile: Callable[[int], None],
    ) -> None:
        self.model, self.recipe, self._compile = model, recipe, compile
        self.border = recipe.unfreeze_at or 0
        self._before = self.border * steps_per_epoch
        if recipe.steps is not None and self._before >= recipe.steps:
            raise ValueError(
                f"unfreeze_at is {counted(self.border, 'epoch')} of {steps_per_epoch} "
                f"steps, but the whole training has {recipe.steps:,} steps; give fewer "
                "epochs, or None for never."
            )
        self._thawing: list[keras.Layer] = []
        self._thawed: list[keras.Variable] = []
        self._trainable = count(model.trainable_variables)
        self._freeze()
        self._second = False
        compile(0)

    def _freeze(self):
        model, recipe = self.model, self.recipe
        if recipe.batch_norm == "frozen":
            for layer in batch_norms(model):
                layer.trainable = False
        late = self._late_stages()
        for name in recipe.freeze:
            for layer in find_layers(model, name, "freeze"):
                # Not those that whoever made the model has frozen.
                if variables := layer.trainable_variables:
                    layer.trainable = False
                    if id(layer) in late:
                        self._thawing.append(layer)
                        self._thawed += variables
        if not model.trainable_variables:
            if not self._trainable:
                raise ValueError(
                    f"{model.name} has no weights that are trainable; set the "
                    "trainable of some layers to True."
                )
            raise ValueError(
                f"freeze is {list(recipe.freeze)} and batch_norm {recipe.batch_norm}, "
                f"which leaves {model.name} nothing to train; name fewer layers."
            )
        if self.border and not self._thawing:
            raise ValueError(
                f"unfreeze_from is {recipe.unfreeze_from!r}, but freeze names no layer "
                "from there on; name an earlier stage, or leave unfreeze_at out."
            )
        if recipe.fine_tunes and recipe.batch_size < FEW_IMAGES:
            _warn_of_norms(model, recipe)

    def _late_stages(self):
        """The layers of the stages that learn in the end, by their identities."""
        named, first = stages(self.model), self.recipe.unfreeze_from
        if not self.border:
            return set()
        if first is not None and first not in named:
            raise unknown("unfreeze_from", first, named)
        names = list(named)
        late = names[names.index(first) :] if first else names
        return {id(layer) for name in late for layer in named[name]}

    def enter(self, epoch: int) -> bool:
        """Makes the network ready for an epoch, from 0, of whichever phase.

        Returns:
            Whether it was compiled anew: it has a new optimiser then and new metrics.
        """
        second = bool(self.border) and epoch >= self.border
        if second == self._second:
            return False
        self._second = second
        for layer in self._thawing:
            layer.trainable = second
        before = self.model.optimizer
        self._compile(self._before if second else 0)
        if self.recipe.schedule.name == "plateau":
            # The one schedule that depends on what was before.
            rate = keras.ops.convert_to_numpy(before.learning_rate)
            self.model.optimizer.learning_rate = float(rate)
        return True

    def rows(self) -> list[tuple[str, str]]:
        """What learns, at which rates, in words; to be asked before the training."""
        recipe, later = self.recipe, f"from epoch {self.border + 1} on"
        learning = self.model.trainable_variables
        weights = f"{count(learning):,} of {self._trainable:,} weights"
        if self.border:
            whole = count([*learning, *self._thawed])
            weights += f" for {counted(self.border, 'epoch')}, {whole:,} {later}"
        rows = [("learns", weights)]
        norms = batch_norms(self.model)
        if norms and (recipe.fine_tunes or recipe.batch_norm == "frozen"):
            now = sum(layer.trainable for layer in norms)
            thawing = len({*map(id, norms)} & {*map(id, self._thawing)})
            said = {
                "trained": now,
                later: thawing,
                "frozen": len(norms) - now - thawing,
            }
            words = [f"{number} {how}" for how, number in said.items() if number]
            rows.append(("batch norm", ", ".join(words)))
        config = recipe.optimizer
        rates = stage_rates(config, self.model, [*learning, *self._thawed])
        if len(rates) > 1 or config.multipliers:
            rows.append(("rates", ", ".join(rates)))
        return rows


def batch_norms(model: keras.Model) -> list[keras.Layer]:
    """The batch norms of a network, those of models within it too."""
    kind = keras.layers.BatchNormalization
    return [layer for layer, _ in weighted_layers(model) if isinstance(layer, kind)]


def count(variables: Iterable[keras.Variable]) -> int:
    """How many numbers there are in some variables."""
    return sum(math.prod(one.shape) for one in variables)


def _warn_of_norms(model, recipe):
    if any(layer.trainable for layer in batch_norms(model)):
        warnings.warn(
            f"The batch norms of {model.name} are trained with batches of "
            f"{recipe.batch_size}, whose means and variances are too rough to replace "
            "those that it has learnt; set batch_norm=frozen, or a batch_size of "
            f"{FEW_IMAGES} or more.",
            stacklevel=2,
        )

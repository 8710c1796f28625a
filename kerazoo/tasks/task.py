"""The protocol of a task, and the records of what it gives."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np

from kerazoo.display import percent, table
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Guess:
    """A class that may be on an image.

    Attributes:
        label: The class.
        probability: Its probability; of a detection its score.
        box: Of a detection x1, y1, x2, y2 in pixels of the image.
    """

    label: str
    probability: float
    box: tuple[float, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a network finds on an image file.

    Attributes:
        image: The file.
        top: The likeliest classes, the first first; empty where there is a problem.
        problem: Why the file could not be read, or None.
        file: The file that the class of every pixel was written to, or that the
            detections were drawn in; or None.
    """

    image: str
    top: tuple[Guess, ...] = ()
    problem: str | None = None
    file: str | None = None

    def _repr_html_(self) -> str:
        guesses = [(one.label, percent(one.probability)) for one in self.top]
        head = ("class", "probability") if guesses else ()
        note = self.problem or ""
        return table(guesses, head, title=self.image, note=note)


def predicted(model: keras.Model, inputs: Any, count: int) -> Any:
    """What a network gives for a batch of so many images, as arrays.

    Where several devices share its training, each of them gives all; one is enough.
    """
    outputs = model.predict_on_batch(keras.tree.map_structure(np.asarray, inputs))
    return keras.tree.map_structure(lambda one: one[:count], outputs)


class Task(Protocol):
    """What ``fit``, ``evaluate``, ``predict``, ``tune`` and ``crossval`` know of one.

    A batch is a pair of inputs and targets; each may be a structure of tensors, as
    Keras takes them. Outputs are those of the network, a tensor or a dictionary.

    Attributes:
        served_activation: The activation of the scores that a served network gives;
            in training they are logits.
        score_name: What :attr:`kerazoo.run.Metrics.score` is, by which networks are
            compared.
        draws: Whether `picture` has something to draw.
    """

    served_activation: str | None
    score_name: str
    draws: bool

    def needs_one_hot(self, recipe: Recipe) -> bool:
        """Whether the loss of a recipe needs labels that are rows of numbers."""

    def truth(self) -> dict[str, Any]:
        """Options of the builder for the graph that is trained: inputs of the truth."""

    def targets(self, model: keras.Model, dataset: Any) -> Any:
        """A data set whose targets have the structure of the network's outputs.

        So have the weights of the images, where a batch has them as its third part.
        """

    def inputs(self, model: keras.Model, images: Any, truth: Any) -> Any:
        """What a network takes for a batch: images, or these with what belongs to them.

        Args:
            model: The network.
            images: Of a batch.
            truth: What the batch says of them.
        """

    def blank(
        self, model: keras.Model, classes: int, one_hot: bool
    ) -> tuple[Any, Any] | None:
        """NumPy targets and outputs for one image, all zeros: what metrics take.

        ``None`` where the network's own layers measure.
        """

    def remark(self, model: keras.Model, batches: Any) -> str:
        """What people should know before a training begins; empty for nothing.

        Args:
            model: The network that is to be trained.
            batches: Its training ``Batches``.
        """

    def objective(
        self,
        model: keras.Model,
        recipe: Recipe,
        optimizer: keras.optimizers.Optimizer,
        *,
        classes: int,
        one_hot: bool,
    ) -> dict[str, Any]:
        """``loss``, ``loss_weights`` and ``metrics``, as ``keras.Model.compile`` takes.

        Args:
            model: From images to logits.
            recipe: How it is trained.
            optimizer: Its optimiser, whose steps a loss may count.
            classes: Number of classes.
            one_hot: Whether class labels are rows.
        """

    def finish(self, model: keras.Model, batches: Any) -> None:
        """Fits what no gradient does, when the training is over.

        Args:
            model: The network in training.
            batches: Its training ``Batches``, without shuffling and augmentation.
        """

    def served(self, outputs: Any) -> Any:
        """Of the network's outputs those that the served network gives."""

    def restored(
        self,
        outputs: Any,
        raw: Any,
        size: tuple[int, int],
        resize: str,
        native: tuple[int, int] | None,
    ) -> Any:
        """What is served, brought from resized images to the raw ones.

        Args:
            outputs: As :meth:`served` gives them.
            raw: The raw images, a Keras tensor.
            size: Height and width of the network's images.
            resize: How images are brought to it.
            native: Height and width that they are brought to before, or ``None``.
        """

    def measure(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> Metrics:
        """What a served network is worth.

        Args:
            model: From images of the network's size to what it serves.
            batches: ``Batches`` that neither shuffle nor augment.
            classes: Class names.
        """

    def epoch_measures(
        self, model: keras.Model, dataset: Any, classes: Sequence[str]
    ) -> dict[str, float]:
        """What an epoch's record gains that no metric of the network can count.

        Args:
            model: The network in training.
            dataset: The validation batches, as they come from the data.
            classes: Class names.
        """

    def counts(self, model: keras.Model) -> np.ndarray | None:
        """What the metrics of a compiled model have counted; ``None`` for nothing."""

    def figures(
        self, counts: np.ndarray, classes: Sequence[str]
    ) -> Mapping[str, "Figure"]:
        """Figures of a run by the name of their file, from such counts."""

    def run_figures(self, metrics: Metrics) -> Mapping[str, "Figure"]:
        """The figures of a finished run, from what it has measured."""

    def drawn(self, model: keras.Model, dataset: Any, truth: Any) -> Any:
        """What :meth:`picture` takes as the truth of a batch.

        Args:
            model: The network.
            dataset: A data set of this batch.
            truth: What the batch says of its images.
        """

    def picture(
        self,
        images: np.ndarray,
        targets: Any,
        outputs: np.ndarray,
        classes: Sequence[str],
    ) -> "Figure":
        """What a network in training makes of some images, beside the truth.

        Args:
            images: In 0..255.
            targets: As :meth:`drawn` gives them.
            outputs: What the network gives for them.
            classes: Class names.

        """

    def worst(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> "Figure | None":
        """The images on which a served network is most wrong; None for no figure.

        Args:
            model: From images of the network's size to what it serves.
            batches: ``Batches`` that neither shuffle nor augment.
            classes: Class names.
        """

    def guesses(
        self, outputs: np.ndarray, classes: Sequence[str], top: int
    ) -> tuple[Guess, ...]:
        """What a served network's outputs for one image say."""

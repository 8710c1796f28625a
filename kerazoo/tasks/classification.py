"""Classification: one of several classes for every image."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kerazoo.analysis import plots
from kerazoo.analysis.mistakes import reliability
from kerazoo.layers import MAPLoss
from kerazoo.recipe import Recipe
from kerazoo.run import Metrics
from kerazoo.tasks.accuracy import LARGEST, Accuracy, confusion
from kerazoo.tasks.task import Guess

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# The losses whose targets are one-hot rows.
OF_ROWS = ("binary_crossentropy", "mean_squared_error", "squared_hinge")


class Classification:
    """The task of networks that name what is on an image.

    Targets are class ids, or rows of shares where losses or augmentations need them;
    auxiliary heads learn the same. The served network gives the probabilities of the
    main head. See :class:`kerazoo.tasks.Task` for the methods.
    """

    served_activation: str | None = "softmax"
    score_name = "accuracy"
    draws = False

    def needs_one_hot(self, recipe: Recipe) -> bool:
        return recipe.loss in OF_ROWS or recipe.label_smoothing > 0

    def truth(self) -> dict[str, Any]:
        return {}

    def targets(self, model: keras.Model, dataset: Any) -> Any:
        if not isinstance(model.output, dict):
            return dataset
        heads = list(model.output)
        return dataset.map(lambda x, *y: (x, *(dict.fromkeys(heads, t) for t in y)))

    def inputs(self, model: keras.Model, images: Any, truth: Any) -> Any:
        return images

    def blank(self, model: keras.Model, classes: int, one_hot: bool) -> tuple[Any, Any]:
        guess = np.zeros((1, classes), "float32")
        truth = guess if one_hot else np.zeros(1, "int32")
        if not isinstance(model.output, dict):
            return truth, guess
        heads = list(model.output)
        return dict.fromkeys(heads, truth), dict.fromkeys(heads, guess)

    def remark(self, model: keras.Model, batches: Any) -> str:
        return ""

    def objective(
        self,
        model: keras.Model,
        recipe: Recipe,
        optimizer: keras.optimizers.Optimizer,
        *,
        classes: int,
        one_hot: bool,
    ) -> dict[str, Any]:
        if recipe.auxiliary_fade and not isinstance(model.output, dict):
            raise ValueError(
                f"auxiliary_fade is {recipe.auxiliary_fade}, but {model.name} has no "
                "auxiliary heads with these options; switch them on or leave it out."
            )
        if isinstance(model.output, dict):
            losses = {name: loss(recipe, one_hot) for name in model.output}
            if recipe.auxiliary_fade:
                losses |= {
                    name: Fading(one, optimizer, recipe.auxiliary_fade)
                    for name, one in losses.items()
                    if name != "predictions"
                }
            return {
                "loss": losses,
                "loss_weights": {
                    name: 1.0 if name == "predictions" else recipe.auxiliary_weight
                    for name in model.output
                },
                "metrics": {"predictions": metrics(classes, one_hot)},
            }
        return {"loss": loss(recipe, one_hot), "metrics": metrics(classes, one_hot)}

    def finish(self, model: keras.Model, batches: Any) -> None:
        pass

    def served(self, outputs: Any) -> Any:
        return outputs["predictions"] if isinstance(outputs, dict) else outputs

    def restored(
        self,
        outputs: Any,
        raw: Any,
        size: tuple[int, int],
        resize: str,
        native: tuple[int, int] | None,
    ) -> Any:
        return outputs

    def measure(
        self, model: keras.Model, batches: Any, classes: Sequence[str]
    ) -> Metrics:
        return classification_metrics(*predictions(model, batches), classes)

    def epoch_measures(
        self, model: keras.Model, dataset: Any, classes: Sequence[str]
    ) -> dict[str, float]:
        return {}

    def counts(self, model: keras.Model) -> np.ndarray | None:
        return confusion(model)

    def figures(
        self, counts: np.ndarray, classes: Sequence[str]
    ) -> Mapping[str, "Figure"]:
        matrix = counts.astype(int)
        return {
            "confusion": plots.confusion(matrix, classes),
            "class_accuracy": plots.class_accuracy(matrix, classes),
        }

    def run_figures(self, metrics: Metrics) -> Mapping[str, "Figure"]:
        return self.figures(np.array(metrics.confusion), list(metrics.per_class))

    def drawn(self, model: keras.Model, dataset: Any, truth: Any) -> Any:
        return next(iter(self.targets(model, dataset)))[1]

    def picture(
        self,
        images: np.ndarray,
        targets: Any,
        outputs: np.ndarray,
        classes: Sequence[str],
    ) -> "Figure":
        raise NotImplementedError("the guesses for whole images are not drawn")

    def worst(self, model: keras.Model, batches: Any, classes: Sequence[str]) -> None:
        return None

    def guesses(
        self, outputs: np.ndarray, classes: Sequence[str], top: int
    ) -> tuple[Guess, ...]:
        best = np.argsort(-outputs)[:top]
        return tuple(Guess(classes[i], float(outputs[i])) for i in best)


class Fading(keras.losses.Loss):
    """A loss that falls to nothing in a straight line.

    Args:
        loss: The loss.
        optimizer: Its steps are counted.
        steps: How many the fall takes.
    """

    def __init__(
        self, loss: keras.Loss, optimizer: keras.optimizers.Optimizer, steps: int
    ) -> None:
        super().__init__(name=f"fading_{loss.name}")
        self.loss, self.optimizer, self.steps = loss, optimizer, steps

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The share that is left of the loss of every example."""
        passed = ops.cast(self.optimizer.iterations, y_pred.dtype) / self.steps
        return ops.relu(1 - passed) * self.loss.call(y_true, y_pred)


class SoftmaxBinaryCrossentropy(keras.losses.BinaryCrossentropy):
    """The binary cross-entropy of every class under a softmax, averaged over them.

    ``keras.losses.BinaryCrossentropy`` of probabilities cuts them off, and with them
    the gradient of what is far from right; from their log odds it does not.

    Args:
        label_smoothing: The share of a label spread over all classes.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__(from_logits=True, name="softmax_binary_crossentropy")
        self.spread = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every example, from rows of labels and logits."""
        classes = y_pred.shape[-1]
        y_true = (1 - self.spread) * y_true + self.spread / classes
        log_p = ops.log_softmax(y_pred)
        likeliest = ops.one_hot(ops.argmax(log_p, -1), classes) > 0
        lower = ops.where(likeliest, -1e9, log_p)
        # 1 - p of the likeliest class has no digits left near 1; the others' sum has.
        others = ops.logsumexp(lower, axis=-1, keepdims=True)
        log_odds = log_p - ops.where(likeliest, others, ops.log1p(-ops.exp(lower)))
        return super().call(y_true, log_odds)


class SoftmaxMeanSquaredError(keras.losses.MeanSquaredError):
    """The mean squared error of a softmax over the classes."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every example, from rows of labels and logits."""
        return super().call(y_true, ops.softmax(y_pred))


def loss(recipe: Recipe, one_hot: bool) -> keras.losses.Loss:
    """The loss on logits.

    Args:
        recipe: The recipe.
        one_hot: Whether labels are one-hot (or mixed) rows rather than class ids.
    """
    if recipe.loss == "map":
        return MAPLoss()
    if recipe.loss == "squared_hinge":
        return keras.losses.SquaredHinge()
    if recipe.loss == "binary_crossentropy":
        return SoftmaxBinaryCrossentropy(recipe.label_smoothing)
    if recipe.loss == "mean_squared_error":
        return SoftmaxMeanSquaredError()
    if one_hot:
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        )
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def metrics(classes: int, one_hot: bool) -> list[keras.metrics.Metric]:
    """Top-1 accuracy, and top-5 where there are more than five classes."""
    m = keras.metrics
    top5 = m.TopKCategoricalAccuracy if one_hot else m.SparseTopKCategoricalAccuracy
    five = [top5(5, name="top5")] if classes > 5 else []
    if classes <= LARGEST:
        return [Accuracy(classes), *five]
    top1 = m.CategoricalAccuracy if one_hot else m.SparseCategoricalAccuracy
    return [top1(name="accuracy"), *five]


def predictions(model: Any, batches: Any) -> tuple[np.ndarray, np.ndarray]:
    """Runs a network over every batch.

    Args:
        model: From images of the network's size to scores.
        batches: ``Batches`` that neither shuffle nor augment.

    Returns:
        The true class of every image, and float64 scores ``(images, classes)``, the
        means over its views where there are several.
    """
    truth, scores, size = [], [], 0
    for images, labels in batches.dataset:
        images, labels = images.numpy(), labels.numpy()
        size = size or len(images)
        # A last batch of another size would be compiled for itself.
        filled = np.resize(images, (size, *images.shape[1:]))
        if images.ndim == 5:
            filled = filled.reshape(-1, *images.shape[2:])
        some = np.asarray(model.predict_on_batch(filled), "float64")
        scores.append(some.reshape(size, -1, some.shape[-1]).mean(1)[: len(images)])
        truth.append(labels if labels.ndim == 1 else labels.argmax(-1))
    return np.concatenate(truth), np.concatenate(scores)


def classification_metrics(
    truth: np.ndarray, scores: np.ndarray, classes: Sequence[str]
) -> Metrics:
    """Measures probabilities.

    Args:
        truth: The class of every image.
        scores: Probabilities ``(images, classes)``.
        classes: Class names.

    """
    from sklearn.metrics import confusion_matrix, recall_score, top_k_accuracy_score

    guess, every = scores.argmax(-1), range(len(classes))
    matrix = confusion_matrix(truth, guess, labels=every)
    right = np.clip(scores[np.arange(len(truth)), truth], 1e-12, 1)
    top5 = None
    if len(classes) > 5:
        top5 = float(top_k_accuracy_score(truth, scores, k=5, labels=list(every)))
    counts = matrix.sum(1)
    return Metrics(
        images=len(truth),
        loss=float(-np.log(right).mean()),
        accuracy=float((guess == truth).mean()),
        balanced_accuracy=float(
            recall_score(truth, guess, labels=np.unique(truth), average="macro")
        ),
        top5=top5,
        calibration_error=reliability(truth, scores).error,
        per_class={
            name: float(matrix[i, i] / counts[i]) if counts[i] else None
            for i, name in enumerate(classes)
        },
        confusion=tuple(map(tuple, matrix.tolist())),
    )

"""What a network that names images learns, by hand, and what is read off it."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo import tasks
from kerazoo.recipe import Recipe
from kerazoo.tasks import classification

TASK = tasks.find("classification")
LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, -1.0]], "float32")
LABELS = np.array([0, 2])


def value(loss, labels):
    return float(loss(labels, LOGITS))


def test_crossentropy_by_hand():
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    expected = -np.log(shares[[0, 1], LABELS]).mean()
    assert value(classification.loss(Recipe(), False), LABELS) == pytest.approx(
        expected
    )
    rows = np.eye(3)[LABELS]
    assert value(classification.loss(Recipe(), True), rows) == pytest.approx(expected)


def test_smoothed_labels_by_hand():
    recipe = Recipe(label_smoothing=0.3)
    assert TASK.needs_one_hot(recipe)
    logs = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
    target = 0.7 * np.eye(3)[LABELS] + 0.1
    expected = -(target * logs).sum(1).mean()
    got = value(classification.loss(recipe, True), np.eye(3, dtype="float32")[LABELS])
    assert got == pytest.approx(expected, rel=1e-5)


def test_squared_hinge_by_hand():
    recipe = Recipe(loss="squared_hinge")
    assert TASK.needs_one_hot(recipe)
    sign = 2 * np.eye(3)[LABELS] - 1
    expected = (np.maximum(0, 1 - sign * LOGITS) ** 2).mean()
    got = value(classification.loss(recipe, True), np.eye(3, dtype="float32")[LABELS])
    assert got == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_binary_crossentropy_by_hand(smoothing):
    recipe = Recipe(loss="binary_crossentropy", label_smoothing=smoothing)
    assert TASK.needs_one_hot(recipe)
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    rows = np.eye(3, dtype="float32")[LABELS]
    target = (1 - smoothing) * rows + smoothing / 3
    expected = -(target * np.log(shares) + (1 - target) * np.log(1 - shares)).mean()
    got = value(classification.loss(recipe, True), rows)
    assert got == pytest.approx(expected, rel=1e-5)


def test_binary_crossentropy_learns_where_the_softmax_is_saturated():
    """Of 200 and 0 the second was right: both odds are 200 off."""
    loss = classification.loss(Recipe(loss="binary_crossentropy"), True)
    logits = tf.constant([[200.0, 0.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        off = loss(tf.constant([[0.0, 1.0]]), logits)
    assert float(off) == pytest.approx(200)
    np.testing.assert_allclose(tape.gradient(off, logits), [[1, -1]])


def test_mean_squared_error_by_hand():
    recipe = Recipe(loss="mean_squared_error")
    assert TASK.needs_one_hot(recipe)
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    rows = np.eye(3, dtype="float32")[LABELS]
    got = value(classification.loss(recipe, True), rows)
    assert got == pytest.approx(((shares - rows) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize("rows", [False, True])
def test_map_loss_by_hand(rows):
    """Cross-entropy with one class more, whose score is fixed at -1 (1998, eq. 9)."""
    sums = np.exp(LOGITS).sum(1) + np.exp(-1)
    expected = (np.log(sums) - LOGITS[[0, 1], LABELS]).mean()
    labels = np.eye(3, dtype="float32")[LABELS] if rows else LABELS
    got = value(classification.loss(Recipe(loss="map"), rows), labels)
    assert got == pytest.approx(expected, rel=1e-5)


def test_metrics_by_number_of_classes():
    def names(classes):
        return [m.name for m in classification.metrics(classes, False)]

    assert names(10) == ["accuracy", "top5"]
    assert names(5) == ["accuracy"]


def test_guesses_come_by_probability():
    found = TASK.guesses(np.array([0.2, 0.7, 0.1]), ("a", "b", "c"), 2)
    assert [(one.label, one.probability) for one in found] == [("b", 0.7), ("a", 0.2)]


def test_an_unknown_task_is_named():
    with pytest.raises(ValueError, match="Unknown task 'clasification'; did you mean"):
        tasks.find("clasification")

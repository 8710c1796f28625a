"""The confusion matrix that the accuracy is read off."""

import keras
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from kerazoo.tasks.accuracy import Accuracy, confusion

TRUTH = np.array([0, 1, 2, 2, 1, 0, 2], "int32")
GUESS = np.array([0, 2, 2, 2, 1, 1, 0])


@pytest.mark.parametrize("rows", [False, True])
def test_matrix_and_accuracy_over_batches(rows):
    scores = np.random.default_rng(0).uniform(size=(7, 3)).astype("float32")
    scores[np.arange(7), GUESS] += 1
    truth = np.eye(3, dtype="float32")[TRUTH] if rows else TRUTH
    metric = Accuracy(3)
    assert float(metric.result()) == 0
    metric.update_state(truth[:4], scores[:4])
    metric.update_state(truth[4:], scores[4:])
    expected = confusion_matrix(TRUTH, GUESS)
    np.testing.assert_array_equal(metric.matrix.numpy(), expected)
    assert float(metric.result()) == np.float32(4) / np.float32(7)
    metric.reset_state()
    assert metric.matrix.numpy().sum() == 0


def test_the_matrix_of_a_model_is_that_of_its_last_evaluation():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Activation("linear")])
    scores = np.eye(3, dtype="float32")[GUESS]
    for metrics, expected in (
        (["accuracy"], None),
        ([Accuracy(3)], confusion_matrix(TRUTH, GUESS)),
    ):
        model.compile(loss="sparse_categorical_crossentropy", metrics=metrics)
        for _ in range(2):
            found = model.evaluate(
                scores, TRUTH, batch_size=4, verbose=0, return_dict=True
            )
        assert found["accuracy"] == pytest.approx(4 / 7)
        np.testing.assert_array_equal(confusion(model), expected)

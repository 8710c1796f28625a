import types

import numpy as np
import pytest
import tensorflow as tf

from kerazoo import data, tasks, training


def test_evaluate_gives_the_metrics_again(trained):
    again, metrics = training.evaluate(trained), trained.metrics
    for name in ("images", "per_class", "confusion", "accuracy", "top5"):
        assert getattr(again, name) == getattr(metrics, name), name
    assert again.loss == pytest.approx(metrics.loss, rel=1e-4)
    assert again.calibration_error == pytest.approx(metrics.calibration_error, rel=1e-4)


def test_a_path_is_a_run(trained):
    by_path = training.evaluate(str(trained.path), batch_size=7)
    assert by_path.confusion == trained.metrics.confusion


def test_validation_is_parted_as_in_training(trained):
    metrics = training.evaluate(trained, split="validation")
    last = trained.history[-1]
    assert metrics.images == 143
    assert metrics.accuracy == pytest.approx(last["val_accuracy"], abs=1e-6)
    assert metrics.top5 == pytest.approx(last["val_top5"], abs=1e-6)


def test_train_is_the_rest(trained):
    assert training.evaluate(trained, split="train").images == 1442 - 143


def test_views_are_averaged(trained, data_dir):
    height, width, channels = trained.config.image_shape
    images, labels = data.Batches(
        data.load("digits", data_dir=data_dir).test,
        400,
        image_shape=(height, width, channels),
    ).take(400)
    model = trained.model()
    scores = model.predict(images, verbose=0).astype("float64")
    scores += model.predict(images[:, :, ::-1], verbose=0)
    metrics = training.evaluate(trained, views="flip")
    assert metrics.images == len(labels)
    assert metrics.accuracy == (scores.argmax(-1) == labels).mean()
    right = scores[np.arange(len(labels)), labels] / 2
    assert metrics.loss == pytest.approx(-np.log(right).mean(), rel=1e-4)
    # Most digits are others in the mirror.
    assert metrics.accuracy < trained.metrics.accuracy


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"views": "ten_corp"}, "did you mean ten_crop?"),
        ({"split": "tests"}, "Unknown split 'tests'; did you mean test"),
        ({"data": "digit"}, "Unknown data set 'digit'"),
        ({"data_dir": "/nowhere/at/all"}, "/nowhere/at/all is not there"),
    ],
)
def test_bad_arguments(trained, options, words):
    with pytest.raises(ValueError) as caught:
        training.evaluate(trained, **options)
    assert words in str(caught.value)


def test_other_classes(trained, tmp_path):
    from PIL import Image

    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(10):
                Image.new("L", (8, 8), 20 * number).save(folder / f"{number}.png")
    with pytest.raises(ValueError, match=r"has 2 classes .*trained on 10"):
        training.evaluate(trained, data=f"folder:{tmp_path}")


def measured(scores, truth, classes, rows=False):
    """``measure`` of a model that gives the images back as scores."""
    scores = np.array(scores, "float32")
    labels = np.eye(len(classes), dtype="float32")[truth] if rows else np.array(truth)
    batches = types.SimpleNamespace(
        dataset=tf.data.Dataset.from_tensor_slices((scores, labels)).batch(2)
    )
    model = types.SimpleNamespace(predict_on_batch=lambda images: images)
    return tasks.find("classification").measure(model, batches, classes)


@pytest.mark.parametrize("rows", [False, True])
def test_measures_by_hand(rows):
    scores = [[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.2, 0.8, 0.0]]
    metrics = measured(scores, [0, 1, 1], ("a", "b", "c"), rows)
    assert metrics.images == 3
    assert metrics.accuracy == pytest.approx(2 / 3)
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.4, 0.8]).mean())
    assert metrics.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 0))
    assert metrics.per_class == {"a": 1.0, "b": 0.5, "c": None}
    assert metrics.top5 is None
    assert "top5" not in metrics.to_dict()
    # One image a bin: |0.7 - 1|, |0.5 - 0| and |0.8 - 1|.
    assert metrics.calibration_error == pytest.approx((0.3 + 0.5 + 0.2) / 3)


def test_top5_by_hand():
    scores = np.array([[6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1]]) / 21
    metrics = measured(scores, [4, 5], tuple("abcdef"))
    assert metrics.top5 == pytest.approx(0.5)


def test_an_impossible_class_costs_no_infinity():
    metrics = measured([[1.0, 0.0]], [1], ("a", "b"))
    assert metrics.loss == pytest.approx(-np.log(1e-12))

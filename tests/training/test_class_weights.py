"""Weights of the classes in the training loss, held against Keras' own."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import balanced_accuracy_score

import kerazoo
from kerazoo import tuning
from kerazoo.tasks.classification import classification_metrics
from kerazoo.training.class_weights import class_weights, weigh

from ..conftest import TINY


def test_balanced_is_the_reciprocal_of_a_class_share(digits):
    recipe = TINY.override("class_weight=balanced")
    counts = np.bincount(digits.train.labels, minlength=10)
    expected = digits.train.size / (10 * counts)
    np.testing.assert_allclose(class_weights(recipe, digits.train), expected)
    rare = digits.train.subset(np.flatnonzero(digits.train.labels < 2)[:50])
    weights = np.array(class_weights(recipe, rare))
    counts = np.bincount(rare.labels)
    np.testing.assert_allclose(weights[:2], 25 / counts)
    assert (weights[2:] == 1).all()


def test_named_classes_weigh_what_is_said(digits):
    recipe = TINY.override('class_weight={"3": 2.5, "7": 0}')
    weights = class_weights(recipe, digits.train)
    assert weights == (1, 1, 1, 2.5, 1, 1, 1, 0, 1, 1)
    assert class_weights(TINY, digits.train) is None


def test_mixed_labels_weigh_in_proportion():
    rows = np.array([[1, 0, 0], [0, 0.25, 0.75]], "float32")
    dataset = tf.data.Dataset.from_tensors((np.zeros((2, 1)), rows))
    ((_, _, weights),) = weigh(dataset, (1.0, 2.0, 4.0)).as_numpy_iterator()
    np.testing.assert_allclose(weights, [1, 3.5])


@pytest.mark.parametrize("smoothing", [0.0, 0.1], ids=["ids", "rows"])
def test_a_training_is_that_of_keras_class_weight(fit, digits, smoothing):
    """One epoch of plain descent from the same weights over the same batches."""
    words = ("optimizer.name=sgd", "epochs=1", f"label_smoothing={smoothing}")
    weight = '{"0": 5, "1": 0.5}'
    start = fit(*words, "epochs=0").path
    words += (f"start_from={start}",)
    ours = fit(*words, f"class_weight={weight}", run=start.with_name("ours"))
    plain = fit(*words, run=start.with_name("plain"))

    network = kerazoo.Run(start).model()
    scores = network.layers[-1]
    scores.activation = keras.activations.linear
    body = keras.Model(network.get_layer("resized").output, scores.output)
    body = keras.models.clone_model(body)
    body.set_weights(network.get_weights())
    batches = digits.batches(
        "train",
        augment=(),
        shuffle=True,
        seed=TINY.seed,
        drop_remainder=False,
        batch_size=200,
        image_shape=(8, 8, 1),
        resize="bilinear",
        one_hot=bool(smoothing),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if smoothing:
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=smoothing
        )
    body.compile(keras.optimizers.SGD(TINY.optimizer.learning_rate), loss)
    # Keras 3.15 looks every class up in it.
    weights = dict.fromkeys(range(10), 1.0) | {0: 5.0, 1: 0.5}
    history = body.fit(batches.dataset, class_weight=weights, verbose=0, shuffle=False)
    for one, other in zip(ours.model().get_weights(), body.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert ours.history[0]["loss"] == pytest.approx(
        history.history["loss"][0], rel=1e-4
    )
    assert plain.history[0]["loss"] != pytest.approx(ours.history[0]["loss"], rel=1e-2)


def test_all_classes_weigh_the_same_after_a_share_of_the_epochs(fit, tmp_path):
    """The network stays as it begins, so that each epoch shows its own weights."""
    words = ("epochs=3", "optimizer.learning_rate=1e-30")
    plain = fit(*words, run=tmp_path / "plain")
    words += (f"class_weight={json.dumps(dict.fromkeys(map(str, range(10)), 2))}",)
    run = fit(*words, "class_weight_share=0.5")
    for row, other, times in zip(run.history, plain.history, (2, 2, 1), strict=True):
        assert row["loss"] == pytest.approx(times * other["loss"], rel=1e-5)
        assert row["val_loss"] == pytest.approx(other["val_loss"], rel=1e-6)


def test_a_stop_after_the_weights_changes_nothing(fit):
    words = ("epochs=3", "class_weight=balanced", "class_weight_share=0.3")
    whole = fit(*words, deterministic=True)
    for until in (1, 2, None):
        given = {"run": whole.path.with_name("parts"), "until": until}
        parts = fit(*words, deterministic=True, **given)
    assert parts.history == whole.history
    for one, other in zip(
        parts.model().get_weights(), whole.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_an_extension_says_where_the_weights_end(fit, capsys):
    words = ("class_weight=balanced", "class_weight_share=0.5")
    fit(*words, keep_state=True)
    capsys.readouterr()
    fit(*words, "epochs=4", verbose=2)
    assert "of 4 epochs the first 2 epochs weigh them" in capsys.readouterr().out


def test_a_share_of_weights_needs_weights():
    with pytest.raises(ValueError, match="class_weight gives no weights"):
        TINY.override("class_weight_share=0.5")


def test_mixed_images_train_with_weights(fit):
    run = fit("class_weight=balanced", "augment=mixup:0.2")
    assert run.metrics.accuracy > 0.3


def test_auxiliary_heads_are_weighed_too():
    pipeline = kerazoo.training.Pipeline(
        network="dsn",
        recipe=TINY.override("image_shape=[32, 32, 3]", "options.companions=True"),
        classes=10,
        source_shape=(8, 8, 1),
        mean=(0.0,),
        std=(1.0,),
    )
    model = pipeline.for_training()
    dataset = tf.data.Dataset.from_tensors((np.zeros((2, 8)), np.array([0, 1])))
    changed = pipeline.task.targets(model, weigh(dataset, (1.0, 2.0)))
    ((_, labels, weights),) = changed.as_numpy_iterator()
    assert labels.keys() == weights.keys() == model.output.keys()
    assert all(one.tolist() == [1.0, 2.0] for one in weights.values())


def test_unknown_classes_are_refused_before_anything_is_written(fit, tmp_path):
    with pytest.raises(ValueError, match="class in class_weight 'cat'"):
        fit('class_weight={"cat": 2}')
    assert not (tmp_path / "run").exists()
    for words in ("balance", '{"0": -1}', "[1, 2]", '{"0": 0}'):
        with pytest.raises(ValueError, match="class_weight is"):
            TINY.override(f"class_weight={words}")
    with pytest.raises(ValueError, match="mapping from names or numbers of classes"):
        dataclasses.replace(TINY, class_weight={0.5: 1.0})


def test_classes_may_be_numbered_as_in_keras():
    pets = types.SimpleNamespace(classes=("cat", "dog", "fox"))
    recipe = dataclasses.replace(TINY, class_weight={0: 2.0, np.int64(1): 3.0})
    assert class_weights(recipe, pets) == (2.0, 3.0, 1.0)
    assert recipe == TINY.override('class_weight={"0": 2.0, "1": 3.0}')
    # A class whose name is a number goes by its name.
    upside = types.SimpleNamespace(classes=("1", "0"))
    assert class_weights(recipe, upside) == (3.0, 2.0)
    twice = dataclasses.replace(TINY, class_weight={0: 2.0, "cat": 3.0})
    with pytest.raises(ValueError, match="names the class cat twice"):
        class_weights(twice, pets)
    with pytest.raises(ValueError, match="class in class_weight '3'"):
        class_weights(dataclasses.replace(TINY, class_weight={3: 2.0}), pets)


def test_a_space_may_have_class_weights(digits, tmp_path):
    space = tuning.Space("mlp_50", TINY, ["class_weight=balanced,None"])
    assert space.dimensions[0].values == ("balanced", None)
    assert space.apply({"class_weight": "balanced"})[1].class_weight == "balanced"
    plan = tuning.SearchPlan(space={"class_weight": [{"cat": 2.0}, None]}, trials=1)
    with pytest.raises(ValueError, match="class in class_weight 'cat'"):
        tuning.search("mlp_50", digits, TINY, folder=tmp_path / "search", plan=plan)
    assert not (tmp_path / "search").exists()


def test_folds_refuse_unknown_classes(digits, tmp_path):
    recipe = dataclasses.replace(TINY, class_weight={"cat": 2.0})
    with pytest.raises(ValueError, match="class in class_weight 'cat'"):
        tuning.cross_validate("mlp_50", digits, recipe, folder=tmp_path / "folds")
    assert not (tmp_path / "folds").exists()


def test_balanced_accuracy_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 100, p=[0.8, 0.15, 0.05])
    scores = rng.dirichlet(np.ones(4), 100)
    # The last class has no images and is guessed all the same.
    metrics = classification_metrics(truth, scores, "abcd")
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = balanced_accuracy_score(truth, scores.argmax(-1))
    assert metrics.balanced_accuracy == pytest.approx(expected)
    shares = [one for one in metrics.per_class.values() if one is not None]
    assert metrics.balanced_accuracy == pytest.approx(np.mean(shares))
    assert metrics.balanced_accuracy != pytest.approx(metrics.accuracy, abs=1e-3)

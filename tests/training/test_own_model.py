"""Models of one's own: trained, served, continued; and what is refused before."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import kerazoo
from kerazoo import tuning
from kerazoo.training import Pipeline
from kerazoo.training.own_model import OwnModel

from ..conftest import TINY

OWN = TINY.replace({"image_shape": None})


def small(end="softmax", name=None, units=10, shape=(8, 8, 1)):
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(units, activation=end),
        ],
        name=name,
    )


def branched():
    """A graph with operations, a shared layer, a model within and a softmax layer."""
    image = keras.Input((8, 8, 1), name="pixels_in")
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    x = ops.relu(shared(image)) + shared(image)
    inner = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Flatten(), layers.Dense(16)], name="inner"
    )
    x = layers.BatchNormalization()(inner(x))
    head = keras.Sequential(
        [keras.Input((16,)), layers.Dense(10), layers.Softmax()], name="head"
    )
    return keras.Model(image, head(x), name="branched")


def pooled():
    image = keras.Input((None, None, 1))
    x = layers.Conv2D(10, 3)(image)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x), name="pooled")


def raw():
    """Normalises by itself, in a model within."""
    start = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(1 / 255)])
    image = keras.Input((8, 8, 1))
    x = layers.Flatten()(start(image))
    return keras.Model(image, layers.Dense(10)(x), name="raw_pixels")


def pipeline(model, recipe=OWN):
    return Pipeline(
        network="own",
        recipe=recipe,
        classes=10,
        source_shape=(8, 8, 1),
        mean=(50.0,),
        std=(80.0,),
        own=OwnModel(model),
    )


@pytest.mark.parametrize(
    "make", [small, lambda: small(None), branched, pooled],
    ids=["softmax", "logits", "branched", "pooled"],
)  # fmt: skip
def test_a_copy_computes_the_same(make):
    model = make()
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), "uint8")
    expected = model.predict((images - 50.0) / 80, verbose=0)
    if not OwnModel(model).softmax:
        expected = ops.convert_to_numpy(ops.softmax(expected))
    whole = pipeline(model)
    trained = whole.for_training()
    logits = trained.predict(images, verbose=0)
    np.testing.assert_allclose(ops.softmax(logits), expected, rtol=1e-4, atol=1e-6)
    served = whole.for_serving(trained)
    given = served.predict(images, verbose=0)
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6)
    large = served.predict(images.repeat(2, 1).repeat(2, 2), verbose=0)
    np.testing.assert_allclose(large.sum(-1), 1, rtol=1e-4)
    # The model itself is left as it was.
    before = [value.copy() for value in model.get_weights()]
    for variable in trained.trainable_variables:
        variable.assign(variable + 1)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frozen_layers_stay_frozen():
    model = branched()
    model.get_layer("inner").trainable = False
    trained = pipeline(model).for_training()
    shapes = [tuple(v.shape) for v in trained.trainable_variables]
    assert shapes == [tuple(v.shape) for v in model.trainable_variables]


def test_an_own_model_trains_and_is_used(fit, tmp_path, digits, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = branched()
    run = kerazoo.fit(model, digits, OWN, precision="float32", verbose=0)
    assert run.path.as_posix() == "runs/branched-digits"
    config = run.config
    assert config.network == "branched" and config.image_shape == (8, 8, 1)
    assert config.architecture == OwnModel(model).fingerprint
    assert run.metrics.accuracy > 0.5
    assert kerazoo.evaluate(run, data=digits).accuracy == run.metrics.accuracy
    np.save(tmp_path / "x.npy", digits.test.source.images[0])
    tf.io.write_file(
        str(tmp_path / "x.png"), tf.io.encode_png(digits.test.source.images[0])
    )
    (found,) = kerazoo.predict(run, tmp_path / "x.png")
    assert found.top
    other = kerazoo.fit(small(), digits, OWN, run="two", precision="float32", verbose=0)
    for rule in ("probabilities", "votes"):
        joint = tuning.ensemble([run.path, other.path], data=digits, rule=rule)
        assert joint.metrics.accuracy > 0.5


def test_training_begins_with_the_models_weights(digits, tmp_path):
    model = small()
    model.set_weights([np.full_like(one, 0.01) for one in model.get_weights()])
    recipe = OWN.override("epochs=0")
    run = kerazoo.fit(model, digits, recipe, run=tmp_path / "run", verbose=0)
    for one in run.model().get_weights():
        np.testing.assert_array_equal(one, np.full_like(one, 0.01))


def test_a_run_goes_on_with_an_equal_model_alone(digits, tmp_path):
    def fit(model, **options):
        options = {"precision": "float32", "verbose": 0} | options
        return kerazoo.fit(model, digits, OWN, run=tmp_path / "run", **options)

    fit(small(), until=1)
    (tmp_path / "run" / "metrics.json").unlink()
    for other in (
        small(shape=(8, 8, 3)),
        keras.Sequential(
            [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)],
        ),
    ):
        with pytest.raises(ValueError, match="architecture"):
            fit(other)
    with pytest.raises(ValueError, match=r"\(architecture, .*network"):
        kerazoo.fit("mlp_50", digits, TINY, run=tmp_path / "run", precision="float32")
    with pytest.raises(ValueError, match=r"\(network differ\)"):
        fit(small(name="mine"))
    run = fit(small())
    assert [row["epoch"] for row in run.history] == [1, 2]


def test_names_do_not_make_another_architecture():
    assert OwnModel(small()).fingerprint == OwnModel(small()).fingerprint
    assert OwnModel(branched()).fingerprint == OwnModel(branched()).fingerprint
    assert OwnModel(small()).name == "sequential"
    assert OwnModel(small(name="model_2b")).name == "model_2b"
    assert OwnModel(small()).fingerprint != OwnModel(small(None)).fingerprint
    noisy = [
        keras.Sequential(
            [keras.Input((8, 8, 1)), layers.RandomFlip(), layers.Flatten(),
             layers.Dropout(0.5), layers.Dense(10)],
        )
        for _ in range(2)
    ]  # fmt: skip
    assert OwnModel(noisy[0]).fingerprint == OwnModel(noisy[1]).fingerprint


def test_normalization_is_not_done_twice():
    own = OwnModel(raw())
    assert own.choose_recipe(None).normalization == "none"
    for recipe in (OWN, "laptop"):
        with pytest.raises(ValueError, match=r"itself \(rescaling.*normalization=none"):
            own.choose_recipe(recipe)
    assert own.choose_recipe(OWN.override("normalization=none"))
    assert OwnModel(small()).choose_recipe(None).normalization == "standardize"
    assert OwnModel(small()).choose_recipe("cifar_one_cycle").augment
    with pytest.raises(ValueError, match="no paper recipe for a model of your own"):
        OwnModel(small()).choose_recipe("paper")


def test_the_size_of_images():
    own = OwnModel(pooled())
    assert own.image_shape(OWN, (9, 7, 1)) == (9, 7, 1)
    assert own.image_shape(OWN.replace({"image_shape": (6, 5, 1)}), (9, 7, 1))[0] == 6
    with pytest.raises(ValueError, match="set the size with the recipe's image_shape"):
        own.image_shape(OWN, (None, None, 1))
    with pytest.raises(ValueError, match=r"image_shape is .*leave image_shape out"):
        OwnModel(small()).choose_recipe(OWN.override("image_shape=[9,9,1]"))


class Unregistered(layers.Layer):
    def call(self, x):
        return x


@keras.saving.register_keras_serializable("test_own_model")
class Registered(layers.Layer):
    def call(self, x):
        return 2 * x


class Subclassed(keras.Model):
    def call(self, x):
        return x


def double(x):
    return 2 * x


def with_layer(layer, end=None):
    image = keras.Input((8, 8, 1))
    x = layers.Flatten()(layer(image))
    return keras.Model(image, layers.Dense(10, activation=end)(x))


def two_inputs():
    one, two = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    x = layers.Flatten()(layers.Add()([one, two]))
    return keras.Model([one, two], layers.Dense(10)(x))


REFUSED = {
    "subclass": (Subclassed, "has no graph of layers"),
    "unbuilt": (lambda: keras.Sequential([layers.Dense(10)]), "no graph of layers"),
    "inputs": (two_inputs, "has 2 inputs and 1 outputs"),
    "vectors": (
        lambda: keras.Sequential([keras.Input((8,)), layers.Dense(10)]),
        "give a model of images",
    ),
    "regression": (lambda: small(None, units=1), "A regression cannot be trained"),
    "binary": (lambda: small("sigmoid", units=1), "two units for two classes"),
    "sigmoid": (lambda: small("sigmoid"), "ends in sigmoid, which gives neither"),
    "relu": (lambda: small("relu"), "ends in relu"),
    "relu layer": (
        lambda: keras.Sequential([small(None), layers.ReLU()]),
        "ends in relu",
    ),
    "own activation": (lambda: small(double), "ends in double"),
    "map": (
        lambda: keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(10, 1)]),
        "which are no scores",
    ),
    "unregistered": (
        lambda: with_layer(Unregistered()),
        "has Unregistered, which Keras could not read back",
    ),
    "function": (
        lambda: with_layer(layers.Conv2D(2, 1, activation=double)),
        "has double, which Keras could not read back",
    ),
    "lambda": (lambda: with_layer(layers.Lambda(double)), "has a Lambda layer"),
    "classes": (lambda: small(units=7), "scores of 7 classes, but the data have 10"),
    "batch": (
        lambda: keras.Sequential(
            [keras.Input(batch_shape=(4, 8, 8, 1)), layers.Flatten(), layers.Dense(10)]
        ),
        "batches of any size",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(make, words, digits, tmp_path):
    with pytest.raises(ValueError, match=words) as caught:
        kerazoo.fit(make(), digits, OWN, run=tmp_path / "run", verbose=0)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_options_and_precision_are_not_the_models(digits, tmp_path):
    def fit(**options):
        given = {"recipe": OWN, "run": tmp_path / "run", "verbose": 0} | options
        return kerazoo.fit(small(), digits, **given)

    with pytest.raises(ValueError, match=r"sets options \(groups\)"):
        fit(recipe=OWN.override("options.groups=2"))
    with pytest.raises(ValueError, match="precision is 'mixed_bfloat16', but the lay"):
        fit(precision="mixed_bfloat16")
    with pytest.raises(ValueError, match="it must be the name of a network"):
        tuning.cross_validate(small(), digits, OWN, folder=tmp_path / "folds")
    with pytest.raises(ValueError, match="start_from"):
        fit(recipe=OWN.override("start_from=nowhere"))
    assert not list(tmp_path.iterdir())


def test_a_registered_layer_trains_and_is_needed_to_open(digits, tmp_path):
    run = kerazoo.fit(
        with_layer(Registered()),
        digits,
        OWN.override("epochs=0"),
        run=tmp_path / "run",
        verbose=0,
        events=False,
    )
    assert run.model().name
    code = f"import kerazoo; kerazoo.Run({str(run.path)!r}).model()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "ValueError" in done.stderr and "cannot be read" in done.stderr
    assert json.loads((run.path / "config.json").read_text())["architecture"]

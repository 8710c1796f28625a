"""Signals on their way through networks, forward and back."""

import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo import training
from kerazoo.analysis import layer_plots, plots
from kerazoo.analysis.signals import Histogram, layer_signals

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(64, 8, 8, 1)).astype("float32")
LABELS = RNG.integers(0, 10, 64)


@pytest.fixture(scope="module")
def deep():
    options = {"units": (100,) * 8, "dropout": 0.0}
    return kerazoo.mlp_deep5(input_shape=(8, 8, 1), classes=10, **options)


def test_a_histogram_by_hand():
    found = Histogram.of(np.array([[0.0, 0.0, 3.0], [-1.0, np.nan, 4.0]]))
    assert found.counts.sum() == 5
    assert (found.edges[0], found.edges[-1]) == (-1, 4)
    assert found.mean == pytest.approx(1.2) and found.zeros == pytest.approx(0.4)
    assert found.size == pytest.approx((26 / 5) ** 0.5)
    assert found.deviation == pytest.approx((26 / 5 - 1.44) ** 0.5)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_gradient_of_one_layer(activation):
    """Of the cross-entropy: the images times (probabilities less truth), over n."""
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10, activation)]
    )
    (found,) = layer_signals(model, IMAGES, LABELS)
    kernel = np.asarray(model.layers[-1].kernel)
    rows = IMAGES.reshape(64, -1)
    logits = rows @ kernel
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = rows.T @ (shares - np.eye(10)[LABELS]) / 64
    assert found.layer == model.layers[-1].name == found.measured
    assert found.outputs.deviation == pytest.approx(logits.std(), rel=1e-4)
    assert found.kernel.size == pytest.approx(np.sqrt((kernel**2).mean()), rel=1e-4)
    assert found.gradient.size == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-4)
    edges = [expected.min(), expected.max()]
    np.testing.assert_allclose(found.gradient.edges[[0, -1]], edges, rtol=1e-4)


def test_xavier_he_and_too_small(deep):
    """Behind a ReLU half the square is lost: He's doubles it, Xavier's does not."""
    shares = {}
    for name, rule in (
        ("small", keras.initializers.RandomNormal(stddev=0.01)),
        ("xavier", "glorot_normal"),
        ("he", "he_normal"),
    ):
        training.reinitialize(deep, rule, seed=1)
        first, *_, last = layer_signals(deep, IMAGES, LABELS)[:-1]
        # What is left after seven layers of the signal's size.
        shares[name] = last.outputs.size / first.outputs.size
        if name == "small":
            assert last.gradient.size < 1e-8
        assert 0.3 < first.outputs.zeros < 0.7
    # A layer of 100 with a deviation of 0.01 keeps 0.1 / sqrt(2) of the size.
    assert shares["small"] == pytest.approx(0.0707**7, rel=0.9)
    assert shares["xavier"] == pytest.approx(0.7071**7, rel=0.5)
    assert shares["he"] == pytest.approx(1, abs=0.6)


def test_gradients_vanish_behind_sigmoids():
    """A sigmoid's slope is at most 1/4, and every layer multiplies by one."""
    steps = [layers.Dense(50, "sigmoid", name=f"d{n}") for n in range(6)]
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), *steps, layers.Dense(10)]
    )
    sizes = [one.gradient.size for one in layer_signals(model, IMAGES, LABELS)]
    ratios = np.array(sizes[1:6]) / sizes[:5]
    assert (ratios > 2).all(), sizes


def test_what_is_measured_and_nothing_moves():
    """Behind batch norm and activation, but before a shortcut is added."""
    model = kerazoo.resnet20_cifar(input_shape=(16, 16, 3), classes=10)
    images = RNG.normal(size=(8, 16, 16, 3)).astype("float32")
    before = [np.array(one) for one in model.variables]
    found = layer_signals(model, images, LABELS[:8])
    after = [np.array(one) for one in model.variables]
    assert all(map(np.array_equal, before, after))
    by_name = {one.layer: one for one in found}
    names = list(by_name)
    assert names[0] == "stem_conv1" and names[-1] == "predictions"
    assert len(names) == len({one.measured for one in found})
    block = [one for one in names if one.startswith("stage1_block1")]
    first, second = (by_name[one].measured for one in block[:2])
    assert "relu" in first or "act" in first, first
    assert second.endswith("bn2"), second


def test_dropout_drops_and_its_generator_stays():
    drop = layers.Dropout(0.5, seed=3)
    steps = [layers.Flatten(), drop, layers.Dense(10)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *steps])
    before = np.array(drop.seed_generator.state)
    found = [layer_signals(model, IMAGES, LABELS)[0].outputs.mean for _ in range(2)]
    np.testing.assert_array_equal(np.array(drop.seed_generator.state), before)
    assert found[0] == found[1] != float(np.mean(model(IMAGES)))


def test_a_frozen_layer_has_no_gradient(deep):
    deep.get_layer("hidden2").trainable = False
    try:
        found = {one.layer: one for one in layer_signals(deep, IMAGES, LABELS)}
    finally:
        deep.get_layer("hidden2").trainable = True
    assert found["hidden2"].gradient is None
    assert found["hidden1"].gradient.size > 0


def test_another_loss(deep):
    def double(targets, outputs):
        return 2 * keras.ops.mean(
            keras.losses.sparse_categorical_crossentropy(targets, outputs)
        )

    one = layer_signals(deep, IMAGES, LABELS)[0].gradient.size
    two = layer_signals(deep, IMAGES, LABELS, loss=double)[0].gradient.size
    assert two == pytest.approx(2 * one, rel=1e-3)


def test_jax_says_the_same(tmp_path):
    deep = kerazoo.mlp_256(input_shape=(8, 8, 1), classes=10)
    deep.save(tmp_path / "deep.keras")
    np.savez(tmp_path / "batch.npz", x=IMAGES, y=LABELS)
    program = tmp_path / "program.py"
    program.write_text(
        "import keras, numpy as np\n"
        "from kerazoo.analysis.signals import layer_signals\n"
        f"batch = np.load({str(tmp_path / 'batch.npz')!r})\n"
        f"model = keras.models.load_model({str(tmp_path / 'deep.keras')!r})\n"
        "found = layer_signals(model, batch['x'], batch['y'])\n"
        "assert keras.backend.backend() == 'jax'\n"
        "print([one.gradient.size for one in found])\n"
    )
    done = subprocess.run(
        [sys.executable, program],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [one.gradient.size for one in layer_signals(deep, IMAGES, LABELS)]
    np.testing.assert_allclose(
        json.loads(done.stdout.splitlines()[-1]), expected, rtol=1e-3
    )


def test_what_has_no_signals(deep):
    several = keras.Model(deep.input, {"a": deep.output, "b": deep.layers[2].output})
    empty = keras.Sequential([keras.Input((8, 8, 1)), layers.GlobalMaxPooling2D()])
    for model, targets, words in (
        (several, LABELS, "does not give the scores of classes alone; give a loss"),
        (empty, LABELS, "has no layer with a kernel"),
        (deep, LABELS[:3], "There are 64 images and 3 targets"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            layer_signals(model, IMAGES, targets)


# The pictures ----------------------------------------------------------------------


def test_lines_by_depth(deep):
    found = layer_signals(deep, IMAGES, LABELS)
    figure = layer_plots.signals_by_depth({"a": found, "b": found[:4]})
    left, right = figure.axes
    lines = [line.get_ydata() for line in left.lines]
    assert list(lines[0]) == [one.outputs.deviation for one in found]
    assert list(right.lines[1].get_ydata()) == [one.gradient.size for one in found[:4]]
    assert right.get_yscale() == "log"
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["a", "b"]
    names = [text.get_text() for text in left.get_xticklabels()]
    assert names[0] == "hidden1" and names[-1] == "predictions"
    plots.pixels(figure)
    with pytest.raises(ValueError, match="found has no layers"):
        layer_plots.signals_by_depth({"a": ()})


def test_histograms_side_by_side(deep):
    deep.get_layer("hidden1").trainable = False
    try:
        found = layer_signals(deep, IMAGES, LABELS)
    finally:
        deep.get_layer("hidden1").trainable = True
    figure = layer_plots.signal_histograms(found, columns=3)
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles == ["hidden1", "hidden5", "predictions"]
    assert figure.axes[3].texts[0].get_text() == "frozen"
    ranges = {axes.get_xlim() for axes in figure.axes[:3]}
    assert len(ranges) == 1
    plots.pixels(figure)


def test_filters_of_some_steps():
    kernels = [RNG.normal(size=(3, 3, 3, 5)) for _ in range(5)]
    figure = layer_plots.filters_along(kernels, [0, 1, 10, 1000, 200_000], "conv1")
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == [
        "step 0", "step 1", "step 10", "step 1,000", "step 200,000",
    ]  # fmt: skip
    expected = plots.pixels(plots.filter_grid(kernels[3]))
    np.testing.assert_array_equal(shown[3].images[0].get_array(), expected)
    with pytest.raises(ValueError, match="kernels of 5 steps, and 2 steps"):
        layer_plots.filters_along(kernels, [0, 1])

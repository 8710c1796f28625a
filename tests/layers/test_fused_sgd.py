"""SGD in one pass against that of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.fast_paths import FusedSGD
from kerazoo.recipe import Optimizer
from kerazoo.training.compilation import optimizer

OPTIONS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "all": {
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 1e-3,
        "clipnorm": 1.0,
        "use_ema": True,
        "gradient_accumulation_steps": 2,
    },
}


def trained(kind, jit_compile=False, **options):
    """Weights and the optimiser's variables after some steps, by name."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    norm = keras.constraints.MaxNorm(1.0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, "relu", kernel_constraint=norm),
            keras.layers.Dense(5),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(0.05, 20)
    model.compile(
        kind(rate, **options),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    x = np.random.default_rng(0).normal(size=(64, 8))
    model.fit(x, np.arange(64) % 5, epochs=4, batch_size=16, verbose=0, shuffle=False)
    both = [*model.weights, *model.optimizer.variables]
    return {variable.path: variable.numpy() for variable in both}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_equal_to_keras(options, jit_compile):
    theirs = trained(keras.optimizers.SGD, jit_compile, **options)
    ours = trained(FusedSGD, jit_compile, **options)
    assert ours.keys() == theirs.keys()
    for path, value in theirs.items():
        np.testing.assert_allclose(ours[path], value, rtol=1e-5, atol=1e-7)


def test_kernel_of_tensorflow_does_it():
    weight = keras.Variable(np.ones(3, "float32"))
    sgd = FusedSGD(0.1, momentum=0.9)
    sgd.build([weight])

    @tf.function
    def step():
        sgd.apply([tf.ones(3)])

    graph = step.get_concrete_function().graph.as_graph_def()
    functions = (function.node_def for function in graph.library.function)
    kinds = {node.op for nodes in (graph.node, *functions) for node in nodes}
    assert "ResourceApplyKerasMomentum" in kinds
    step(), step()
    np.testing.assert_allclose(weight.numpy(), 1 - 0.1 - 0.19, rtol=1e-6)


def test_recipes_train_with_it():
    words = Optimizer(name="sgd", learning_rate=0.1, momentum=0.9)
    assert isinstance(optimizer(words, 0.1), FusedSGD)

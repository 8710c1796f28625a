import keras
import numpy as np

import kerazoo


def test_a_highway_layer_is_the_papers_formula():
    keras.utils.set_random_seed(1)
    model = kerazoo.highway19(input_shape=(8, 8, 3))
    names = ["stage2_conv1", *(f"stage2_block1_{n}" for n in ("conv1", "gate1", "add"))]
    layers = [model.get_layer(name) for name in names]
    parts = keras.Model(model.input, [layer.output for layer in layers])
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    x, h, t, y = (np.array(part) for part in parts(image, training=False))
    np.testing.assert_allclose(y, h * t + x * (1 - t), atol=1e-6)

    def conv(layer):
        z = keras.ops.conv(x, layer.kernel, padding="same") + layer.bias
        return np.array(z, "float64")

    np.testing.assert_allclose(h, np.maximum(conv(layers[1]), 0), atol=1e-6)
    np.testing.assert_allclose(t, 1 / (1 + np.exp(-conv(layers[2]))), atol=1e-6)


def test_gates_begin_by_carrying():
    model = kerazoo.highway19()
    gates = [layer for layer in model.layers if "gate1" in layer.name]
    assert len(gates) == 14
    assert all(np.all(np.array(gate.bias) == -2) for gate in gates)


def test_nineteen_layers():
    kerneled = [la for la in kerazoo.highway19().layers if hasattr(la, "kernel")]
    assert len([la for la in kerneled if "gate" not in la.name]) == 19

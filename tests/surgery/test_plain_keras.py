import os
import subprocess
import sys

import keras
import numpy as np

from kerazoo.layers import CeilMaxPooling2D, FusedBatchNormalization, GroupedConv2D
from kerazoo.surgery.plain_keras import as_plain_keras

OPEN_WITHOUT_KERAZOO = """
import sys
sys.modules["kerazoo"] = None
import keras, numpy
model = keras.saving.load_model(sys.argv[1])
numpy.save(sys.argv[2], model.predict(numpy.load(sys.argv[3]), verbose=0))
"""


def network():
    inputs = keras.Input((8, 8, 4), name="image")
    x = GroupedConv2D(6, 3, groups=2, name="conv1")(inputs)
    x = FusedBatchNormalization(momentum=0.5, name="bn1")(x)
    x = keras.layers.Dropout(0.5, name="drop")(x)
    return keras.Model(inputs, x, name="network")


def test_copy_opens_without_kerazoo(tmp_path):
    model = network()
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 4)).astype("float32")
    model.fit(x, np.ones((4, 6, 6, 6)), verbose=0)
    copy = as_plain_keras(model)
    assert [type(layer).__module__.split(".")[0] for layer in copy.layers] == [
        "keras"
    ] * 4
    assert [w.path for w in copy.weights] == [w.path for w in model.weights]
    for old, new in zip(model.layers, copy.layers, strict=True):
        assert old.get_config() == new.get_config()
    assert copy.get_layer("bn1").momentum == 0.5
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(copy.predict(x, verbose=0), expected, atol=1e-5)

    files = [str(tmp_path / name) for name in ("m.keras", "y.npy", "x.npy")]
    copy.save(files[0])
    np.save(files[2], x)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(
        [sys.executable, "-c", OPEN_WITHOUT_KERAZOO, *files],
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    np.testing.assert_allclose(np.load(files[1]), expected, atol=1e-5)


def test_original_stays_as_it_was_and_nested_models_are_copied():
    inner = network()
    model = keras.Sequential([keras.Input((8, 8, 4)), inner])
    copy = as_plain_keras(model)
    assert type(copy.layers[0].get_layer("bn1")) is keras.layers.BatchNormalization
    assert type(inner.get_layer("bn1")) is FusedBatchNormalization
    copy.set_weights([w + 1 for w in copy.get_weights()])
    assert not np.allclose(copy.get_weights()[0], model.get_weights()[0])


def test_a_pooling_that_has_something_to_round_stays():
    for sides, plain in (([8], True), ([8, 9], False), ([None], False)):
        pool = CeilMaxPooling2D(2, 2, name="pool")
        inputs = [keras.Input((side, side, 1)) for side in sides]
        model = keras.Model(inputs, [pool(x) for x in inputs])
        copy = as_plain_keras(model).get_layer("pool")
        assert (type(copy) is keras.layers.MaxPooling2D) == plain

import keras
import numpy as np
import pytest

import kerazoo

SMALL = {"input_shape": (8, 8, 3), "classes": 3}


def test_companions_are_outputs_of_the_training_graph_alone():
    model = kerazoo.dsn(companions=True, **SMALL)
    assert set(model.output) == {
        "predictions", "companion1", "companion2", "companion3",
    }  # fmt: skip
    assert isinstance(kerazoo.dsn(**SMALL).output, keras.KerasTensor)
    body = kerazoo.dsn(companions=True, include_top=False, input_shape=(8, 8, 3))
    assert isinstance(body.output, keras.KerasTensor)


def test_the_inference_graph_has_the_weights_of_the_training_graph():
    trained = kerazoo.dsn(companions=True, **SMALL)
    inference = keras.Model(trained.input, trained.output["predictions"])
    fresh = kerazoo.dsn(**SMALL)
    fresh.set_weights(inference.get_weights())
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    expected = trained(image, training=False)["predictions"]
    np.testing.assert_array_equal(inference(image, training=False), expected)
    np.testing.assert_array_equal(fresh(image, training=False), expected)


def test_a_companion_is_a_linear_map_of_what_the_relu_has_not_seen():
    options = {"classifier_activation": None} | SMALL
    model = kerazoo.dsn(companions=True, **options)
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    seen = keras.Model(model.input, model.get_layer("stage2_conv1").output)
    seen = np.array(seen(image, training=False))
    assert seen.min() < 0
    kernel, bias = model.get_layer("companion2").get_weights()
    np.testing.assert_allclose(
        model(image, training=False)["companion2"],
        seen.reshape(2, -1) @ kernel + bias,
        atol=1e-5,
    )


def test_final_relu():
    image = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    options = {"classifier_activation": None} | SMALL
    for final_relu in (True, False):
        model = kerazoo.dsn(final_relu=final_relu, **options)
        # No map has a positive number then, whatever kernels were drawn.
        model.get_layer("stage3_conv3").bias.assign([-1e3] * 3)
        scores = np.asarray(model(image, training=False))
        assert (scores == 0).all() if final_relu else (scores < 0).all()


def test_companions_need_a_fixed_size():
    with pytest.raises(ValueError, match="companions=False"):
        kerazoo.dsn(companions=True, input_shape=(None, None, 3))

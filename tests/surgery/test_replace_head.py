import keras
import numpy as np
import pytest

import kerazoo

IMAGES = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")


@pytest.mark.parametrize("name", ["resnet20_cifar", "nin_cifar", "vgg11"])
def test_keeps_the_body_and_renews_the_scores(name):
    old = kerazoo.create(name, input_shape=(32, 32, 3), classes=5)
    new = kerazoo.replace_head(old, 7)
    assert new.output_shape == (None, 7)
    assert old.output_shape == (None, 5)
    assert [la.name for la in new.layers] == [la.name for la in old.layers]
    renewed = [la.name for la in new.layers if la is not old.get_layer(la.name)]
    assert renewed in (["predictions"], ["cccp6", "head_pool", "predictions"])
    for layer in new.layers:
        settings = [
            m.get_layer(layer.name).get_config() | {"units": 0, "filters": 0}
            for m in (old, new)
        ]
        assert settings[0] == settings[1]
    twin = kerazoo.create(name, input_shape=(32, 32, 3), classes=7)
    twin.set_weights(new.get_weights())
    np.testing.assert_array_equal(
        new(IMAGES, training=False), twin(IMAGES, training=False)
    )


def test_every_head_is_renewed():
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="body")(inputs)
    heads = {
        "predictions": keras.layers.Dense(2, "softmax", name="predictions")(x),
        "aux1": keras.layers.Dense(2, "softmax", name="aux1")(x),
    }
    new = kerazoo.replace_head(keras.Model(inputs, heads), 6)
    assert {k: t.shape for k, t in new.output.items()} == {
        "predictions": (None, 6),
        "aux1": (None, 6),
    }


def test_logits_and_name():
    old = kerazoo.resnet20_cifar(name="left")
    new = kerazoo.replace_head(old, 3, classifier_activation=None, name="finer")
    assert new.name == "finer"
    last = new.get_layer("left_predictions")
    assert last.activation is keras.activations.linear
    assert last.dtype_policy.name == "float32"


def test_saves_and_loads(tmp_path):
    new = kerazoo.replace_head(kerazoo.nin_cifar(), 4)
    new.save(tmp_path / "new.keras")
    again = keras.models.load_model(tmp_path / "new.keras")
    np.testing.assert_array_equal(again(IMAGES), new(IMAGES))


@pytest.mark.parametrize("name", ["resnet20_cifar", "nin_cifar", "vgg11"])
def test_a_network_without_a_top_is_refused(name):
    body = kerazoo.create(name, include_top=False)
    with pytest.raises(ValueError, match=f"{name} does not end in class scores"):
        kerazoo.replace_head(body, 3)


@pytest.mark.parametrize("classes", [0, 2.0, True, "10"])
def test_a_strange_number_of_classes_is_refused(classes):
    with pytest.raises(ValueError, match="it must be a whole number from 1"):
        kerazoo.replace_head(kerazoo.resnet20_cifar(), classes)

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.models.preresnet import preresnet_cifar


def ends(model, suffix):
    return [la.name for la in model.layers if la.name.endswith(suffix)]


def test_only_where_the_shape_changes_is_there_a_projection():
    model = kerazoo.preresnet50(input_shape=(64, 64, 3), include_top=False)
    assert ends(model, "conv0") == [f"stage{s}_block1_conv0" for s in (1, 2, 3, 4)]
    assert ends(model, "bn0") == []


def test_the_first_unit_has_no_pre_activation_on_imagenet_and_has_one_on_cifar():
    large = kerazoo.preresnet50(input_shape=(64, 64, 3), include_top=False)
    assert "stage1_block1_bn1" not in ends(large, "bn1")
    assert "stage1_block2_bn1" in ends(large, "bn1")
    small = preresnet_cifar(depth=11)
    assert "stage1_block1_bn1" in ends(small, "bn1")
    assert (
        small.get_layer("stem_conv1").output
        is small.get_layer("stage1_block1_bn1").input
    )


@pytest.mark.parametrize("depth", [2, 9, 111])
def test_a_depth_off_the_formula_is_refused(depth):
    with pytest.raises(ValueError, match=r"must be 9n \+ 2: 11, 20"):
        preresnet_cifar(depth=depth)


@pytest.mark.parametrize("depth", ["20", 20.0, True])
def test_a_depth_is_a_whole_number(depth):
    with pytest.raises(ValueError, match=r"depth is .* must be a whole number from 1"):
        preresnet_cifar(depth=depth)


SMALL = {"input_shape": (64, 64, 3), "classes": 3, "classifier_activation": None}


def test_a_first_unit_may_normalise_too():
    model = kerazoo.preresnet50(**SMALL, first_unit="pre_activation")
    assert "stage1_block1_bn1" in ends(model, "bn1")
    assert ends(model, "conv0") == [f"stage{s}_block1_conv0" for s in (1, 2, 3, 4)]


@pytest.mark.parametrize("gamma", [1.0, -1.0])
def test_a_stem_that_pools_first_is_the_same_while_no_gamma_is_negative(gamma):
    keras.utils.set_random_seed(1)
    models = [
        kerazoo.preresnet50(**SMALL, stem=stem) for stem in ("norm_first", "pool_first")
    ]
    for model in models:
        model.set_weights(models[0].get_weights())
        norm = model.get_layer("stem_bn1")
        gammas = np.ones(64)
        gammas[0] = gamma
        norm.gamma.assign(gammas)
        norm.beta.assign(np.full(64, 0.1))
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype("float32")
    one, other = (
        keras.Model(model.input, model.get_layer(name).output)(x, training=False)
        for model, name in zip(models, ("stem_pool", "stem_relu1"), strict=True)
    )
    assert one.shape == other.shape
    alike = np.isclose(one, other, atol=1e-5).all((0, 1, 2))
    assert alike[1:].all()
    assert alike[0] == (gamma > 0)

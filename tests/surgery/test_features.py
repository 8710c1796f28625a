import keras
import numpy as np
import pytest

import kerazoo

SIZE = (64, 64, 3)


@pytest.fixture(scope="module")
def model():
    return kerazoo.resnet50(input_shape=SIZE, classes=3, stride_in="3x3")


def ends(extractor):
    """The layers that the outputs come from, by key."""
    return {
        key: [la.name for la in extractor.layers if la.output is tensor]
        for key, tensor in extractor.output.items()
    }


def test_layers_stages_and_blocks(model):
    extractor = kerazoo.features(
        model, ["stage1_block2_conv1", "stage2", "stage3_block2", "stem"]
    )
    assert ends(extractor) == {
        "stage1_block2_conv1": ["stage1_block2_conv1"],
        "stage2": ["stage2_block4_relu"],
        "stage3_block2": ["stage3_block2_relu"],
        "stem": ["stem_pool"],
    }
    images = np.random.default_rng(0).normal(size=(2, *SIZE)).astype("float32")
    maps = extractor(images, training=False)
    shapes = {key: tuple(value.shape[1:]) for key, value in maps.items()}
    assert shapes["stage2"] == (8, 8, 512)
    assert shapes["stage3_block2"] == (4, 4, 1024)
    rest = keras.Model(model.get_layer("stage2_block4_relu").output, model.output)
    np.testing.assert_allclose(
        rest(maps["stage2"], training=False), model(images, training=False), rtol=1e-5
    )


def test_strides_give_the_last_layer_that_no_path_avoids(model):
    assert ends(kerazoo.features(model, (2, 4, 8, 16, 32))) == {
        "stride2": ["stem_relu1"],
        # stage2_block1_relu1 has a stride of 4 too, but lies beside the shortcut.
        "stride4": ["stage1_block3_relu"],
        "stride8": ["stage2_block4_relu"],
        "stride16": ["stage3_block6_relu"],
        "stride32": ["stage4_block3_relu"],
    }


def test_strides_of_a_chain():
    vgg = kerazoo.vgg16(include_top=False, input_shape=(None, None, 3))
    assert ends(kerazoo.features(vgg, [8, 16])) == {
        "stride8": ["stage4_conv3"],
        "stride16": ["stage5_conv3"],
    }


def test_the_layers_are_shared(model):
    extractor = kerazoo.features(model, "stage1")
    name = "stage1_block1_conv1"
    assert extractor.get_layer(name) is model.get_layer(name)


def test_a_named_model_is_asked_by_the_same_names():
    named = kerazoo.resnet20_cifar(name="left")
    extractor = kerazoo.features(named, ["stage2", "stem_conv1", "left_stage1_block1"])
    assert ends(extractor) == {
        "stage2": ["left_stage2_block3_relu"],
        "stem_conv1": ["left_stem_conv1"],
        "left_stage1_block1": ["left_stage1_block1_relu"],
    }


def test_what_the_network_has_not_is_refused(model):
    with pytest.raises(ValueError, match=r"stage of resnet50 'stage7'.*stage[1-4]"):
        kerazoo.features(model, "stage7")
    with pytest.raises(ValueError, match="no stride 3; it must be one of 1, 2, 4, 8"):
        kerazoo.features(model, [4, 3])
    with pytest.raises(ValueError, match="names is empty"):
        kerazoo.features(model, [])

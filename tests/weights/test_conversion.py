"""The rules: against true tables of keys, and against Keras' own networks."""

import re

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import weights
from kerazoo.symbolic import symbolic
from kerazoo.weights.conversion import batch_norm_of, convert
from kerazoo.weights.rules import RULES, InOrder, Rename, Rules

from .conftest import KEYS, random_tensors, shapes

# The network and the set of weights of every table of keys.
PEERS = {
    "chenyaofo_resnet20": ("resnet20_cifar", "chenyaofo/cifar10"),
    "facenet_pytorch": ("inception_resnet_v1", "facenet/vggface2"),
    **{
        f"pytorchcv_{name}": (network, "pytorchcv")
        for name, network in (
            ("alexnet", "alexnet"),
            ("bn_vgg16", "vgg16_bn"),
            ("bninception", "bn_inception"),
            ("inceptionresnetv1", "inception_resnet_v1"),
            ("inceptionv3", "inception_v3"),
            ("inceptionv4", "inception_v4"),
            ("preresnet50", "preresnet50"),
            ("resnet50", "resnet50"),
            ("xception", "xception"),
            ("zfnet", "zfnet"),
        )
    },
    "pytorchcv_nin_cifar10": ("nin_cifar", "pytorchcv/cifar10"),
    "pytorchcv_preresnet164bn_cifar10": ("preresnet164_cifar", "pytorchcv/cifar10"),
    "pytorchcv_resnet20_cifar10": ("resnet20_cifar", "pytorchcv/cifar10"),
    **{
        f"timm_inception_{name}": (f"inception_{name}", "timm/tf_in1k")
        for name in ("resnet_v2", "v3", "v4")
    },
    "timm_legacy_xception": ("xception", "timm/legacy_xception"),
    **{
        f"timm_resnet{n}": (f"resnet{n}", "timm/a1_in1k")
        for n in (18, 34, 50, 101, 152)
    },
    **{f"timm_resnetv2_{n}": (f"preresnet{n}", "timm/a1h_in1k") for n in (50, 101)},
    **{
        f"timm_vgg{n}{bn}": (f"vgg{n}{bn}", "timm/tv_in1k")
        for n in (11, 13, 16, 19)
        for bn in ("", "_bn")
    },
    "torchvision_alexnet": ("alexnet_owt", "torchvision/imagenet1k_v1"),
    "torchvision_googlenet": ("bn_googlenet", "torchvision/imagenet1k_v1"),
    **{
        f"torchvision_{n}": (n, "torchvision/imagenet1k_v1")
        for n in ("inception_v3", "resnet18", "resnet50", "vgg11", "vgg16", "vgg16_bn")
    },
    "torchvision_vgg19": ("vgg19", "torchvision/imagenet1k_v1"),
}


def network_of(chosen, **options):
    """A set's network without numbers in it."""
    return symbolic(
        lambda: kerazoo.create(
            chosen.network,
            classes=chosen.classes,
            input_shape=chosen.preprocessing.image_shape,
            **chosen.options,
            **options,
        )
    )


def test_every_table_has_its_row():
    assert {*PEERS} == {path.stem for path in KEYS.glob("*.txt")}


@pytest.mark.parametrize("peer", sorted(PEERS))
def test_every_tensor_is_used_once_and_every_variable_filled_once(peer):
    chosen = weights.find_weights(*PEERS[peer])
    model = network_of(chosen)
    given = {n: np.broadcast_to(np.float32(0), s) for n, s in shapes(peer).items()}
    values, report = convert(model, given, RULES[chosen.rules])
    wanted = {
        f"{layer.name}/{one.name}": tuple(one.shape)
        for layer in model.layers
        for one in layer.weights
    }
    assert {name: one.shape for name, one in values.items()} == wanted
    assert report.filled == len(wanted)
    used = len(given) - len(report.left_out)
    assert used == report.filled
    spare = ("num_batches_tracked", "AuxLogits", "aux1", "aux2")
    assert all(any(word in name for word in spare) for name in report.left_out)
    assert not report.folded


@pytest.mark.parametrize(
    ("peer", "options"),
    [
        ("torchvision_googlenet", {"aux": True}),
        ("torchvision_inception_v3", {"aux": True}),
    ],
)
def test_auxiliary_heads_are_filled_where_the_network_has_them(peer, options):
    chosen = weights.find_weights(*PEERS[peer])
    given = {n: np.zeros(s, "float32") for n, s in shapes(peer).items()}
    _, report = convert(network_of(chosen, **options), given, RULES[chosen.rules])
    assert all(name.endswith("tracked") for name in report.left_out)


def randomise(model, rng):
    """Weights of a trained network's size; some gammas are negative."""
    for layer in model.layers:
        values = {one.name: tuple(one.shape) for one in layer.weights}
        if isinstance(layer, keras.layers.BatchNormalization):
            made = {
                "gamma": rng.uniform(0.6, 1.4, layer.moving_mean.shape)
                * rng.choice([-1, 1], layer.moving_mean.shape, p=[0.15, 0.85]),
                "beta": rng.normal(0, 0.2, layer.moving_mean.shape),
                "moving_mean": rng.normal(0, 0.2, layer.moving_mean.shape),
                "moving_variance": rng.uniform(0.5, 1.5, layer.moving_mean.shape),
            }
            layer.set_weights([made[name] for name in values])
        elif values:
            layer.set_weights(
                [
                    rng.normal(0, 0.1, shape)
                    if len(shape) == 1
                    else rng.normal(0, (1.5 / np.prod(shape[:-1])) ** 0.5, shape)
                    for shape in values.values()
                ]
            )


def keras_tensors(model):
    """As Keras' old files call them."""
    return {
        f"{layer.name}/{one.name}": keras.ops.convert_to_numpy(one)
        for layer in model.layers
        for one in layer.weights
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "twin", "size", "folds"),
    [
        # Grids that are odd on one axis and even on the other at every stride.
        ("vgg16", "VGG16", (37, 64), False),
        ("resnet50", "ResNet50", (65, 96), True),
        ("inception_v3", "InceptionV3", (107, 118), False),
        ("inception_resnet_v2", "InceptionResNetV2", (107, 118), False),
        ("xception", "Xception", (83, 98), False),
    ],
)
def test_outputs_equal_those_of_keras_applications(network, twin, size, folds):
    keras.backend.clear_session()
    rng = np.random.default_rng(0)
    chosen = weights.find_weights(network, "keras")
    options = {"input_shape": (*size, 3), "classes": 10}
    options["classifier_activation"] = None
    theirs = getattr(keras.applications, twin)(weights=None, **options)
    randomise(theirs, rng)
    ours = kerazoo.create(network, **options, **chosen.options)
    values, report = convert(ours, keras_tensors(theirs), RULES[chosen.rules])
    for layer in ours.layers:
        layer.set_weights([values[f"{layer.name}/{w.name}"] for w in layer.weights])
    assert bool(report.folded) == folds
    images = rng.normal(size=(2, *size, 3)).astype("float32")
    # Calls: predict would have XLA compile either network first, for half a minute.
    expected = np.asarray(theirs(images, training=False))
    found = np.asarray(ours(images, training=False))
    assert expected.std() > 1e-2
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    keras.backend.clear_session()


def test_a_table_is_gone_through_row_by_row():
    rules = Rules(
        style="torch",
        rows=(
            Rename(r"^layer(\d)\.(\d+)\.", "stage<1>_block<2+1>_"),
            Rename("^fc$", "predictions"),
        ),
    )
    from kerazoo.weights.conversion import layer_names

    names = ["layer2.9.conv1", "layer2.9.conv1.bn", "fc"]
    assert layer_names(names, None, rules) == {
        "layer2.9.conv1": "stage2_block10_conv1",
        "layer2.9.conv1.bn": "stage2_block10_bn1",
        "fc": "predictions",
    }


@pytest.mark.parametrize(
    ("convolution", "norm"),
    [
        ("stem_conv1", "stem_bn1"),
        ("conv1", "bn1"),
        ("conv2_reduce", "conv2_reduce_bn"),
        ("inception_resnet_a1_up", "inception_resnet_a1_up_bn"),
    ],
)
def test_a_batch_norm_is_called_after_its_convolution(convolution, norm):
    from kerazoo.blocks.conv import sibling

    assert batch_norm_of(convolution) == norm == sibling(convolution, "bn")


@pytest.fixture(scope="module")
def small():
    return kerazoo.resnet20_cifar(shortcut="B")


def converted(model, given):
    return convert(model, given, RULES["resnet_torch"])


def test_a_tensor_too_many(small):
    given = random_tensors(shapes("chenyaofo_resnet20"))
    given["layer4.0.conv1.weight"] = np.zeros((64, 64, 3, 3), "float32")
    with pytest.raises(ValueError, match=r"no place for layer4\.0\.conv1\.weight of"):
        converted(small, given)


def test_a_tensor_too_few(small):
    given = random_tensors(shapes("chenyaofo_resnet20"))
    del given["layer3.2.bn2.running_mean"]
    with pytest.raises(ValueError, match="nothing for stage3_block3_bn2/moving_mean"):
        converted(small, given)


def test_two_tensors_of_one_variable(small):
    given = random_tensors(shapes("chenyaofo_resnet20"))
    given["linear.bias"] = given["fc.bias"]
    with pytest.raises(
        ValueError, match=r"linear\.bias and another .*predictions/bias"
    ):
        converted(small, given)


def test_counting_finds_another_number_of_layers():
    model = kerazoo.vgg11(input_shape=(32, 32, 3), classes=2)
    given = random_tensors({f"features.{n}.weight": (8, 8, 3, 3) for n in range(3)})
    with pytest.raises(ValueError, match=r"3 layers such as features\.0, and .* 8 "):
        convert(model, given, RULES["vgg_torch"])


def test_biases_before_batch_norms_are_folded(small):
    """bn(conv(x) + bias) is bn(conv(x)) with a lower mean."""
    given = random_tensors(shapes("chenyaofo_resnet20"))
    given["layer1.0.conv1.bias"] = np.arange(16, dtype="float32")
    values, report = converted(small, given)
    np.testing.assert_allclose(
        values["stage1_block1_bn1/moving_mean"],
        given["layer1.0.bn1.running_mean"] - np.arange(16),
        rtol=1e-6,
    )
    assert report.folded == (
        "the biases of 1 convolution were taken off the moving means behind them",
    )


@pytest.mark.parametrize(
    ("given", "layer", "shape"),
    [
        # A dense layer behind a flattened map, and one that is a convolution here.
        ((5, 2 * 3 * 4), "dense", (24, 5)),
        ((6, 2 * 3 * 4), "whole", (3, 4, 2, 6)),
        # A convolution as large as the map, that is a dense layer here.
        ((5, 2, 3, 4), "dense", (24, 5)),
    ],
)
def test_a_flattened_map_goes_from_channels_first_to_last(given, layer, shape):
    from keras import layers

    inputs = keras.Input((3, 4, 2))
    dense = layers.Dense(5, use_bias=False, name="dense")
    whole = layers.Conv2D(6, (3, 4), use_bias=False, name="whole")
    outputs = [dense(layers.Flatten()(inputs)), whole(inputs)]
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    tensor = rng.normal(size=given).astype("float32")
    other = {"dense": "whole", "whole": "dense"}[layer]
    shapes = {"dense": (5, 24), "whole": (6, 2, 3, 4)}
    tensors = {f"{layer}.weight": tensor, f"{other}.weight": np.zeros(shapes[other])}
    values, _ = convert(model, tensors, Rules(style="torch", rows=()))
    found = values[f"{layer}/kernel"]
    assert found.shape == shape
    image = rng.normal(size=(3, 4, 2))
    expected = tensor.reshape(given[0], -1) @ image.transpose(2, 0, 1).ravel()
    np.testing.assert_allclose(
        image.ravel() @ found.reshape(24, -1), expected, rtol=1e-5, atol=1e-6
    )


def test_rows_are_well_formed():
    """Every pattern compiles, and no template asks for a group that is not there."""
    for rules in RULES.values():
        for row in rules.rows:
            groups = re.compile(row.pattern).groups
            if isinstance(row, InOrder):
                re.compile(row.layers)
                continue
            asked = [int(n) for n in re.findall(r"<(\d)", row.layer)]
            assert max(asked, default=0) <= groups, row

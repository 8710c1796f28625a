"""The catalogue: names, options, hashes, and what it says of preprocessing."""

import re
import subprocess
import sys

import pytest

from kerazoo import registry, weights
from kerazoo.weights.rules import RULES

SETS = weights.list_weights()


def test_every_set_is_of_a_network_that_has_its_options():
    for one in SETS:
        card = registry.find(one.network)
        assert card.read_options(one.options) == dict(one.options), one
        height, width, channels = one.preprocessing.image_shape
        assert min(height, width) >= card.minimum
        assert channels == len(one.preprocessing.std)
        assert one.rules == "kerazoo" or one.rules in RULES
        assert one.licence
        assert one.source


def test_files_are_told_apart():
    files = [one.file for one in SETS if one.file]
    files += [one.without_top for one in SETS if one.without_top]
    assert len({file.name for file in files}) == len(files)
    assert len({file.url for file in files}) == len(files)


def test_a_hash_stands_where_its_publisher_gives_one():
    """The hub's files and facenet's have none that could be copied."""
    for one in SETS:
        if one.file and not one.name.startswith(("timm/", "facenet/")):
            assert one.file.hash or one.file.unpacked_hash, one
        digits = re.search(
            r"-([0-9a-f]{8})\.(pth|th|pt)$", one.file.name if one.file else ""
        )
        if digits and one.file.hash:
            assert one.file.hash.digits == digits[1]


def test_figures_are_shares():
    for one in SETS:
        for figure in one.accuracy:
            known = [n for n in (figure.top1, figure.top5) if n is not None]
            assert known
            assert all(0.5 < number <= 1 for number in known), one


@pytest.mark.parametrize(
    ("network", "name", "found"),
    [
        ("resnet50", "imagenet", "keras"),
        ("resnet50", "timm/a1_in1k", "timm/a1_in1k"),
        ("resnet18", "imagenet", "torchvision/imagenet1k_v1"),
        ("resnet20_cifar", "cifar10", "akamaster/cifar10"),
        ("resnet20_cifar", "cifar100", "chenyaofo/cifar100"),
        ("inception_resnet_v1", "imagenet", "pytorchcv"),
        ("inception_resnet_v1", "vggface2", "facenet/vggface2"),
        ("preresnet101", "imagenet", "timm/a1h_in1k"),
    ],
)
def test_a_name_and_what_stands_for_its_data(network, name, found):
    assert weights.find_weights(network, name).name == found


def test_no_default_is_for_non_commercial_use_alone():
    for name in registry.list_models():
        for one in weights.list_weights(name)[:1]:
            assert "non-commercial" not in one.licence or name == "nin_imagenet"


@pytest.mark.parametrize(
    ("network", "name", "words"),
    [
        ("resnet50", "timm/a1", "did you mean timm/a1_in1k or timm/a1h_in1k"),
        ("resnet50", "imagnet", "did you mean imagenet"),
        ("dsn", "cifar10", "no trained weights of dsn are known; give the path"),
        ("resnet5", "imagenet", "Unknown network 'resnet5'"),
        ("resnet50", "", "name is ''; it must be a name"),
    ],
)
def test_a_name_that_is_not_there(network, name, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        weights.find_weights(network, name)


def test_the_catalogue_is_read_without_keras():
    code = (
        "import sys, kerazoo; from kerazoo import weights; "
        "assert weights.find_weights('vgg16', 'imagenet').classes == 1000; "
        "assert not {'keras', 'tensorflow', 'jax', 'torch'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_records_are_said_in_words():
    one = weights.find_weights("resnet50", "timm/a1_in1k")
    assert str(one.preprocessing) == (
        "the middle 0.95 of the shorter side at 224x224, bicubic; RGB, minus 123.675, "
        "116.28, 103.53, by 58.395, 57.12, 57.375"
    )
    assert [*map(str, one.accuracy)] == [
        "80.38 / 94.60 % at 224 (crop 0.95)",
        "81.24 / 95.11 % at 288 (crop 1)",
    ]
    assert str(weights.find_weights("preresnet152", "imagenet").accuracy[0]) == (
        "? / 95.36 % at 224 (crop 0.875)"
    )
    assert weights.find_weights("vgg16", "keras").to_dict()["file"]["hash"] == {
        "algorithm": "md5",
        "digits": "64373286793e3c8b2b4e3219cbf3544b",
    }

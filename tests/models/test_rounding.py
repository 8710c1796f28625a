"""How the grids of the Caffe years round, held against formulas worked by hand.

Caffe and cuda-convnet round the places of a pooling up, ``ceil((n + 2p - k) / s) + 1``,
and drop a last window that would begin beyond the image and its padding; Torch and
Keras round down. Convolutions round down in Caffe as in Torch.
"""

import pytest

import kerazoo
from kerazoo.symbolic import symbolic


def conv(n, k, s=1, p=0):
    return (n + 2 * p - k) // s + 1


def up(n, k, s, p=0):
    """``PoolingLayer::Reshape`` of Caffe."""
    places = -((k - n - 2 * p) // s) + 1
    # Without padding, as in all of these, the window is never dropped.
    return places - 1 if p and (places - 1) * s >= n + p else places


def down(n, k, s):
    return (n - k) // s + 1


def halves(rule, count):
    """Poolings of 2x2 behind convolutions that keep the grid."""
    return [lambda n: n] + [lambda n: rule(n, 2, 2)] * count


def thirds(*convolutions):
    """Each step a convolution, then Caffe's pooling of 3x3 with stride 2."""
    steps = []
    for convolution in convolutions:
        steps += [convolution, lambda n: up(n, 3, 2)]
    return steps


def same(n):
    return n


# Network: options, what changes the grid by the reference, and image sizes.
ALEXNET = thirds(lambda n: conv(n, 11, 4), same, same)
ZFNET = thirds(lambda n: conv(n, 7, 2, 1), lambda n: conv(n, 5, 2), same)
GOOGLENET = [lambda n: conv(n, 7, 2, 3)] + [lambda n: up(n, 3, 2)] * 4
NIN = thirds(same, same)
FAST = [
    lambda n: conv(n, 11, 4), lambda n: down(n, 2, 2), lambda n: conv(n, 5),
    lambda n: down(n, 2, 2), lambda n: down(n, 2, 2),
]  # fmt: skip
ACCURATE = [
    lambda n: conv(n, 7, 2), lambda n: down(n, 3, 3), lambda n: conv(n, 7),
    lambda n: down(n, 2, 2), lambda n: down(n, 3, 3),
]  # fmt: skip
OWT = [
    lambda n: conv(n, 11, 4, 2), lambda n: down(n, 3, 2), lambda n: down(n, 3, 2),
    lambda n: down(n, 3, 2),
]  # fmt: skip
ALL_CNN = [same, lambda n: conv(n, 3, 2, 1), lambda n: conv(n, 3, 2, 1),
           lambda n: conv(n, 3)]  # fmt: skip
LARGE, SMALL = (199, 224, 225, 226, 227, 231, 256, 320), (29, 31, 32, 33, 35, 48)
NETWORKS = {
    "alexnet": (ALEXNET, LARGE),
    "alexnet(groups=2)": (ALEXNET, LARGE),
    "alexnet_owt": (OWT, LARGE),
    "zfnet": (ZFNET, LARGE),
    "overfeat_fast": (FAST, (*LARGE, 245, 281)),
    "overfeat_accurate": (ACCURATE, (*LARGE, 245, 281)),
    "vgg11": (halves(up, 5), LARGE),
    "vgg11_lrn": (halves(up, 5), LARGE),
    "vgg16": (halves(up, 5), LARGE),
    "vgg11(pool_mode='floor')": (halves(down, 5), LARGE),
    "vgg11_bn": (halves(down, 5), LARGE),
    "googlenet": (GOOGLENET, LARGE),
    "bn_googlenet": (GOOGLENET, LARGE),
    "nin_imagenet": (ALEXNET, LARGE),
    "nin_cifar": (NIN, SMALL),
    "dsn": (NIN, SMALL),
    "highway19": (halves(up, 2), SMALL),
    "fitnet4": (halves(up, 2), SMALL),
    "fitresnet4": (halves(up, 2), SMALL),
    "all_cnn_c": (ALL_CNN, SMALL),
    "elu11": (halves(up, 6), SMALL),
    "fractalnet20": (halves(up, 5), SMALL),
    "fractalnet20(pool_before_join=True)": (halves(up, 5), SMALL),
}
ROWS = [(row, size) for row, (_, sizes) in NETWORKS.items() for size in sizes]


def by_hand(row, size):
    grids = []
    for step in NETWORKS[row][0]:
        size = step(size)
        grids.append(size)
    return grids


def built(row, size):
    """The side of every grid, in the order of the layers."""
    name, _, options = row.rstrip(")").partition("(")
    words = dict(word.split("=") for word in options.split(", ") if word)
    options = kerazoo.find(name).parse_options(
        {key: text.strip("'") for key, text in words.items()}
    )
    channels = kerazoo.find(name).input_shape[2]
    model = symbolic(
        lambda: kerazoo.create(
            name, input_shape=(size, size, channels), include_top=False, **options
        )
    )
    shapes = [x.output.shape for x in model.layers[1:] if "pad" not in x.name]
    return [shape[1] for shape in shapes if len(shape) == 4]


def steps(sides):
    """Sides without repetitions in a row."""
    return [n for i, n in enumerate(sides) if not i or n != sides[i - 1]]


@pytest.mark.parametrize(("row", "size"), ROWS)
def test_grids(row, size):
    assert steps(built(row, size)) == steps(by_hand(row, size))


def test_hand_worked():
    """The formula itself, from the papers' own tables."""
    assert by_hand("alexnet", 227) == [55, 27, 27, 13, 13, 6]
    assert by_hand("alexnet", 224) == [54, 27, 27, 13, 13, 6]
    assert by_hand("alexnet", 231) == [56, 28, 28, 14, 14, 7]
    assert by_hand("zfnet", 224) == [110, 55, 26, 13, 13, 6]
    assert by_hand("googlenet", 224) == [112, 56, 28, 14, 7]
    assert by_hand("vgg16", 227) == [227, 114, 57, 29, 15, 8]
    assert by_hand("vgg11_bn", 227) == [227, 113, 56, 28, 14, 7]
    assert by_hand("overfeat_fast", 231) == [56, 28, 24, 12, 6]
    assert by_hand("overfeat_accurate", 221) == [108, 36, 30, 15, 5]
    # A padded pooling of Caffe loses the window that would begin in the padding.
    assert up(3, 2, 2, 1) == 2
    assert up(4, 3, 2, 1) == 3


@pytest.mark.parametrize("size", [224, 227])
def test_alexnet_has_its_weights_at_both_sizes(size):
    """With the rounding of the authors' code 224 pixels cost what 227 do."""
    model = symbolic(lambda: kerazoo.alexnet(input_shape=(size, size, 3), groups=2))
    assert kerazoo.ledger(model).trainable == 60_965_224

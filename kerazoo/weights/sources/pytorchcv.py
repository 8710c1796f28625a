"""pytorchcv (osmr/imgclsmob): the widest source of the exact networks, under MIT.

From its ``model_store.py``; errors from the repository's metadata. A file's name ends
in its error in hundredths of a percent and the head of its SHA-1, which is that of the
unpacked file. CIFAR-100 and SVHN have sets of the same form that are not listed here.
"""

from collections.abc import Iterator

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import IMAGENET, WeightSet
from kerazoo.weights.sources.reading import error, images

URL = "https://github.com/osmr/imgclsmob/releases/download/v0.0."
# Network, pytorchcv's name, release 0.0.N, SHA-1, top-1 / top-5 error in %.
TABLE = """
alexnet             alexnet                481 2768cdb312d584e33e93f31b0c569589bb289749 38.50/16.64
alexnet_owt         alexnetb               485 ac887bf7eada4179857d243584ac30b4d74a6493 39.74/17.47
zfnet               zfnet                  395 d010ddca1eb32a50a8cceb475c792f53e769b631 39.79/17.27
zfnet_wide          zfnetb                 400 f6bec24eba037c8e4956704ed5bafaed29966601 36.37/14.90
vgg11               vgg11                  381 71e85f6ef76f56e3e89d597d2fc461496ed281e9 29.90/10.36
vgg13               vgg13                  388 2b2c8770a7610d9dcd444ec8ae992681e270eb42 28.76/9.75
vgg16               vgg16                  401 5ca155da3dc6687e070ff34815cb5aabd0bed4b9 26.98/8.65
vgg19               vgg19                  420 9bd923a82ece9f038e944d7666f1c11b478dc7e6 25.74/7.90
vgg11_bn            bn_vgg11               339 10f01fba064ec168df074b98d59ae7b82b1207d4 29.01/9.61
vgg11_bn            bn_vgg11b              407 ef747edc87705e1ed500a31c80199273b2fbd5fa ?/9.96
vgg13_bn            bn_vgg13               353 b1acd7158e6e9973ce9e274c65ceb64a244f9967 ?/9.13
vgg13_bn            bn_vgg13b              488 5f313c535fc47c3ad6bd2f741f453dbcf8191be6 ?/9.24
vgg16_bn            bn_vgg16               359 0f570b928b180f909fa39df3924f89c746816722 25.72/7.79
vgg16_bn            bn_vgg16b              489 bfff365ac38a763aaed4b4d9bdc7b2cdbe6c8e9f 25.97/7.95
vgg19_bn            bn_vgg19               360 3f286cbd2a57abb4c516425c5e095c2cfc8d54e3 24.13/7.12
vgg19_bn            bn_vgg19b              490 f523b4e4b070a170f63e9bb6965fca3764751aa9 ?/7.46
bn_inception        bninception            405 d79ba5f573ba2da5fea5e4c9a7f67ddd526e234b 25.37/7.74
resnet18            resnet18               478 77a56f155214819bfc79ff09795370f955b20e6d 26.94/8.96
resnet34            resnet34               291 3f775482a327e5fc4850fbb77785bfc55e171e5f 24.84/7.80
resnet50            resnet50               329 b00d1c8e52aa7a2badc705b1545aaf6ccece6ce9 22.28/6.33
resnet50            resnet50b              308 8a5473ef985d65076a3758117ad5700d726bd952 22.39/6.38
resnet101           resnet101              499 65faf44721096a75fa72b875efb416513f864078 ?/5.40
resnet101           resnet101b             357 f059ba3c7fa4a65f2da6e17f3718662d59836637 ?/5.30
resnet152           resnet152              518 d46977ddb5660bb523e9f2de50e5d16cef8e3027 ?/4.68
resnet152           resnet152b             517 2f420307673264444e8457e2050b5d6b131002d7 ?/4.45
preresnet50         preresnet50            330 222ca73b021f893b925c15e24ea2a6bc0fdf2546 ?/6.47
preresnet50         preresnet50b           307 8b60378ee3aed878d27a2b4a9ddc596a812c7649 ?/6.55
preresnet101        preresnet101           504 8ec82f7d697b7329aea2c95b399093e9cb2b1114 ?/5.63
preresnet101        preresnet101b          351 76bfe6d020b55f163e77de6b1c27be6b0bed8b7b ?/5.56
preresnet152        preresnet152           510 baeb6c5208310ab7c919fc0da3c20267471a8fa1 ?/4.64
preresnet152        preresnet152b          523 42c9fbcfe4e92463497fa4c2d0b007a191c6c043 ?/4.59
preresnet200        preresnet200b          529 f82215f3a5616098e8172a85bb42071f1823a27d ?/4.68
xception            xception               544 a75b50eceb5fdfb1e1bfaada6820a448ce40e593 20.35/5.16
inception_v3        inceptionv3            552 025fb71c673f8e325f4c24f25cbd4185540cca72 20.44/5.33
inception_v4        inceptionv4            543 4ae4f331a5ff649e39626fc49cd5c24b8159cd8c 19.83/4.88
inception_resnet_v1 inceptionresnetv1      552 f8b3e9e369ff38e28b4ae4def273ef78741e2e28 19.63/4.80
inception_resnet_v2 inceptionresnetv2      547 19f51781f8a454803207e319289f404d50e252cb 19.40/4.74
nin_cifar           nin_cifar10            175 795b082470b58c1aa94e2f861514b7914f6e2f58 7.43
resnet20_cifar      resnet20_cifar10       163 9b0024ac4c2f374cde2c5052e0d0344a75871cdb 5.97
resnet56_cifar      resnet56_cifar10       163 628c42a26fe347b84060136212e018df2bb35e0f 4.52
resnet110_cifar     resnet110_cifar10      163 4d6ca1fc02eaeed724f4f596011e391528536049 3.69
resnet1202_cifar    resnet1202_cifar10     214 1d5a21290117903fb5fd6ba59f3f7e7da7c08836 3.53
preresnet164_cifar  preresnet164bn_cifar10 196 429012d412e82df7961fa071f97c938530e1b005 3.64
preresnet1001_cifar preresnet1001_cifar10  209 9fedfe5fd643e7355f1062a6db68da310c8962be 2.65
"""
# The rules and options of a network, by the beginning of its name; the longest counts.
FLOOR = {"pool_mode": "floor"}
NETWORKS = {
    "alexnet": ("alexnet_pytorchcv", {"lrn_alpha_mode": "mean"}),
    "alexnet_owt": ("alexnet_pytorchcv", {}),
    "zfnet": (
        "alexnet_pytorchcv",
        {"lrn_alpha_mode": "mean", "norm_order": "norm_pool"},
    ),
    "vgg": ("vgg_pytorchcv", FLOOR),
    "bn_inception": (
        "bn_inception_pytorchcv",
        {"pool_proj": "table", "conv_bias": True, "avg_count_pad": True},
    ),
    "resnet": ("resnet_pytorchcv", {}),
    "preresnet": ("preresnet_pytorchcv", {"first_unit": "pre_activation"}),
    "xception": (
        "xception_pytorchcv",
        {"pool_padding": "symmetric", "bn_epsilon": 1e-5},
    ),
    "inception_v3": ("inception_v3_pytorchcv", {"avg_count_pad": True}),
    "inception_v4": ("inception_v4_pytorchcv", {}),
    "inception_resnet_v1": ("inception_resnet_pytorchcv", {"variant": "facenet"}),
    "inception_resnet_v2": ("inception_resnet_pytorchcv", {}),
    "nin_cifar": (
        "nin_pytorchcv",
        {"second_pool": "avg", "pool_padding": "symmetric"},
    ),
}
# Of the inceptions.
LARGE = ("xception", "inception_v", "inception_resnet")


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table."""
    for row in TABLE.strip().splitlines():
        network, name, release, sha1, figures = row.split()
        data = "cifar10" if "cifar" in name else "imagenet"
        size = "299" if network.startswith(LARGE) else "224"
        size = "227" if network == "alexnet" else size
        place = "32" if data == "cifar10" else f"{size}@0.875"
        best = error(f"{place}:{figures}")
        worst = round(10_000 * (1 - (best.top5 or best.top1 or 0)))
        file = f"{name}-{worst:04d}-{sha1[:8]}.pth.zip"
        tag = "/cifar10" if data == "cifar10" else "/b" * _is_second(network, name)
        yield WeightSet(
            network=network,
            name=f"pytorchcv{tag}",
            data=data,
            classes=10 if data == "cifar10" else 1000,
            rules=_family(network)[0],
            options=_options(network, name),
            preprocessing=images(place, **IMAGENET),
            file=RemoteFile(
                url=f"{URL}{release}/{file}",
                name=file,
                unpacked_hash=Hash(algorithm="sha1", digits=sha1),
            ),
            accuracy=(best,),
            licence="MIT",
            source="pytorchcv, GitHub release",
        )


def _family(network):
    return NETWORKS[max((n for n in NETWORKS if network.startswith(n)), key=len)]


def _is_second(network, name):
    """Whether it is the second set of a network: of a ``b`` that is no network."""
    return name.endswith("b") and not network.startswith(("alexnet", "zfnet"))


def _options(network, name):
    options = dict(_family(network)[1])
    if network.endswith("_bn"):
        # Those that are called b have a bias before the batch norm.
        return {"conv_bias": name.endswith("b")}
    if network in ("resnet50", "resnet101", "resnet152") or "preresnet" in network:
        # Of ImageNet's the b is Facebook's reading.
        facebook = name.endswith("b") or "cifar" in name
        options["stride_in"] = "3x3" if facebook else "1x1"
    if network.endswith("_cifar") and network.startswith("resnet"):
        options["shortcut"] = "B"
    if network.endswith("_cifar") and network.startswith("preresnet"):
        del options["first_unit"]
    return options

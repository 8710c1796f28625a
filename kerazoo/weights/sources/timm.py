"""Ross Wightman's timm on the Hugging Face hub: recipes of 2021 on the classic bodies.

From the package's ``default_cfgs`` and its table of results for ImageNet's validation
images. The hub's files answer a HEAD request with their SHA-256; nobody has written
it down in a place that could be copied from, so that the one which is seen first counts
(:func:`kerazoo.weights.download.fetch`). ``resnet50.bamboo`` is left out: it has no
licence and no classifier for ImageNet.
"""

from collections.abc import Iterator

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import HALVES, IMAGENET, WeightSet
from kerazoo.weights.sources.reading import accuracy, images

LICENCES = {
    "apache": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "cc-by-nc": "CC-BY-NC-4.0, non-commercial",
}
# timm's network: kerazoo's, its rules and options.
BOTTLENECKS = {"stride_in": "3x3"}
NETWORKS = {
    **{f"resnet{n}": (f"resnet{n}", "resnet_torch", {}) for n in (18, 34)},
    **{
        f"resnet{n}": (f"resnet{n}", "resnet_torch", BOTTLENECKS)
        for n in (50, 101, 152)
    },
    **{
        f"resnetv2_{n}": (f"preresnet{n}", "resnetv2_timm", {"stem": "pool_first"})
        for n in (50, 101)
    },
    **{
        f"vgg{n}{bn}": (f"vgg{n}{bn}", "vgg_torch", options)
        for n in (11, 13, 16, 19)
        for bn, options in (("", {"pool_mode": "floor"}), ("_bn", {"conv_bias": True}))
    },
    "inception_v3": ("inception_v3", "inception_v3_torch", {"avg_count_pad": True}),
    "inception_v4": ("inception_v4", "inception_v4_timm", {}),
    "inception_resnet_v2": ("inception_resnet_v2", "inception_resnet_v2_timm", {}),
}
# Network, tag, licence, interpolation, mean and standard deviation (ImageNet's, or a
# half), and for each size, the trained one first, the share of the shorter side that
# is seen: top-1 / top-5.
TABLE = """
inception_resnet_v2 tf_ens_adv_in1k         apache   cubic  half 299@0.8975:79.998/94.940
inception_resnet_v2 tf_in1k                 apache   cubic  half 299@0.8975:80.434/95.312
inception_v3        gluon_in1k              apache   cubic  in   299@0.875:78.806/94.372
inception_v3        tf_adv_in1k             apache   cubic  half 299@0.875:77.598/93.726
inception_v3        tf_in1k                 apache   cubic  half 299@0.875:77.866/93.644
inception_v3        tv_in1k                 apache   cubic  half 299@0.875:77.472/93.468
inception_v4        tf_in1k                 apache   cubic  half 299@0.875:80.144/94.982
resnet18            a1_in1k                 apache   cubic  in   224@0.95:71.504/90.086 288@1:73.164/91.054
resnet18            a2_in1k                 apache   cubic  in   224@0.95:70.634/89.486 288@1:72.364/90.620
resnet18            a3_in1k                 apache   cubic  in   160@0.95:65.670/86.268 224@0.95:68.250/88.172
resnet18            fb_ssl_yfcc100m_ft_in1k cc-by-nc linear in   224@0.875:72.636/91.416
resnet18            fb_swsl_ig1b_ft_in1k    cc-by-nc linear in   224@0.875:73.286/91.754
resnet18            gluon_in1k              apache   cubic  in   224@0.875:70.844/89.750
resnet18            tv_in1k                 bsd      linear in   224@0.875:69.752/89.082
resnet34            a1_in1k                 apache   cubic  in   224@0.95:76.420/92.896 288@1:77.930/93.758
resnet34            a2_in1k                 apache   cubic  in   224@0.95:75.520/92.454 288@1:77.150/93.288
resnet34            a3_in1k                 apache   cubic  in   160@0.95:70.580/89.540 224@0.95:72.996/91.116
resnet34            bt_in1k                 apache   cubic  in   224@0.875:75.176/92.166 288@0.95:76.506/93.342
resnet34            gluon_in1k              apache   cubic  in   224@0.875:74.574/91.988
resnet34            ra4_e3600_r224_in1k     apache   cubic  half 224@0.9:77.492/93.498 288@1:78.972/94.454
resnet34            tv_in1k                 bsd      linear in   224@0.875:73.298/91.422
resnet50            a1_in1k                 apache   cubic  in   224@0.95:80.382/94.598 288@1:81.240/95.112
resnet50            a1h_in1k                apache   cubic  in   176@0.9:79.264/94.498 224@1:80.654/95.312
resnet50            a2_in1k                 apache   cubic  in   224@0.95:79.828/94.560 288@1:80.774/94.978
resnet50            a3_in1k                 apache   cubic  in   160@0.95:75.994/92.494 224@0.95:78.052/93.780
resnet50            am_in1k                 apache   cubic  in   224@0.875:79.004/94.392
resnet50            b1k_in1k                apache   cubic  in   224@0.95:79.564/94.622 288@1:80.708/95.430
resnet50            b2k_in1k                apache   cubic  in   224@0.95:79.388/94.580 288@1:80.466/95.306
resnet50            bt_in1k                 apache   cubic  in   224@0.875:78.444/94.274 288@0.95:79.652/94.908
resnet50            c1_in1k                 apache   cubic  in   224@0.95:79.766/94.954 288@1:80.928/95.554
resnet50            c2_in1k                 apache   cubic  in   224@0.95:79.868/94.862 288@1:80.862/95.530
resnet50            d_in1k                  apache   cubic  in   224@0.95:79.904/94.666 288@1:81.012/95.456
resnet50            fb_ssl_yfcc100m_ft_in1k cc-by-nc linear in   224@0.875:79.252/94.826
resnet50            fb_swsl_ig1b_ft_in1k    cc-by-nc linear in   224@0.875:81.146/95.980
resnet50            gluon_in1k              apache   cubic  in   224@0.875:77.580/93.704
resnet50            ra_in1k                 apache   cubic  in   224@0.875:78.820/94.314 288@0.95:79.864/94.970
resnet50            ram_in1k                apache   cubic  in   224@0.875:79.034/94.386 288@0.95:79.982/95.038
resnet50            tv2_in1k                bsd      linear in   176@0.875:79.434/94.640 224@0.965:80.846/95.430
resnet50            tv_in1k                 bsd      linear in   224@0.875:76.156/92.866
resnet101           a1_in1k                 apache   cubic  in   224@0.95:81.494/95.164 288@1:82.326/95.630
resnet101           a1h_in1k                apache   cubic  in   224@0.95:81.950/95.760 288@1:82.796/96.324
resnet101           a2_in1k                 apache   cubic  in   224@0.95:81.344/95.198 288@1:82.218/95.740
resnet101           a3_in1k                 apache   cubic  in   160@0.95:77.928/93.686 224@0.95:79.836/94.608
resnet101           gluon_in1k              apache   cubic  in   224@0.875:79.306/94.538
resnet101           tv2_in1k                bsd      linear in   176@0.875:79.908/94.606 224@0.965:81.906/95.768
resnet101           tv_in1k                 bsd      linear in   224@0.875:77.404/93.552
resnet152           a1_in1k                 apache   cubic  in   224@0.95:81.998/95.294 288@1:82.742/95.734
resnet152           a1h_in1k                apache   cubic  in   224@0.95:82.818/96.124 288@1:83.494/96.522
resnet152           a2_in1k                 apache   cubic  in   224@0.95:81.764/95.270 288@1:82.614/95.748
resnet152           a3_in1k                 apache   cubic  in   160@0.95:78.896/94.140 224@0.95:80.548/95.004
resnet152           gluon_in1k              apache   cubic  in   224@0.875:79.712/94.720
resnet152           tv2_in1k                bsd      linear in   176@0.875:80.222/94.650 224@0.965:82.294/96.000
resnet152           tv_in1k                 bsd      linear in   224@0.875:78.330/94.046
resnetv2_50         a1h_in1k                apache   cubic  half 224@0.95:80.410/95.082 288@1:81.406/95.712
resnetv2_101        a1h_in1k                apache   cubic  half 224@0.95:82.042/95.866 288@1:83.002/96.444
vgg11               tv_in1k                 bsd      linear in   224@0.875:69.050/88.630
vgg11_bn            tv_in1k                 bsd      linear in   224@0.875:70.374/89.802
vgg13               tv_in1k                 bsd      linear in   224@0.875:69.950/89.262
vgg13_bn            tv_in1k                 bsd      linear in   224@0.875:71.560/90.372
vgg16               tv_in1k                 bsd      linear in   224@0.875:71.594/90.398
vgg16_bn            tv_in1k                 bsd      linear in   224@0.875:73.354/91.490
vgg19               tv_in1k                 bsd      linear in   224@0.875:72.400/90.878
vgg19_bn            tv_in1k                 bsd      linear in   224@0.875:74.230/91.848
"""
INTERPOLATIONS = {"cubic": "bicubic", "linear": "bilinear"}
PIXELS = {"in": IMAGENET, "half": HALVES}


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table, and the one that is not on the hub."""
    for row in TABLE.strip().splitlines():
        model, tag, licence, interpolation, pixels, *accuracies = row.split()
        network, rules, options = NETWORKS[model]
        where = f"https://huggingface.co/timm/{model}.{tag}/resolve/main"
        yield WeightSet(
            network=network,
            name=f"timm/{tag}",
            data="imagenet",
            classes=1000,
            rules=rules,
            options=options,
            preprocessing=images(
                accuracies[0],
                interpolation=INTERPOLATIONS[interpolation],
                **PIXELS[pixels],
            ),
            file=RemoteFile(
                url=f"{where}/model.safetensors",
                name=f"timm-{model}.{tag}.safetensors",
            ),
            accuracy=tuple(map(accuracy, accuracies)),
            licence=LICENCES[licence],
            source="timm, Hugging Face hub",
        )
    yield WeightSet(
        network="xception",
        name="timm/legacy_xception",
        data="imagenet",
        classes=1000,
        rules="xception_cadene",
        options={"pool_padding": "symmetric", "bn_epsilon": 1e-5},
        preprocessing=images("299@0.8975", interpolation="bicubic", **HALVES),
        file=RemoteFile(
            url="https://github.com/rwightman/pytorch-image-models/releases/download/"
            "v0.1-cadene/xception-43020ad28.pth",
            name="xception-43020ad28.pth",
            hash=Hash(algorithm="sha256", digits="43020ad28"),
        ),
        accuracy=(accuracy("299@0.8975:79.058/94.396"),),
        licence="Apache-2.0",
        source="timm, GitHub release",
        note="PyTorch's reading of Keras' network: the file of Keras is the network "
        "of the paper.",
    )

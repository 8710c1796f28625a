"""``keras.applications``: the authors' Caffe weights and TF-slim's Inceptions.

URLs and MD5 from Keras' own source, accuracies from keras.io's table, which gives
neither crop nor interpolation. The licences are those that fchollet's
deep-learning-models gives: the authors' of VGG and ResNet, MIT of Inception v3.
"""

from collections.abc import Iterator
from typing import Any

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import CAFFE, HALVES, WeightSet
from kerazoo.weights.sources.reading import accuracy, images

BASE = "https://storage.googleapis.com/tensorflow/keras-applications"
KERNELS = "weights_tf_dim_ordering_tf_kernels"
SIZES: dict[str, str] = {"caffe": "224@0.875", "tf": "299@0.875"}
PIXELS: dict[str, dict[str, Any]] = {"caffe": CAFFE, "tf": HALVES}
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "vgg": ("vgg_keras", {"pool_mode": "floor"}),
    "resnet": ("resnet_keras", {"stride_in": "1x1"}),
    "inception_v3": ("inception_v3_keras", {"bn_scale": False}),
    "inception_resnet_v2": ("inception_resnet_v2_keras", {"bn_scale": False}),
    "xception": ("xception_keras", {}),
}
# Network, folder, MD5 of the file with the classifier and of that without, top-1/top-5,
# kind of preprocessing, licence.
TABLE = """
vgg16 vgg16 64373286793e3c8b2b4e3219cbf3544b 6d6bbae143d832006294945121d1f1fc 71.3/90.1 caffe CC-BY-4.0
vgg19 vgg19 cbe5617147190e668d6c5d5026f83318 253f8cb515780f3b799900260a226db6 71.3/90.0 caffe CC-BY-4.0
resnet50 resnet 2cb95161c43110f7111970584f804107 4d473c1dd8becc155b73f8504c6f6626 74.9/92.1 caffe MIT
resnet101 resnet f1aeb4b969a6efcfb50fad2f0c20cfc5 88cf7a10940856eca736dc7b7e228a21 76.4/92.8 caffe MIT
resnet152 resnet 100835be76be38e30d865e96f2aaae62 ee4c566cf9a93f14d82f913c2dc6dd0c 76.6/93.1 caffe MIT
inception_v3 inception_v3 9a0d58056eeedaa3f26cb7ebd46da564 bcbd6486424b2319ff4ef7d526e38f63 77.9/93.7 tf MIT
inception_resnet_v2 inception_resnet_v2 e693bd0210a403b3192acc6073ad2e96 d19885ff4a710c122648d3b5c3b684e4 80.3/95.3 tf -
xception xception 0a58e3b7378bc2990ea3b43d5981f1f6 b0042744bf5b25fce3cb969f33bebb97 79.0/94.5 tf -
"""


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table."""
    for row in TABLE.strip().splitlines():
        network, folder, *hashes, figures, kind, licence = row.split()
        names = [f"{network}_{KERNELS}{end}.h5" for end in ("", "_notop")]
        files = [
            RemoteFile(
                url=f"{BASE}/{folder}/{name}",
                name=name,
                hash=Hash(algorithm="md5", digits=digits),
            )
            for name, digits in zip(names, hashes, strict=True)
        ]
        family = network.rstrip("0123456789") if folder != network else network
        family = "vgg" if network.startswith("vgg") else family
        rules, options = RULES[family]
        yield WeightSet(
            network=network,
            name="keras",
            data="imagenet",
            classes=1000,
            rules=rules,
            options=options,
            preprocessing=images(SIZES[kind], **PIXELS[kind]),
            file=files[0],
            without_top=files[1],
            accuracy=(accuracy(figures),),
            licence="not stated" if licence == "-" else licence,
            source="keras.applications",
            proof="outputs equal keras.applications' with the same weights, moving "
            "statistics among them, on even and odd grids",
            note="The source does not say what was cut out of the images; the middle "
            "0.875 is taken here.",
        )

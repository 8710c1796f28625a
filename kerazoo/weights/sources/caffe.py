"""Caffe's model zoo, the authors' VGG, and Network in Network for ImageNet.

From the ``readme.md`` of each model, with its SHA-1. They are served without
encryption, so that the hash is what is trusted. The names within the files are those of
the zoo's ``train_val.prototxt``; no file was at hand to try them on.
"""

from collections.abc import Iterator
from typing import Any

from kerazoo.weights.download import Hash, RemoteFile
from kerazoo.weights.records import CAFFE, WeightSet
from kerazoo.weights.sources.reading import accuracy, images

ZOO = "http://dl.caffe.berkeleyvision.org"
OXFORD = "http://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe"
# Caffe's mean image of ImageNet, averaged.
ZOO_PIXELS = CAFFE | {"mean": (104.0, 117.0, 123.0)}
MEAN = {"lrn_alpha_mode": "mean"}
CAFFENET = MEAN | {"groups": 2, "lrn_k": 1.0}
UNRESTRICTED = "unrestricted use"
# Network, name, file, SHA-1, rules, options, size and figures, pixels, licence.
TABLE: tuple[tuple[Any, ...], ...] = (
    (
        "googlenet", "caffe/bvlc", f"{ZOO}/bvlc_googlenet.caffemodel",
        "405fc5acd08a3bb12de8ee5e23a96bec22f08204", "googlenet_caffe", MEAN,
        "224@0.875:68.7/88.9", ZOO_PIXELS, UNRESTRICTED,
    ),
    (
        "alexnet", "caffe/bvlc", f"{ZOO}/bvlc_alexnet.caffemodel",
        "9116a64c0fbe4459d18f4bb6b56d647b63920377", "alexnet_caffe", CAFFENET,
        "227@0.8867:57.1/80.2", ZOO_PIXELS, UNRESTRICTED,
    ),
    (
        "alexnet", "caffe/caffenet", f"{ZOO}/bvlc_reference_caffenet.caffemodel",
        "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46", "alexnet_caffe",
        CAFFENET | {"norm_order": "pool_norm"},
        "227@0.8867:57.4/80.4", ZOO_PIXELS, UNRESTRICTED,
    ),
    (
        "vgg16", "caffe/vgg", f"{OXFORD}/VGG_ILSVRC_16_layers.caffemodel",
        "9363e1f6d65f7dba68c4f27a1e62105cdf6c4e24", "vgg_caffe", {},
        "224@0.875:71.3/90.1", CAFFE, "CC-BY-4.0",
    ),
    (
        "vgg19", "caffe/vgg", f"{OXFORD}/VGG_ILSVRC_19_layers.caffemodel",
        "239785e7862442717d831f682bb824055e51e9ba", "vgg_caffe", {},
        "224@0.875:71.3/90.0", CAFFE, "CC-BY-4.0",
    ),
    (
        "nin_imagenet", "caffe/nin",
        "https://www.dropbox.com/s/0cidxafrb2wuwxw/nin_imagenet.caffemodel",
        "8e89c8fcd46e02780e16c867a5308e7bb7af0803", "nin_caffe", {},
        "224@0.875:?", ZOO_PIXELS, "non-commercial",
    ),
)  # fmt: skip


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table."""
    for row in TABLE:
        network, name, url, sha1, rules, options, figures, pixels, licence = row
        yield WeightSet(
            network=network,
            name=name,
            data="imagenet",
            classes=1000,
            rules=rules,
            options=options,
            preprocessing=images(figures, **pixels),
            file=RemoteFile(
                url=url,
                name=url.rpartition("/")[2],
                hash=Hash(algorithm="sha1", digits=sha1),
            ),
            accuracy=() if figures.endswith("?") else (accuracy(figures),),
            licence=licence,
            source="VGG, Oxford" if url.startswith(OXFORD) else "Caffe model zoo",
        )

"""facenet-pytorch: Inception-ResNet v1 for faces; its embedding is what is compared."""

from collections.abc import Iterator

from kerazoo.weights.download import RemoteFile
from kerazoo.weights.records import WeightSet
from kerazoo.weights.sources.reading import images

URL = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"
# Data, classes, file.
TABLE = (
    ("vggface2", 8631, "20180402-114759-vggface2.pt"),
    ("casia_webface", 10575, "20180408-102900-casia-webface.pt"),
)


def weight_sets() -> Iterator[WeightSet]:
    """The sets of the table."""
    for data, classes, name in TABLE:
        yield WeightSet(
            network="inception_resnet_v1",
            name=f"facenet/{data}",
            data=data,
            classes=classes,
            rules="facenet",
            options={"variant": "facenet"},
            preprocessing=images("160", mean=(127.5,) * 3, std=(128.0,) * 3),
            file=RemoteFile(url=f"{URL}/{name}", name=name),
            licence="MIT",
            source="timesler/facenet-pytorch",
            note="A face is compared by its embedding, the layer embedding_bn, brought "
            "to length 1; the publisher gives no hash, so that the file which is seen "
            "first counts.",
        )

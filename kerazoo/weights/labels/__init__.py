"""Names of the classes of well-known data."""

import functools
import pathlib

DIGITS = tuple("0123456789")
CIFAR_10 = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR_100 = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach
couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster
house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road
rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip
turtle wardrobe whale willow_tree wolf woman worm
"""
KNOWN = {
    "digits": DIGITS,
    "mnist": DIGITS,
    "cifar10": tuple(CIFAR_10.split()),
    "cifar100": tuple(CIFAR_100.split()),
}


@functools.cache
def imagenet() -> dict[str, str]:
    """The 1,000 classes of ILSVRC in their order: WordNet's number, and a name."""
    text = pathlib.Path(__file__).with_name("imagenet.txt").read_text("utf-8")
    return dict(line.split(" ", 1) for line in text.splitlines())


def labels_of(data: str, classes: int) -> tuple[str, ...]:
    """The names of the classes that weights for some data give scores of.

    Args:
        data: What they were trained on.
        classes: How many scores they give.

    Returns:
        The names; numbers where nobody has published them, as of faces.
    """
    names = tuple(imagenet().values()) if data == "imagenet" else KNOWN.get(data, ())
    return names if len(names) == classes else tuple(map(str, range(classes)))

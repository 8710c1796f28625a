"""Data sets: ``data list``, ``check``, ``show``, ``augmentations``."""

import pathlib
from typing import Annotated

import typer

from kerazoo import reader
from kerazoo.cli.app import app, console
from kerazoo.cli.options import DataDir, complete_data, path
from kerazoo.files import check_file
from kerazoo.reader import Count, Range

# Images of a grid, and pixels of their side.
LARGEST_GRID, LARGEST_SIDE = 4096, 1024

data_app = typer.Typer(help="Look data sets over.", no_args_is_help=True)
app.add_typer(data_app, name="data")
DataName = Annotated[
    str,
    typer.Argument(
        help="digits, mnist, ..., folder:PATH, masks:PATH, voc:, coco: or yolo:PATH.",
        autocompletion=complete_data,
    ),
]


@data_app.command("list")
def data_list() -> None:
    """List the data sets that are known by name."""
    from rich.table import Table

    from kerazoo.data.sets import SETS

    table = Table("name", "images", "classes", "what it is", box=None)
    for row in SETS.values():
        shape = "x".join(str(n or "?") for n in row.shape)
        table.add_row(row.name, shape, str(row.classes), row.note)
    console.print(table)
    console.print("Any other image classification set of TFDS, or folder:PATH.")
    console.print(
        "With a class for every pixel: digit_scenes/masks, masks:PATH, or a set of "
        "TFDS that has masks. With boxes: digit_scenes/boxes, voc:PATH, "
        "coco:PATH/annotations.json, yolo:PATH/data.yaml, or voc/2007 and coco/2017 of "
        "TFDS."
    )


@data_app.command("check")
def data_check(
    name: DataName,
    size: Annotated[
        int, typer.Option(help="Height and width that a network takes.")
    ] = 224,
    data_dir: DataDir = None,
) -> None:
    """Say whether a data set is there and whole; count its images by class."""
    from kerazoo import data

    size = reader.read(Count, size, "size")
    report = data.check(name, data_dir, size)
    console.print(report)
    if report.problem:
        raise typer.Exit(2)


@data_app.command("show")
def data_show(
    name: DataName,
    file: Annotated[
        pathlib.Path, typer.Option(parser=path, help="The PNG file to write.")
    ],
    augment: Annotated[
        list[str] | None,
        typer.Option(help="An augmentation, as in pad_crop:4; may be repeated."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Height and width; by default the set's.")
    ] = None,
    resize: Annotated[
        str, typer.Option(help="bilinear, pad, crop or center.")
    ] = "bilinear",
    count: Annotated[int, typer.Option(help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(help="Of order and augmentation.")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Write the images that a network would see, augmented, as a PNG grid."""
    from kerazoo import data

    count = reader.read(Annotated[int, Range(1, LARGEST_GRID + 1)], count, "count")
    if size is not None:
        size = reader.read(Annotated[int, Range(1, LARGEST_SIDE + 1)], size, "size")
    images = data.load(name, data_dir=data_dir)
    height, width, channels = images.shape
    count = min(count, images.train.size)
    batches = data.Batches(
        images.train,
        count,
        image_shape=(size or height or 224, size or width or 224, channels or 3),
        resize=resize,
        augment=augment or (),
        shuffle=True,
        seed=seed,
    )
    data.show(batches, file, count=count)
    console.print(f"{file}: {count} images of {name}", soft_wrap=True)


@data_app.command("augmentations")
def data_augmentations() -> None:
    """List what --augment and a recipe's augment may name."""
    from rich.table import Table

    from kerazoo import data

    table = Table("name", "what it does", box=None)
    for name, summary in data.augmentations().items():
        table.add_row(name, summary)
    console.print(table)


@app.command()
def proposals(
    name: DataName,
    method: Annotated[
        str,
        typer.Option(
            help="selective_search, selective_search:quality, windows, run:PATH or "
            "file:PATH."
        ),
    ] = "selective_search",
    count: Annotated[
        int, typer.Option(help="How many of an image are looked at.")
    ] = 2000,
    save: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="A file to write them to, for file:PATH."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Find regions on the images of a data set, and say how many objects they meet.

    What is found is kept in the user's cache, for trainings that ask for the same.
    """
    from rich.table import Table

    from kerazoo import data
    from kerazoo.data.batches import stored
    from kerazoo.proposals import find_proposals, recall_of, write_proposals

    count = reader.read(Count, count, "count")
    find = find_proposals(method)
    if save is not None:
        check_file(save)
    images = data.load(name, data_dir=data_dir)
    table = Table(
        "part", "images", "objects", "regions an image", "recall at 0.5",
        "recall at 0.7", "ms an image", box=None,
    )  # fmt: skip
    for part, split in images.parts.items():
        table.add_row(part, *recall_of(split, find, count).cells())
    console.print(table)
    if save:
        every = (pair for split in images.parts.values() for pair in stored(split))
        write_proposals(save, ((image, find(image)[:count]) for image, _ in every))
        total = sum(split.size for split in images.parts.values())
        console.print(f"{save}: proposals of {total:,} images", soft_wrap=True)

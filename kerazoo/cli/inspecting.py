"""Networks looked at: ``audit``, ``compare``, ``draw``, ``field``, ``plot``."""

import json
import pathlib
from typing import Annotated, Any

import typer

import kerazoo
from kerazoo import reader
from kerazoo.cli.app import app, console
from kerazoo.cli.catalogue import texts_of
from kerazoo.cli.options import Drawing, Json, Network, complete_network, path
from kerazoo.errors import counted

Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="A builder's option, as in groups=2."),
]
Networks = Annotated[
    list[str],
    typer.Argument(help="Networks; see kerazoo list.", autocompletion=complete_network),
]


@app.command()
def audit(
    model: Annotated[
        pathlib.Path,
        typer.Argument(parser=path, help="A file MODEL.keras, or a run folder."),
    ],
    network: Annotated[
        str,
        typer.Option(
            "--as",
            help="The network that it should be; see kerazoo list.",
            autocompletion=complete_network,
        ),
    ],
    option: Options = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="Every difference, not their sums alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say where anybody's Keras model differs from a network, layer by layer."""
    options = kerazoo.find(network).parse_options(texts_of(option))
    given: Any = kerazoo.Run(model).model() if model.is_dir() else model
    found = kerazoo.audit(given, network, options)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    console.print(found)
    for one in found.differences if layers else ():
        console.print(str(one), markup=False, soft_wrap=True)


@app.command()
def compare(
    networks: Networks,
    latency: Annotated[
        bool,
        typer.Option("--latency", help="Measure how long Keras takes for one image."),
    ] = False,
    bubbles: Annotated[
        pathlib.Path | None,
        typer.Option(
            parser=path,
            help="Draw error against multiply-adds, discs of the weights: PNG or SVG.",
        ),
    ] = None,
    depths: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="Draw the errors by depth: PNG or SVG."),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="What is drawn, as in 'top-1 error' or 'CIFAR-10 error'."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set networks side by side: weights, multiply-adds, memory, depth, error."""
    from kerazoo.analysis import charts

    files = [file for file in (bubbles, depths) if file is not None]
    for file in files:
        charts.check_drawing(file)
    if measure is not None and not files:
        raise ValueError("A measure says what is drawn; give --bubbles or --depths.")
    found = kerazoo.compare(networks, latency=latency)
    if bubbles is not None:
        charts.write(charts.bubbles(found, measure), bubbles)
    if depths is not None:
        charts.write(charts.revolution_of_depth(found, measure), depths)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    console.print(found)
    for file in files:
        console.print(f"drawn          {file}", markup=False, soft_wrap=True)


@app.command()
def draw(
    network: Network,
    out: Drawing = None,
    block: Annotated[
        str | None,
        typer.Option(
            help="Draw this block alone, as in inception_3a or stage2_block1."
        ),
    ] = None,
    option: Options = None,
) -> None:
    """Draw a network, a line a stage; or one of its blocks with all its branches."""
    from kerazoo.analysis import charts, drawing
    from kerazoo.analysis.diagram import diagram, module
    from kerazoo.symbolic import symbolic

    options = kerazoo.find(network).parse_options(texts_of(option))
    named = f"{network}.png" if block is None else f"{network}-{block}.png"
    file = charts.check_drawing(named if out is None else out)
    model = symbolic(lambda: kerazoo.create(network, **options))
    known = diagram(model)
    if block is not None:
        figure = drawing.block_drawing(module(model, block))
    else:
        figure = drawing.drawing(known)
    charts.write(figure, file)
    console.print(f"drawn          {file}", markup=False, soft_wrap=True)
    if block is None and known.modules:
        some = ", ".join(list(known.modules)[:6])
        more = len(known.modules) - 6
        words = f"{some} and {more} more" if more > 0 else some
        console.print(f"--block        {words}", markup=False, soft_wrap=True)


@app.command()
def field(
    network: Network,
    layers: Annotated[
        list[str],
        typer.Argument(help="Layers or stages, as in stage2 or inception_3a."),
    ],
    out: Drawing = None,
    image: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="The image to draw on; by default a grey one."),
    ] = None,
    effective: Annotated[
        bool,
        typer.Option("--effective", help="Measure by gradients what is really seen."),
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option(help="Trained weights, as in imagenet, or their file."),
    ] = None,
    position: Annotated[
        str | None,
        typer.Option(help="Row and column on the map, as in 0,3; the middle else."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Of the images, as in 320 or 320,256.")
    ] = None,
) -> None:
    """Show what positions of feature maps see of an image."""
    import numpy as np

    from kerazoo.analysis import charts
    from kerazoo.analysis.receptive_field import effective_field, receptive_field
    from kerazoo.symbolic import symbolic

    if out is not None:
        charts.check_drawing(out)
    card = kerazoo.find(network)
    options: dict[str, Any] = {}
    if size is not None:
        sides = reader.parse(reader.Count | reader.Pair, size, "size")
        pair = (sides, sides) if isinstance(sides, int) else sides
        options["input_shape"] = (*pair, card.input_shape[-1])
    place = None if position is None else _position(position)
    if effective and image:
        raise ValueError("The image is drawn on without --effective; leave one out.")
    if weights is not None and not effective:
        raise ValueError("Weights change what --effective alone measures; give both.")
    if effective:
        known = {} if weights is None else {"weights": weights}
        model = kerazoo.create(network, **options, **known)
        measured = [effective_field(model, one, place) for one in layers]
        fields = [one.field for one in measured]
        figure = charts.effective_fields(measured)
    else:
        model = symbolic(lambda: kerazoo.create(network, **options))
        fields, measured = [receptive_field(model, one, place) for one in layers], []
        height, width = fields[0].image
        pixels = np.full((height, width, 3), 200, "uint8")
        if image is not None:
            pixels = _resized(image, height, width)
        figure = charts.receptive_fields(pixels, fields)
    for number, one in enumerate(fields):
        across = "x".join(map(str, one.size))
        words = f"can see {across} of {one.image[0]}x{one.image[1]} pixels"
        if measured:
            side = f"{measured[number].size:.0f}"
            words += f", sees {side}x{side}"
        console.print(f"{one.layer:14} {words}", markup=False, soft_wrap=True)
    if out:
        charts.write(figure, out)
        console.print(f"drawn          {out}", markup=False, soft_wrap=True)


def _position(text):
    return reader.parse(tuple[reader.Whole, reader.Whole], text, "position")


def _resized(file, height, width):
    """An image file in the size that a network sees."""
    import numpy as np
    from PIL import Image

    from kerazoo.data.folders import read_image

    image = Image.fromarray(read_image(file, 3))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


@app.command()
def plot(
    runs: Annotated[
        list[pathlib.Path], typer.Argument(parser=path, help="Run folders.")
    ],
    out: Annotated[
        pathlib.Path,
        typer.Option(parser=path, help="The PNG or SVG file to draw into."),
    ] = pathlib.Path("runs.png"),
) -> None:
    """Draw the learning curves of several runs in one figure."""
    from kerazoo.analysis import charts

    charts.check_drawing(out)
    names = _distinct(runs)
    histories = {
        name: kerazoo.Run(run).history for name, run in zip(names, runs, strict=True)
    }
    charts.write(charts.learning_curves(histories), out)
    console.print(f"{counted(len(histories), 'run')} drawn into {out}", soft_wrap=True)


def _distinct(runs):
    """What tells the folders apart: as much of the end of their paths as it takes."""
    whole = [run.resolve().parts for run in runs]
    for parts in range(1, max(map(len, whole)) + 1):
        names = ["/".join(one[-parts:]) for one in whole]
        if len(set(names)) == len(set(whole)):
            break
    return names

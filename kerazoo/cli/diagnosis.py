"""What a trained network knows and gets wrong: ``mistakes``, ``probe`` and others."""

import dataclasses
import json
import pathlib
from typing import Annotated

import typer

import kerazoo
from kerazoo.cli.app import app, console
from kerazoo.cli.options import (
    Best,
    DataDir,
    Drawing,
    ItsWeights,
    Json,
    RunFolder,
    RunOrNetwork,
    complete_data,
    path,
    records,
)
from kerazoo.display import percent
from kerazoo.errors import counted
from kerazoo.files import check_folder

Split = Annotated[str, typer.Option(help="train, validation or test.")]
OtherData = Annotated[
    str | None, typer.Option(help="Another data set with the same classes.")
]
File = Annotated[
    pathlib.Path, typer.Argument(parser=path, help="The PNG or SVG file to write.")
]


@app.command()
def mistakes(
    run: RunFolder,
    folder: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="Where to write; by default RUN/mistakes."),
    ] = None,
    split: Split = "test",
    data: OtherData = None,
    data_dir: DataDir = None,
    best: Best = False,
    count: Annotated[int, typer.Option(help="Images of the gallery.")] = 36,
    pairs: Annotated[int, typer.Option(help="Pairs of classes.")] = 8,
    as_json: Json = False,
) -> None:
    """Show the worst mistakes, what is taken for what, and whether it knows."""
    from kerazoo import training

    if folder is not None:
        check_folder(folder, "pictures")
    found = training.find_mistakes(
        run,
        split=split,
        data=data,
        data_dir=data_dir,
        best=best,
        count=count,
        pairs=pairs,
    )
    written = training.write_mistakes(found, folder)
    if as_json:
        record = {
            "images": len(found.truth),
            "mistakes": [dataclasses.asdict(one) for one in found.worst],
            "pairs": [dataclasses.asdict(one) for one in found.pairs],
            "calibration_error": found.reliability.error,
        }
        print(json.dumps(record, indent=2))
        return
    total, wrong = len(found.truth), len(found.mistakes)
    console.print(
        f"wrong              {wrong:,} of {counted(total, 'image')}, "
        f"{percent(wrong / total)}"
    )
    error = percent(found.reliability.error)
    console.print(f"calibration error  {error}")
    for pair in found.pairs:
        names = f"{found.classes[pair.truth]} as {found.classes[pair.guess]}"
        words = f"  {names}: {pair.count:,} of {pair.of:,}, {percent(pair.share, 1)}"
        console.print(words, markup=False, soft_wrap=True)
    _say(written)


@app.command()
def embed(
    run: RunFolder,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="A layer or stage; may be repeated. The features by default."
        ),
    ] = None,
    split: Split = "test",
    data: OtherData = None,
    data_dir: DataDir = None,
    best: Best = False,
    count: Annotated[int, typer.Option(help="Images, evenly chosen.")] = 1000,
) -> None:
    """Write what a layer sees of images for TensorBoard's page Projector."""
    from kerazoo import training

    layers: list[str | None] = list(layer) if layer else [None]
    found = [
        training.embed(
            run,
            one,
            split=split,
            data=data,
            data_dir=data_dir,
            best=best,
            count=count,
        )
        for one in layers
    ]
    training.write_projector(found)
    for one in found:
        images, features = one.vectors.shape
        console.print(
            f"{one.layer}: {counted(features, 'feature')} of "
            f"{counted(images, 'image')}",
            markup=False,
            soft_wrap=True,
        )
    watch = f"tensorboard --logdir {run}, on its page Projector"
    console.print(f"look at it     {watch}", markup=False, soft_wrap=True)


@dataclasses.dataclass(frozen=True)
class ProbeOptions:
    """What is probed, as :func:`kerazoo.probe_layers` takes it."""

    weights: ItsWeights = None
    data: Annotated[
        str | None,
        typer.Option(
            help="A data set; by default a run's.", autocompletion=complete_data
        ),
    ] = None
    data_dir: DataDir = None
    best: Best = False
    layers: Annotated[
        list[str] | None,
        typer.Option("--layer", help="A layer or stage; may be repeated."),
    ] = None
    count: Annotated[int, typer.Option(help="Layers, where none is named.")] = 8
    images: Annotated[int, typer.Option(help="Training and test images.")] = 2000
    features: Annotated[
        int, typer.Option(help="Numbers of an image that a classifier sees.")
    ] = 1024


@app.command()
@records
def probe(
    network: RunOrNetwork,
    options: ProbeOptions,
    step: Annotated[
        int | None, typer.Option(help="Of a run: its weights after this step.")
    ] = None,
    save: Drawing = None,
    as_json: Json = False,
) -> None:
    """Tell what the layers know: a linear classifier on each, by depth."""
    from kerazoo.analysis import charts
    from kerazoo.serving.depth_probe import probe_layers

    if save:
        charts.check_drawing(save)
    given: object = network
    known = dataclasses.asdict(options) | {"layers": options.layers or ()}
    if step is not None:
        from kerazoo.training.snapshots import model_at

        run = kerazoo.Run(network)
        given, config = model_at(run, step=step), run.config
        known["data"] = known["data"] or config.data
        known["data_dir"] = known["data_dir"] or config.data_dir
    found = probe_layers(given, **known)
    if save:
        from kerazoo.analysis import layer_plots

        charts.write(layer_plots.probes_by_depth({found.network: found}), save)
    if as_json:
        print(json.dumps(dataclasses.asdict(found), indent=2))
        return
    width = max(len(one.layer) for one in found.points)
    for one in found.points:
        words = f"{one.depth:5}  {one.layer:{width}}  {percent(one.accuracy, 1):>6}"
        console.print(words, markup=False, soft_wrap=True)
    if found.accuracy is not None:
        own = f"{percent(found.accuracy, 1):>6}"
        console.print(f"       {'the network itself':{width}}  {own}")
    console.print(
        f"Linear classifiers on {counted(found.train, 'training image')}, measured on "
        f"{counted(found.test, 'test image')} of {found.data}.",
        markup=False,
        soft_wrap=True,
    )
    if save:
        _say([save])


@app.command()
def snapshots(
    run: RunFolder,
    file: File,
    layer: Annotated[
        str | None, typer.Option(help="A convolution; by default the first.")
    ] = None,
) -> None:
    """Draw a layer's filters after each of a run's snapshot_steps."""
    from kerazoo.analysis import charts, layer_plots
    from kerazoo.training.snapshots import kernels_along

    charts.check_drawing(file)
    found = kernels_along(run, layer)
    figure = layer_plots.filters_along(found.kernels, found.steps, found.layer)
    charts.write(figure, file)
    steps = ", ".join(f"{one:,}" for one in found.steps)
    console.print(f"{found.layer} after steps {steps}", markup=False, soft_wrap=True)
    _say([file])


def _say(files):
    for file in files:
        console.print(f"written            {file}", markup=False, soft_wrap=True)

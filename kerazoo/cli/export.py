"""Networks for other programs: ``export``."""

import json
import pathlib
from typing import Annotated, Any, cast

import typer

import kerazoo
from kerazoo import reader
from kerazoo.cli.app import app, console
from kerazoo.cli.options import Best, Json, Overwrite, RunFolder, path
from kerazoo.reader import Count, Pair


@app.command()
def export(
    run: RunFolder,
    to: Annotated[
        pathlib.Path | None,
        typer.Argument(
            parser=path,
            metavar="PATH",
            help="The file or folder to write; by default beside the run.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="keras, saved_model, onnx, litert or openvino; by default what PATH "
            "ends in, or onnx."
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(help="Let it take images of one size, as in 224 or 224,320."),
    ] = None,
    best: Best = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="In 8-bit integers: onnx or litert.")
    ] = False,
    calibration: Annotated[
        int | None,
        typer.Option(help="Training images to calibrate --int8 on; 200 by default."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write a run's network for other programs, and check what it says there."""
    done = kerazoo.export(
        run,
        to,
        # The reader says which there are.
        format=cast(Any, format),
        image_size=_size(image_size),
        best=best,
        int8=int8,
        calibration=calibration,
        overwrite=overwrite,
    )
    if as_json:
        print(json.dumps(reader.plain(done), indent=2))
        return
    for name, text in done.rows():
        console.print(f"{name:10}  {text}", markup=False, soft_wrap=True)


def _size(text):
    """A size as the command line has it."""
    return None if text is None else reader.parse(Count | Pair, text, "image_size")

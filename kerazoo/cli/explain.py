"""Where a network looks: ``explain``."""

import json
import pathlib
from typing import Annotated, Any, cast

import typer

import kerazoo
from kerazoo import reader
from kerazoo.cli.app import app, console
from kerazoo.cli.options import Best, ItsWeights, Json, RunOrNetwork, path


@app.command()
def explain(
    network: RunOrNetwork,
    image: Annotated[
        pathlib.Path,
        typer.Argument(parser=path, help="An image file of any size."),
    ],
    method: Annotated[
        str,
        typer.Option(
            help="cam, grad_cam, occlusion, gradient, smooth_grad, "
            "integrated_gradients, guided_backpropagation or deconvnet."
        ),
    ] = "grad_cam",
    weights: ItsWeights = None,
    class_name: Annotated[
        str | None,
        typer.Option(
            help="The class to explain, or its number; by default that of the highest "
            "score."
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            help="The layer, stage or block to look at, of methods that look at one."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            help="Another option of the method, as in window=32, samples=20 or unit=3; "
            "may be repeated.",
        ),
    ] = None,
    best: Best = False,
    file: Annotated[
        pathlib.Path | None,
        typer.Option(
            parser=path,
            help="The PNG or SVG file to write; by default IMAGE_METHOD.png, here.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw which part of an image has to do with what a network says of it."""
    from kerazoo.analysis import charts, explanation_plots
    from kerazoo.serving.explaining import option_kinds

    kinds = option_kinds(method)
    options: dict[str, Any] = {}
    for setting in option or ():
        name, sign, text = setting.partition("=")
        if not sign:
            raise ValueError(
                f"An option is NAME=VALUE, as in window=32; {setting!r} has no '='."
            )
        # What the method does not have is refused with the options that it has.
        options[name] = reader.parse(kinds[name], text, name) if name in kinds else text
    if layer is not None:
        options["layer"] = layer
    place = charts.check_drawing(file or pathlib.Path(f"{image.stem}_{method}.png"))
    found = kerazoo.explain(
        network,
        image,
        # The reader says which there are.
        method=cast(Any, method),
        weights=weights,
        best=best,
        class_name=class_name,
        **options,
    )
    charts.write(explanation_plots.attribution(found), place)
    if as_json:
        print(json.dumps(found.to_dict() | {"file": str(place)}, indent=2))
        return
    console.print(f"{place}: {found.words}", markup=False, soft_wrap=True)

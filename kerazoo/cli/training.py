"""One network: ``train``, ``launch``, ``evaluate``, ``predict``, ``devices``."""

import dataclasses
import json
import pathlib
import sys
from typing import Annotated

import typer

import kerazoo
from kerazoo.cli.app import app, console
from kerazoo.cli.options import (
    DataDir,
    Json,
    Network,
    RecipeOptions,
    RunFolder,
    TrainingOptions,
    folder_for,
    records,
    report,
)


@app.command()
@records
def train(
    network: Network,
    recipe: RecipeOptions,
    training: TrainingOptions,
    run: Annotated[
        pathlib.Path | None, typer.Option(help="The run folder to make or continue.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    devices: Annotated[
        int | None, typer.Option(help="GPUs, or parts of the CPU, that share a batch.")
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits in every run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a network; the same command goes on where a stopped one left off."""
    chosen = recipe.read(network, seed=seed)
    run = run or folder_for(network, chosen.data)
    result = kerazoo.fit(
        network,
        recipe=chosen,
        run=run,
        **dataclasses.asdict(training),
        devices=devices,
        deterministic=deterministic,
        # A line an epoch where nobody sees a bar.
        verbose=0 if as_json else 1 if sys.stdout.isatty() else 2,
    )
    if as_json:
        print(json.dumps(result.metrics.to_dict(), indent=2))
        return
    report(result.metrics)
    console.print(f"run folder     {run}", soft_wrap=True)
    console.print(f"watch it       tensorboard --logdir {run}", soft_wrap=True)


@app.command(context_settings={"ignore_unknown_options": True})
def launch(
    command: Annotated[
        list[str], typer.Argument(help="After --: a command, as in train lenet5.")
    ],
    processes: Annotated[int, typer.Option(help="How many workers.")] = 2,
    restarts: Annotated[
        int, typer.Option(help="How often all start again where one dies.")
    ] = 3,
) -> None:
    """Run a training in several processes of this machine, which share every batch."""
    from kerazoo.training.launch import launch

    raise typer.Exit(launch(processes, command, restarts))


@app.command()
def evaluate(
    run: RunFolder,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    data: Annotated[
        str | None, typer.Option(help="Another data set with the same classes.")
    ] = None,
    data_dir: DataDir = None,
    views: Annotated[
        str | None,
        typer.Option(help="See each image so: flip, center, ten_crop or googlenet."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a run's network: accuracy, loss, calibration, every class."""
    from kerazoo import training

    metrics = training.evaluate(
        run, split=split, data=data, data_dir=data_dir, views=views
    )
    if as_json:
        print(json.dumps(metrics.to_dict(), indent=2))
        return
    for name in ("images", "loss", "accuracy", "top5", "calibration_error"):
        value = getattr(metrics, name)
        if value is not None:
            shown = f"{value:,}" if name == "images" else f"{value:.4f}"
            console.print(f"{name.replace('_', ' '):18} {shown}")
    for name, value in metrics.per_class.items():
        shown = "no images" if value is None else f"{value:.4f}"
        console.print(f"  {name[:16]:16} {shown}", markup=False)


@app.command()
def predict(
    run: RunFolder,
    images: Annotated[
        list[pathlib.Path], typer.Argument(help="PNG or JPEG files of any size.")
    ],
    top: Annotated[int, typer.Option(help="How many classes to show.")] = 3,
    as_json: Json = False,
) -> None:
    """Name what is on images, with a run's network."""

    found = kerazoo.predict(run, images, top=top)
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
        return
    for one in found:
        guesses = ", ".join(f"{g.label} {g.probability:.1%}" for g in one.top)
        console.print(f"{one.image}: {guesses}", markup=False, soft_wrap=True)


@app.command()
def devices(as_json: Json = False) -> None:
    """Show what was found to compute on, and what precision=auto does with it."""
    from kerazoo.precision import devices as found

    record = found()
    if as_json:
        print(json.dumps(record, indent=2))
        return
    console.print(f"backend    {record['backend']}")
    bfloat16 = ", ".join(record["cpu_bfloat16"]) or "no bfloat16 instructions"
    console.print(f"CPU        {bfloat16}")
    for gpu in record["gpus"]:
        console.print(f"GPU        {gpu['name']}, {gpu['compute_capability']}")
    auto = record["auto"]
    parts = [f"policy {auto['policy']}"]
    parts += ["oneDNN bfloat16"] * auto["onednn"] + ["XLA"] * auto["jit_compile"]
    console.print(f"auto       {', '.join(parts)}: {auto['reason']}")

"""One network: ``train``, ``lr-find``, ``evaluate``, ``predict`` and others."""

import csv as csv_module
import dataclasses
import io
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

import kerazoo
from kerazoo import reader
from kerazoo.cli.app import app, console
from kerazoo.cli.options import (
    Best,
    DataDir,
    ItsWeights,
    Json,
    Network,
    Precision,
    RecipeOptions,
    RunFolder,
    RunOrNetwork,
    TrainingOptions,
    path,
    records,
    report,
)
from kerazoo.display import percent
from kerazoo.files import check_file, replacing, write_atomic
from kerazoo.reader import Count, Pair

if TYPE_CHECKING:
    from kerazoo.tasks import Prediction


Seed = Annotated[int | None, typer.Option(help="Of all that is random.")]


@app.command()
@records
def train(
    network: Network,
    recipe: RecipeOptions,
    training: TrainingOptions,
    run: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="The run folder to make or continue."),
    ] = None,
    seed: Seed = None,
    devices: Annotated[
        int | None, typer.Option(help="GPUs, or parts of the CPU, that share a batch.")
    ] = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits in every run.")
    ] = False,
    keep_state: Annotated[
        bool,
        typer.Option(
            "--keep-state", help="Keep the state, so that more --epochs extend the run."
        ),
    ] = False,
    histograms: Annotated[
        int | None,
        typer.Option(
            help="Steps between histograms of outputs and gradients, for TensorBoard."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network; the same command goes on where a stopped one left off."""
    chosen = recipe.read(network, seed=seed)
    result = kerazoo.fit(
        network,
        recipe=chosen,
        run=run,
        **dataclasses.asdict(training),
        devices=devices,
        deterministic=deterministic,
        keep_state=keep_state,
        histograms=histograms,
        verbose=0 if as_json else "auto",
    )
    if as_json:
        print(json.dumps(result.metrics.to_dict(), indent=2))
        return
    report(result.metrics)
    console.print(f"run folder     {result.path}", soft_wrap=True)
    if result.best:
        best = f"{result.best.epoch} of {len(result.history)} by validation loss"
        if result.best.model == "best.keras":
            best += f"; kerazoo evaluate {result.path} --best"
        console.print(f"best epoch     {best}", soft_wrap=True)
    watch = f"tensorboard --logdir {result.path}"
    console.print(f"watch it       {watch}", soft_wrap=True)


@app.command()
@records
def lr_find(
    network: Network,
    recipe: RecipeOptions,
    data_dir: DataDir = None,
    precision: Precision = "auto",
    seed: Seed = None,
    save: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="The PNG file to draw the curve into."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find a learning rate: try all of them, a batch each, until the loss diverges."""
    if save:
        check_file(save)
    found = kerazoo.find_learning_rate(
        network,
        recipe=recipe.read(network, seed=seed),
        data_dir=data_dir,
        precision=precision,
    )
    if save:
        from kerazoo.analysis import plots

        curve = (found.rates, found.losses, found.smoothed)
        with replacing(save) as temporary:
            plots.save(plots.rate_sweep(*curve, found.suggestion), temporary)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    for name, words in found.rows():
        console.print(f"{name:14} {words}")
    if save:
        console.print(f"curve          {save}", markup=False, soft_wrap=True)
    if found.suggestion is not None:
        setting = f"--set optimizer.learning_rate={found.suggestion:.2g}"
        console.print(f"train with it  {setting}", markup=False, soft_wrap=True)


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
    best: Best = False,
    size: Annotated[
        str | None,
        typer.Option(help="Bring images to another size, as in 320 or 320,256."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Evaluate a run's network: accuracy or IoU, loss, calibration, every class."""
    from kerazoo import training

    metrics = training.evaluate(
        run,
        split=split,
        data=data,
        data_dir=data_dir,
        views=views,
        best=best,
        image_size=None if size is None else reader.parse(Count | Pair, size, "size"),
    )
    if as_json:
        print(json.dumps(metrics.to_dict(), indent=2))
        return
    shares = (
        "map50", "map50_voc07", "map", "mean_iou", "accuracy", "balanced_accuracy",
        "top5", "calibration_error",
    )  # fmt: skip
    for name in ("images", "loss", *shares):
        value = getattr(metrics, name)
        if value is not None:
            shown = f"{value:,}" if name == "images" else f"{value:.4f}"
            console.print(f"{name.replace('_', ' '):18} {shown}")
    width = max(map(len, metrics.class_scores))
    for name, value in metrics.class_scores.items():
        shown = "none there" if value is None else f"{value:.4f}"
        console.print(f"  {name:{width}} {shown}", markup=False, soft_wrap=True)


@app.command()
def predict(
    run: RunOrNetwork,
    images: Annotated[
        list[pathlib.Path],
        typer.Argument(
            parser=path, help="Image files of any size, folders or patterns."
        ),
    ],
    weights: ItsWeights = None,
    top: Annotated[int, typer.Option(help="How many classes to show.")] = 3,
    best: Best = False,
    csv: Annotated[
        pathlib.Path | None, typer.Option(parser=path, help="The CSV file to write.")
    ] = None,
    masks: Annotated[
        pathlib.Path | None,
        typer.Option(
            parser=path,
            help="Of a segmentation: the folder for masks and overlays to write.",
        ),
    ] = None,
    draw: Annotated[
        pathlib.Path | None,
        typer.Option(
            parser=path,
            help="Of a detection: the folder for pictures of what was found.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Name what is on images, or on every pixel, with a run's network."""
    from rich.progress import track

    from kerazoo.serving.predict import list_images, predictions

    if csv:
        check_file(csv)
    if weights is None:
        kerazoo.Run(run)
    paths = list_images(images)
    quiet = len(paths) < 10 or not sys.stderr.isatty()
    found = list(
        track(
            predictions(
                run, paths, weights=weights, top=top, best=best, masks=masks, draw=draw
            ),
            "predicting",
            total=len(paths),
            console=Console(stderr=True),
            disable=quiet,
        )
    )
    if csv:
        write_csv(csv, found)
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
    for one in found if not (csv or as_json) else ():
        guesses = ", ".join(f"{g.label} {percent(g.probability, 1)}" for g in one.top)
        console.print(
            f"{one.image}: {one.problem or guesses}", markup=False, soft_wrap=True
        )
    for name, folder in (("masks", masks), ("drawn", draw)):
        if folder and not (csv or as_json):
            console.print(f"{name}: {folder}", soft_wrap=True)
    unread = [one for one in found if one.problem]
    if len(unread) == 1:
        raise ValueError(unread[0].problem)
    if unread:
        raise ValueError(
            f"{len(unread)} of {len(found)} files could not be read, {unread[0].image} "
            "the first; the others were named."
        )


def write_csv(file: pathlib.Path, found: "Sequence[Prediction]") -> None:
    """Writes a row an image: the file, its classes with probabilities, its problem."""
    text = io.StringIO()
    table = csv_module.writer(text, lineterminator="\n")
    width = max((len(one.top) for one in found), default=0)
    numbers = range(1, width + 1)
    each = ["class", "probability"]
    boxed = any(g.box for one in found for g in one.top)
    each += ["x1", "y1", "x2", "y2"] if boxed else []
    heads = [f"{head}_{n}" for n in numbers for head in each]
    files = ["file"] if any(one.file for one in found) else []
    table.writerow(["image", *heads, *files, "problem"])
    for one in found:
        cells: list[object] = [
            x for g in one.top for x in (g.label, g.probability, *(g.box or ()))
        ]
        cells += [""] * (len(heads) - len(cells))
        cells += [one.file or ""] * len(files)
        table.writerow([one.image, *cells, one.problem or ""])
    write_atomic(file, text.getvalue())


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
        known = gpu["compute_capability"]
        console.print(f"GPU        {gpu['name']}{f', {known}' if known else ''}")
    auto = record["auto"]
    parts = [f"policy {auto['policy']}"]
    parts += ["oneDNN bfloat16"] * auto["onednn"] + ["XLA"] * auto["jit_compile"]
    console.print(f"auto       {', '.join(parts)}: {auto['reason']}")

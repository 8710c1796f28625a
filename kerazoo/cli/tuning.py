"""Many networks: ``crossval``, ``tune``, ``winner``, ``ensemble``."""

import dataclasses
import json
import pathlib
from typing import Annotated, Any

import typer

from kerazoo import tuning
from kerazoo.cli.app import app, console
from kerazoo.cli.options import (
    DataDir,
    ExecutionOptions,
    Folder,
    FoldOptions,
    Json,
    Network,
    Overwrite,
    RecipeOptions,
    ScoreOptions,
    SearchOptions,
    path,
    records,
    report,
)
from kerazoo.display import percent
from kerazoo.errors import counted
from kerazoo.files import check_file, write_atomic


@app.command()
@records
def crossval(
    network: Network,
    recipe: RecipeOptions,
    folds: FoldOptions,
    search: SearchOptions,
    execution: ExecutionOptions,
    nested: Annotated[
        int | None,
        typer.Option(help="Search anew in every fold, by this many inner folds."),
    ] = None,
    folder: Folder = None,
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep the networks, as for ensemble.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Estimate accuracy by cross-validation; with --nested, that of a whole search."""
    if nested is None and search != SearchOptions():
        raise ValueError(
            "--space, --strategy and --trials are for the search within every fold; "
            "add --nested 4, or set the recipe's field with --set."
        )
    from kerazoo.run import default_folder

    chosen = recipe.read(network)
    kind = "crossval" if nested is None else "nested"
    folder = folder or default_folder(network, chosen.data, kind)
    plan = tuning.FoldPlan(**dataclasses.asdict(folds))
    shared: dict[str, Any] = {
        "folder": folder,
        "plan": plan,
        "execution": execution.execution(verbose=not as_json),
        "keep_models": keep_models,
    }
    result: tuning.CrossValidation
    if nested is None:
        result = tuning.cross_validate(network, None, chosen, **shared)
    else:
        inner = search.plan(folds=nested, seed=folds.seed)
        result = tuning.nested(network, None, chosen, search=inner, **shared)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
        return
    console.print(_crossval_table(result))
    console.print(
        f"{result.score_name} {percent(result.mean)}, standard deviation "
        f"{percent(result.std)} over {len(result.folds)} folds"
    )
    console.print(f"folder   {folder}", soft_wrap=True)


def _crossval_table(result):
    from kerazoo.analysis.tables import FittingTable
    from kerazoo.tuning.records import one_line

    table = FittingTable(spare=("loss", "images", "repeat"), box=None)
    searched = result.folds[0].winner is not None
    for column in ("repeat", "fold", "images", result.score_name, "loss"):
        table.add_column(column, justify="right")
    if searched:
        table.add_column("inner folds", justify="right")
        table.add_column("what won there", overflow="fold", min_width=24)
    for fold, row in zip(result.folds, result.rows(), strict=True):
        winner = fold.winner
        found = [percent(winner.inner_score), one_line(winner.values)] if winner else []
        table.add_row(*row, *found)
    return table


@app.command()
@records
def tune(
    network: Network,
    recipe: RecipeOptions,
    search: SearchOptions,
    score: ScoreOptions,
    execution: ExecutionOptions,
    folder: Folder = None,
    keep: Annotated[int, typer.Option(help="Trials that keep their networks.")] = 3,
    as_json: Json = False,
) -> None:
    """Search hyper-parameters; the same command goes on where a stopped one was."""
    from kerazoo.run import default_folder

    chosen = recipe.read(network)
    found = tuning.search(
        network,
        None,
        chosen,
        folder=folder or default_folder(network, chosen.data, "search"),
        plan=search.plan(**dataclasses.asdict(score), keep=keep),
        execution=execution.execution(verbose=not as_json),
    )
    if as_json:
        rows = [dataclasses.asdict(trial) for trial in found.trials]
        print(json.dumps(rows, indent=2))
        return
    failed = [trial for trial in found.trials if trial.status == "failed"]
    if failed and len(failed) == len(found.trials):
        raise ValueError(
            f"All {len(failed)} trials have failed, the first because: "
            f"{failed[0].reason}"
        )
    names = list(found.config.plan.space)
    console.print(_search_table(found.trials, names, found.config.score_name))
    files = f"{found.path}/results.csv, results.png, events/"
    console.print(f"results        {files}", soft_wrap=True)
    best = f"kerazoo winner {found.path} --run RUN"
    console.print(f"the best       {best}", soft_wrap=True)


def _search_table(trials, names, score):
    """The trials; their values in columns of their own where the console is wide."""
    from kerazoo.analysis.tables import FittingTable
    from kerazoo.tuning.records import one_line, shorten

    def table(apart):
        made = FittingTable(spare=("multiply-adds", "seconds", "std"), box=None)
        for column in ("trial", score, "std", "seconds", "multiply-adds"):
            made.add_column(column, justify="right", no_wrap=True)
        for column in names if apart else ["values"]:
            made.add_column(column, overflow="fold", min_width=None if apart else 24)
        made.add_column("", overflow="fold", min_width=1 if apart else None)
        for trial in trials:
            scores = (trial.score, trial.std)
            values = [shorten(trial.values[name]) for name in names]
            made.add_row(
                str(trial.number),
                *("" if score is None else percent(score) for score in scores),
                f"{trial.seconds:.1f}",
                "" if trial.macs is None else f"{trial.macs:,}",
                *(values if apart else [one_line(trial.values)]),
                trial.reason or trial.status.replace("completed", ""),
            )
        return made

    wide = table(apart=True)
    return wide if wide.fits(console, console.width) else table(apart=False)


@app.command()
def winner(
    search: Annotated[
        pathlib.Path, typer.Argument(parser=path, help="A search's folder.")
    ],
    run: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="The run folder to make of it."),
    ] = None,
    save_recipe: Annotated[
        pathlib.Path | None,
        typer.Option(
            parser=path, help="The JSON file to write, as train --recipe takes it."
        ),
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option(
            "--retrain", help="Train it anew on training and validation images."
        ),
    ] = False,
    data_dir: DataDir = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Make the best trial of a search a run folder; save its recipe."""
    from kerazoo.tuning.records import one_line

    if save_recipe:
        check_file(save_recipe)
    if retrain and run is None:
        raise ValueError("--retrain needs a run folder to train in; add --run FOLDER.")
    found = tuning.Search(search)
    best = found.best
    if save_recipe:
        write_atomic(save_recipe, found.recipe().to_json() + "\n")
    result = None
    if run:
        result = found.winner(
            run, data_dir=data_dir, overwrite=overwrite, retrain=retrain
        )
    if as_json:
        record = dataclasses.asdict(best)
        record["test"] = result and result.metrics.to_dict()
        print(json.dumps(record, indent=2))
        return
    assert best.score is not None
    score, values = percent(best.score), one_line(best.values)
    console.print(f"trial {best.number}: {score}, {values}", markup=False)
    if result:
        report(result.metrics)
        console.print(f"run folder     {run}", soft_wrap=True)
    if save_recipe:
        train = f"kerazoo train {best.network} --recipe {save_recipe}"
        console.print(f"train it anew  {train}", soft_wrap=True)


@app.command()
def ensemble(
    runs: Annotated[
        list[pathlib.Path],
        typer.Argument(
            parser=path, help="Folders of runs, a search or a cross-validation."
        ),
    ],
    rule: Annotated[
        str, typer.Option(help="probabilities, logits, votes, or weights.")
    ] = "probabilities",
    top: Annotated[
        int | None, typer.Option(help="The best so many of a search.")
    ] = None,
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="The snapshots of a run.")
    ] = False,
    folder: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="Where to leave the joined network."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Another data set with the same classes.")
    ] = None,
    data_dir: DataDir = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Join trained networks into one; show what each and all together are worth."""
    result = tuning.ensemble(
        runs,
        rule=rule,
        top=top,
        snapshots=snapshots,
        folder=folder,
        data=data,
        data_dir=data_dir,
        split=split,
        overwrite=overwrite,
    )
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("member", overflow="fold")
    for column in (result.score_name, "loss"):
        table.add_column(column, justify="right")
    *single, together = result.rows()
    for row in single:
        table.add_row(*row)
    table.add_section()
    table.add_row(*together)
    console.print(table)
    if result.mean_correlation is not None:
        console.print(
            f"errors of two members correlate by {result.mean_correlation:.2f} on "
            "average"
        )
    for point in result.curve:
        members = counted(point.members, "member")
        console.print(f"{members:>11}: error {percent(point.error)}")
    if folder:
        console.print(f"run folder   {folder}", soft_wrap=True)

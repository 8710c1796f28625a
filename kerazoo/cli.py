"""The command ``kerazoo``: what the package does, from a shell."""

import dataclasses
import json
import os
import pathlib
import sys
from typing import Annotated

import typer
from rich.console import Console

import kerazoo
from kerazoo import processes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN off on a CPU without AVX512-VNNI, where it is faster too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

app = typer.Typer(
    help="The classic convolutional networks in Keras, exactly as published.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)

Network = Annotated[str, typer.Argument(help="A network; see kerazoo list.")]
RunFolder = Annotated[pathlib.Path, typer.Argument(help="A run folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataDir = Annotated[
    pathlib.Path | None,
    typer.Option(help="Where the data set's files are; by default the user's cache."),
]
Data = Annotated[str | None, typer.Option(help="digits, mnist, ... or folder:PATH.")]
RecipeName = Annotated[
    str, typer.Option(help="A recipe's name, its kind or a JSON file.")
]
Folder = Annotated[
    pathlib.Path | None, typer.Option(help="The folder to make or continue.")
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the data.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A recipe's field: optimizer.learning_rate=0.05."),
]
Precision = Annotated[
    str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Delete what stands there.")
]


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="As in '*resnet*'.")] = "*",
    as_json: Json = False,
):
    """List the networks, oldest first."""
    cards = [kerazoo.find(name) for name in kerazoo.list_models(pattern)]
    if not cards:
        raise ValueError(f"No network is called {pattern!r}; kerazoo list shows all.")
    if as_json:
        print(json.dumps([card.name for card in cards], indent=2))
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", expand=True)
    for column in ("year", "network", "input"):
        table.add_column(column, no_wrap=True)
    for column in ("weights", "multiply-adds"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what it is", overflow="ellipsis", no_wrap=True, ratio=1)
    for card in cards:
        table.add_row(
            str(card.year),
            card.name,
            "x".join(map(str, card.input_shape)),
            f"{card.total / 1e6:.2f} M",
            f"{card.macs / 1e6:,.1f} M",
            card.summary,
        )
    console.print(table)


@app.command()
def info(
    network: Network,
    as_json: Json = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="A builder's option, as in groups=2."),
    ] = None,
):
    """Show a network's card and its ledger: what every layer costs and sees."""
    card = kerazoo.find(network)
    options = card.parse_options(_texts(option))
    ledger = kerazoo.ledger(kerazoo.create(network, **options))
    if as_json:
        record = {"card": card.to_dict(), "ledger": ledger.to_dict()}
        print(json.dumps(record, indent=2))
        return
    console.print(f"[bold]{card.name}[/bold] ({card.year}): {card.summary}")
    console.print(card.reference, markup=False)
    for name, figure in card.published.items():
        console.print(f"The paper's {name}: {figure}", markup=False)
    if card.status != "paper":
        console.print(f"[bold]This is a {card.status}.[/bold]")
    console.print("Differs from the paper:" if card.differences else "As published.")
    for difference in card.differences:
        console.print(f"- {difference}", markup=False)
    for own in card.options.values():
        default = f"by default {own.default}"
        console.print(
            f"Option {own.name}: {own.doc} {own.choices}; {default}.", markup=False
        )
    if card.proof:
        console.print(f"Proof: {card.proof}", markup=False)
    console.print(ledger)


def _texts(settings):
    """``groups=2`` as ``{"groups": "2"}``."""
    texts = {}
    for setting in settings or ():
        name, sign, texts[name] = setting.partition("=")
        if not sign:
            raise ValueError(
                f"An option is NAME=VALUE, as in groups=2; {setting!r} has no '='."
            )
    return texts


@app.command()
def recipes(
    network: Annotated[
        str, typer.Argument(help="Those that fit this network; all by default.")
    ] = "*",
    show: Annotated[
        str | None,
        typer.Option(
            help="Print this recipe as JSON, as train --recipe FILE takes it."
        ),
    ] = None,
    as_json: Json = False,
):
    """List the recipes, or show one: how the papers, and how we, train a network."""
    from kerazoo import recipes as catalogue

    if show:
        print(catalogue.find(show).to_json())
        return
    if network != "*":
        kerazoo.find(network)
    found = [catalogue.find(name) for name in catalogue.list_recipes(network)]
    if as_json:
        print(json.dumps([recipe.to_dict() for recipe in found], indent=2))
        return
    from rich.table import Table

    table = Table(box=None, header_style="bold", expand=True)
    for column in ("recipe", "kind", "data", "length"):
        table.add_column(column, no_wrap=True)
    table.add_column("networks", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column("source", overflow="ellipsis", no_wrap=True, ratio=2)
    for recipe in found:
        steps = recipe.steps and f"{recipe.steps:,} steps"
        table.add_row(
            recipe.name,
            recipe.kind,
            recipe.data,
            steps or f"{recipe.epochs} epochs",
            " ".join(recipe.networks),
            recipe.source,
        )
    console.print(table)


@app.command()
def train(
    network: Network,
    data: Data = None,
    recipe: RecipeName = "laptop",
    run: Annotated[
        pathlib.Path | None, typer.Option(help="The run folder to make or continue.")
    ] = None,
    data_dir: DataDir = None,
    epochs: Epochs = None,
    batch_size: Annotated[int | None, typer.Option(help="Images of a step.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    setting: Settings = None,
    precision: Precision = "auto",
    devices: Annotated[
        int | None, typer.Option(help="GPUs, or parts of the CPU, that share a batch.")
    ] = None,
    overwrite: Overwrite = False,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="The same bits in every run.")
    ] = False,
    save_every: Annotated[
        int | None, typer.Option(help="Steps between states to resume from.")
    ] = None,
    as_json: Json = False,
):
    """Train a network; the same command goes on where a stopped one left off."""
    kerazoo.find(network)
    given = {"data": data, "epochs": epochs, "batch_size": batch_size, "seed": seed}
    words = _changed(_recipe(recipe, network), setting, given)
    run = run or _folder(network, words.data)
    from kerazoo import training

    result = training.fit(
        network,
        recipe=words,
        run=run,
        data_dir=data_dir,
        precision=precision,
        devices=devices,
        overwrite=overwrite,
        deterministic=deterministic,
        save_every=save_every,
        # A line an epoch where nobody sees a bar.
        verbose=0 if as_json else 1 if sys.stdout.isatty() else 2,
    )
    if as_json:
        print(json.dumps(result.metrics.to_dict(), indent=2))
        return
    _report(result.metrics)
    console.print(f"run folder     {run}", soft_wrap=True)
    console.print(f"watch it       tensorboard --logdir {run}", soft_wrap=True)


def _recipe(name, network):
    from kerazoo import recipes

    if name.endswith(".json"):
        try:
            data = json.loads(pathlib.Path(name).read_text(encoding="utf-8"))
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"The recipe {name} cannot be read: {reason}.") from error
        except ValueError as error:
            raise ValueError(f"{name} is not JSON: {error}.") from error
        return kerazoo.Recipe.from_dict(data)
    if name in ("laptop", "modern", "paper"):
        return recipes.for_network(network, name)
    return recipes.find(name)


def _changed(recipe, settings, given):
    """A recipe with what the command line says of it."""
    words = (f"{name}={value}" for name, value in given.items() if value is not None)
    return recipe.override(*(settings or ()), *words)


def _folder(*words):
    return pathlib.Path("runs") / "-".join(words).replace(":", "-").replace("/", "-")


@app.command(context_settings={"ignore_unknown_options": True})
def launch(
    command: Annotated[
        list[str], typer.Argument(help="After --: a command, as in train lenet5.")
    ],
    processes: Annotated[int, typer.Option(help="How many workers.")] = 2,
    restarts: Annotated[
        int, typer.Option(help="How often all start again where one dies.")
    ] = 3,
):
    """Run a training in several processes of this machine, which share every batch."""
    from kerazoo.training.launch import launch

    raise typer.Exit(launch(processes, command, restarts))


def _report(metrics):
    console.print(f"test images    {metrics.images:,}")
    console.print(f"test loss      {metrics.loss:.4f}")
    console.print(f"test accuracy  {metrics.accuracy:.2%}")


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
):
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
):
    """Name what is on images, with a run's network."""

    rows = kerazoo.predict(run, images, top=top)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        guesses = ", ".join(f"{g['class']} {g['probability']:.1%}" for g in row["top"])
        console.print(f"{row['image']}: {guesses}", markup=False, soft_wrap=True)


data_app = typer.Typer(help="Look data sets over.", no_args_is_help=True)
app.add_typer(data_app, name="data")
DataName = Annotated[str, typer.Argument(help="digits, mnist, ... or folder:PATH.")]


@data_app.command("list")
def data_list():
    """List the data sets that are known by name."""
    from rich.table import Table

    from kerazoo.data.sets import SETS

    table = Table("name", "images", "classes", "what it is", box=None)
    for row in SETS.values():
        shape = "x".join(str(n or "?") for n in row.shape)
        table.add_row(row.name, shape, str(row.classes), row.note)
    console.print(table)
    console.print("Any other image classification set of TFDS, or folder:PATH.")


@data_app.command("check")
def data_check(name: DataName, data_dir: DataDir = None):
    """Say whether a data set is there and whole; count its images by class."""
    from kerazoo import data

    report = data.check(name, data_dir)
    console.print(report)
    if report.problem:
        raise typer.Exit(2)


@data_app.command("show")
def data_show(
    name: DataName,
    file: Annotated[pathlib.Path, typer.Option(help="The PNG file to write.")],
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
):
    """Write the images that a network would see, augmented, as a PNG grid."""
    from kerazoo import data

    images = data.load(name, data_dir=data_dir)
    height, width, channels = images.shape
    batches = data.Batches(
        images.train,
        min(count, images.train.size),
        image_shape=(size or height or 224, size or width or 224, channels or 3),
        resize=resize,
        augment=augment or (),
        shuffle=True,
        seed=seed,
    )
    data.show(batches, file, count=count)
    console.print(f"{file}: {count} images of {name}", soft_wrap=True)


@data_app.command("augmentations")
def data_augmentations():
    """List what --augment and a recipe's augment may name."""
    from rich.table import Table

    from kerazoo import data

    table = Table("name", "what it does", box=None)
    for name, summary in data.augmentations().items():
        table.add_row(name, summary)
    console.print(table)


@app.command()
def devices(as_json: Json = False):
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
    words = [f"policy {auto['policy']}"]
    words += ["oneDNN bfloat16"] * auto["onednn"] + ["XLA"] * auto["jit_compile"]
    console.print(f"auto       {', '.join(words)}: {auto['reason']}")


@app.command()
def crossval(
    network: Network,
    data: Data = None,
    recipe: RecipeName = "laptop",
    folds: Annotated[int, typer.Option(help="Parts, each tested once.")] = 5,
    repeats: Annotated[int, typer.Option(help="How often to part anew.")] = 1,
    nested: Annotated[
        int | None,
        typer.Option(help="Search anew in every fold, by this many inner folds."),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(help="A dimension to search: learning_rate=log:1e-4:1e-1."),
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="Of the search: grid, random, bayesian or tpe.")
    ] = "random",
    trials: Annotated[int, typer.Option(help="Of the search in every fold.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the parting and the search.")] = 1,
    folder: Folder = None,
    data_dir: DataDir = None,
    epochs: Epochs = None,
    setting: Settings = None,
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="Processes that share the folds.")] = 1,
    keep_models: Annotated[
        bool, typer.Option("--keep-models", help="Keep the networks, as for ensemble.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
):
    """Estimate accuracy by cross-validation; with --nested, that of a whole search."""
    kerazoo.find(network)
    if nested is None and space:
        raise ValueError(
            "--space is for the search within every fold; add --nested 4, or set the "
            "recipe's field with --set."
        )
    given = {"data": data, "epochs": epochs}
    changed = _changed(_recipe(recipe, network), setting, given)
    kind = "crossval" if nested is None else "nested"
    folder = folder or _folder(network, changed.data, kind)
    from kerazoo import tuning

    plan = tuning.FoldPlan(folds=folds, repeats=repeats, seed=seed)
    execution = tuning.Execution(
        data_dir=data_dir,
        precision=precision,
        workers=workers,
        overwrite=overwrite,
        verbose=not as_json,
    )
    options = {"folder": folder, "plan": plan, "execution": execution}
    options["keep_models"] = keep_models
    if nested is None:
        result = tuning.cross_validate(network, None, changed, **options)
    else:
        search = tuning.SearchPlan(
            space=space or (), strategy=strategy, trials=trials, folds=nested, seed=seed
        )
        result = tuning.nested(network, None, changed, search=search, **options)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
        return
    console.print(_crossval_table(result))
    console.print(
        f"accuracy {result.mean:.2%}, standard deviation {result.std:.2%} over "
        f"{len(result.folds)} folds"
    )
    console.print(f"folder   {folder}", soft_wrap=True)


def _crossval_table(result):
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    searched = result.folds[0].winner is not None
    for column in ("repeat", "fold", "images", "accuracy", "loss"):
        table.add_column(column, justify="right")
    if searched:
        table.add_column("inner folds", justify="right")
        table.add_column("what won there")
    for fold in result.folds:
        shown = [str(fold.repeat), str(fold.number), f"{fold.images:,}"]
        shown += [f"{fold.score:.2%}", f"{fold.loss:.4f}"]
        if searched:
            winner = fold.winner
            shown += [f"{winner.inner_score:.2%}", _values(winner.values)]
        table.add_row(*shown)
    return table


def _values(values):
    return " ".join(f"{name}={_short(value)}" for name, value in values.items())


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@app.command()
def ensemble(
    runs: Annotated[
        list[pathlib.Path],
        typer.Argument(help="Folders of runs, a search or a cross-validation."),
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
        pathlib.Path | None, typer.Option(help="Where to leave the joined network.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Another data set with the same classes.")
    ] = None,
    data_dir: DataDir = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    overwrite: Overwrite = False,
    as_json: Json = False,
):
    """Join trained networks into one; show what each and all together are worth."""
    from kerazoo import tuning

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
    for column in ("accuracy", "loss"):
        table.add_column(column, justify="right")
    for member in result.members:
        table.add_row(member.name, f"{member.accuracy:.2%}", f"{member.loss:.4f}")
    joint = result.metrics
    table.add_section()
    table.add_row(f"together ({rule})", f"{joint.accuracy:.2%}", f"{joint.loss:.4f}")
    console.print(table)
    if result.mean_correlation is not None:
        console.print(
            f"errors of two members correlate by {result.mean_correlation:.2f} on "
            "average"
        )
    for point in result.curve:
        console.print(f"{point.members:3} members: error {point.error:.2%}")
    if folder:
        console.print(f"run folder   {folder}", soft_wrap=True)


@app.command()
def tune(
    network: Network,
    data: Data = None,
    recipe: RecipeName = "laptop",
    space: Annotated[
        list[str] | None,
        typer.Option(
            help="A dimension: learning_rate=log:1e-4:1e-1, dropout=0.2,0.5, "
            "batch_size=int:16:128:16; may be repeated."
        ),
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="random, grid, hyperband, bayesian or tpe.")
    ] = "random",
    trials: Annotated[
        int | None, typer.Option(help="How many; 10, or all of a grid.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Score trials by cross-validation.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often to part anew.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the strategy and the folds.")] = 1,
    folder: Folder = None,
    data_dir: DataDir = None,
    epochs: Epochs = None,
    setting: Settings = None,
    precision: Precision = "auto",
    keep: Annotated[int, typer.Option(help="Trials that keep their networks.")] = 3,
    workers: Annotated[int, typer.Option(help="Processes that share the trials.")] = 1,
    save_every: Annotated[
        int | None, typer.Option(help="Steps between a trial's states.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
):
    """Search hyper-parameters; the same command goes on where a stopped one was."""
    kerazoo.find(network)
    given = {"data": data, "epochs": epochs}
    changed = _changed(_recipe(recipe, network), setting, given)
    from kerazoo import tuning

    found = tuning.search(
        network,
        None,
        changed,
        folder=folder or _folder(network, changed.data, "search"),
        plan=tuning.SearchPlan(
            space=space or (),
            strategy=strategy,
            trials=trials,
            folds=folds,
            repeats=repeats,
            seed=seed,
            keep=keep,
        ),
        execution=tuning.Execution(
            data_dir=data_dir,
            precision=precision,
            workers=workers,
            save_every=save_every,
            overwrite=overwrite,
            verbose=not as_json,
        ),
    )
    if as_json:
        trials = [dataclasses.asdict(trial) for trial in found.trials]
        print(json.dumps(trials, indent=2))
        return
    console.print(_search_table(found.trials, list(found.config.plan.space)))
    files = f"{found.path}/results.csv, results.png, events/"
    console.print(f"results        {files}", soft_wrap=True)
    best = f"kerazoo winner {found.path} --run RUN"
    console.print(f"the best       {best}", soft_wrap=True)


def _search_table(trials, names):
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for column in ("trial", "accuracy", "std", "seconds", "multiply-adds"):
        table.add_column(column, justify="right")
    for column in (*names, ""):
        table.add_column(column, overflow="fold")
    for trial in trials:
        scores = (trial.score, trial.std)
        table.add_row(
            str(trial.number),
            *("" if score is None else f"{score:.2%}" for score in scores),
            f"{trial.seconds:.1f}",
            "" if trial.macs is None else f"{trial.macs:,}",
            *(_short(trial.values[name]) for name in names),
            trial.reason or trial.status.replace("completed", ""),
        )
    return table


@app.command()
def winner(
    search: Annotated[pathlib.Path, typer.Argument(help="A search's folder.")],
    run: Annotated[
        pathlib.Path | None, typer.Option(help="The run folder to make of it.")
    ] = None,
    save_recipe: Annotated[
        pathlib.Path | None,
        typer.Option(help="The JSON file to write, as train --recipe takes it."),
    ] = None,
    data_dir: DataDir = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
):
    """Make the best trial of a search a run folder; save its recipe."""
    from kerazoo import tuning

    found = tuning.Search(search)
    best = found.best
    if save_recipe:
        from kerazoo.files import write_atomic

        write_atomic(save_recipe, found.recipe().to_json() + "\n")
    result = None
    if run:
        result = found.winner(run, data_dir=data_dir, overwrite=overwrite)
    if as_json:
        record = dataclasses.asdict(best)
        record["test"] = result and result.metrics.to_dict()
        print(json.dumps(record, indent=2))
        return
    score, values = f"{best.score:.2%}", _values(best.values)
    console.print(f"trial {best.number}: {score}, {values}", markup=False)
    if result:
        _report(result.metrics)
        console.print(f"run folder     {run}", soft_wrap=True)
    if save_recipe:
        train = f"kerazoo train {best.network} --recipe {save_recipe}"
        console.print(f"train it anew  {train}", soft_wrap=True)


def main() -> None:
    """Runs the command; a failure is one sentence and an exit status."""
    processes.exit_with_parent()
    try:
        app(prog_name="kerazoo")
    except (ValueError, OSError, ArithmeticError, RuntimeError) as error:
        if os.environ.get("KERAZOO_TRACEBACK"):
            raise
        sentence = " ".join(str(error).split()) or type(error).__name__
        print(f"kerazoo: {sentence}", file=sys.stderr)
        # An interrupted training knows its status; an error of HTTP has another code.
        status = None if isinstance(error, OSError) else getattr(error, "code", None)
        sys.exit(status or (2 if isinstance(error, ValueError) else 1))

"""Arguments that several commands share, and records made of them."""

import dataclasses
import functools
import inspect
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kerazoo import Recipe, list_models, reader, recipes, tuning
from kerazoo.cli.app import console
from kerazoo.display import percent

if TYPE_CHECKING:
    from kerazoo.run import Metrics
    from kerazoo.tuning import Execution, SearchPlan


def path(text: str) -> pathlib.Path:
    """A path of the command line; pathlib would take none for the current folder."""
    try:
        return pathlib.Path(reader.read(reader.Path, text, "the path"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _begin_with(start, names):
    """Those of some names that a shell offers, which looks for no others itself."""
    return [name for name in names if name.startswith(start)]


def complete_network(incomplete: str) -> list[str]:
    """The networks that begin so."""
    return _begin_with(incomplete, list_models())


def complete_recipe(incomplete: str) -> list[str]:
    """The recipes and kinds of recipes that begin so."""
    names = dict.fromkeys([*recipes.KINDS, *recipes.list_recipes()])
    return _begin_with(incomplete, names)


def complete_data(incomplete: str) -> list[str]:
    """The data sets that are known by name and begin so."""
    from kerazoo.data.sets import SETS

    return _begin_with(incomplete, SETS)


Network = Annotated[
    str,
    typer.Argument(
        help="A network; see kerazoo list.", autocompletion=complete_network
    ),
]
RunFolder = Annotated[pathlib.Path, typer.Argument(parser=path, help="A run folder.")]
RunOrNetwork = Annotated[
    pathlib.Path,
    typer.Argument(parser=path, help="A run folder; or a network, with --weights."),
]
ItsWeights = Annotated[
    str | None,
    typer.Option(help="Of a network: trained weights, as in mnist or imagenet."),
]
Drawing = Annotated[
    pathlib.Path | None,
    typer.Option(parser=path, help="The PNG or SVG file to draw into."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataDir = Annotated[
    pathlib.Path | None,
    typer.Option(
        parser=path,
        help="Where the data set's files are; by default the user's cache.",
    ),
]
Folder = Annotated[
    pathlib.Path | None,
    typer.Option(parser=path, help="The folder to make or continue."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Delete what stands there.")
]
Repeats = Annotated[int, typer.Option(help="How often to split anew.")]
Best = Annotated[
    bool,
    typer.Option("--best", help="The network of the lowest validation loss."),
]
Precision = Annotated[
    str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16.")
]
Seed = Annotated[int, typer.Option(help="Of the folds and the search.")]


@dataclasses.dataclass(frozen=True)
class RecipeOptions:
    """The options that name a recipe and change it."""

    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe's name, its kind or a JSON file; laptop by default, or "
            "tuning with --weights.",
            autocompletion=complete_recipe,
        ),
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(
            help="Trained weights to begin with, as in imagenet, or their file."
        ),
    ] = None
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, mnist, any set of TFDS, folder:PATH or masks:PATH.",
            autocompletion=complete_data,
        ),
    ] = None
    epochs: Annotated[int | None, typer.Option(help="Passes over the data.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Images of a step.")] = None
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A recipe's field: optimizer.learning_rate=0.05."),
    ] = None

    def read(self, network: str, **fields: Any) -> Recipe:
        """The recipe for a network.

        Args:
            network: The network's name.
            **fields: Fields that have an option of their own.

        Raises:
            ValueError: Where there is no such network, recipe or field.
        """
        for name in ("data", "epochs", "batch_size"):
            fields[name] = getattr(self, name)
        if self.weights is not None:
            fields |= {"weights": self.weights, "normalization": "weights"}
        given = [
            f"{name}={value}" for name, value in fields.items() if value is not None
        ]
        default = "laptop" if self.weights is None else "tuning"
        named = default if self.recipe is None else self.recipe
        chosen = recipes.choose(named, network)
        return chosen.override(*(self.setting or ()), *given)


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained, which changes nothing of what comes out."""

    data_dir: DataDir = None
    precision: Precision = "auto"
    save_every: Annotated[
        int | None, typer.Option(help="Steps between states to resume from.")
    ] = None
    overwrite: Overwrite = False


@dataclasses.dataclass(frozen=True)
class ExecutionOptions(TrainingOptions):
    """How many networks are trained."""

    workers: Annotated[int, typer.Option(help="Processes that share them.")] = 1

    def execution(self, verbose: bool) -> "Execution":
        """The record that :mod:`kerazoo.tuning` takes."""
        return tuning.Execution(**dataclasses.asdict(self), verbose=verbose)


@dataclasses.dataclass(frozen=True)
class FoldOptions:
    """The folds of a cross-validation."""

    folds: Annotated[int, typer.Option(help="Parts, each tested once.")] = 5
    repeats: Repeats = 1
    seed: Seed = 1


@dataclasses.dataclass(frozen=True)
class ScoreOptions:
    """What the trials of a search are scored on."""

    folds: Annotated[
        int | None, typer.Option(help="Score trials by cross-validation.")
    ] = None
    repeats: Repeats = 1
    seed: Seed = 1


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """What a search tries."""

    space: Annotated[
        list[str] | None,
        typer.Option(
            help="A dimension: learning_rate=log:1e-4:1e-1, dropout=0.2,0.5, "
            "batch_size=int:16:128:16; may be repeated."
        ),
    ] = None
    strategy: Annotated[
        str, typer.Option(help="random, grid, hyperband, bayesian or tpe.")
    ] = "random"
    trials: Annotated[
        int | None, typer.Option(help="How many; 10, or all of a grid.")
    ] = None

    def plan(self, **fields: Any) -> "SearchPlan":
        """The record that :mod:`kerazoo.tuning` takes."""
        return tuning.SearchPlan(
            **dataclasses.asdict(self) | {"space": self.space or (), **fields}
        )


def records(command: Callable) -> Callable:
    """A command whose arguments that are dataclasses are options, one for each field.

    Typer looks at the signature; the command itself is called with the records.
    """
    parameters: list[inspect.Parameter] = []
    made: dict[str, tuple[Any, list[str]]] = {}
    for parameter in inspect.signature(command).parameters.values():
        kind = parameter.annotation
        if not dataclasses.is_dataclass(kind):
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
            continue
        fields = dataclasses.fields(kind)
        made[parameter.name] = kind, [field.name for field in fields]
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=field.type,
            )
            for field in fields
        ]

    @functools.wraps(command)
    def expanded(**given: Any) -> Any:
        for name, (kind, fields) in made.items():
            given[name] = kind(**{field: given.pop(field) for field in fields})
        return command(**given)

    wrapper: Any = expanded
    wrapper.__signature__ = inspect.Signature(parameters)
    wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapper


def report(metrics: "Metrics") -> None:
    """Prints what a network is worth."""
    console.print(f"test images    {metrics.images:,}")
    if metrics.map50 is not None:
        console.print(f"test mAP50     {percent(metrics.map50)}")
    if metrics.loss is not None:
        console.print(f"test loss      {metrics.loss:.4f}")
    if metrics.mean_iou is not None:
        console.print(f"test mean IoU  {percent(metrics.mean_iou)}")
    if metrics.accuracy is None:
        return
    balanced = metrics.balanced_accuracy
    shown = "" if balanced is None else f" (balanced {percent(balanced)})"
    console.print(f"test accuracy  {percent(metrics.accuracy)}{shown}")

"""Nested cross-validation: what a whole search is worth.

For every outer fold the hyper-parameters are searched anew on the other folds, so that
no image helps to choose the network that it tests (Varma & Simon, "Bias in error
estimation when using cross-validation for model selection", BMC Bioinformatics 7:91,
2006; Cawley & Talbot, JMLR 11, 2010).
"""

import collections
import dataclasses
import functools
import json
import pathlib
from typing import Any

from kerazoo import reader, recipes
from kerazoo.data.arrays import DataLike
from kerazoo.files import write_atomic
from kerazoo.reader import Name, Path
from kerazoo.recipe import Recipe
from kerazoo.tuning import crossval, strategies
from kerazoo.tuning.crossval import CrossValidation, FoldsConfig, FoldWork
from kerazoo.tuning.folds import stratified_folds
from kerazoo.tuning.records import Execution, FoldPlan, SearchPlan, Winner
from kerazoo.tuning.searching import search as search_one
from kerazoo.tuning.spaces import Space

KIND = "nested cross-validation"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nested(CrossValidation):
    """What came out of a nested cross-validation; its folds have winners.

    Attributes:
        search: What was searched within every fold.
    """

    search: SearchPlan

    @property
    def winners(self) -> list[dict[str, Any]]:
        """Each hyper-parameter set that won, ``values``, and in which ``folds``.

        None of them is the answer: what is estimated is the procedure that finds one.
        """
        found = collections.defaultdict(list)
        for fold in self.folds:
            if fold.winner:
                values = json.dumps(fold.winner.values, sort_keys=True)
                found[values].append(fold.number)
        return [
            {"values": json.loads(values), "folds": folds}
            for values, folds in sorted(found.items(), key=lambda one: -len(one[1]))
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return super().to_dict() | {"winners": self.winners}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NestedConfig(FoldsConfig):
    """What is cross-validated, and what is searched within every fold.

    Attributes:
        search: The search.
    """

    search: SearchPlan


@reader.checked
def nested(
    network: str,
    data: DataLike | None = None,
    recipe: Recipe | Name | None = None,
    *,
    folder: Path,
    search: SearchPlan,
    plan: FoldPlan | None = None,
    execution: Execution | None = None,
    keep_models: bool = False,
) -> Nested:
    """Estimates what a search's winner is worth, with the search redone in every fold.

    For every outer fold :func:`kerazoo.tuning.search` compares hyper-parameters by
    cross-validation over the other folds; the winner is trained on all of them and
    tested on the outer fold. All searches draw with the same seed, so that a random one
    compares the same hyper-parameters in every fold and :attr:`Nested.winners` can
    count.

    Args:
        network: The network's name.
        data: As for :func:`kerazoo.tuning.cross_validate`.
        recipe: What the search begins with.
        folder: Where searches, runs, ``plan.json`` and ``nested.json`` are written.
        search: What to search; its ``folds`` are the inner ones.
        plan: The outer folds; by default ``FoldPlan()``.
        execution: How all is trained; by default ``Execution()``.
        keep_models: Whether the winners' networks are kept.

    Raises:
        ValueError: For bad arguments.
        kerazoo.training.state.Interrupted: On SIGTERM or Ctrl-C.
        kerazoo.training.state.Diverged: Where a winner's loss is no longer a number.
    """
    recipe, plan = recipes.choose(recipe, network), plan or FoldPlan()
    execution = execution or Execution()
    if plan.repeats != 1:
        raise ValueError(
            f"A nested cross-validation goes once over the folds, not {plan.repeats} "
            "times; leave out repeats, and give another seed for other folds."
        )
    inner_folds = search.folds
    if inner_folds is None:
        raise ValueError(
            "A nested cross-validation scores the trials of its searches by inner "
            "folds; give the search their number, as in SearchPlan(folds=4)."
        )
    # What the searches would refuse is refused before anything is written.
    space = Space(network, recipe, search.space)
    strategies.oracle(search, space, recipe.epochs)
    search = dataclasses.replace(search, space=space.to_dict())
    known = {"network": network, "recipe": recipe, "plan": plan, "search": search}
    place = pathlib.Path(folder)
    crossval.check_begun(NestedConfig, KIND, place, execution, **known)
    images = crossval.load(network, data, recipe, execution)
    config = NestedConfig.of(
        KIND,
        network,
        images,
        recipe,
        plan,
        search=search,
        precision=execution.precision,
        data_dir=execution.data_dir,
        keep_models=keep_models,
    )
    work = FoldWork(config, images, pathlib.Path(folder), execution)
    for train, _ in work.parts:
        inner = work.pool.subset(train)
        stratified_folds(inner, inner_folds, seed=search.seed)
    work.claim()
    folds = [
        dataclasses.replace(fold, winner=reader.load(Winner, place / "winner.json"))
        for fold, place in zip(
            work.run_all(functools.partial(_choose, work), "run"),
            work.places,
            strict=True,
        )
    ]
    result = Nested(
        network=network,
        data=images.name,
        recipe=recipe,
        plan=plan,
        folds=tuple(folds),
        search=search,
    )
    work.write("nested.json", result.to_dict())
    return result


def join(folder: pathlib.Path) -> None:
    """Takes part in the nested cross-validation of a folder."""
    work = FoldWork.of_folder(folder, NestedConfig)
    work.run_pending(functools.partial(_choose, work), "run")


def _choose(work, number):
    """Searches within a fold, and trains and tests what won."""
    config, images = work.config, work.images
    place, (train, _) = work.places[number], work.parts[number]
    # Not even the choice of hyper-parameters may see the fold: it is not there.
    rest = dataclasses.replace(
        images,
        train=work.pool.subset(train, f"{images.name} train"),
        validation=None,
        test=None,
        published=None,
    )
    found = search_one(
        config.network,
        rest,
        config.recipe,
        folder=place / "search",
        plan=config.search,
        execution=dataclasses.replace(
            work.execution, workers=1, overwrite=False, verbose=False
        ),
    )
    best = found.best
    assert best.score is not None, "the best trial is a completed one"
    winner = Winner(network=best.network, values=best.values, inner_score=best.score)
    write_atomic(place / "winner.json", reader.dump(winner))
    work.fit(number, best.network, found.recipe(), place / "run")

"""Trained weights: ``weights [NETWORK [NAME]]``, ``fetch``, ``verify``, ``save``."""

import json
import pathlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import kerazoo
from kerazoo.cli.app import app, console
from kerazoo.cli.options import DataDir, Json, Network, RunFolder, path, report
from kerazoo.display import percent
from kerazoo.weights import WeightSet, find_weights, list_weights
from kerazoo.weights.download import fetch, seen, weights_folder


class _Group(TyperGroup):
    """``kerazoo weights resnet50`` is ``kerazoo weights list resnet50``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        plain = not args or (args[0] not in self.commands and args[0] != "--help")
        return super().parse_args(ctx, ["list", *args] if plain else args)


weights_app = typer.Typer(
    help="Trained weights: what there is, fetch it, measure it.", cls=_Group
)
app.add_typer(weights_app, name="weights")


def complete_weights(incomplete: str) -> list[str]:
    """The names of sets that begin so."""
    names = sorted({one.name for one in list_weights()})
    return [name for name in names if name.startswith(incomplete)]


SetName = Annotated[
    str,
    typer.Argument(
        help="As in timm/a1_in1k, or imagenet for the best-proven.",
        autocompletion=complete_weights,
    ),
]


@weights_app.command("list")
def weights_list(
    network: Annotated[
        str | None,
        typer.Argument(help="Of this network; of all by default."),
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="All that is known of this set.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List trained weights, those of a network, or what is known of one set."""
    if name is not None:
        found = [find_weights(str(network), name)]
    else:
        found = list_weights(network)
    if not found:
        raise ValueError(
            f"No trained weights of {network} are known; kerazoo weights lists all."
        )
    if as_json:
        print(json.dumps([one.to_dict() for one in found], indent=2))
        return
    if name is not None:
        _show(found[0])
        return
    from kerazoo.analysis.tables import FittingTable

    table = FittingTable(spare=("licence", "file", "top-1 / top-5"), box=None)
    for column in ("network", "weights", "data", "top-1 / top-5", "licence"):
        table.add_column(column, no_wrap=True)
    table.add_column("file", overflow="ellipsis", no_wrap=True, min_width=10)
    for one in found:
        best = str(one.accuracy[0]) if one.accuracy else ""
        licence = one.licence.partition(" (")[0]
        table.add_row(one.network, one.name, one.data, best, licence, _file(one))
    console.print(table)
    if network is not None:
        console.print(
            f"weights='{found[0].data}' is {found[0].name}; kerazoo weights {network} "
            f"{found[0].name} shows all that is known of it."
        )


def _file(one: WeightSet) -> str:
    if one.file is None:
        return "in the package"
    there = (weights_folder() / one.file.name).is_file()
    return f"{one.file.name}{' (here)' * there}"


def _show(one: WeightSet) -> None:
    """All that is known of a set."""
    rows = [
        ("network", one.network),
        ("weights", one.name),
        ("trained on", f"{one.data}, {one.classes:,} classes"),
        ("source", one.source),
        ("licence", one.licence),
        ("options", ", ".join(f"{n}={v}" for n, v in one.options.items()) or "none"),
        ("images", str(one.preprocessing)),
        ("accuracy", "; ".join(map(str, one.accuracy))),
        ("proof", one.proof),
        ("note", one.note),
    ]
    if one.file is None:
        rows.append(("file", str(one.path)))
    else:
        place = weights_folder() / one.file.name
        known = one.file.hash or one.file.unpacked_hash
        rows += [
            ("file", one.file.url),
            ("hash", str(known) if known else "none published; the first seen counts"),
            ("kept as", f"{place}{'' if place.is_file() else ' (not there yet)'}"),
        ]
        if place.is_file():
            rows.append(("sha256", seen(place) or "not seen yet"))
    for head, text in rows:
        if text:
            console.print(f"{head:11} {text}", markup=False, soft_wrap=True)


@weights_app.command("fetch")
def weights_fetch(network: Network, name: SetName) -> None:
    """Download weights ahead, for a machine without a network connection."""
    one = find_weights(network, name)
    place = pathlib.Path(str(one.path)) if one.file is None else fetch(one.file)
    console.print(str(place), soft_wrap=True)


@weights_app.command("save")
def weights_save(
    run: RunFolder,
    file: Annotated[
        pathlib.Path,
        typer.Argument(parser=path, help="The file to write, FILE.safetensors."),
    ],
    half: Annotated[
        bool, typer.Option("--half", help="Keep 16 bits of every number.")
    ] = False,
) -> None:
    """Keep a run's weights in a file, with all that belongs to them."""
    from kerazoo.serving.own_weights import save_run_weights

    known = save_run_weights(run, file, half=half)
    console.print(
        f"{file}: {known.network} for {known.classes:,} classes; kerazoo predict "
        f"{known.network} IMAGES --weights {file}",
        markup=False,
        soft_wrap=True,
    )


@app.command("features")
def features(
    network: Network,
    weights: Annotated[
        str, typer.Option(help="Trained weights, as in imagenet, or their file.")
    ],
    data: Annotated[
        str, typer.Option(help="digits, mnist, any set of TFDS, or folder:PATH.")
    ],
    file: Annotated[
        pathlib.Path | None,
        typer.Option(parser=path, help="The .npz file to keep them in."),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Compute a trained network's features of images, and probe what they tell."""
    found = kerazoo.extract_features(
        network, data, weights=weights, data_dir=data_dir, file=file
    )
    accuracy = found.probe()
    if as_json:
        sizes = {"train": len(found.train), "test": len(found.test)}
        record = {"key": found.key, "features": found.train.shape[1], **sizes}
        print(json.dumps(record | {"probe": accuracy}, indent=2))
        return
    console.print(
        f"features       {found.train.shape[1]:,} of {len(found.train):,} training and "
        f"{len(found.test):,} test images"
    )
    console.print(f"linear probe   {percent(accuracy)} of the test images")
    if file is not None:
        console.print(f"kept in        {file}", markup=False, soft_wrap=True)


@weights_app.command("verify")
def weights_verify(
    network: Network,
    name: SetName,
    data: Annotated[
        str, typer.Option(help="What to measure on, as in imagenet2012 or cifar10.")
    ],
    data_dir: DataDir = None,
    limit: Annotated[
        int | None, typer.Option(help="How many images, evenly spaced; all by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure weights on the test images of the data that they were trained on."""
    from kerazoo.serving.classification import verify_weights
    from kerazoo.weights.loading import resolve

    metrics = verify_weights(network, name, data, limit=limit, data_dir=data_dir)
    if as_json:
        print(json.dumps(metrics.to_dict(), indent=2))
        return
    report(metrics)
    known = resolve(network, name)
    for one in known.accuracy if known else ():
        console.print(f"published      {one}", markup=False)

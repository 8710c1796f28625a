"""The command's frame: the application, its console, how it ends."""

import os
import sys
import warnings
from typing import Annotated

import typer
from rich.console import Console

import kerazoo
from kerazoo import errors, processes

# TensorFlow leaves oneDNN off on a CPU without AVX512-VNNI, where it is faster too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

app = typer.Typer(
    help="The classic convolutional networks in Keras, exactly as published.",
    epilog="Exit status: 2 for bad input, 3 for a full disk, 4 for a training that "
    "diverged, 128 and the signal's number where a signal stopped it, 1 for anything "
    "else.",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    """Prints the version where it is asked for."""
    if version:
        print(f"kerazoo {kerazoo.__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command; a failure is one sentence and an exit status."""
    processes.exit_with_parent()
    # A sentence, without the line of code that it comes from.
    warnings.formatwarning = lambda message, *_: f"kerazoo: {message}\n"
    try:
        app(prog_name="kerazoo")
    except Exception as error:
        if os.environ.get("KERAZOO_TRACEBACK"):
            raise
        print(f"kerazoo: {errors.sentence(error)}", file=sys.stderr)
        sys.exit(errors.status(error))

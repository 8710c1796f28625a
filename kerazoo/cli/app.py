"""The command's frame: the application, its console, how it ends."""

import os
import sys

import typer
from rich.console import Console

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

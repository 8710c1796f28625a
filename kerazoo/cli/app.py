"""The command's frame: the application, its console, how it ends."""

import errno
import os
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
    epilog="Exit status: 2 for bad input, 3 for a full disk, 128 and the signal's "
    "number where a signal stopped it, 1 for anything else.",
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


# Errors whose text is the sentence; of all others the kind is said too.
EXPECTED = (ValueError, OSError, ArithmeticError, RuntimeError)
FULL = (errno.ENOSPC, errno.EDQUOT)
UNREADABLE = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR,
    errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL,
)  # fmt: skip


def main() -> None:
    """Runs the command; a failure is one sentence and an exit status."""
    processes.exit_with_parent()
    try:
        app(prog_name="kerazoo")
    except Exception as error:
        if os.environ.get("KERAZOO_TRACEBACK"):
            raise
        print(f"kerazoo: {sentence(error)}", file=sys.stderr)
        sys.exit(status(error))


def sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, EXPECTED):
        return text or type(error).__name__
    return (
        f"{type(error).__name__}: {text[:300]} (a fault of kerazoo; with "
        "KERAZOO_TRACEBACK=1 it says where)"
    )


def status(error: Exception) -> int:
    """The exit status: 2 for bad input, 3 for a full disk, 1 for anything else.

    An interrupted training knows its own.
    """
    number = getattr(error, "errno", None)
    if number in FULL or "No space left on device" in str(error):
        return 3
    if isinstance(error, OSError):
        return 2 if number in UNREADABLE else 1
    code = getattr(error, "code", None)
    if isinstance(code, int) and code:
        return code
    return 2 if isinstance(error, ValueError) else 1

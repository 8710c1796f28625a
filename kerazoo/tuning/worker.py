"""A process that takes part in what was begun in a folder.

``python -m kerazoo.tuning.worker FOLDER`` for a search or a cross-validation.
"""

import contextlib
import pathlib
import sys

from kerazoo import errors, processes


def main() -> None:
    """Takes part; a failure is a sentence and an exit status."""
    processes.exit_with_parent()
    try:
        _join(pathlib.Path(sys.argv[1]))
    except Exception as error:
        # The log lies on a disk that may be full.
        with contextlib.suppress(OSError):
            print(f"kerazoo: {errors.sentence(error)}", file=sys.stderr, flush=True)
        sys.exit(errors.status(error))


def _join(folder):
    from kerazoo.tuning import crossval, locks, searching
    from kerazoo.tuning.nested import KIND
    from kerazoo.tuning.nested import join as join_nested

    if (folder / searching.RECORD[0]).is_file():
        searching.join(folder)
        return
    plan = locks.read_plan(folder, crossval.PLAN, "cross-validation") or {}
    (join_nested if plan["kind"] == KIND else crossval.join)(folder)


if __name__ == "__main__":
    main()

"""What a forked process does: it takes its place, and then the command's.

The names that are not imported are given by ``begin`` in ``conftest.py``; ``program``
is a file, or None for the command.
"""

import os
import runpy
import sys

from kerazoo import cli

os.environ.clear()
os.environ.update(environment)  # noqa: F821
for descriptor, path in ((1, output), (2, errors)):  # noqa: F821
    with open(path, "wb") as file:
        os.dup2(file.fileno(), descriptor)
sys.argv[:] = words  # noqa: F821
if program:  # noqa: F821
    runpy.run_path(program, run_name="__main__")  # noqa: F821
else:
    cli.main()

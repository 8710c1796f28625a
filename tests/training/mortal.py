"""The command, in a process that dies at a chosen moment: ``mortal.py WHEN train ...``.

``WHEN`` is ``write:N:SIGNAL``, as the N-th file of the run is about to take its name,
``write:FILE:SIGNAL``, as this one is, or ``validate:N:SIGNAL``, as the N-th evaluation
of the network begins.
"""

import os
import signal
import sys

import keras

from kerazoo import cli

what, when, name = sys.argv.pop(1).split(":")
calls = 0


def dying(call):
    def wrapped(*args, **options):
        global calls
        calls += 1
        if when in (str(calls), os.path.basename(str(args[-1]))):
            os.kill(os.getpid(), getattr(signal, name))
        return call(*args, **options)

    return wrapped


if what == "write":
    os.replace = dying(os.replace)
else:
    keras.Model.evaluate = dying(keras.Model.evaluate)
cli.main()

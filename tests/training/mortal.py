"""The command, in a process that dies at a chosen moment: ``mortal.py WHEN train ...``.

``WHEN`` is ``write:N:SIGNAL``, as the N-th file of the run is about to take its name,
or ``validate:N:SIGNAL``, as the N-th evaluation of the network begins.
"""

import os
import signal
import sys

import keras

from kerazoo import cli

what, number, name = sys.argv.pop(1).split(":")
left = int(number)


def dying(call):
    def wrapped(*args, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), getattr(signal, name))
        return call(*args, **options)

    return wrapped


if what == "write":
    os.replace = dying(os.replace)
else:
    keras.Model.evaluate = dying(keras.Model.evaluate)
cli.main()

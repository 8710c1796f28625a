"""Makes kerazoo's layers known to Keras, without importing Keras for it.

A saved network names its layers, and Keras opens it where they are registered. They are
when ``kerazoo.layers`` is imported: at once where Keras is there already, or else as
soon as somebody imports it.
"""

import importlib
import sys
from typing import Any


class KerasFinder:
    """Finds Keras as the other finders do, and has the layers imported after it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module of Keras, and of nothing else."""
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                importlib.import_module("kerazoo.layers")

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def register_layers() -> None:
    """Registers the layers now, or when Keras is imported."""
    if "keras" in sys.modules:
        importlib.import_module("kerazoo.layers")
    else:
        sys.meta_path.insert(0, KerasFinder())

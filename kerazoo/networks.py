"""The networks by name, each loaded on first use; ``networks.pyi`` has signatures."""

from typing import Any

from kerazoo import registry


def __getattr__(name: str) -> Any:
    if name not in registry.list_models():
        raise AttributeError(f"kerazoo has no network {name!r}.")
    return registry.find(name).builder()


def __dir__() -> list[str]:
    return registry.list_models()

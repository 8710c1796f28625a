"""The command ``kerazoo``: what the package does, from a shell."""

from kerazoo.cli import (
    catalogue,
    data,
    diagnosis,
    explain,
    export,
    inspecting,
    training,
    tuning,
    weights,
)
from kerazoo.cli.app import app, main

__all__ = [
    "app",
    "catalogue",
    "data",
    "diagnosis",
    "explain",
    "export",
    "inspecting",
    "main",
    "training",
    "tuning",
    "weights",
]

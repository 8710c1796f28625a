"""Contract 4: what a kind of network learns and gives."""

from kerazoo import registry
from kerazoo.errors import unknown
from kerazoo.tasks.classification import Classification
from kerazoo.tasks.detection import Detection
from kerazoo.tasks.segmentation import Segmentation
from kerazoo.tasks.task import Guess, Prediction, Task

__all__ = [
    "TASKS",
    "Classification",
    "Detection",
    "Guess",
    "Prediction",
    "Segmentation",
    "Task",
    "find",
    "of_network",
]

TASKS: dict[str, Task] = {
    "classification": Classification(),
    "segmentation": Segmentation(),
    "detection": Detection(),
}


def find(name: str) -> Task:
    """The task of a card.

    Raises:
        ValueError: For one that is not among :data:`TASKS`.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]


def of_network(name: str) -> Task:
    """The task of a network; of one that is not known here, classification."""
    known = name in registry.list_models()
    return find(registry.find(name).task if known else "classification")

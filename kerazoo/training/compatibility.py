"""Whether a recipe and a network agree, asked before anything is loaded or written."""

import dataclasses
import math
import pathlib

from kerazoo import memory, registry, tasks
from kerazoo.data.images import ImageData
from kerazoo.errors import unknown
from kerazoo.recipe import Recipe
from kerazoo.run import Run
from kerazoo.training.compilation import optimizer_class
from kerazoo.weights.loading import check_fits, resolve

# What a training decides itself, and by which of its own words.
SET_BY_TRAINING = {
    "classes": "the data set decides it",
    "input_shape": "the field image_shape decides it",
    "input_tensor": "the field image_shape decides it",
    "include_top": "a training needs the classifier",
    "pooling": "a training needs the classifier",
    "classifier_activation": "the loss is taken of logits",
    "name": "a run's files go by the network's own name",
}


def check_compatible(network: str, recipe: Recipe) -> None:
    """Refuses a recipe that contradicts its network.

    Args:
        network: The network's name.
        recipe: How it is to be trained.

    Raises:
        ValueError: For an unknown network, one whose task cannot be learnt here, an
            option that its builder does not have or that is not the recipe's to
            decide, or an input that it cannot take.
    """
    card = registry.find(network)
    if card.task not in tasks.TASKS:
        raise ValueError(
            f"{network} is a network for {card.task}, and training knows "
            f"{', '.join(tasks.TASKS)} alone; kerazoo list shows the networks."
        )
    with_weights(network, recipe)
    for option in recipe.options:
        if option in SET_BY_TRAINING:
            raise ValueError(
                f"The recipe {recipe.name} sets options.{option}, but "
                f"{SET_BY_TRAINING[option]}; leave the option out."
            )
    card.read_options(recipe.options)
    optimizer_class(recipe.optimizer)
    for pattern in recipe.networks:
        if not registry.list_models(pattern):
            raise unknown("network of the recipe", pattern, registry.list_models())
    check_size(network, recipe, recipe.image_shape or card.input_shape)
    if recipe.image_shape and min(recipe.image_shape[:2]) < card.minimum:
        raise ValueError(
            f"image_shape is {list(recipe.image_shape)}; the smallest image that "
            f"{network} takes is {card.minimum}x{card.minimum}."
        )


def with_weights(network: str, recipe: Recipe) -> Recipe:
    """A recipe with the options and the image that its trained weights bring.

    Args:
        network: The network's name.
        recipe: How it is to be trained.

    Raises:
        ValueError: For weights that are not there, that do not say what is done to
            images, or that an option or the size of the images contradicts.
    """
    if recipe.weights is None:
        return recipe
    chosen = resolve(network, recipe.weights)
    if chosen is None:
        raise ValueError(
            f"weights is {recipe.weights}, which does not say what is done to images "
            "before its network; give weights that do (kerazoo weights lists some), or "
            "begin with a run (start_from)."
        )
    for name, value in chosen.options.items():
        if (given := recipe.options.get(name, value)) != value:
            raise ValueError(
                f"options.{name} is {given!r}, but the weights {chosen.name} belong to "
                f"{network} with {name}={value!r}; leave the option out, or give other "
                "weights."
            )
    shape = recipe.image_shape or chosen.preprocessing.image_shape
    options = dict(chosen.options) | dict(recipe.options)
    if shape[:2] != chosen.preprocessing.size:
        check_fits(chosen, options, shape)
    return dataclasses.replace(recipe, options=options, image_shape=shape)


def check_size(network: str, recipe: Recipe, shape: tuple[int, int, int]) -> None:
    """Refuses a run to start from that is not there, and a batch that fits nowhere.

    Args:
        network: The network's name.
        recipe: How it is to be trained.
        shape: The images that it takes.

    Raises:
        ValueError: For one of the two.
    """
    start = recipe.start_from
    if start is not None and not (start and pathlib.Path(start).is_dir()):
        trained = pathlib.Path(start).name.partition("-")[0]
        first = "train that one first"
        if trained in registry.list_models():
            first = f"make it by `kerazoo train {trained}`, on the same data"
        raise ValueError(
            f"The recipe {recipe.name} starts from {recipe.start_from}, where there is "
            f"no run; {first}, give another (start_from=RUN), or begin with new "
            "weights (start_from=None)."
        )
    if start is not None:
        Run(start).config  # noqa: B018 - refuses what is no run
    memory.check(
        f"A batch of {recipe.batch_size} images of {'x'.join(map(str, shape))}",
        # In float32.
        4 * recipe.batch_size * math.prod(shape),
        "give a smaller image_shape or batch_size",
    )


def check_task(network: str, images: ImageData) -> None:
    """Refuses data from which a network cannot learn its task.

    Raises:
        ValueError: Where they are for another one.
    """
    task = registry.find(network).task
    if task != images.task:
        cards = map(registry.find, registry.list_models())
        fitting = [card.name for card in cards if card.task == images.task]
        instead = f", or a network such as {fitting[0]}" if fitting else ""
        raise ValueError(
            f"{network} is a network for {task}, but {images.name} is for "
            f"{images.task}; give other data{instead}."
        )

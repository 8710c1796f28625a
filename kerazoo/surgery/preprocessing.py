"""A served model with the resizing in front of it parted from the rest."""

import keras

from kerazoo.layers import RestoreBoxes


def resized_to_output(served: keras.Model) -> keras.Model:
    """The part of a served model after its resizing, which pipelines feed.

    Raises:
        ValueError: Where there is no one resizing, as in an ensemble of several sizes.
    """
    outputs = served.output
    for layer in served.layers:
        if isinstance(layer, RestoreBoxes):
            # What it found on the resized image, in pixels of that.
            outputs = outputs | {"boxes": layer.input[1]}
    try:
        resized = served.get_layer("resized").output
        if isinstance(served.input, dict):
            # And the regions that are proposed on the images.
            resized = [resized, served.get_layer("resized_proposals").output]
        return keras.Model(resized, outputs)
    except ValueError as error:
        raise ValueError(
            f"{served.name} does not resize all images to one size, so that no "
            "pipeline can feed it; measure its members, or give it raw images."
        ) from error


def split_resizing(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """The resizing of a served model, or of an ensemble's members, and the rest.

    Args:
        model: A functional model.

    Returns:
        A model from raw images to the resized ones, a list where there are several, and
        the model that takes these; ``None`` and the whole where nothing is resized.
    """
    resized = [
        layer.output
        for layer in model.layers
        if layer.name.rpartition("_")[2] == "resized"
    ]
    if len(resized) == 1:
        (resized,) = resized
    try:
        return keras.Model(model.input, resized), keras.Model(resized, model.output)
    except ValueError:
        return None, model

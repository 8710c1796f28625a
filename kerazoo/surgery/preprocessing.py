"""A served model without the resizing in front of it."""

import keras


def resized_to_output(served: keras.Model) -> keras.Model:
    """The part of a served model after its resizing, which pipelines feed.

    Raises:
        ValueError: Where there is no one resizing, as in an ensemble of several sizes.
    """
    try:
        return keras.Model(served.get_layer("resized").output, served.output)
    except ValueError as error:
        raise ValueError(
            f"{served.name} does not resize all images to one size, so that no "
            "pipeline can feed it; measure its members, or give it raw images."
        ) from error

"""Sets of boxes that trainings of seconds learn."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def squares(tmp_path_factory):
    """A folder of images with one or two bright squares, red or green, on noise."""
    root, rng = tmp_path_factory.mktemp("squares"), np.random.default_rng(0)
    for number in range(48):
        image = rng.integers(0, 60, (48, 48, 3)).astype("uint8")
        objects = ""
        for place in range(rng.integers(1, 3)):
            kind, side = rng.integers(0, 2), rng.integers(12, 20)
            x, y = 24 * place + rng.integers(0, 4), rng.integers(0, 48 - side)
            image[y : y + side, x : x + side, kind] = 250
            corners = zip(
                ("xmin", "ymin", "xmax", "ymax"),
                (x + 1, y + 1, min(x + side, 48), y + side),
                strict=True,
            )
            sides = "".join(f"<{key}>{value}</{key}>" for key, value in corners)
            name = ("red", "green")[kind]
            objects += f"<object><name>{name}</name><bndbox>{sides}</bndbox></object>"
        Image.fromarray(image).save(root / f"{number}.png")
        (root / f"{number}.xml").write_text(f"<annotation>{objects}</annotation>")
    return f"voc:{root}"

"""Class names as pictures show them: short, in fonts that have their letters."""

import collections
import functools
import unicodedata
import warnings
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.textpath import text_to_path

from kerazoo import display
from kerazoo.display import shortened

# Unseen, it keeps what stands beside a name in Arabic or Hebrew in its place.
LEFT = "\N{LEFT-TO-RIGHT MARK}"


def legible(names: Sequence[str], width: int) -> tuple[list[str], dict[str, Any]]:
    """Names as figures show them.

    A letter that no installed font has is left out, and a warning says so once; the
    name's number, from 0, is added where nothing else tells it from another.

    Args:
        names: Class names; some may occur more than once.
        width: Columns that they may take, each as wide as a digit.

    Returns:
        The names, those that differ still different; and the properties of the
        ``matplotlib.text.Text`` that shows them.
    """
    usual = matplotlib.rcParams["font.family"]
    letters = {one for name in names for one in name if not one.isspace()}
    missing = _missing(font_manager.findfont(font_manager.FontProperties()), letters)
    families = []
    for path in _installed() if missing else ():
        left = _missing(path, missing)
        if left != missing:
            families.append(_family(path))
            missing = left
        if not missing:
            break
    if missing:
        warn_of_missing(_scripts(missing))
    cleaned = {name: _without(name, missing) for name in names}
    often = collections.Counter(cleaned.values())
    for number, (name, one) in enumerate(cleaned.items()):
        if not one or often[one] > 1:
            cleaned[name] = f"{one} ({number})".strip()
    # A dollar sign begins no formula.
    font = {"fontfamily": [*usual, *families], "parse_math": False}
    wide = functools.partial(columns, font=font)
    shown = shortened([cleaned[name] for name in names], width, wide)
    shown = [f"{LEFT}{one}{LEFT}" if _right_to_left(one) else one for one in shown]
    return shown, font


def columns(text: str, font: dict[str, Any]) -> float:
    """How wide a text is in a figure, a digit being one column.

    A letter narrower than a digit counts as one all the same.

    Args:
        text: The text.
        font: The properties that it is drawn with, of :func:`legible`.
    """
    families = tuple(font["fontfamily"])
    return sum(_columns(letter, families) for letter in text)


@functools.cache
def _columns(letter, families):
    font = font_manager.FontProperties(family=list(families))
    wide, digit = (
        text_to_path.get_text_width_height_descent(one, font, ismath=False)[0]
        for one in (letter, "0")
    )
    return max(display.columns(letter), wide / digit)


def drawn(name: str, font: dict[str, Any], height: int, width: int) -> np.ndarray:
    """A name in black on white, as grey pixels ``(height, width)``, uint8."""
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    figure.text(0.5, 0.5, name, ha="center", va="center", fontsize=7, **font)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0]


def _right_to_left(name):
    return any(unicodedata.bidirectional(one) in ("R", "AL") for one in name)


def _without(name, missing):
    kept = (" " if one.isspace() else one for one in name if one not in missing)
    return " ".join("".join(kept).split())


def _missing(path, characters):
    """Those of the characters that a font does not have."""
    try:
        font = font_manager.get_font(path)
    except (OSError, RuntimeError):
        return characters
    # Matplotlib draws no bitmaps, as some fonts of emoji are.
    if not font.scalable:
        return characters
    return {one for one in characters if not font.get_char_index(ord(one))}


def _installed():
    """All fonts, the plainest first; those installed since matplotlib looked too."""

    def rank(path):
        name = path.lower()
        return "sans" not in name, "regular" not in name, name

    return sorted(font_manager.findSystemFonts(), key=rank)


def _family(path):
    """The family of a font, which matplotlib knows from then on."""
    name = font_manager.get_font(path).family_name
    if name not in font_manager.get_font_names():
        font_manager.fontManager.addfont(path)
    return name


def _scripts(characters):
    """What characters belong to, as in ``CJK and emoji``."""
    found = set()
    for one in characters:
        script = unicodedata.name(one, "").partition(" ")[0].partition("-")[0]
        if unicodedata.category(one)[0] == "L":
            found.add(script if script == "CJK" else script.capitalize())
        elif unicodedata.category(one)[0] == "S":
            found.add("emoji")
    return " and ".join(sorted(found)) or "special signs"


@functools.cache
def warn_of_missing(scripts: str) -> None:
    """Says, once, to which scripts the letters belong that no font has."""
    warnings.warn(
        f"No installed font has the letters of some class names ({scripts}), which "
        "figures leave out; install one, such as those of the Noto family.",
        stacklevel=2,
    )

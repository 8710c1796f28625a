"""Names in pictures have their letters, or a warning says why not."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager

from kerazoo import fonts


@pytest.fixture(autouse=True)
def unwarned():
    fonts.warn_of_missing.cache_clear()


@pytest.fixture
def alone(monkeypatch):
    """Matplotlib's own font is the only one."""
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


def test_plain_names_stay_as_they_are(alone):
    shown, font = fonts.legible(["cat", "Straße", "кот"], 20)
    assert shown == ["cat", "Straße", "кот"]
    assert font["fontfamily"] == matplotlib.rcParams["font.family"]


def test_letters_that_no_font_has_are_left_out_and_said_once(alone):
    names = ["猫", "犬", "cat 🐶", "dog"]
    with pytest.warns(UserWarning, match=r"\(CJK and emoji\)"):
        shown, _ = fonts.legible(names, 20)
    assert shown == ["(0)", "(1)", "cat", "dog"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fonts.legible(names, 20)


def test_names_that_lose_what_told_them_apart_are_numbered(alone):
    with pytest.warns(UserWarning, match="CJK"):
        shown, _ = fonts.legible(["cat 猫", "cat 犬", "dog"], 20)
    assert shown == ["cat (0)", "cat (1)", "dog"]


def test_a_font_that_has_the_letters_is_found(monkeypatch):
    """Of matplotlib's own the one of mathematical signs has letters of its own."""
    letter = "\N{MATHEMATICAL FRAKTUR SMALL A}"
    paths = font_manager.findSystemFonts(matplotlib.get_data_path())
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: paths)
    usual = font_manager.findfont(font_manager.FontProperties())
    assert not font_manager.get_font(usual).get_char_index(ord(letter))
    (shown,), font = fonts.legible([letter], 20)
    assert shown == letter
    assert len(font["fontfamily"]) == 2
    pixels = fonts.drawn(shown, font, 20, 40)
    assert pixels.shape == (20, 40)
    assert pixels.min() < 100


def test_arabic_does_not_turn_what_stands_beside_it():
    (shown,), _ = fonts.legible(["قطة"], 20)
    assert shown == f"{fonts.LEFT}قطة{fonts.LEFT}"


def test_a_dollar_is_no_formula():
    (shown,), font = fonts.legible(["$5 \\frac$"], 20)
    assert shown == "$5 \\frac$"
    assert np.ptp(fonts.drawn(shown, font, 14, 90)) > 0


def test_wide_letters_take_more_columns():
    """A figure counts by what its font draws, and a terminal by letters."""
    names = ["W" * 30, "i" * 30, "mmm", "개" * 30]
    shown, font = fonts.legible(names, 12)
    assert shown[2] == "mmm" and len(set(shown)) == 4
    assert all(one.endswith("…") for one in (shown[0], shown[1], shown[3]))
    assert len(shown[0]) < len(shown[1])
    assert all(fonts.columns(one, font) <= 13 for one in shown)
    assert fonts.columns("0i", font) == 2 < fonts.columns("WW", font)

"""ERRATA.md is what its script computes, and its figures are computed."""

import pathlib
import re
import runpy

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "docs/errata.py"))


def test_the_page_is_up_to_date():
    text = (ROOT / "ERRATA.md").read_text(encoding="utf-8")
    assert text == SCRIPT["page"](), "stale; run `make models`"


def test_the_numbers_that_lessons_name_stay():
    """New ones are added at the end."""
    firsts = [
        "Break down the CNN in more detail",
        "구현 내용",
        "VGGNet 16",
        "속도",
        "VGG #2",
        "Inception v1 #2 multi softmax",
        "1. Machine learning and deep learning",
        "#2 AlexNet hyperparameter",
        "Inception v4 (the caption of figure 7)",
        "How to use?",
        "epoch and batch",
    ]
    found = SCRIPT["errata"]()
    assert [one.page for one in found[: len(firsts)]] == firsts
    decks = "DDDDBBBBBAAEEEECEBBB"
    assert "".join(one.deck for one in found)[: len(decks)] == decks


def test_what_is_right_by_hand():
    """The figures by other means than the script's."""
    found = [one.right + " " + one.why for one in SCRIPT["errata"]()]
    total = sum(
        (inputs + 1) * outputs
        for inputs, outputs in [
            (9, 32),
            (9 * 32, 64),
            (9 * 64, 128),
            (4 * 4 * 128, 625),
            (625, 10),
        ]
    )
    assert f"total {total:,}" in found[0]
    assert f"{4 * (784 + 256 + 10):,} bytes" in found[1]
    assert f"{785 * 100 + 101 * 10:,}" in found[11]
    sums = 0.3 * np.array([10, 5, 10, 40, 20, 5, 10])
    sums += [5, 5, 30, 40, 5, 5, 10]
    numbers = re.findall(r"0\.\d+", found[5])[:7]
    np.testing.assert_allclose(np.array(numbers, float), sums / 100)
    # (26 - kernel) // 2 + 1
    assert "5x5 gives 11x11x6, 6x6 gives 11x11x6" in found[12]
    assert "sum to 7.5 on average" in found[13]
    cross = np.log(10)
    binary = (cross - 9 * np.log(0.9)) / 10
    assert f"{binary:.3f} where the cross-entropy is {cross:.3f}" in found[15]
    points, values = SCRIPT["POINTS"], SCRIPT["VALUES"]
    cubic = ", ".join(f"{one:.2f}" for one in np.polyfit(points, values, 3)[::-1])
    assert f"M = 3: {cubic}" in found[20]
    # The last column by the normal equations.
    powers = np.vander(points, 10, increasing=True)
    penalty = np.exp(float(re.findall(r"ln λ = (\S+)", found[21])[1]))
    last = np.linalg.solve(powers.T @ powers + penalty * np.eye(10), powers.T @ values)
    printed = [0.13, -0.05, -0.06, -0.05, -0.03, -0.02, -0.01, 0.00, 0.00, 0.01]
    np.testing.assert_allclose(last, printed, atol=0.01)

"""BENCHMARKS.md says what the results say."""

import pathlib

from benchmarks import report

ROOT = pathlib.Path(__file__).parents[1]


def test_the_page_is_up_to_date():
    assert (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8") == report.page(), (
        "BENCHMARKS.md is stale; run `make report`"
    )


def test_every_figure_has_a_row():
    result = {
        "a": {"b": {"median": 1.23456, "low": 1, "high": 2345.6}},
        "c": [0.5, True],
        "d": [{"e": "x | y"}],
    }
    assert list(report.leaves(result)) == [
        ("a, b", "1.235 (1 to 2,346)"),
        ("c", "0.5, True"),
        ("d 1, e", "x / y"),
    ]

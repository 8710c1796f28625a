"""BENCHMARKS.md and its plots say what the results say; every benchmark is known."""

import pathlib
import re

import pytest

import kerazoo
from benchmarks import __main__ as commands
from benchmarks import (
    cifar10,
    harness,
    mnist_ladder,
    plots,
    report,
    training_step,
    views,
)

ROOT = pathlib.Path(__file__).parents[1]
# Those of the project's page, and those of other machines.
FOLDERS = [
    harness.OURS,
    *(path for path in harness.OURS.iterdir() if any(path.glob("*.json"))),
]
STALE = "stale; run `make report`"
HALF = {"median": 0.5, "low": 0.25, "high": 1.0, "runs": 3}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_page_is_up_to_date(folder):
    text = report.place(folder).read_text(encoding="utf-8")
    assert text == report.page(folder), STALE
    # What the page shows is there.
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (report.place(folder).parent / picture).is_file()


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_plots_are_up_to_date(folder):
    expected = {
        folder / place: plots.signature(report.select(record["result"], view), view)
        for name, record in report.records(folder).items()
        for place, view in report.drawn(name, record)
    }
    pictures = (folder / "plots").glob("*.png")
    assert {path: plots.shown(path) for path in pictures} == expected, STALE


def test_figures_of_the_slides_and_papers_stand_with_their_networks():
    """No network is given the figure of another."""
    measured = report.records(harness.OURS)["mnist_ladder"]["result"]
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    for rung, (words, slides, promise) in mnist_ladder.RUNGS.items():
        row = measured[rung]
        assert (row["slides"], row["promise"]) == (slides, promise), rung
        assert row["command"].endswith(words)
        cells = [slides, f"{row['test_accuracy'][0]:.2%}", str(row["epochs"])]
        assert f"| {' | '.join(cells)} | `{row['command']}` |" in text
    for network, error in cifar10.PAPERS.items():
        published = kerazoo.find(network).published["CIFAR-10 error"]
        assert f"{error:.2f}" in published, network


def test_results_of_two_machines_do_not_mix(monkeypatch, tmp_path):
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "new")
    assert harness.earlier("scale") == {}
    harness.save("scale", "How?", {"a": 1})
    assert harness.earlier("scale") == {"a": 1}
    monkeypatch.setattr(harness, "processor", lambda: {"model name": "Another"})
    with pytest.raises(SystemExit, match=r"another machine .* KERAZOO_RESULTS"):
        harness.earlier("scale")


def test_a_peak_of_a_busy_moment_flatters_nobody():
    def row(peak, seconds):
        side = {"seconds": {"median": seconds}, "share of the peak in float32": None}
        return {"batch": 8, "peak": {"float32": peak}, "rows": {"plain Keras": side}}

    result = {"alexnet": row(1e11, 1), "vgg16": row(2e11, 2), "xception": {}}
    rows = training_step.shares(result)["alexnet"]["rows"]
    macs = kerazoo.find("alexnet").macs
    share = rows["plain Keras"]["share of the peak in float32"]
    assert share == pytest.approx(6 * 8 * macs / 2e11)


def test_every_benchmark_has_a_section_and_runs_in_full():
    scripts = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if re.search(r"harness\.(save|by_network)\(", path.read_text(encoding="utf-8"))
    }
    shown = {name for names in views.SECTIONS.values() for name in names}
    full = {command.split()[0] for command in commands.FULL}
    quick = {command.split()[0] for command in commands.QUICK}
    assert shown == full == scripts
    assert quick <= full


def test_a_failing_benchmark_stops_no_other(monkeypatch, capfd):
    monkeypatch.setattr(commands, "QUICK", ("no_such", "inference", "cifar10 --no"))
    monkeypatch.setattr(commands, "lacks", {"inference": "no onnxruntime"}.get)
    with pytest.raises(SystemExit, match="failed: no_such; cifar10 --no"):
        commands.main([])
    out, _ = capfd.readouterr()
    assert "== inference: skipped, no onnxruntime\n" in out


def test_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path))
    assert "no mnist in" in commands.lacks("mnist_ladder --seeds 3")
    (tmp_path / "mnist").mkdir()
    assert commands.lacks("mnist_ladder --seeds 3") is None


def test_alike_rows_share_a_table():
    tree = report.split({"images/s: a": 1, "images/s: b": HALF, "epochs": 1234})
    assert report.everything(tree) == [
        "|  | figure |\n| --- | ---: |\n| epochs | 1,234 |\n",
        "|  | a | b |\n| --- | ---: | ---: |\n"
        "| images/s | 1 | 0.5 (0.25 to 1) |\n",
    ]  # fmt: skip


def test_a_view_selects_by_path():
    result = {
        "alexnet": {"rows": {"plain": {"seconds": HALF}}, "batch": 8},
        "vgg16": {"profile": {}, "batch": 8},
    }
    columns = {"seconds": "rows > plain > seconds", "images": "batch"}
    rows = report.select(result, views.View("", "*", columns))
    assert rows == {"alexnet": {"seconds": HALF, "images": 8}}
    rows = report.select(result, views.View("", "*", "rows > * > sec*", scale=100))
    assert rows["alexnet"]["plain, seconds"]["high"] == 100


@pytest.mark.parametrize(
    ("value", "heading", "text"),
    [
        (1234.5, "", "1,234"),
        (0.12345, "", "0.1235"),
        (0.12345, "share of the peak", "12%"),
        (0.99371, "accuracy", "99.37%"),
        ([1, True], "", "1, yes"),
        ("a\n| b", "", "a / b"),
    ],
)
def test_figures_as_text(value, heading, text):
    assert report.cell(value, heading) == text

"""``MODELS.md`` is what the cards say today."""

import pathlib
import re
import subprocess
import sys

import kerazoo

ROOT = pathlib.Path(__file__).parents[2]
# Runs the module as `python -m` does, and fails where that loads a framework.
SCRIPT = """
import runpy, sys
runpy.run_module("kerazoo.models", run_name="__main__")
assert not {"keras", "tensorflow"} & set(sys.modules)
"""


def printed():
    command = [sys.executable, "-X", "utf8", "-c", SCRIPT]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_page_is_fresh():
    page = (ROOT / "MODELS.md").read_text(encoding="utf-8")
    assert page == printed(), "MODELS.md is stale; run `make models`."


def test_the_page_has_every_network_and_difference():
    page = printed()
    for name in kerazoo.list_models():
        card = kerazoo.find(name)
        if not card.module.startswith("kerazoo."):
            continue  # Registered by another test.
        (row,) = (line for line in page.splitlines() if f"| `{name}` |" in line)
        assert f"| {card.year} |" in row
        assert f"| {card.trainable:,}" in row
        assert f"| {card.macs:,} |" in row
        assert card.proof in row
        assert (card.status == "reconstruction") == ("reconstruction" in row)
        section = page.split(f"\n## {card.family}\n")[1].split("\n## ")[0]
        section = re.sub(r"\[(arXiv [\d.]+)\]\(\S+\)", r"\1", section)
        for difference in card.differences:
            assert difference.removeprefix(f"`{name}`: ") in section

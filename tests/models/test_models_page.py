"""What is written from the cards is what the cards say today."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

import kerazoo

ROOT = pathlib.Path(__file__).parents[2]
# In a process of its own, for other tests register networks; no framework is loaded.
SCRIPT = """
import json, pathlib, runpy, sys
written = runpy.run_path("docs/networks.py")["files"]()
print(json.dumps({path.name: content for path, content in written}))
assert not {"keras", "tensorflow"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def written():
    command = [sys.executable, "-X", "utf8", "-c", SCRIPT]
    run = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    "path",
    ["MODELS.md", "docs/api.md", "kerazoo/networks.pyi", "kerazoo/__init__.pyi"],
)
def test_what_is_written_is_fresh(written, path):
    content = (ROOT / path).read_text(encoding="utf-8")
    stale = f"{path} is stale; run `make models`."
    assert content == written[pathlib.Path(path).name], stale


def test_the_page_has_every_network_and_difference(written):
    page = written["MODELS.md"]
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
        for option in card.options.values():
            assert f"- `{option.name}`: {option.doc} {option.choices}" in section
        for difference in card.differences:
            assert difference.removeprefix(f"`{name}`: ") in section

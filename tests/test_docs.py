"""The pages of docs/ build without a warning; every public name is on one."""

import ast
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(place)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    # Strict: a dead link or a name that is not there is an error.
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def test_every_public_name_has_its_place(site):
    pages = "".join(page.read_text() for page in site.rglob("*.html"))
    for room in ("", "data", "training", "tuning"):
        stub = ROOT / "kerazoo" / room / "__init__.pyi"
        for node in ast.parse(stub.read_text()).body:
            module = getattr(node, "module", None)
            if module in (None, "networks"):
                continue
            for alias in node.names:
                path = ".".join(filter(None, ("kerazoo", room, module, alias.name)))
                assert f'id="{path}"' in pages, path


def test_the_readme_is_short_and_its_files_are_there():
    assert len(README.splitlines()) <= 115
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
    for module in re.findall(r"python -m (benchmarks\.\w+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module

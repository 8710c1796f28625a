"""The lessons as pages, in English and in Korean; mkdocs runs it whenever it builds.

A notebook of ``notebooks/lessons`` becomes the page ``lessons/NAME.md`` as it is
stored, and with the texts of its twin the page ``lessons/ko/NAME.md``. Nothing is run
and no file is written. Every text keeps the id of its cell: ``lessons/NAME.md#ID``
leads there in both languages.
"""

import os
import pathlib
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "notebooks" / "lessons"
# The pages that show files of the top folder.
SHOWN = {
    "ERRATA.md": "errata.md",
    "MODELS.md": "networks.md",
    "BENCHMARKS.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
}
OTHER = {"": "[한국어]({})", "ko": "[English]({})"}


def names() -> list[str]:
    """The lessons in order."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def texts(name: str) -> dict[str, str]:
    """The Korean texts of a lesson, by the ids of its cells."""
    twin = (FOLDER / "ko" / f"{name}.md").read_text(encoding="utf-8")
    parts = re.split(r"^<!-- cell: (\S+) -->$", twin, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def page(name: str, language: str = "") -> tuple[str, dict[str, bytes]]:
    """A lesson as Markdown, and the pictures that it shows, by file name.

    Args:
        name: Of the lesson, as in ``01_convolution``.
        language: ``"ko"`` for the Korean texts.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    korean = texts(name) if language else {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            source = korean.get(cell.id, cell.source)
            cell.source = _anchored(_linked(source, language), cell.id)
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = _wrapped(output.text)
    # Both languages show the same files.
    resources = {"unique_key": name, "output_files_dir": ".." if language else ""}
    text, found = MarkdownExporter().from_notebook_node(notebook, resources)
    other = f"../{name}.md" if language else f"ko/{name}.md"
    head, _, rest = text.partition("\n")
    note = f"{OTHER[language].format(other)} · `notebooks/lessons/{name}.ipynb`"
    pictures = {pathlib.Path(k).name: v for k, v in found["outputs"].items()}
    return f"{head}\n\n{note}\n{rest}", pictures


def _anchored(source, name):
    """The id of a cell as that of its heading, or of a mark before its text."""
    head, _, rest = source.partition("\n")
    if head.startswith("#"):
        return f"{head} {{ #{name} }}\n{rest}"
    return f'<a id="{name}"></a>\n\n{source}'


def _wrapped(text):
    """Printed lines that are wider than a page, as several."""
    lines = text.split("\n")
    return "\n".join(
        textwrap.fill(line, 88) if len(line) > 88 else line for line in lines
    )


def _linked(source, language):
    """Links between files as links between pages; what has no page loses its link."""
    here = f"lessons/{language}".rstrip("/")

    def link(found):
        words, target, anchor = found.groups()
        place = _place(target, language)
        if place is None:
            return words
        return f"[{words}]({os.path.relpath(place, here)}{anchor or ''})"

    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)", link, source)


def _place(target, language):
    """The page of a file."""
    path = pathlib.Path(os.path.normpath(FOLDER / language / target))
    if path.parent == FOLDER and path.stem in names():
        return f"lessons/{language}/{path.stem}.md".replace("//", "/")
    if path.is_file() and path.is_relative_to(ROOT / "docs"):
        return str(path.relative_to(ROOT / "docs"))
    return SHOWN.get(path.name) if path.parent == ROOT else None


def pages(config: MkDocsConfig) -> Iterator[File]:
    """Everything that the lessons add to the site."""
    for name in names():
        for language in OTHER:
            text, pictures = page(name, language)
            place = f"lessons/{language}/{name}.md".replace("//", "/")
            yield File.generated(config, place, content=text)
        for picture, content in pictures.items():
            yield File.generated(config, f"lessons/{picture}", content=content)


def on_config(config: MkDocsConfig) -> None:
    """Puts the lessons behind their index."""
    korean: list[Any] = [f"lessons/ko/{name}.md" for name in names()]
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Lessons" in entry:
            entry["Lessons"] += [f"lessons/{name}.md" for name in names()]
            if korean:
                entry["Lessons"].append({"한국어": korean})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages and their pictures."""
    for file in pages(config):
        files.append(file)

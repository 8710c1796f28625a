"""Every public function is annotated, short, and no file imports itself in a circle."""

import ast
import graphlib
import pathlib
import subprocess
import sys

import jedi
import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "kerazoo"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 70
MAX_PARAMETERS = 10
# Their arguments are what their users choose from: `fit` as Keras' own, `Batches` as
# `keras.utils.image_dataset_from_directory`. Builders take theirs from declarations.
# What a paper counts, samples and cuts off, each an option of its own.
LONG = {"fit", "Batches.__init__", "faster_rcnn", "fast_rcnn", "regions_with_cnn"}
LONG |= {"spp_detect"}


def functions(tree, prefix=""):
    """The functions of a module and the methods of its classes, by qualified name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node


def arguments(function):
    """The arguments that a caller gives."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [one for one in named if one.arg not in ("self", "cls")]


def is_public(name):
    parts = name.split(".")
    return all(part[0] != "_" or part.startswith("__") for part in parts)


def unannotated(tree):
    for name, function in functions(tree):
        if not is_public(name):
            continue
        stars = [function.args.vararg, function.args.kwarg]
        for one in [*arguments(function), *filter(None, stars)]:
            if one.annotation is None:
                yield f"{name}({one.arg})"


def too_long(tree, text):
    lines = text.splitlines()
    for name, function in functions(tree):
        body = function.body[ast.get_docstring(function) is not None :]
        first, last = body[0].lineno if body else 1, function.end_lineno
        code = [x.strip() for x in lines[first - 1 : last]] if body else []
        if sum(bool(x) and x[0] != "#" for x in code) > MAX_LINES:
            yield name


def too_wide(tree):
    for name, function in functions(tree):
        wide = len(arguments(function)) > MAX_PARAMETERS
        if is_public(name) and name not in LONG and wide:
            yield name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_are_annotated_and_short(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert not list(unannotated(tree))
    assert not list(too_long(tree, text))
    assert not list(too_wide(tree))


def test_the_walk_finds_what_is_forbidden():
    many = ", ".join(f"a{n}: int" for n in range(11))
    tree = ast.parse(f"def f(x, *y): pass\nclass C:\n    def g(self, {many}): pass")
    assert list(unannotated(tree)) == ["f(x)", "f(y)"]
    assert list(too_wide(tree)) == ["C.g"]
    text = "def f():\n" + "    x = 1\n\n" * 71
    assert list(too_long(ast.parse(text), text)) == ["f"]


def dotted(path):
    """The name of a module; a package's is that of its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree, modules):
    """The modules of the package that one imports, but for type checkers alone."""
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - for_types:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = name if name in modules else name.rpartition(".")[0]
            if found in modules:
                yield found


def test_no_circle_between_files():
    modules = {dotted(path): ast.parse(path.read_text()) for path in FILES}
    graph = {}
    for name, tree in modules.items():
        graph[name] = set(imported(tree, modules)) - {name}
        # A package's public names are loaded on first use.
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert set(order) == set(modules)


def mypy(*arguments):
    command = [sys.executable, "-m", "mypy", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def test_mypy_finds_nothing():
    assert mypy().startswith("Success")


UNTYPED = "[mypy-keras.*,tensorflow.*]\nfollow_imports = skip\n"
CALLS = """import kerazoo

kerazoo.alexnet(classes=10, groups=2)
kerazoo.alexnet(clases=10)
kerazoo.alexnet(groups=3)
reveal_type(kerazoo.find("lenet5").year)
"""


def test_a_type_checker_knows_the_options_of_a_network(tmp_path):
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nfollow_imports = silent\n" + UNTYPED)
    found = mypy("--config-file", str(settings), "-c", CALLS)
    lines = [line for line in found.splitlines() if line.startswith("<string>")]
    assert [line.split(":")[1] for line in lines] == ["4", "4", "5", "6"]
    assert 'Unexpected keyword argument "clases" for "alexnet"' in lines[0]
    assert 'did you mean "classes"' in lines[0]
    assert "Literal[1, 2]" in lines[2]
    assert '"int"' in lines[3]


def test_an_editor_shows_the_signature_of_a_network():
    (signature,) = jedi.Script("import kerazoo\nkerazoo.alexnet(").get_signatures()
    parameters = signature.params
    names = [one.name for one in parameters]
    assert names[:2] == ["input_shape", "classes"] and "norm_order" in names
    groups = next(one for one in parameters if one.name == "groups")
    assert groups.description == "param groups: typing.Literal[1, 2]=1"
    assert signature.docstring(raw=True).startswith("AlexNet, 2012.")

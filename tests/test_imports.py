"""Who may import whom: one table, held against every import of the package."""

import ast
import pathlib
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "kerazoo"
LIGHT = {"lazy_loader"}
KERAS = LIGHT | {"keras", "numpy"}
PLOTS = {"matplotlib", "PIL", "rich"}
TENSORFLOW = KERAS | PLOTS | {"absl", "tensorboard", "tensorflow"}
TENSORFLOW |= {"tensorflow_datasets"}
SERVICES = {"filelock", "platformdirs", "sklearn", "requests"}

# Part: the other parts it may import, and the packages that are not of the standard
# library.
TABLE = {
    "errors": (set(), set()),
    "reader": (set(), set()),
    "recursion": (set(), set()),
    "display": (set(), set()),
    "fonts": (set(), KERAS | PLOTS),
    "memory": (set(), set()),
    "registry": (set(), set()),
    # It names the models; the registry imports them.
    "networks": ({"registry"}, set()),
    # For Keras to know them.
    "registration": ({"layers"}, set()),
    "recipe": (set(), set()),
    "files": (set(), {"filelock"}),
    "processes": (set(), set()),
    "symbolic": (set(), KERAS),
    "windows": (set(), set()),
    "colors": (set(), {"numpy"}),
    "detections": (set(), {"numpy"}),
    # What looks at images outside of any network, and the networks that propose.
    "proposals": (
        {"analysis", "data", "detections", "files", "recipe", "registry", "run"},
        {"numpy", "platformdirs"},
    ),
    # A model file is read with the layers that it may hold.
    "run": ({"recipe", "files", "layers"}, KERAS),
    "precision": (set(), TENSORFLOW),
    "layers": ({"windows"}, KERAS),
    "blocks": ({"layers"}, KERAS),
    "surgery": ({"layers"}, KERAS),
    # It reads and writes files that others know; none of them may run anything.
    "weights": (
        {"registry", "surgery", "files", "symbolic"},
        KERAS | {"h5py", "platformdirs", "rich", "safetensors"},
    ),
    "builder": ({"layers", "registry", "symbolic", "weights"}, KERAS),
    "models": ({"layers", "blocks", "builder", "registry"}, KERAS),
    "data": (
        {"layers", "files", "fonts", "processes", "colors", "detections"},
        TENSORFLOW | SERVICES | {"yaml"},
    ),
    "recipes": ({"recipe", "registry"}, LIGHT),
    "analysis": (
        {"registry", "surgery", "layers", "fonts", "colors", "detections", "files"}
        | {"symbolic"},
        KERAS | PLOTS | {"sklearn", "pycocotools"},
    ),
    "tasks": (
        {"registry", "recipe", "run", "data", "layers", "blocks", "surgery"}
        | {"analysis", "detections"},
        KERAS | PLOTS | {"sklearn"},
    ),
    # It is told the name of a recipe, as the command line is.
    "training": (
        {"registry", "recipe", "recipes", "files", "run", "data", "layers", "blocks"}
        | {"fonts", "surgery", "tasks", "analysis", "precision", "processes"}
        | {"symbolic", "colors", "detections", "proposals", "weights"},
        TENSORFLOW | SERVICES,
    ),
    "serving": (
        {"run", "registry", "files", "surgery", "tasks", "data", "precision"}
        | {"colors", "detections", "layers", "analysis", "proposals", "recipe"}
        | {"weights", "processes"},
        TENSORFLOW | SERVICES,
    ),
    # A search draws its trials and counts what they cost.
    "tuning": (
        {"registry", "recipe", "recipes", "files", "run", "data", "surgery", "tasks"}
        | {"training", "serving", "analysis", "precision", "processes"},
        TENSORFLOW | SERVICES | {"keras_tuner"},
    ),
}
# Inside a function alone: a layer's TensorFlow kernel, which has another form for the
# other backends, the backend that runs where Keras has no word, and an extra.
INSIDE_FUNCTIONS = {
    "analysis": {"jax", "tensorflow"},
    "layers": {"tensorflow"},
    "precision": {"jax"},
    "proposals": {"cv2", "keras"},
    "serving": {"ai_edge_litert", "onnx", "onnxruntime", "openvino", "tf2onnx"},
    "tasks": {"tensorflow"},
    "training": {"jax"},
    "tuning": {"optuna"},
}
# The one file that mends Keras itself, for named versions.
MENDS_KERAS = "training/keras_repairs.py"
PRIVATE = ("keras.src", "tensorflow.python")
EVERYBODYS = {"errors", "reader", "recursion", "display", "memory"}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree):
    """Every import of a module as ``(dotted name, within a function)``."""
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, node in inside


def offences(part, tree):
    """What a file of a part imports against the table."""
    parts, packages = TABLE[part]
    for name, inside in imports(tree):
        top, *rest = name.split(".")
        if top == "kerazoo":
            # `from kerazoo import x` names a part or a public name of one.
            allowed = rest and rest[0] in parts | {part} | EVERYBODYS
            if part == "models" and rest[:1] == ["models"]:
                allowed = False
        else:
            extra = INSIDE_FUNCTIONS.get(part, set()) if inside else set()
            allowed = top in sys.stdlib_module_names or top in packages | extra
        words = name.removeprefix("__future__").split(".")
        if name.startswith(PRIVATE) or any(word.startswith("_") for word in words):
            allowed = False
        if not allowed:
            yield name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_keep_to_the_table(path):
    part = part_of(path)
    if part in ("__init__", "__main__", "cli"):
        pytest.skip("may import everything")
    found = list(offences(part, ast.parse(path.read_text())))
    if str(path.relative_to(PACKAGE)) == MENDS_KERAS:
        found = [name for name in found if not name.startswith("keras.src")]
    assert found == []


def test_nothing_imports_the_command_line():
    for path in FILES:
        if part_of(path) not in ("cli", "__main__"):
            names = [name for name, _ in imports(ast.parse(path.read_text()))]
            assert not [n for n in names if n.startswith("kerazoo.cli")], path


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("models", "import tensorflow as tf"),
        ("models", "def f():\n    import tensorflow as tf"),
        ("models", "from kerazoo.models import vgg"),
        ("models", "from kerazoo.data import load"),
        ("layers", "import tensorflow"),
        ("layers", "from kerazoo.blocks import conv"),
        ("registry", "import keras"),
        ("recipes", "from keras import layers"),
        ("blocks", "from keras.src import layers"),
        ("training", "from kerazoo.models import lenet"),
        ("training", "from kerazoo import cli"),
        ("errors", "from kerazoo import registry"),
    ],
)
def test_the_walk_finds_what_is_forbidden(part, source):
    assert list(offences(part, ast.parse(source)))

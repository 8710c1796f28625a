"""What is light stays light: neither Keras nor TensorFlow is imported."""

import ast
import pathlib
import subprocess
import sys

import pytest

import kerazoo
from kerazoo import data, training, tuning

HEAVY = {"keras", "tensorflow", "jax", "torch", "tensorflow_datasets", "numpy"}
COMMAND = """
import sys
from kerazoo import cli
sys.argv = ["kerazoo", *{words!r}]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
"""
COMPLETION = """
import os, sys
os.environ |= {{
    "_KERAZOO_COMPLETE": "complete_bash",
    "COMP_WORDS": {words!r},
    "COMP_CWORD": "{number}",
}}
from kerazoo import cli
sys.argv = ["kerazoo"]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
"""
CASES = {
    "import": "import kerazoo; dir(kerazoo)",
    "help": COMMAND.format(words=["--help"]),
    "help of train": COMMAND.format(words=["train", "--help"]),
    "list": COMMAND.format(words=["list"]),
    "list as JSON": COMMAND.format(words=["list", "--json", "*net*"]),
    "find": "import kerazoo; kerazoo.find('lenet5'); kerazoo.list_models()",
    "recipe": "import kerazoo; kerazoo.Recipe.from_dict({}).override('epochs=1')",
    "recipes": "from kerazoo import recipes; recipes.find(recipes.list_recipes()[0])",
    "completion": COMPLETION.format(words="kerazoo train alexnet_o", number=2),
    "data": "from kerazoo import data; data.SETS",
    "training": "from kerazoo import training; dir(training)",
    "tuning": "from kerazoo import tuning; dir(tuning)",
}


@pytest.mark.parametrize("case", CASES)
def test_imports_nothing_heavy(case):
    code = f"{CASES[case]}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    modules = process.stderr.split()
    assert "kerazoo" in modules
    assert not HEAVY & set(modules)


@pytest.mark.parametrize(
    ("words", "number", "found"),
    [
        ("kerazoo train alexnet", 2, ["alexnet", "alexnet_owt"]),
        ("kerazoo train dsn --recipe dsn", 4, ["dsn", "dsn_one_cycle"]),
        ("kerazoo train dsn --data cifar", 4, ["cifar10", "cifar100"]),
        ("kerazoo data check mni", 3, ["mnist"]),
    ],
)
def test_a_shell_completes_names(words, number, found):
    code = COMPLETION.format(words=words, number=number)
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert process.stdout.split() == found


@pytest.mark.parametrize(
    "package", [kerazoo, data, training, tuning], ids=lambda package: package.__name__
)
def test_every_public_name_resolves(package):
    stub = pathlib.Path(package.__file__).with_suffix(".pyi")
    names = [
        alias.asname or alias.name
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert names
    missing = []
    for name in names:
        try:
            getattr(package, name)
        except (ImportError, AttributeError) as error:
            missing.append(f"{name}: {error}")
    assert not missing
    assert set(names) <= set(dir(package))


def test_every_network_is_a_public_name():
    assert set(kerazoo.list_models()) <= {
        *dir(kerazoo),
        # Other tests register networks of their own.
        *(n for n in kerazoo.list_models() if "kerazoo" not in kerazoo.find(n).module),
    }

"""``python -OO`` strips docstrings and assertions; nothing may need them."""

import subprocess
import sys

SCRIPT = """
import sys
import kerazoo
from kerazoo.cli import main

assert False, "assertions are stripped"
for name in kerazoo.list_models():
    getattr(kerazoo, name)
print(kerazoo.find("alexnet").options["groups"].doc)
print(kerazoo.lenet5().name)
sys.argv = ["kerazoo", "train", "mlp_50", "--data", "digits", "--epochs", "1"]
sys.argv += ["--data-dir", ".", "--run", "run", "--json"]
main()
"""


def test_networks_build_and_train_without_docstrings(tmp_path):
    command = [sys.executable, "-OO", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert lines[:2] == ["The towers; the paper has two.", "lenet5"]
    assert '"accuracy"' in done.stdout
    assert (tmp_path / "run" / "model.keras").is_file()

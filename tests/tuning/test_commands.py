"""The commands tune and winner."""

import json
import re

import pytest
from typer.testing import CliRunner

from kerazoo import cli


def search_words(folder, data_dir):
    words = ["tune", "mlp_50", "--data", "digits", "--data-dir", str(data_dir)]
    words += ["--set", "image_shape=[8,8,1]", "--epochs", "1", "--folder", str(folder)]
    return [*words, "--space", "learning_rate=0.01,1e38", "--strategy", "grid"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data_dir):
    """A search that the command made."""
    folder = tmp_path_factory.mktemp("search") / "one"
    words = search_words(folder, data_dir)
    done = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == 0
    first, second, *lines = done.output.splitlines()
    # As the trials end; then the table.
    assert first.startswith("trial 0: ")
    assert second.startswith("trial 1: ")
    assert lines[0].split()[:2] == ["trial", "accuracy"]
    assert {line.split()[0] for line in lines[1:] if line[:6].strip()} >= {"0", "1"}
    assert "kerazoo winner" in lines[-1]
    return folder


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_table_keeps_the_accuracy(folder, data_dir, width):
    words, console = search_words(folder, data_dir), {"COLUMNS": str(width)}
    done = CliRunner(env=console).invoke(cli.app, words, catch_exceptions=False)
    head, row, *_ = done.output.splitlines()
    assert head.split()[:2] == ["trial", "accuracy"]
    assert re.fullmatch(r"\d+\.\d\d%", row.split()[1])
    assert "0.01" in done.output and "1e+38" in done.output


def test_a_winner_becomes_a_run_and_a_recipe(folder, tmp_path):
    run, recipe = tmp_path / "run", tmp_path / "best.json"
    words = ["winner", str(folder), "--run", str(run), "--save-recipe", str(recipe)]
    done = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    assert "test accuracy" in done.output
    assert "--recipe" in done.output
    assert (run / "model.keras").is_file()
    assert json.loads(recipe.read_text())["optimizer"]["learning_rate"] == 0.01


def test_retraining_needs_a_folder(folder):
    with pytest.raises(ValueError, match="--retrain needs a run folder"):
        CliRunner().invoke(
            cli.app, ["winner", str(folder), "--retrain"], catch_exceptions=False
        )


def test_json(folder):
    words = ["winner", str(folder), "--json"]
    done = CliRunner().invoke(cli.app, words, catch_exceptions=False)
    record = json.loads(done.output)
    assert record["values"] == {"learning_rate": 0.01}
    assert record["test"] is None


def test_a_folder_without_a_search_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no search"):
        CliRunner().invoke(cli.app, ["winner", str(tmp_path)], catch_exceptions=False)

"""Run folders of an earlier version still open: they are evaluated, used and joined.

``old_runs`` holds two runs of ``mlp_50`` on the digits, made by commit 29a485a with

    kerazoo train mlp_50 --data digits --set image_shape=8,8,1 --epochs 40 \
        --set optimizer.learning_rate=0.01 --seed 1

and ``--seed 2``; states, events and figures were left out.
"""

import pathlib

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import data, tuning

RUNS = [pathlib.Path(__file__).with_name("old_runs") / f"run_{n}" for n in (1, 2)]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_an_old_run_evaluates_to_what_it_recorded(path, data_dir):
    found = kerazoo.evaluate(path, data_dir=data_dir)
    recorded = kerazoo.Run(path).metrics
    assert found.accuracy == recorded.accuracy > 0.96
    assert found.loss == pytest.approx(recorded.loss, rel=1e-3)


def test_an_old_run_names_what_is_on_an_image(data_dir, tmp_path):
    test = data.load("digits", data_dir=data_dir).test
    right = 0
    for number in range(10):
        place = test.indices[number]
        Image.fromarray(test.source.images[place][..., 0]).save(tmp_path / "digit.png")
        (row,) = kerazoo.predict(RUNS[0], [tmp_path / "digit.png"], top=1)
        right += row.top[0].label == str(test.labels[number])
    assert right >= 9


def test_old_runs_join(data_dir):
    result = tuning.ensemble(RUNS, data_dir=data_dir)
    assert len(result.members) == 2
    assert result.metrics.accuracy > 0.96
    images = np.zeros((1, 8, 8, 1), "uint8")
    assert np.asarray(result.model(images)).shape == (1, 10)

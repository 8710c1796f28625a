"""Strategies on a function that costs nothing, killed at every trial."""

import json
import math

import pytest

from kerazoo.recipe import Recipe
from kerazoo.tuning import SearchPlan, Space, strategies
from kerazoo.tuning.strategies import Loop

SPACE = ["learning_rate=log:1e-4:1:5", "batch_size=16,32,64"]


class Killed(Exception):
    """The end of a process in the midst of a trial."""


class Search:
    """Scores a point by how near it is to a learning rate of 0.01."""

    def __init__(self, oracle, folder, lives=math.inf):
        oracle.verbose = 0
        oracle.path = folder / "oracle.json"
        oracle.reload()
        self.oracle, self.lives, self.made = oracle, lives, []
        self.loop = Loop(oracle, folder, self.score)

    def score(self, number, values):
        self.made.append((number, values))
        if len(self.made) > self.lives:
            raise Killed
        if values["batch_size"] == 64:
            return "too large"
        return -abs(math.log10(values["learning_rate"]) + 2)


def oracle(name, trials=None, space=SPACE, seed=1, epochs=4):
    plan = SearchPlan(strategy=name, space=space, trials=trials, seed=seed)
    return strategies.oracle(plan, Space("mlp_50", Recipe(), space), epochs)


def search(name, folder, **options):
    found = Search(oracle(name, **options), folder)
    found.loop.work()
    return found


@pytest.mark.parametrize("name", ["random", "grid", "hyperband", "bayesian", "tpe"])
def test_a_search_killed_in_every_trial_is_the_same_search(name, tmp_path):
    whole = search(name, tmp_path / "whole", trials=8)
    made = []
    for _ in range(100):
        part = Search(oracle(name, trials=8), tmp_path / "killed", lives=1)
        try:
            part.loop.work()
        except Killed:
            made += part.made[:-1]
        else:
            made += part.made
            break
    assert made == whole.made
    assert len(made) == len({number for number, _ in made})
    assert len(made) == 8 or name == "hyperband"


@pytest.mark.parametrize("name", ["grid", "random", "bayesian", "tpe"])
def test_a_small_space_is_searched_whole_and_once(name, tmp_path):
    values = [values for _, values in search(name, tmp_path, trials=99).made]
    assert len(values) == 15
    assert len({json.dumps(one) for one in values}) == 15


@pytest.mark.parametrize("name", ["bayesian", "tpe"])
def test_learning_finds_the_best_point(name, tmp_path):
    found = search(name, tmp_path, trials=12, space=["learning_rate=log:1e-6:1e2"] * 1
                   + ["batch_size=16,32"])  # fmt: skip
    best = max(t.score for t in found.oracle.trials.values())
    assert best > -0.5


def test_failed_trials_are_recorded_and_the_search_goes_on(tmp_path):
    found = search("grid", tmp_path)
    statuses = [trial.status for trial in found.oracle.trials.values()]
    assert statuses.count("FAILED") == 5
    assert {t.message for t in found.oracle.trials.values()} == {None, "too large"}
    assert statuses.count("COMPLETED") == 10


def test_a_seed_decides(tmp_path):
    space = ["learning_rate=log:1e-4:1", "batch_size=16,32"]
    runs = [
        search("random", tmp_path / str(n), trials=4, space=space, seed=seed).made
        for n, seed in enumerate((1, 1, 2))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_hyperband_continues_the_best(tmp_path):
    made = dict(search("hyperband", tmp_path, epochs=9).made)
    continued = [v for v in made.values() if "tuner/trial_id" in v]
    assert continued
    for values in continued:
        before = made[int(values["tuner/trial_id"])]
        assert before["tuner/epochs"] == values["tuner/initial_epoch"]
        assert before["learning_rate"] == values["learning_rate"]


def test_more_trials_may_be_asked_for_later(tmp_path):
    first = search("random", tmp_path, trials=3)
    more = search("random", tmp_path, trials=5)
    assert len(first.made) == 3
    assert len(more.made) == 2
    assert len(more.oracle.trials) == 5


def test_a_dead_workers_trial_goes_to_who_asks(tmp_path):
    one = oracle("grid")
    Search(one, tmp_path)
    one.heartbeats = tmp_path / "workers"
    one.heartbeats.mkdir()
    for name in ("a", "b"):
        (one.heartbeats / name).touch()
    first, second = one.create_trial("a"), one.create_trial("b")
    assert first.trial_id != second.trial_id
    assert one.create_trial("a").trial_id == first.trial_id
    (one.heartbeats / "a").unlink()
    one.update_trial(second.trial_id, {"score": 1.0})
    second.status = "COMPLETED"
    one.end_trial(second)
    assert one.create_trial("b").trial_id == first.trial_id
    assert "a" not in one.ongoing_trials


def test_who_has_nothing_left_waits_for_the_others(tmp_path):
    one = oracle("grid", trials=1)
    Search(one, tmp_path)
    one.heartbeats = tmp_path
    for name in ("a", "b"):
        (tmp_path / name).touch()
    trial = one.create_trial("a")
    assert one.create_trial("b").status == "IDLE"
    one.update_trial(trial.trial_id, {"score": 1.0})
    trial.status = "COMPLETED"
    one.end_trial(trial)
    assert one.create_trial("b").status == "STOPPED"
    assert one.tuner_ids == {"a"}
    (tmp_path / "a").unlink()
    one.drop_dead_workers()
    assert one.tuner_ids == set()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "gird"}, "Unknown strategy 'gird'; did you mean grid"),
        ({"name": "random", "seed": 0}, "seed is 0; it must be"),
        ({"name": "random", "seed": True}, "seed is True; it must be"),
    ],
)
def test_bad_arguments(options, words):
    with pytest.raises(ValueError) as caught:
        oracle(**options)
    assert words in str(caught.value)


def test_without_optuna_tpe_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ValueError, match=r'pip install "kerazoo\[optuna\]"'):
        oracle("tpe")

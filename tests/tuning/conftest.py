import dataclasses

import numpy as np
import pytest

from kerazoo import data, tuning

from ..conftest import TINY, without_pictures

TINY = TINY.override("batch_size=40", "epochs=3")


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """The trainings of this folder are many and short; others look at their figures."""
    with without_pictures():
        yield


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir, validation=0)


@pytest.fixture(scope="session")
def few(digits):
    """240 digits to learn from."""
    return dataclasses.replace(digits, train=digits.train.subset(np.arange(240)))


def records(plan, options):
    """Flat options as the records that a call takes."""

    def pick(cls):
        names = {field.name for field in dataclasses.fields(cls)} & options.keys()
        return cls(**{name: options[name] for name in names}), names

    (plan, one), (execution, other) = pick(plan), pick(tuning.Execution)
    rest = {name: value for name, value in options.items() if name not in one | other}
    return rest | {"plan": plan, "execution": execution}


def run_search(**options):
    """A search by flat options."""
    return tuning.search(**records(tuning.SearchPlan, options))

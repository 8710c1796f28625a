import contextlib
import dataclasses
import gc
import json
import multiprocessing
import os
import pathlib
import re
import runpy
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a process a core: threads of their own would only wait for each other.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from matplotlib.figure import Figure
from PIL import Image

from kerazoo import cli, data, training, tuning
from kerazoo.analysis import plots
from kerazoo.recipe import Optimizer, Recipe, Schedule

# For the smallest network there is, where a test does not depend on the network.
TINY = Recipe(
    name="tiny",
    image_shape=(8, 8, 1),
    batch_size=200,
    epochs=2,
    optimizer=Optimizer(name="adam", learning_rate=1e-2),
)
RECIPE = Recipe(
    name="quick",
    augment=("translate:0.06",),
    batch_size=64,
    epochs=3,
    optimizer=Optimizer(name="adam", learning_rate=4e-3),
    schedule=Schedule(name="one_cycle", warmup=1, start=0.1),
    weight_decay=1e-4,
)
GOLDEN = pathlib.Path(__file__).parent / "models" / "golden"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what the networks measure into tests/models/golden/",
    )


def pytest_collection_modifyitems(items):
    """Puts slow tests first, lest one process of ``-n`` ends long before the other."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keeps the tests of a network, and those of a file, on one process of ``-n``.

    ``--dist loadgroup`` would, but pytest-xdist 3.8 hands its groups on in an attribute
    that pytest 9.2 no longer has.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path, _, name = nodeid.partition("::")
            network = re.search(r"\[([a-z0-9_]+)", name)
            if path.endswith("test_networks.py") and network:
                return network[1]
            return path

    return Groups(config, log)


def pytest_collection_finish():
    """Spares every later collection of garbage the walk over the imported libraries.

    And most collections: a network is a hundred thousand objects that all live, and
    looking them over as it is built took a sixth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@contextlib.contextmanager
def without_pictures():
    """Leaves the figures of runs blank; a training of seconds takes as long to draw."""

    def blank(*args):
        return Figure(figsize=(1, 1))

    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "image_grid",
            "filter_grid",
            "confusion",
            "class_accuracy",
            "curves",
        ):
            patch.setattr(plots, name, blank)
        yield


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A data directory in which the digits are prepared once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def digits(data_dir):
    return data.load("digits", data_dir=data_dir, seed=RECIPE.seed)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, data_dir):
    """A finished run of LeNet-5 that many tests look at and none changes."""
    place = tmp_path_factory.mktemp("runs") / "lenet5"
    return training.fit(
        "lenet5",
        recipe=RECIPE,
        run=place,
        data_dir=data_dir,
        precision="float32",
        # A training of seconds writes no state of its own accord.
        save_every=20,
    )


@pytest.fixture(scope="session")
def results(tmp_path_factory, data_dir):
    """Two runs, a search, a cross-validation and an image; no test changes them."""
    place = tmp_path_factory.mktemp("results")
    recipe = dataclasses.replace(TINY, epochs=1, snapshots=(1,))
    options = {"data_dir": data_dir, "precision": "float32"}
    training.fit("mlp_50", recipe=recipe, run=place / "run", events=False, **options)
    shutil.copytree(place / "run", place / "other")
    recipe = dataclasses.replace(recipe, snapshots=())
    execution = tuning.Execution(**options, verbose=False)
    tuning.search(
        "mlp_50",
        recipe=recipe,
        folder=place / "search",
        plan=tuning.SearchPlan(space="learning_rate=0.1,0.2", trials=1),
        execution=execution,
    )
    tuning.cross_validate(
        "mlp_50",
        recipe=recipe,
        folder=place / "folds",
        plan=tuning.FoldPlan(folds=2),
        execution=execution,
        keep_models=True,
    )
    Image.new("L", (8, 8)).save(place / "image.png")
    return place


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs the command; its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["kerazoo", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    return run


class Forked:
    """A process of ``begin``, as ``subprocess.Popen`` would show it."""

    def __init__(self, process, files):
        self.process, self.files = process, files
        self.pid, self.poll = process.pid, lambda: process.exitcode
        self.kill, self.terminate = process.kill, process.terminate

    @property
    def returncode(self):
        return self.process.exitcode

    def communicate(self, timeout=600):
        """Waits for the end; what it has written to its output and as errors."""
        self.process.join(timeout)
        written = tuple(path.read_text() for path in self.files)
        if self.returncode is None:
            raise TimeoutError(f"still runs after {timeout} seconds: {written}")
        return written


@pytest.fixture(scope="session")
def begin(tmp_path_factory):
    """Begins the command, or a program with its words, in a process of its own.

    It is forked from one that has imported TensorFlow and has computed nothing, which
    spares the five seconds of the import. How a process starts is for other tests, and
    one for another backend has to be started.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        [
            "kerazoo.cli",
            "kerazoo.training.fitting",
            "sklearn.metrics",
            "tensorflow_datasets",
        ]
    )
    place, started = tmp_path_factory.mktemp("processes"), []

    def run(*words, program=None, **environment):
        number = len(started)
        files = [place / f"{number}.{kind}" for kind in ("output", "errors")]
        for path in files:
            path.touch()
        given = {
            "words": [str(program or "kerazoo"), *map(str, words)],
            "program": program and str(program),
            "environment": dict(os.environ) | environment,
            "output": str(files[0]),
            "errors": str(files[1]),
        }
        process = context.Process(
            # A function that the process finds whatever it can import.
            target=runpy.run_path,
            args=(str(pathlib.Path(__file__).with_name("forked.py")), given),
        )
        process.start()
        started.append(Forked(process, files))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def golden(request):
    """Golden rows by family; with ``--update-golden`` a call writes its row."""
    update = request.config.getoption("--update-golden")
    rows = {p.stem: json.loads(p.read_text()) for p in GOLDEN.glob("*.json")}
    touched = set()

    def expected(family, row, measured):
        if update:
            rows.setdefault(family, {})[row] = measured
            touched.add(family)
        return rows.get(family, {}).get(row)

    yield expected
    for family in touched:
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in rows[family].items()]
        path = GOLDEN / f"{family}.json"
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")

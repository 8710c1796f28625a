"""The command: what it answers, and one sentence for whatever it cannot do."""

import csv
import errno
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import recipes
from kerazoo.errors import status as exit_status

TINY = [
    "--set=image_shape=8,8,1",
    "--data=digits",
    "--epochs=2",
    "--batch-size=200",
    "--precision=float32",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, data_dir):
    """A finished run, trained by the command in a process of its own."""
    run = tmp_path_factory.mktemp("runs") / "mlp"
    words = ["train", "mlp_256", *TINY, f"--run={run}", f"--data-dir={data_dir}"]
    process = subprocess.run(
        [sys.executable, "-m", "kerazoo", *words, "--json"],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    # Whoever reads the output by machine finds JSON and nothing else.
    printed = json.loads(process.stdout)
    assert printed == json.loads((run / "metrics.json").read_text())
    return run


def tree(folder):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in pathlib.Path(folder).rglob("*")
    }


def test_help(command):
    status, out, _ = command("--help")
    assert status == 0
    for name in ("list", "info", "train", "evaluate", "predict"):
        assert name in out
        status, words, _ = command(name, "--help")
        assert status == 0
        assert "Usage" in words
        assert name in words


def test_list(command):
    status, out, _ = command("list", "lenet*")
    assert status == 0
    assert "lenet5" in out
    assert "28x28x1" in out
    assert "alexnet" not in out
    status, out, _ = command("list", "--json")
    assert status == 0
    assert json.loads(out) == kerazoo.list_models()


def test_info(command):
    status, out, _ = command("info", "lenet5")
    card = kerazoo.find("lenet5")
    assert status == 0
    assert card.summary in " ".join(out.split())
    assert f"{card.total:,}" in out
    assert f"{card.macs:,}" in out


def test_info_as_json(command):
    status, out, _ = command("info", "alexnet", "-o", "groups=2", "--json")
    assert status == 0
    record = json.loads(out)
    assert record["card"]["name"] == "alexnet"
    ledger = kerazoo.ledger(kerazoo.alexnet(groups=2)).to_dict()
    assert record["ledger"] == json.loads(json.dumps(ledger))


def test_options_are_those_of_the_card(command):
    out = command("info", "googlenet")[1]
    assert "Option aux: " in out
    assert "True or False; by default" in out
    status, _, errors = command("info", "googlenet", "-o", "aux=3")
    assert status == 2
    assert "aux is 3; it must be True or False." in errors


def test_options_are_read_as_declared(command):
    words = ["info", "mlp_deep5", "--json"]
    options = ["-o", "units=[7, 9]", "-o", "dropout=0", "-o", "name=mine"]
    record = json.loads(command(*words, *options)[1])
    names = {row["name"]: row["shape"] for row in record["ledger"]["layers"]}
    assert names["mine_hidden1"] == [7]
    assert names["mine_hidden2"] == [9]
    assert "mine_drop1" not in names


def test_train_says_what_came_out(folder, command, data_dir):
    words = [*TINY, f"--data-dir={data_dir}", "--epochs=3"]
    status, out, _ = command("train", "mlp_50", *words)
    assert status == 0
    # A file or a pipe gets a line an epoch.
    lines = [line for line in out.splitlines() if "val_accuracy" in line]
    assert len(lines) == 3
    metrics = json.loads(pathlib.Path("runs/mlp_50-digits/metrics.json").read_text())
    assert f"test accuracy  {metrics['accuracy']:.2%}" in out
    assert "tensorboard --logdir runs/mlp_50-digits" in out


def test_a_recipe_from_a_file(command, tmp_path, data_dir):
    recipe = recipes.find("laptop").override("image_shape=8,8,1", "epochs=1")
    (tmp_path / "mine.json").write_text(recipe.to_json())
    words = ["--recipe=mine.json", "--run=run", f"--data-dir={data_dir}", "--seed=5"]
    assert command("train", "mlp_50", *words)[0] == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["recipe"]["epochs"] == 1
    assert config["recipe"]["seed"] == 5
    assert config["recipe"]["optimizer"]["global_clipnorm"] == 1.0


def test_evaluate(command, folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    status, out, _ = command("evaluate", folder, "--json")
    assert status == 0
    again = json.loads(out)
    assert again["confusion"] == metrics["confusion"]
    status, out, _ = command("evaluate", folder, "--split=validation")
    assert status == 0
    assert out.split()[:2] == ["images", "143"]


@pytest.fixture
def pictures(tmp_path):
    """A good PNG, a good JPEG and what is neither."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20), "uint8")
    Image.fromarray(pixels).save(tmp_path / "good.png")
    Image.fromarray(pixels).convert("RGB").save(tmp_path / "good.jpg")
    content = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "words.png").write_text("words")
    return tmp_path


def test_predict(command, folder, pictures):
    files = [pictures / "good.png", pictures / "good.jpg"]
    status, out, _ = command("predict", folder, *files, "--top=2", "--json")
    assert status == 0
    rows = json.loads(out)
    assert [row["image"] for row in rows] == [str(path) for path in files]
    for row in rows:
        assert len(row["top"]) == 2
        assert row["top"][0]["probability"] >= row["top"][1]["probability"]
        assert {guess["label"] for guess in row["top"]} < set("0123456789")
    status, out, _ = command("predict", folder, files[0], "--top=1")
    assert status == 0
    assert out.startswith(f"{files[0]}: {rows[0]['top'][0]['label']} ")


BAD = {
    "network": (["train", "lenet"], "Unknown network 'lenet'; did you mean"),
    "network of info": (["info", "lenet"], "Unknown network 'lenet'"),
    "pattern": (["list", "zzz*"], "No network is called 'zzz*'; kerazoo list shows"),
    "data set": (
        ["train", "mlp_50", "--data=digit"],
        "Unknown data set 'digit'; did you mean digits",
    ),
    "recipe": (["train", "mlp_50", "--recipe=lptop"], "Unknown recipe 'lptop'"),
    "kind": (["train", "mlp_256", "--recipe=paper"], "no paper recipe for mlp_256"),
    "recipe file": (
        ["train", "mlp_50", "--recipe=none.json"],
        "none.json cannot be read: No such file",
    ),
    "recipe of words": (
        ["train", "mlp_50", "--recipe=words.json"],
        "words.json is damaged, or not JSON",
    ),
    "recipe of a list": (
        ["train", "mlp_50", "--recipe=list.json"],
        "A recipe is a mapping of fields, not a list",
    ),
    "builder's option": (
        ["info", "alexnet", "-o", "grops=2"],
        "Unknown option of alexnet 'grops'; did you mean groups",
    ),
    "recipe's option": (
        ["train", "alexnet", "--set=options.grops=2"],
        "Unknown option of alexnet 'grops'; did you mean groups",
    ),
    "no value": (["info", "alexnet", "-o", "groups"], "'groups' has no '='"),
    "field": (
        ["train", "mlp_50", "--set=optimizer.rate=1"],
        "Unknown recipe field 'optimizer.rate'",
    ),
    "number": (
        ["train", "mlp_50", "--epochs=-1"],
        "epochs is -1; it must be a whole number from 0",
    ),
    "no classes": (
        ["info", "lenet5", "-o", "classes=0"],
        "classes is 0; it must be a whole number from 1",
    ),
    "small input": (
        ["info", "lenet5", "-o", "input_shape=[27, 27, 1]"],
        "the smallest image that lenet5 takes is 28x28",
    ),
    "small images": (
        ["train", "lenet5", "--set=image_shape=[27, 27, 1]"],
        "the smallest image that lenet5 takes is 28x28",
    ),
    "precision": (["train", "mlp_50", "--precision=float8"], "Unknown precision"),
    "data directory": (
        ["train", "mlp_50", "--data=digits", "--data-dir=nowhere"],
        "the data directory nowhere is not there",
    ),
    "data directory of another": (
        ["train", "mlp_50", "--data=digits", "--data-dir=/proc"],
        "cannot write to the data directory /proc",
    ),
    "no run": (["evaluate", "nowhere"], "There is no run folder nowhere"),
    "no run to predict": (["predict", "nowhere", "x.png"], "There is no run folder"),
    "folder": (["evaluate", "."], "is not a run folder: it has no config.json"),
    "folder to train": (
        ["train", "mlp_50", "--data=digits", "--run=full"],
        "full is not a run folder",
    ),
    "folder to overwrite": (
        ["train", "mlp_50", "--data=digits", "--run=full", "--overwrite"],
        "full is not a run folder",
    ),
    "file to train": (
        ["train", "mlp_50", "--data=digits", "--run=list.json"],
        "list.json is a file; give a folder",
    ),
}


def assert_one_sentence(status, errors, words):
    assert status == 2, errors
    assert "Traceback" not in errors
    said = [line for line in errors.splitlines() if line.startswith("kerazoo: ")]
    assert len(said) == 1, errors
    assert words in said[0]


@pytest.fixture
def surroundings(tmp_path):
    (tmp_path / "words.json").write_text("epochs: 3")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    return tmp_path


@pytest.mark.parametrize("case", BAD)
def test_bad_input(command, surroundings, case, data_dir, monkeypatch):
    words, expected = BAD[case]
    if "/proc" in expected and not os.path.isdir("/proc/self"):
        pytest.skip("no directory that even root cannot write")
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(data_dir))
    before = tree(surroundings)
    status, out, errors = command(*words)
    assert_one_sentence(status, errors, expected)
    assert out == ""
    assert tree(surroundings) == before


def test_a_finished_run_is_kept(command, folder, data_dir):
    before = tree(folder)
    words = [*TINY, f"--run={folder}", f"--data-dir={data_dir}"]
    status, _, errors = command("train", "mlp_256", *words)
    assert_one_sentence(status, errors, "holds a finished run; give another folder")
    assert tree(folder) == before


def test_files_that_are_no_images(command, folder, pictures):
    for name in ("cut.png", "words.png", "missing.png"):
        status, out, errors = command(
            "predict", folder, pictures / "good.png", pictures / name
        )
        assert_one_sentence(status, errors, str(pictures / name))
        # The others are named all the same, unless a file is not there.
        lines = out.splitlines()
        assert len(lines) == (0 if name == "missing.png" else 2)
    status, out, errors = command("predict", folder, pictures, "--csv=rows.csv")
    assert_one_sentence(status, errors, "files could not be read")
    assert out == ""
    rows = list(csv.DictReader(pathlib.Path("rows.csv").read_text().splitlines()))
    unread = {pathlib.Path(row["image"]).name for row in rows if row["problem"]}
    assert unread == {"cut.png", "words.png"}
    assert all(row["class_1"] for row in rows if not row["problem"])


def test_a_run_without_a_model(command, folder, pictures):
    bare = pictures / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((folder / "config.json").read_bytes())
    for words in (["evaluate", bare], ["predict", bare, pictures / "good.png"]):
        status, _, errors = command(*words)
        assert_one_sentence(status, errors, "has no network yet: the run has not ended")
    (bare / "model.keras").write_bytes((folder / "model.keras").read_bytes()[:1000])
    status, _, errors = command("evaluate", bare)
    assert_one_sentence(status, errors, "model.keras is damaged and cannot be read")


def test_a_split_that_is_not_there(command, folder):
    status, _, errors = command("evaluate", folder, "--split=tests")
    assert_one_sentence(status, errors, "Unknown split 'tests'; did you mean test?")


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ("9", "cannot take 9x9: the weights of hidden1 belong to that size"),
        ("9,12", "cannot take 9x12"),
        ("big", "size is 'big'; it must be a whole number from 1 or 2 whole numbers"),
        ("0", "size is 0"),
        ("8,8,8", "size is '8,8,8'"),
    ],
)
def test_a_size_that_cannot_be(command, folder, size, sentence):
    status, _, errors = command("evaluate", folder, f"--size={size}")
    assert_one_sentence(status, errors, sentence)


def test_a_set_that_needs_a_download_offline(command, tmp_path, monkeypatch):
    def offline(*args, **options):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", offline)
    place = tmp_path / "sets"
    place.mkdir()
    status, _, errors = command(
        "train", "mlp_50", "--data=mnist", f"--data-dir={place}"
    )
    assert_one_sentence(status, errors, "mnist is not in")
    assert "train-images-idx3-ubyte.gz" in errors
    assert str(place / "downloads" / "manual") in errors
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "lenet5", "--epoch=3"], "No such option: --epoch"),
        (["train", "lenet5", "--epochs=many"], "'many' is not a valid int"),
        (["train"], "Missing argument 'network'"),
        (["predict", "run"], "Missing argument 'images"),
        (["trian", "lenet5"], "No such command 'trian'"),
        (["list", "a", "b"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(command, words, expected):
    status, out, errors = command(*words)
    assert status == 2
    assert out == ""
    assert expected in errors
    assert "Usage: kerazoo" in errors
    assert "Traceback" not in errors


def test_no_words_show_the_help(command):
    status, out, errors = command()
    assert status == 2
    assert "Usage" in out + errors


@pytest.mark.parametrize(("given", "used"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_it_was_turned_off(given, used):
    environment = {k: v for k, v in os.environ.items() if "ONEDNN" not in k}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": given} if given else {}
    code = "import kerazoo.cli, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert process.stdout == f"{used}\n"


def test_a_bad_word_in_a_process_of_its_own():
    process = subprocess.run(
        [sys.executable, "-m", "kerazoo", "info", "lenet"],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 2
    assert process.stderr.startswith("kerazoo: Unknown network 'lenet'; did you mean ")
    assert len(process.stderr.splitlines()) == 1
    assert process.stdout == ""


def test_version(command):
    _, out, _ = command("--version")
    assert out == f"kerazoo {kerazoo.__version__}\n"


NONSENSE = [
    "optimizer.epsilon=-1",
    "optimizer.clipnorm=-1",
    "optimizer.global_clipnorm=0",
    "optimizer.weight_decay=-1",
    "optimizer.ema_momentum=1.0",
    "optimizer.gradient_accumulation_steps=1000",
    "optimizer.learning_rate=1e300",
    'optimizer.multipliers={"*": -1}',
    "schedule.name=step",
    "schedule.factor=-1",
    "schedule.boundaries=-5",
    "schedule.power=-5",
    "schedule.end=-1",
    "schedule.every=1e-300",
    "schedule.unit=share schedule.boundaries=7",
    "augment=pad_crop:1e9",
    "augment=cutout:0",
    "augment=cutout:1000",
    "initializer=normal:-1",
    "initializer=uniform:1:0",
    "initializer=lsuv:5",
    "start_from=",
    "snapshots=[1,1,1]",
    "networks=nosuch",
    "max_norm=1e-300",
    "weight_decay=1e300",
    "l1=1e300",
    "steps=99999999999999999999999",
    "seed=10000000000000000000000",
    "batch_size=inf",
    "epochs=True",
    "image_shape=1000000,1000000,1",
    "options.units=1000000000000",
    "optimizer.name=adam optimizer.momentum=0.9",
    "optimizer.name=sgd optimizer.beta_1=0.9",
    "optimizer.name=sgd optimizer.nesterov=True optimizer.momentum=0",
    'optimizer.name=sgd optimizer.multipliers={"nosuch*":2}',
    "optimizer.clipnorm=1 optimizer.global_clipnorm=1",
    "optimizer.gradient_accumulation_steps=1",
    "optimizer.stage_rate=0",
    "freeze=*",
    "freeze=nosuch",
    "frozen=body",
    "unfreeze_at=1",
    "freeze=body unfreeze_at=0",
    "freeze=body unfreeze_at=100000",
    "freeze=body unfreeze_from=hidden1",
    "freeze=body unfreeze_at=1 epochs=2 unfreeze_from=nosuch",
    "freeze=body batch_norm=nosuch",
    "schedule.name=one_cycle schedule.warmup=1000000",
    "schedule.name=cosine schedule.cycles=100000 schedule.warmup=0",
    "schedule.name=cosine schedule.unit=share schedule.warmup=2",
    "schedule.name=plateau schedule.factor=2",
    "schedule.unit=nosuch",
    "label_smoothing=0.1 loss=squared_hinge",
    "label_smoothing=0.1 loss=map",
    "auxiliary_fade=10",
    "networks=[]",
    "validation=0.9999999",
    "validation=1e-9",
    "augment=mixup:0",
    "augment=rotate:100000",
    "augment=translate:5",
    "augment=pad_crop:4:5:6",
    "augment=rand_augment:2:1000",
    "augment=color_jitter:-1",
    "initializer=normal:",
    "normalization=nosuch",
    "options.nosuch=1",
    "options.units=[0]",
    "options.units=65536,65536,65536",
    "options.classes=3",
    "options.input_shape=8,8,1",
    "image_shape=8,8,7",
    "image_shape=20000,20000,3 batch_size=1",
    "seed=-1",
    "resize=nosuch",
]


@pytest.mark.parametrize("settings", NONSENSE)
def test_a_value_that_means_nothing_is_refused_before_anything(
    command, data_dir, tmp_path, settings
):
    run = tmp_path / "run"
    words = [f"--set={one}" for one in settings.split(" ")]
    status, out, errors = command(
        "train", "mlp_256", *TINY, *words, f"--run={run}", f"--data-dir={data_dir}"
    )
    assert (status, out) == (2, ""), errors
    assert errors.startswith("kerazoo: ") and len(errors.splitlines()) == 1
    assert not run.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["train", "mlp_256", "--save-every=0"],
        ["train", "mlp_256", "--devices=100000"],
        ["train", "mlp_256", "--precision=x"],
        ["tune", "mlp_256", "--folds=100000", "--space=learning_rate=0.1,0.2"],
        ["tune", "mlp_256", "--precision=x", "--space=learning_rate=0.1,0.2"],
        ["crossval", "mlp_256", "--folds=1"],
        ["info", "lenet5", "-o", "include_top=maybe"],
        ["info", "alexnet", "-o", "groups=0"],
        ["info", "lenet5", "-o", "name=[]"],
        ["data", "show", "digits", "--file=a.png", "--count=1000000000"],
        ["data", "show", "digits", "--file=a.png", "--size=0"],
        ["data", "show", "digits", "--file=a.png", "--size=1000000"],
        ["recipes", "--show="],
        ["data", "check", "huggingface:mnist"],
        ["data", "check", "folder:"],
        ["info", "vgg16", "-o", "input_shape=20000,20000,3"],
        ["info", "mlp_256", "-o", "units=1000000000"],
        ["info", "mlp_256", "-o", "classes=2000000000"],
        ["info", "mlp_256", "-o", "classifier_activation=nosuch"],
        ["crossval", "mlp_256", "--folds=2", "--repeats=1000000"],
        ["crossval", "mlp_256", "--folds=2", "--strategy=grid"],
        ["crossval", "mlp_256", "--workers=100000"],
        ["tune", "mlp_256", "--space=learning_rate=0.1,0.1"],
        ["tune", "mlp_256", "--space=batch_size=int:1:1000000000"],
        ["tune", "mlp_256", "--workers=100000", "--space=learning_rate=0.1,0.2"],
        ["launch", "--processes=100000", "--", "list"],
    ],
    ids=" ".join,
)
def test_an_argument_that_means_nothing_is_refused(command, data_dir, words, tmp_path):
    if words[0] in ("train", "tune", "crossval"):
        words = [*words, *TINY[:4], f"--data-dir={data_dir}"]
    status, out, errors = command(*words)
    assert (status, out) == (2, ""), errors
    assert errors.startswith("kerazoo: ") and len(errors.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_any_failure_is_one_sentence(command, monkeypatch):
    def broken(name):
        raise KeyError("shape")

    monkeypatch.setattr(kerazoo, "find", broken)
    status, out, errors = command("info", "lenet5")
    assert (status, out) == (1, "")
    assert errors.startswith("kerazoo: KeyError: 'shape' (a fault of kerazoo")
    monkeypatch.setenv("KERAZOO_TRACEBACK", "1")
    with pytest.raises(KeyError):
        command("info", "lenet5")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 3),
        (RuntimeError("writing failed: No space left on device"), 3),
        (PermissionError(errno.EACCES, "Permission denied"), 2),
        (OSError(errno.EIO, "Input/output error"), 1),
        (ValueError("bad"), 2),
    ],
)
def test_exit_statuses(error, expected):
    assert exit_status(error) == expected


def test_nothing_of_somebody_else_is_deleted(command, folder, data_dir, tmp_path):
    run = shutil.copytree(folder, tmp_path / "run")
    (run / "notes.txt").write_text("mine")
    words = ["train", "mlp_256", *TINY, f"--run={run}", f"--data-dir={data_dir}"]
    status, _, errors = command(*words, "--overwrite")
    assert status == 2
    assert "holds notes.txt, which no run has written" in errors
    assert (run / "notes.txt").read_text() == "mine"
    assert (run / "model.keras").is_file()

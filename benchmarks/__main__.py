"""The benchmarks one after the other, each in a process of its own.

``python -m benchmarks`` takes up to an hour, ``--full`` the better part of a day,
``--list`` says what either would run, ``--only`` chooses scripts. One that cannot run
here says why and is left out; one that fails does not stop the others.
"""

import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

from benchmarks.cifar10 import PAPERS

QUICK = (
    "startup",
    "build --quick",
    "training_step --quick",
    "alexnet_step",
    "precision",
    "inference --quick",
    "input_pipeline",
    "segmentation",
    "detection --layers --rates",
    "explanations --speed",
    "workflow --quick",
    "search",
    "crossval",
    "scale --quick",
    "gpu --networks resnet50",
)
TORCH = "resnet50 vgg16 alexnet googlenet inception_v3"
FULL = (
    "startup",
    "build",
    "training_step --all --repeats 3",
    f"training_step --torch --networks {TORCH}",
    "training_step --profile --networks alexnet googlenet resnet50 xception "
    "fractalnet20",
    "alexnet_step",
    "precision --seeds 3 --data digits mnist",
    "inference",
    f"inference --torch --networks {TORCH}",
    "input_pipeline",
    "segmentation",
    "segmentation --learn digit_scenes/masks",
    "detection --layers --rates --large --overfit",
    "detection --torch",
    "detection --learn",
    "explanations",
    "workflow",
    "search",
    "crossval",
    "scale --full",
    "mnist_ladder --seeds 3",
    f"cifar10 --only {' '.join(PAPERS)} --seeds 3",
    "ensembles",
    "initialisation",
    "peers",
    "trained_weights",
    "fine_tuning",
    "gpu",
    "gpu_cifar10",
)
# Data sets that have to lie in KERAZOO_DATA_DIR, by what a command has in it.
DATA = (
    ("input_pipeline", "cifar10"),
    ("workflow", "cifar10"),
    ("workflow", "mnist"),
    ("mnist", "mnist"),
    ("cifar10 --only", "cifar10"),
    ("ensembles", "mnist"),
    ("initialisation", "cifar10"),
    ("trained_weights", "mnist"),
    ("fine_tuning", "cifar10"),
)
PACKAGES = {
    "inference": ("onnxruntime", "tf2onnx", "openvino", "ai_edge_litert"),
    "gpu": ("jax",),
}


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="everything")
    parser.add_argument("--list", action="store_true", help="only say what would run")
    parser.add_argument("--only", nargs="*", help="names of scripts")
    arguments = parser.parse_args(words)
    failed = []
    for command in FULL if arguments.full else QUICK:
        script, *options = command.split()
        if arguments.only and script not in arguments.only:
            continue
        missing = lacks(command)
        note = f": skipped, {missing}" if missing else ""
        print(f"== {command}{note}", flush=True)
        if missing or arguments.list:
            continue
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{script}", *options])
        print(f"== {command}: {time.perf_counter() - start:.0f} s", flush=True)
        if done.returncode:
            failed.append(command)
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


def lacks(command):
    """Why a command cannot run here; nothing if it can."""
    for word, names in PACKAGES.items():
        for name in names if command.startswith(word) else ():
            if not importlib.util.find_spec(name):
                return f"{name} is not installed"
    torch = "--torch" in command or command.startswith("peers")
    if torch and not has_torch():
        return "no torchvision here; TORCH_PYTHON may name a Python that has it"
    place = os.environ.get("KERAZOO_DATA_DIR", "~/tensorflow_datasets")
    for word, name in DATA:
        if word in command and not pathlib.Path(place, name).expanduser().is_dir():
            return f"no {name} in {place}; KERAZOO_DATA_DIR may name another place"
    return None


def has_torch():
    python = os.environ.get("TORCH_PYTHON", sys.executable)
    code = "import importlib.util as u, sys; sys.exit(not u.find_spec('torchvision'))"
    return subprocess.run([python, "-c", code]).returncode == 0


if __name__ == "__main__":
    main()

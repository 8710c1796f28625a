"""Wrong calls, made from what the package declares: each is refused in one sentence.

Every argument of every public function, every field of a recipe and every option of the
command line is given values of the wrong type and of the wrong range.
"""

import contextlib
import dataclasses
import importlib
import inspect
import math
import signal
import typing

import keras
import numpy as np
import pytest
import tensorflow as tf
import typer
from matplotlib.figure import Figure
from PIL import Image

import kerazoo
from kerazoo import cli, data, reader, tuning
from kerazoo.analysis import attribution
from kerazoo.analysis.attribution import gradient
from kerazoo.analysis.diagram import module
from kerazoo.analysis.feature_maps import feature_maps
from kerazoo.detections import Detections, Objects
from kerazoo.recipe import Optimizer, Schedule
from kerazoo.weights import find_weights

from .conftest import TINY


class Thing:
    """Nothing that any argument takes."""

    def __repr__(self):
        return "<thing>"


LONG = "x" * 300
VALUES = [
    None, Thing(), math.nan, math.inf, -1, 0, True, 10**12, -1.5, 2.5, "", "\0", LONG,
    "../", "nosuch", b"x", {"a": 1}, [], [1, "a"], print, (10**6, 10**6, 1),
]  # fmt: skip
MODULES = (
    "kerazoo", "kerazoo.data", "kerazoo.training", "kerazoo.tuning", "kerazoo.layers",
    "kerazoo.recipes", "kerazoo.weights", "kerazoo.serving.predict",
    "kerazoo.serving.compiled", "kerazoo.analysis.filters", "kerazoo.analysis.ledger",
    "kerazoo.analysis.attribution", "kerazoo.analysis.excitement",
    "kerazoo.analysis.explanation_plots", "kerazoo.analysis.feature_maps",
    "kerazoo.analysis.layer_plots", "kerazoo.analysis.maximization",
    "kerazoo.analysis.mistake_plots", "kerazoo.analysis.mistakes",
    "kerazoo.analysis.plots", "kerazoo.surgery.features", "kerazoo.surgery.join",
    "kerazoo.analysis.audit", "kerazoo.analysis.charts", "kerazoo.analysis.comparison",
    "kerazoo.analysis.diagram", "kerazoo.analysis.drawing",
    "kerazoo.analysis.receptive_field",
)  # fmt: skip
# What the package makes and hands out, a function of tensors, and Keras' own arguments.
HANDED_OUT = {
    "Accuracy", "Attribution", "Audit", "Block", "Box", "Card", "Classifier",
    "ConfusionPair", "Contender", "CrossValidation", "DepthProbe", "Diagram",
    "Difference", "EffectiveField", "Embeddings", "Ensemble", "Excitement", "Export",
    "FeatureMaps", "Features", "Fold", "KernelsAlong", "Ledger", "MemberResult",
    "Mistake", "Mistakes", "NamedSet", "Nested", "NetworkComparison", "NotPrepared",
    "PreferredImage", "Preprocessing", "RateSweep", "ReceptiveField", "Reliability",
    "Report", "Row", "Stage", "Total", "Trial", "WeightSet",
}  # fmt: skip
NOT_OURS = {
    "FusedBatchNormalization",
    "GroupedConv2D",
    "scaled_tanh",
    "pixels",
    "shown",
}
# Seconds after which nothing may still be at work.
SOON = 30


@contextlib.contextmanager
def soon():
    def late(number, frame):
        raise AssertionError("a wrong call began to work")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SOON)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def public():
    """Every public function and class, by its full name."""
    seen = set()
    for name in MODULES:
        module = importlib.import_module(name)
        listed = getattr(module, "__all__", None) or [
            one
            for one, value in vars(module).items()
            if one[0] != "_" and getattr(value, "__module__", "") == name
        ]
        for one in sorted(set(listed) - set(kerazoo.list_models())):
            value = getattr(module, one)
            if (
                (inspect.isclass(value) or inspect.isfunction(value))
                and one not in HANDED_OUT | NOT_OURS
                and value not in seen
            ):
                seen.add(value)
                yield f"{name}.{one}", value


def declarations(function):
    """The arguments of a function with what they are declared to be."""
    made = function
    if inspect.isclass(function) and not dataclasses.is_dataclass(function):
        made = function.__init__
    kinds = typing.get_type_hints(made, include_extras=True)
    for one in inspect.signature(function).parameters.values():
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            yield one, kinds[one.name]


def is_good(kind, value):
    try:
        reader.read(kind, value, "x")
    except ValueError:
        return False
    return True


PUBLIC = dict(public())
RECORDS = {one.__name__: one for one in (Optimizer, Schedule)}
# By function and argument, the values that are not of the declared type or range.
WRONG = {
    (name, argument.name): [value for value in VALUES if not is_good(kind, value)]
    for name, function in (PUBLIC | RECORDS).items()
    for argument, kind in declarations(function)
    if kind is not typing.Any
}
# What is of its declared type, and means nothing all the same.
MEANINGLESS = [
    ("kerazoo.find", "name", "nosuch"),
    ("kerazoo.create", "network", LONG),
    ("kerazoo.output_size", "kernel", 29),
    ("kerazoo.output_size", "dilation", 7),
    ("kerazoo.features", "names", "nosuch"),
    ("kerazoo.features", "names", 7),
    ("kerazoo.fit", "network", "nosuch"),
    ("kerazoo.fit", "recipe", "nosuch"),
    ("kerazoo.fit", "recipe", "nosuch.json"),
    ("kerazoo.fit", "precision", "nosuch"),
    ("kerazoo.fit", "devices", 10**5),
    ("kerazoo.fit", "data_dir", "nosuch"),
    ("kerazoo.fit", "data", "nosuch"),
    ("kerazoo.fit", "data", "folder:nosuch"),
    ("kerazoo.fit", "run", "/dev/null"),
    ("kerazoo.fit", "run", "/dev/null/run"),
    ("kerazoo.fit", "run", "a\udcff"),
    ("kerazoo.evaluate", "run", "nosuch"),
    ("kerazoo.evaluate", "split", "nosuch"),
    ("kerazoo.evaluate", "views", "nosuch"),
    ("kerazoo.evaluate", "data", "nosuch"),
    ("kerazoo.probe_layers", "network", "nosuch"),
    ("kerazoo.probe_layers", "data", "nosuch"),
    ("kerazoo.probe_layers", "layers", ["nosuch"]),
    ("kerazoo.layer_signals", "targets", [1]),
    ("kerazoo.training.find_mistakes", "run", "nosuch"),
    ("kerazoo.training.find_mistakes", "split", "nosuch"),
    ("kerazoo.training.find_mistakes", "data", "nosuch"),
    ("kerazoo.training.write_mistakes", "folder", "/dev/null"),
    ("kerazoo.training.embed", "run", "nosuch"),
    ("kerazoo.training.embed", "layer", "nosuch"),
    ("kerazoo.training.embed", "split", "nosuch"),
    ("kerazoo.training.write_projector", "found", []),
    ("kerazoo.training.write_projector", "folder", "/dev/null"),
    ("kerazoo.training.kernels_along", "run", "nosuch"),
    ("kerazoo.training.model_at", "epoch", 7),
    ("kerazoo.analysis.mistakes.losses", "truth", np.array([7])),
    ("kerazoo.analysis.layer_plots.signals_by_depth", "found", {}),
    ("kerazoo.analysis.layer_plots.signal_histograms", "signals", []),
    ("kerazoo.analysis.layer_plots.probes_by_depth", "found", {}),
    ("kerazoo.analysis.layer_plots.filters_along", "steps", [1, 2]),
    ("kerazoo.analysis.mistake_plots.mistake_gallery", "mistakes", []),
    ("kerazoo.analysis.mistake_plots.confusion_gallery", "pairs", []),
    ("kerazoo.predict", "images", []),
    ("kerazoo.predict", "images", "nosuch"),
    ("kerazoo.predict", "run", "nosuch"),
    ("kerazoo.predictor", "precision", "nosuch"),
    ("kerazoo.predictor", "engine", "nosuch"),
    ("kerazoo.fit", "weights", "nosuch"),
    ("kerazoo.weights.find_weights", "network", "nosuch"),
    ("kerazoo.weights.find_weights", "name", "nosuch"),
    ("kerazoo.weights.list_weights", "network", "nosuch"),
    ("kerazoo.weights.read_set", "path", "nosuch"),
    ("kerazoo.weights.read_training", "path", "nosuch"),
    ("kerazoo.weights.save_weights", "path", "/dev/null"),
    ("kerazoo.classifier", "network", "nosuch"),
    ("kerazoo.classifier", "weights", "nosuch"),
    ("kerazoo.classifier", "weights", "nosuch.pth"),
    ("kerazoo.classifier", "weights", "../"),
    ("kerazoo.explain", "network", "nosuch"),
    ("kerazoo.explain", "image", "nosuch"),
    ("kerazoo.explain", "image", np.zeros((8, 8, 2), "uint8")),
    ("kerazoo.explain", "image", np.zeros((8, 8, 1))),
    ("kerazoo.explain", "class_name", "nosuch"),
    ("kerazoo.explain", "class_name", 10),
    ("kerazoo.explain", "method", "nosuch"),
    ("kerazoo.analysis.attribution.grad_cam", "layer", "nosuch"),
    ("kerazoo.analysis.attribution.gradient", "class_name", -1),
    ("kerazoo.analysis.attribution.occlusion", "window", 9),
    ("kerazoo.analysis.attribution.occlusion", "strides", 9),
    ("kerazoo.analysis.attribution.deconvnet", "unit", 10**6),
    ("kerazoo.analysis.attribution.Explainable", "names", ["one"]),
    ("kerazoo.analysis.excitement.exciting_images", "layer", "nosuch"),
    ("kerazoo.analysis.excitement.exciting_images", "unit", 10**6),
    ("kerazoo.analysis.excitement.exciting_images", "images", []),
    ("kerazoo.analysis.feature_maps.feature_maps", "layers", ["nosuch"]),
    ("kerazoo.analysis.maximization.activation_maximization", "unit", 3),
    ("kerazoo.analysis.maximization.activation_maximization", "class_name", 10),
    ("kerazoo.analysis.explanation_plots.attributions", "found", []),
    ("kerazoo.analysis.explanation_plots.preferred_images", "found", []),
    ("kerazoo.analysis.explanation_plots.exciting_images", "found", []),
    ("kerazoo.analysis.explanation_plots.down_the_network", "found", []),
    ("kerazoo.extract_features", "network", "nosuch"),
    ("kerazoo.extract_features", "data", "nosuch"),
    ("kerazoo.extract_features", "weights", "nosuch"),
    ("kerazoo.extract_features", "file", "/dev/null"),
    ("kerazoo.save_run_weights", "run", "nosuch"),
    ("kerazoo.save_run_weights", "path", "new.h5"),
    ("kerazoo.save_run_weights", "path", "/dev/null/a.safetensors"),
    ("kerazoo.export", "run", "nosuch"),
    ("kerazoo.export", "path", "nosuch"),
    ("kerazoo.export", "path", "/dev/null"),
    ("kerazoo.export", "path", "/dev/null/a.onnx"),
    ("kerazoo.export", "path", "../"),
    ("kerazoo.export", "path", "a\udcff.onnx"),
    ("kerazoo.replace_head", "classifier_activation", "nosuch"),
    ("kerazoo.replace_head", "name", "a b"),
    ("kerazoo.data.Batches", "image_shape", (10**6, 10**6, 1)),
    ("kerazoo.data.Batches", "resize", "nosuch"),
    ("kerazoo.data.Batches", "augment", ("nosuch",)),
    ("kerazoo.data.Batches", "cache", "nosuch"),
    ("kerazoo.data.Batches", "views", "nosuch"),
    ("kerazoo.data.Split", "indices", np.array([[0.5]])),
    ("kerazoo.data.Split", "indices", np.array([10**9])),
    ("kerazoo.data.check", "name", "folder:nosuch"),
    ("kerazoo.data.check", "name", "nosuch"),
    ("kerazoo.data.image_files", "folder", "nosuch"),
    ("kerazoo.data.load", "name", "folder:" + LONG),
    ("kerazoo.data.load", "name", "folder:nosuch"),
    ("kerazoo.data.load", "train_split", "nosuch"),
    ("kerazoo.data.load", "test_split", "train[:0%]"),
    ("kerazoo.data.load", "data_dir", "nosuch"),
    ("kerazoo.data.normalization", "kind", "nosuch"),
    ("kerazoo.data.normalization", "mean", []),
    ("kerazoo.data.normalization", "std", (-1.0,)),
    ("kerazoo.data.normalization", "std", (1.0, 1.0)),
    ("kerazoo.data.read_image", "path", "nosuch"),
    ("kerazoo.data.show", "path", "/dev/null"),
    ("kerazoo.data.show", "side", 2**31 - 1),
    ("kerazoo.data.views", "kind", "nosuch"),
    ("kerazoo.data.views", "size", 100),
    ("kerazoo.data.views", "images", np.zeros((2, 2))),
    ("kerazoo.training.measure", "classes", ["one"]),
    ("kerazoo.training.measure", "task", "nosuch"),
    ("kerazoo.training.lsuv", "images", np.zeros((0, 8, 8, 1))),
    ("kerazoo.training.lsuv", "images", np.zeros((2, 3))),
    ("kerazoo.training.pretrain_autoencoders", "images", np.zeros((2, 3))),
    ("kerazoo.training.reinitialize", "initializer", "nosuch"),
    ("kerazoo.training.reinitialize", "initializer", None),
    ("kerazoo.training.reinitialize", "initializer", print),
    ("kerazoo.tuning.search", "network", "nosuch"),
    ("kerazoo.tuning.search", "folder", "/dev/null"),
    ("kerazoo.tuning.search", "folder", "/dev/null/a"),
    ("kerazoo.tuning.cross_validate", "folder", "/dev/null"),
    ("kerazoo.tuning.cross_validate", "recipe", "nosuch"),
    ("kerazoo.tuning.nested", "folder", "/dev/null"),
    ("kerazoo.tuning.ensemble", "rule", "nosuch"),
    ("kerazoo.tuning.ensemble", "split", "nosuch"),
    ("kerazoo.tuning.ensemble", "runs", []),
    ("kerazoo.tuning.ensemble", "runs", "nosuch"),
    ("kerazoo.tuning.ensemble", "folder", "/dev/null"),
    ("kerazoo.tuning.ensemble", "data", "nosuch"),
    ("kerazoo.tuning.members", "place", "nosuch"),
    ("kerazoo.tuning.Search", "folder", "nosuch"),
    ("kerazoo.tuning.Space", "settings", ["nosuch=1,2"]),
    ("kerazoo.tuning.Space", "settings", ["learning_rate"]),
    ("kerazoo.tuning.Space", "settings", {"learning_rate": [-1, 2]}),
    ("kerazoo.tuning.Space", "settings", [1, 2]),
    ("kerazoo.tuning.HyperZoo", "space", [None]),
    ("kerazoo.tuning.Dimension", "low", 1e9),
    ("kerazoo.tuning.Execution", "workers", 10**5),
    ("kerazoo.tuning.stratified_folds", "folds", 10**5),
    ("kerazoo.recipes.find", "name", "nosuch"),
    ("kerazoo.recipes.for_network", "kind", "nosuch"),
    ("kerazoo.recipes.choose", "recipe", "nosuch"),
    ("kerazoo.serving.predict.list_images", "images", "nosuch/*.png"),
    ("kerazoo.layers.CeilMaxPooling2D", "strides", 9),
    ("kerazoo.layers.FanInUniform", "fan_in", []),
    ("kerazoo.layers.TableConv2D", "table", [[0, 0]]),
    ("kerazoo.layers.TableConv2D", "table", []),
    ("kerazoo.layers.TableConv2D", "activation", "nosuch"),
    ("kerazoo.layers.Subsampling2D", "activation", "nosuch"),
    ("kerazoo.layers.Subsampling2D", "bias_initializer", "nosuch"),
    ("kerazoo.layers.hadamard_codewords", "classes", 1000),
    ("kerazoo.audit", "model", "nosuch"),
    ("kerazoo.audit", "network", "nosuch"),
    ("kerazoo.audit", "options", {"nosuch": 1}),
    ("kerazoo.compare", "networks", []),
    ("kerazoo.compare", "networks", ["nosuch"]),
    ("kerazoo.receptive_field", "layer", "nosuch"),
    ("kerazoo.receptive_field", "layer", "predictions"),
    ("kerazoo.effective_field", "images", np.zeros((1, 4, 4, 1))),
    ("kerazoo.analysis.charts.bubbles", "measure", "nosuch"),
    ("kerazoo.analysis.charts.learning_curves", "histories", {}),
    ("kerazoo.analysis.charts.receptive_fields", "fields", []),
    ("kerazoo.analysis.charts.effective_fields", "fields", []),
    ("kerazoo.analysis.charts.write", "path", "new.jpg"),
    ("kerazoo.analysis.charts.write", "path", "/dev/null/new.png"),
    ("kerazoo.analysis.diagram.module", "name", "nosuch"),
    ("kerazoo.analysis.plots.image_grid", "images", np.zeros((0, 4, 4))),
    ("kerazoo.analysis.plots.filter_grid", "kernels", np.zeros(3)),
    ("kerazoo.analysis.plots.confusion", "matrix", np.zeros(3)),
    ("kerazoo.analysis.plots.confusion", "classes", ["a"]),
    ("kerazoo.analysis.plots.parallel_coordinates", "scores", [1.0, 2.0]),
    ("kerazoo.surgery.join.joined", "rule", "nosuch"),
    ("kerazoo.surgery.join.joined", "models", []),
    ("kerazoo.surgery.join.averaged", "models", []),
]


@pytest.fixture(scope="session")
def place(tmp_path_factory, data_dir):
    """Two runs and a search to be misused, and an image."""
    place = tmp_path_factory.mktemp("wrong")
    recipe = dataclasses.replace(TINY, epochs=1)
    options = {"data_dir": data_dir, "precision": "float32"}
    for name in ("run", "other"):
        kerazoo.fit("mlp_256", recipe=recipe, run=place / name, events=False, **options)
    tuning.search(
        "mlp_256",
        recipe=recipe,
        folder=place / "search",
        plan=tuning.SearchPlan(space="learning_rate=0.1,0.2", trials=1),
        execution=tuning.Execution(**options, verbose=False),
    )
    Image.new("L", (8, 8)).save(place / "image.png")
    return place


@pytest.fixture(scope="session")
def good(place, data_dir, digits):
    """Good arguments by name, and by function where a name means several things."""
    run = kerazoo.Run(place / "run")
    images = np.random.default_rng(0).random((8, 8, 8, 1)).astype("float32")
    model = kerazoo.create("mlp_256", input_shape=(8, 8, 1), classes=10)
    boxes = kerazoo.yolo_mini(input_shape=(16, 16, 3), classes=3)
    convolutional = kerazoo.lenet5()
    field = kerazoo.receptive_field(convolutional, "conv1")
    forked = kerazoo.create("resnet20_cifar")
    found = Detections(np.ones((1, 4)), np.ones(1), np.zeros(1, int))
    mistakes = kerazoo.training.find_mistakes(run, data_dir=data_dir, count=1, pairs=1)
    embeddings = kerazoo.training.embed(run, data_dir=data_dir, count=2)
    signals = kerazoo.layer_signals(model, images, [1] * 8)
    probed = kerazoo.DepthProbe(
        network="a", data="digits", train=1, test=1, points=(), accuracy=0.5
    )
    there = Objects(np.ones((1, 4)), np.zeros(1, int), np.zeros(1, bool))
    x = inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="maps")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    seen = {
        "network": keras.Model(inputs, keras.layers.Dense(10)(x)), "image": images[0],
        "layer": "maps", "unit": 0, "names": (),
    }  # fmt: skip
    common = {
        "network": "mlp_256", "model": model, "models": [model], "run": place / "run",
        "images": images, "recipe": TINY, "data_dir": data_dir, "folder": "new",
        "names": "predictions", "path": "new.png", "split": digits.test,
        "batches": data.Batches(digits.test, 16, image_shape=(8, 8, 1)),
        "batch_size": 16, "image_shape": (8, 8, 1), "initializer": "he_normal",
        "place": place / "search", "runs": [place / "run", place / "other"],
        "classes": digits.classes, "name": "digits", "filters": 4, "columns": 2,
        "features": 8, "folds": 2, "kind": "center", "size": 4,
        "matrix": np.eye(3, dtype=int), "history": [{"epoch": 1, "loss": 1.0}],
        "scores": [0.5], "curve": [], "kernels": np.zeros((3, 3, 1, 4)),
        "source": digits.test.source, "train": digits.train, "test": digits.test,
        "validation": None, "shape": digits.shape, "source_shape": (8, 8, 1),
        "shares": np.ones(10), "counts": np.ones(10, int), "counted": "images",
        "truth": np.zeros((8, 8, 8), int), "guess": np.zeros((8, 8, 8), int),
        "mean": (1.0,), "std": (1.0,), "low": 0.1, "high": 0.2,
        "search": tuning.SearchPlan(folds=2), "figure": Figure(), "layer": "conv1",
        "networks": ["lenet5"], "comparison": kerazoo.compare(["nin_cifar"]),
        "diagram": kerazoo.diagram(model), "histories": {"run": [{"epoch": 1}]},
        "image": np.zeros((28, 28, 1), "uint8"), "fields": [field],
        "block": module(forked), "card": kerazoo.find("lenet5"),
    }  # fmt: skip
    own = {
        "kerazoo.find": {"name": "lenet5"},
        "kerazoo.probe_layers": {"network": place / "run"},
        "kerazoo.layer_signals": {"targets": [1] * 8},
        "kerazoo.training.write_mistakes": {"found": mistakes},
        "kerazoo.training.write_projector": {"found": embeddings},
        "kerazoo.training.model_at": {"run": run},
        "kerazoo.training.list_snapshots": {"run": run},
        "kerazoo.training.list_step_snapshots": {"run": run},
        **{
            f"kerazoo.analysis.mistakes.{one}": {
                "truth": np.array([1]), "scores": np.array([[0.25, 0.75]])
            }
            for one in ("losses", "worst_mistakes", "confusion_pairs", "reliability")
        },
        "kerazoo.analysis.mistake_plots.mistake_gallery": {
            "images": images[:1], "mistakes": mistakes.worst[:1]
        },
        "kerazoo.analysis.mistake_plots.confusion_gallery": {
            "images": [images[:1]], "pairs": mistakes.pairs[:1]
        },
        "kerazoo.analysis.mistake_plots.reliability_diagram": {
            "found": mistakes.reliability
        },
        "kerazoo.analysis.layer_plots.signals_by_depth": {"found": {"a": signals}},
        "kerazoo.analysis.layer_plots.signal_histograms": {"signals": signals},
        "kerazoo.analysis.layer_plots.probes_by_depth": {"found": {"a": probed}},
        "kerazoo.analysis.layer_plots.filters_along": {
            "kernels": [np.zeros((3, 3, 1, 4))], "steps": [1]
        },
        "kerazoo.recipes.find": {"name": "lenet5"},
        "kerazoo.Run": {"path": place / "run"},
        "kerazoo.predict": {"images": place / "image.png"},
        "kerazoo.serving.predict.predictions": {
            "run": run,
            "images": [place / "image.png"],
        },
        "kerazoo.serving.predict.list_images": {"images": place / "image.png"},
        "kerazoo.replace_head": {"classes": 3},
        "kerazoo.layers.RBF": {"classes": 3},
        "kerazoo.layers.hadamard_codewords": {"classes": 3},
        "kerazoo.training.Pipeline": {"classes": 3},
        "kerazoo.data.image_files": {"folder": place},
        "kerazoo.data.read_image": {"path": place / "image.png"},
        "kerazoo.data.normalization": {
            "kind": "standardize",
            "mean": (1.0,),
            "std": (1.0,),
        },
        "kerazoo.analysis.plots.confusion": {"classes": ["a", "b", "c"]},
        "kerazoo.analysis.plots.parallel_coordinates": {"columns": {"rate": [0.1]}},
        "kerazoo.data.from_arrays": {
            "x": (images * 255).astype("uint8"),
            "y": [0, 1] * 4,
        },
        "kerazoo.data.from_dataset": {
            "dataset": tf.data.Dataset.from_tensors(
                ((images * 255).astype("uint8"), [0, 1] * 4)
            )
        },
        "kerazoo.data.resizer": {"size": (8, 8), "how": "pad", "channels": 1},
        "kerazoo.tuning.Search": {"folder": place / "search"},
        "kerazoo.tuning.Member": {"run": run},
        "kerazoo.tuning.Space": {"recipe": TINY},
        "kerazoo.fit": {"data": digits, "run": "new"},
        "kerazoo.detector": {"run": boxes},
        "kerazoo.find_proposals": {"method": "windows"},
        "kerazoo.write_proposals": {
            "path": "new.npz",
            "proposals": [(np.ones((8, 8, 3), "uint8"), [[0, 0, 4, 4]])],
        },
        "kerazoo.truncated_svd": {"ranks": {"predictions": 2}},
        "kerazoo.Detections": vars(found) | {"names": ["a"]},
        "kerazoo.average_precision": {
            "detections": [found], "truth": [there], "classes": 10
        },
        "kerazoo.output_size": {"size": 28, "kernel": 5},
        "kerazoo.receptive_field": {"model": convolutional},
        "kerazoo.effective_field": {"model": convolutional},
        "kerazoo.analysis.diagram.module": {"model": forked},
        "kerazoo.analysis.plots.detected": {"image": images[0], "found": found},
        "kerazoo.analysis.plots.detections": {
            "images": images[:1], "truth": [there], "found": [found]
        },
        "kerazoo.analysis.plots.rate_sweep": {
            "rates": [0.1], "losses": [1.0], "smoothed": [1.0],
        },
        "kerazoo.analysis.plots.precision_recall": {
            "curves": {"a": [1.0, 0.5]}, "averages": {"a": 0.75}
        },
        **{
            f"kerazoo.layers.{layer}": {"size": (32, 32), "resize": "pad", "boxes": 2}
            for layer in (
                "RegionBoxes", "RegionProposalLoss", "RegionProposals", "ResizeBoxes",
                "RestoreBoxes", "YOLOBoxes", "YOLOLoss",
            )
        },
        "kerazoo.layers.RegionRegression": {"classes": 2, "size": (32, 32)},
        "kerazoo.layers.PerImage": {"regions": 4},
        "kerazoo.weights.find_weights": {"network": "lenet5", "name": "mnist"},
        "kerazoo.weights.save_weights": {
            "weights": find_weights("lenet5", "mnist"), "path": "new.safetensors"
        },
        "kerazoo.classifier": {"network": "lenet5", "weights": "digits"},
        "kerazoo.save_run_weights": {"path": "new.safetensors"},
        "kerazoo.explain": {
            "network": place / "run", "image": place / "image.png"
        },
        **{
            f"kerazoo.analysis.{name}": seen
            for name in (
                *(f"attribution.{one}" for one in attribution.METHODS),
                "attribution.Explainable", "excitement.exciting_images",
                "feature_maps.feature_maps", "maximization.activation_maximization",
            )
        },
        "kerazoo.analysis.explanation_plots.attribution": {
            "found": gradient(seen["network"], images[0])
        },
        "kerazoo.analysis.explanation_plots.feature_grid": {
            "found": feature_maps(seen["network"], images[0])[0]
        },
        **{
            f"kerazoo.analysis.explanation_plots.{name}": {"found": []}
            for name in (
                "attributions", "down_the_network", "exciting_images",
                "preferred_images",
            )
        },
        "kerazoo.extract_features": {
            "network": "lenet5", "data": "digits", "weights": "digits"
        },
    }  # fmt: skip
    return lambda name: common | own.get(name, {})


# Arguments with a default that a good call gives all the same.
OPTIONAL = {
    "kerazoo.fit": ("recipe", "run", "data"),
    "kerazoo.data.normalization": ("mean", "std"),
    "kerazoo.classifier": ("weights",),
}


def called(name, given):
    """Calls a public function; generators are asked for what they give."""
    function = (PUBLIC | RECORDS)[name]
    parameters = inspect.signature(function).parameters.values()
    first = [
        given.pop(one.name) for one in parameters if one.kind is one.POSITIONAL_ONLY
    ]
    result = function(*first, **given)
    return list(result) if inspect.isgenerator(result) else result


def arguments(name, good):
    known = good(name)
    needed = {"data_dir", *OPTIONAL.get(name, ())}
    return {
        one.name: known[one.name]
        for one, _ in declarations((PUBLIC | RECORDS)[name])
        if one.default is one.empty or one.name in needed
    }


def refused(good, place, monkeypatch, name, argument, value):
    """Holds a wrong call to one sentence, that comes soon and leaves nothing."""
    monkeypatch.chdir(place)
    given = arguments(name, good) | {argument: value}
    with soon(), pytest.raises(ValueError) as caught:
        called(name, given)
    text = str(caught.value)
    assert "\n" not in text
    assert not list(place.iterdir())
    return text


@pytest.mark.parametrize(("name", "argument"), WRONG, ids=lambda one: one)
def test_values_of_the_wrong_type(good, tmp_path, monkeypatch, name, argument):
    for value in WRONG[name, argument]:
        text = refused(good, tmp_path, monkeypatch, name, argument, value)
        assert argument in text, value


@pytest.mark.parametrize(("name", "argument", "value"), MEANINGLESS)
def test_values_that_mean_nothing(good, tmp_path, monkeypatch, name, argument, value):
    text = refused(good, tmp_path, monkeypatch, name, argument, value)
    parts = value if isinstance(value, (list, dict)) else [value]
    told = [str(one).removeprefix("folder:").partition("=")[0][:60] for one in parts]
    assert argument in text or any(one in text or repr(one) in text for one in told)


# The command line -----------------------------------------------------------------


def commands(command, path=()):
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path), command


COMMANDS = dict(commands(typer.main.get_command(cli.app)))
FEW = "--data digits --epochs 1 --set image_shape=8,8,1 --data-dir DATA"
# A good call of every command; OUT is an empty folder.
WORDS = {
    "list": "",
    "info": "mlp_256",
    "recipes": "mlp_256",
    "data list": "",
    "data check": "digits --data-dir DATA",
    "data show": "digits --file OUT/a.png --data-dir DATA",
    "data augmentations": "",
    "proposals": "digit_scenes/boxes?size=32&scenes=2 --method windows "
    "--save OUT/a.npz",
    "train": f"mlp_256 {FEW} --run OUT/run",
    "lr-find": f"mlp_256 {FEW}",
    "launch": "--processes 1 -- list",
    "evaluate": "PLACE/run",
    "mistakes": "PLACE/run --folder OUT/mistakes",
    "embed": "PLACE/run",
    "probe": "PLACE/run",
    "snapshots": "PLACE/run OUT/a.png",
    "predict": "PLACE/run PLACE/image.png",
    "explain": "PLACE/run PLACE/image.png --method gradient --file OUT/a.png",
    "export": "PLACE/run OUT/a.onnx",
    "devices": "",
    "crossval": f"mlp_256 {FEW} --folder OUT/folds",
    "tune": f"mlp_256 {FEW} --folder OUT/search --space learning_rate=1,2",
    "winner": "PLACE/search --run OUT/run",
    "ensemble": "PLACE/run PLACE/other --folder OUT/ensemble",
    "weights list": "lenet5 digits",
    "weights fetch": "lenet5 digits",
    "weights save": "PLACE/run OUT/a.safetensors",
    "weights verify": "lenet5 digits --data digits --data-dir DATA",
    "features": "lenet5 --weights digits --data digits --data-dir DATA",
    "audit": "PLACE/run --as mlp_256",
    "compare": "nin_cifar --bubbles OUT/a.png",
    "draw": "resnet20_cifar --out OUT/a.png",
    "field": "lenet5 conv1 --out OUT/a.png",
    "plot": "PLACE/run --out OUT/a.png",
}
TEXTS = {
    "int": ["", "x", "1.5", "nan", "-1", str(10**12), "1e3", LONG],
    "path": ["", LONG, "a/" * 3000, "PLACE/image.png/x", "\0"],
    "str": ["", LONG, "../", "nosuch", "-1", "{}", "[1", "\udcff"],
}
# Options whose text may be anything, and what else of these texts means something.
FREE = {("list", "pattern"), ("launch", "command"), ("recipes", "network")}
MEANT = {("data show", "name", "../"), ("train", "setting", "")}
MEANT |= {("lr-find", "setting", "")}
SPOILED = [
    (name, one.name)
    for name, command in COMMANDS.items()
    for one in command.params
    if one.type.name in TEXTS and (name, one.name) not in FREE
]


def spoiled(name, parameter, text):
    """The words of a good call with one of them in the place of another."""
    words = WORDS[name].split()
    if parameter.param_type_name == "argument":
        arguments = [
            one for one in COMMANDS[name].params if one.param_type_name == "argument"
        ]
        place = arguments.index(parameter)
        options = words[len(arguments) :]
        words = words[: len(arguments)]
        words[place] = text
        return [*options, "--", *words]
    option = parameter.opts[0]
    if option in words:
        place = words.index(option)
        del words[place : place + 2]
    return [f"{option}={text}", *words]


def test_every_command_is_called():
    assert WORDS.keys() == COMMANDS.keys()


@pytest.mark.parametrize(("name", "parameter"), SPOILED)
def test_words_that_mean_nothing(command, place, data_dir, tmp_path, name, parameter):
    (one,) = [p for p in COMMANDS[name].params if p.name == parameter]
    for text in TEXTS[one.type.name]:
        if (name, parameter, text) in MEANT:
            continue
        words = [
            word.replace("OUT", str(tmp_path))
            .replace("PLACE", str(place))
            .replace("DATA", str(data_dir))
            for word in spoiled(name, one, text)
        ]
        with soon():
            status, out, errors = command(*name.split(), *words)
        assert (status, out) == (2, ""), (text, errors)
        assert "Traceback" not in errors
        sentence = errors.startswith("kerazoo: ") and len(errors.splitlines()) == 1
        assert sentence or errors.startswith("Usage: "), (text, errors)
        assert not list(tmp_path.iterdir()), text


def test_there_are_many_of_them():
    assert sum(map(len, WRONG.values())) > 3000
    assert len(SPOILED) > 60

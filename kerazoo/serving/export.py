"""Networks that leave the house: files for other programs, checked by running them."""

import contextlib
import dataclasses
import os
import pathlib
import re
import tempfile
from collections.abc import Mapping
from typing import Any

import keras

from kerazoo import data as kerazoo_data
from kerazoo import display, reader
from kerazoo.errors import NO_ROOM
from kerazoo.files import check_file, check_folder, replacing, replacing_folder
from kerazoo.reader import Count, Pair, Path
from kerazoo.recursion import allow_deep_graphs
from kerazoo.run import Run
from kerazoo.serving import comparison, formats, quantization
from kerazoo.serving.formats import Engine, Format, FormatName
from kerazoo.serving.quantization import Int8
from kerazoo.surgery.for_inference import (
    for_inference,
    image_entry,
    is_resizing,
    own_size,
    with_all_boxes,
)
from kerazoo.surgery.graph import Graph

# Training images that the ranges of integers are taken from.
CALIBRATION = 200
# The share of test images that integers must call what floats call them.
LEAST_AGREEMENT = 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export:
    """What came out of an export.

    Attributes:
        path: The file or folder.
        format: ``keras``, ``saved_model``, ``onnx``, ``litert`` or ``openvino``.
        bytes: Of all of it.
        inputs: The shapes of the inputs by name, ``None`` for an axis of any length.
        outputs: The names of the outputs.
        images: How many images Keras and the engine of the format were both shown.
        largest_difference: Between their logits, as a share of the largest; of a file
            in integers from Keras' in float32.
        agreement: The share of these images (of a segmentation of pixels, of a
            detector of boxes) that both give the same class.
        int8: What 8-bit integers cost; ``None`` of float32.
    """

    path: str
    format: FormatName
    bytes: int
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    images: int
    largest_difference: float
    agreement: float
    int8: Int8 | None = None

    def rows(self) -> list[tuple[str, str]]:
        """What people want to know, in words."""
        height, width = next(s[1:3] for s in self.inputs.values() if len(s) == 4)
        size = f"{height}x{width}" if height and width else "any size"
        rows = [
            ("exported", self.path),
            ("format", f"{self.format}, {display.size(self.bytes)}"),
            ("takes", f"{', '.join(self.inputs)}: images of {size}"),
            ("gives", ", ".join(self.outputs)),
            (
                "checked",
                f"on {self.images} images: up to {self.largest_difference:.1e} of the "
                "largest logit from Keras, the same class on "
                f"{display.percent(self.agreement)}",
            ),
        ]
        if self.int8:
            one = self.int8
            rows += [
                (
                    "int8",
                    f"calibrated on {one.calibration:,} images; in float32 it has "
                    f"{display.size(one.float_bytes)}",
                ),
                (
                    "test score",
                    f"{display.percent(one.score)} on {one.images:,} images (float32: "
                    f"{display.percent(one.float_score)}), the same class on "
                    f"{display.percent(one.agreement)}",
                ),
            ]
        return rows

    def _repr_html_(self) -> str:
        return display.table(self.rows())


@reader.checked
def export(
    run: Path | Run | keras.Model,
    path: Path | None = None,
    *,
    format: FormatName | None = None,
    image_size: Count | Pair | None = None,
    best: bool = False,
    int8: bool = False,
    calibration: Count | None = None,
    data: kerazoo_data.ImageData | None = None,
    overwrite: bool = False,
) -> Export:
    """Writes a network in a format that other programs run, and checks it there.

    The file has the preprocessing inside: raw uint8 images of any size go in. Out come,
    by name, ``probabilities`` and ``logits``, or the ``boxes``, ``scores`` and
    ``classes`` of a detector. The names of the classes go with it. It computes in
    float32 whatever the network was trained in. Before it takes its place it is loaded
    by its own engine, which must say of random and of smooth images what Keras says.

    Args:
        run: A finished run, its folder, or a functional model of images, which is
            exported as it is.
        path: The file to write, or the folder for ``saved_model`` and ``openvino``; by
            default one beside the run, with its name.
        format: ``keras``, ``saved_model``, ``onnx``, ``litert`` or ``openvino``; by
            default what the path ends in, or ONNX.
        image_size: The height and width, or the one number for both, of all images,
            where the program that runs it wants a fixed size.
        best: Whether it is the network of the epoch with the lowest validation loss.
        int8: Whether it computes in 8-bit integers, in ``onnx`` or ``litert``; the
            latter then takes images of the network's own size alone.
        calibration: For ``int8``, from how many training images of the run the ranges
            of numbers are taken; 200 by default.
        data: For ``int8``, the images of a run that was trained on arrays.
        overwrite: Whether an earlier export that stands there may be deleted.

    Returns:
        What was written, and how far its answers are from Keras'.

    Raises:
        ValueError: Where there is no finished run, the path is taken or names another
            format, a package is missing, or a layer has no form in the format.
        RuntimeError: Where the file gives other answers; nothing is left of it.
    """
    for name, given in (("calibration", calibration), ("data", data)):
        if given is not None and not int8:
            raise ValueError(
                f"{name} is for eight bits alone; give int8 with it, or leave it out."
            )
    kind = _kind(format, path)
    place = _place(kind, run, path, best, int8, overwrite)
    if isinstance(run, keras.Model):
        # Keras knows no input of a sequential model that was never called.
        model, source, told = Graph(run).model, None, {}
    else:
        source = run if isinstance(run, Run) else Run(run)
        model, told = source.model(best=best), _told(source)
    allow_deep_graphs()
    size = (image_size,) * 2 if isinstance(image_size, int) else image_size
    _check_size(model, size)
    if int8 and kind.name == "litert":
        size = size or own_size(model)
    ready = for_inference(
        model,
        scores="probabilities" if source else None,
        image_size=size,
        elsewhere=kind.elsewhere,
    )
    if int8 and kind.name == "litert":
        _check_resizing(model, ready)
    job = _Job(kind, ready, comparison.reference(model), told)
    with _replacing(kind, place) as scratch:
        if not int8:
            compared, found = job.write(scratch), None
        else:
            assert source
            count = CALIBRATION if calibration is None else calibration
            compared, found = job.write_int8(scratch, source, data, count)
        return Export(
            path=str(place),
            format=kind.name,
            bytes=formats.size(scratch),
            inputs={n: tuple(one.shape) for n, one in formats.specs(ready).items()},
            outputs=tuple(sorted(ready.output)),
            images=compared.images,
            largest_difference=compared.largest_difference,
            agreement=compared.agreement,
            int8=found,
        )


def _kind(name, path):
    """The format that is meant."""
    ending = None if path is None else formats.of_path(pathlib.Path(path))
    if name is None:
        if path is None:
            return formats.find("onnx")
        if ending is None:
            endings = [one.ending for one in formats.FORMATS.values() if not one.files]
            raise ValueError(
                f"path is {os.fspath(path)}, which says no format; let it end in "
                f"{', '.join(endings)}, or give the format (--format)."
            )
        return ending
    kind = formats.find(name)
    misnamed = path is not None and not kind.files and ending is not kind
    if misnamed and not pathlib.Path(path).is_dir():
        raise ValueError(
            f"path is {os.fspath(path)}, but a file of the format {name} ends in "
            f"{kind.ending}."
        )
    if kind.files and ending is not None:
        raise ValueError(
            f"path is {os.fspath(path)}, which ends as a file of the format "
            f"{ending.name}; {name} is a folder."
        )
    return kind


def _place(kind, run, path, best, int8, overwrite):
    """Where it can be written, after all that can be asked without a network."""
    kind.check_installed()
    if kind.name != "keras" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"The format {kind.name} is written by TensorFlow, but Keras runs on "
            f"{keras.backend.backend()}; set KERAS_BACKEND=tensorflow."
        )
    if int8 and not kind.int8:
        known = [one.name for one in formats.FORMATS.values() if one.int8]
        raise ValueError(
            f"int8 is asked of the format {kind.name}, which has none; give the format "
            f"{' or '.join(known)}."
        )
    if isinstance(run, keras.Model):
        if path is None:
            raise ValueError("path is None; say where a model is to be written.")
        if best:
            raise ValueError(
                "best is of a run, which keeps the network of an earlier epoch too; "
                "leave it out, or give a run."
            )
        if int8:
            raise ValueError(
                "int8 is calibrated on images that the network was trained on, and a "
                "model knows none; give a run."
            )
    else:
        run = run if isinstance(run, Run) else Run(run)
        _check_run(run, int8)
    if path is None:
        name = pathlib.Path(os.path.abspath(run.path))
        kinds = "-best" * best + ".int8" * int8
        path = run.path.parent / f"{name.name}{kinds}{kind.ending}"
    return _free(kind, pathlib.Path(path), overwrite)


def _check_run(run, int8):
    config = run.config
    if not run.finished:
        raise ValueError(
            f"{run.path} has not ended; give the command again that began it, and "
            "export what comes out."
        )
    if int8 and config.task == "detection":
        raise ValueError(
            f"int8 is for networks whose classes can be compared, but {run.path} is a "
            "detector; export it in float32."
        )


def _free(kind, path, overwrite):
    """Refuses a place that cannot be written or is taken."""
    if kind.files:
        check_folder(path, f"export to {kind.name}")
    elif path.is_dir():
        example = path / f"network{kind.ending}"
        raise ValueError(f"{path} is a folder; give a file, such as {example}.")
    else:
        check_file(path)
    if not os.path.lexists(path):
        return path
    if not overwrite:
        raise ValueError(
            f"{path} is there already; give another path, or overwrite it "
            "(--overwrite)."
        )
    kind.check_own(path)
    return path


def _told(run):
    """What the file is to say of itself."""
    config = run.config
    return {
        "network": config.network,
        "data": config.data,
        "task": config.task,
        "classes": list(config.classes),
        "versions": dict(config.versions),
    }


def _check_size(model, size):
    """Refuses another size than a model's only one."""
    only = tuple(image_entry(model).shape[1:3])
    if size and None not in only and size != only:
        raise ValueError(
            f"image_size is {size[0]}x{size[1]}, but {model.name} takes images of "
            f"{only[0]}x{only[1]} alone."
        )


def _check_resizing(model, ready):
    """Refuses integers where images are resized, of which eight bits leave nothing."""
    if any(is_resizing(layer) for layer in ready.layers):
        height, width = own_size(model)
        raise ValueError(
            f"{model.name} resizes or cuts images of this size, which LiteRT cannot in "
            f"8-bit integers; leave image_size out for those of {height}x{width}, or "
            "give the format onnx."
        )


@contextlib.contextmanager
def _replacing(kind, path):
    if kind.files:
        with replacing_folder(path) as scratch:
            yield scratch
    else:
        with replacing(path) as scratch:
            yield scratch


@dataclasses.dataclass(frozen=True)
class _Job:
    """A network that is being written.

    Attributes:
        kind: The format.
        model: The network, ready for it.
        expected: What Keras says of images.
        told: What the file says of itself.
    """

    kind: Format
    model: keras.Model
    expected: Any
    told: Mapping[str, Any]

    def write(self, path: pathlib.Path) -> comparison.Comparison:
        """Writes it in float32, and compares."""
        engine = self._engine(path, self.kind.write, self.model, path, self.told)
        with formats.hushed():
            compared = comparison.compare(self.expected, engine, self.model)
        if not compared.found:
            self._check_with_all_boxes()
        return compared

    def _check_with_all_boxes(self) -> None:
        """Compares the boxes of a detector that has found nothing on any image.

        A twin of it, of no threshold, is written and compared elsewhere.
        """
        twin = with_all_boxes(self.model)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, f"network{self.kind.ending}")
            if self.kind.files:
                path.mkdir()
            engine = self._engine(path, self.kind.write, twin, path, self.told)
            with formats.hushed():
                comparison.compare(comparison.reference(twin), engine, twin)

    def write_int8(
        self,
        path: pathlib.Path,
        run: Run,
        data: kerazoo_data.ImageData | None,
        calibration: int,
    ) -> tuple[comparison.Comparison, Int8]:
        """Writes it in float32 first, then in integers, and measures both."""
        images = quantization.images_of(run, data)
        exact = path.with_name(f"{path.stem}-float{path.suffix}")
        try:
            engine = self._engine(exact, self.kind.write, self.model, exact, self.told)
            with formats.hushed():
                comparison.compare(self.expected, engine, self.model)
            before, expected = quantization.measured(run, images, self.model, engine)
            float_bytes = formats.size(exact)
        finally:
            exact.unlink(missing_ok=True)
        some = quantization.calibration_images(run, images, self.model, calibration)
        arguments = (self.model, self.kind, path, self.told, some)
        engine = self._engine(path, quantization.write_int8, *arguments)
        after, given = quantization.measured(run, images, self.model, engine)
        agreement = float((expected == given).mean())
        if agreement < LEAST_AGREEMENT:
            raise RuntimeError(
                f"In 8-bit integers the network calls {display.percent(agreement)} of "
                f"the test images what it calls them in float32, where "
                f"{LEAST_AGREEMENT:.0%} is needed; nothing was written. Calibrate on "
                "more images, or export it in float32."
            )
        with formats.hushed():
            compared = comparison.compare(
                self.expected, engine, self.model, rounded=True
            )
        return compared, Int8(
            calibration=len(some),
            float_bytes=float_bytes,
            images=after.images,
            agreement=agreement,
            score=after.score,
            float_score=before.score,
        )

    def _engine(self, path: pathlib.Path, write: Any, *arguments: Any) -> Engine:
        """Writes a file and loads it; an error names the layer at which it arose."""
        with formats.hushed() as said:
            try:
                write(*arguments)
                return self.kind.load(path)
            except (OSError, MemoryError):
                raise
            except Exception as error:
                if NO_ROOM in str(error):
                    raise
                log = said.read_text(encoding="utf-8", errors="replace").splitlines()
                faults = [line for line in log if re.search("not supported|loc", line)]
                layer = named_layer(self.model, "\n".join([str(error), *faults]))
                layer = layer or layer_of_operations(self.model, str(error))
                layer = layer or first_unfit(self.model, self.kind, path)
                raise ValueError(
                    f"{self.model.name} does not become {self.kind.name}: "
                    f"{of_layer(self.model, layer)}"
                    f"{' '.join(str(error).split())[:160]}; give another format."
                ) from error


def of_layer(model: keras.Model, name: str | None) -> str:
    """The beginning of a sentence about a layer without a form; empty for None."""
    if name is None:
        return ""
    kind = type(model.get_layer(name)).__name__
    return f"the layer {name} ({kind}) has no form there. It was said: "


def named_layer(model: keras.Model, text: str) -> str | None:
    """The first layer of a network that a text names as TensorFlow's graphs do."""
    names = {layer.name for layer in model.layers}
    for path in re.findall(r"[\w.]+(?:/[\w.]+)+", text):
        for part in path.split("/"):
            for one in (part, re.sub(r"_\d+$", "", part)):
                if one in names:
                    return one
    return None


def layer_of_operations(model: keras.Model, text: str) -> str | None:
    """The first layer with one of TensorFlow's operations that a text lists."""
    listed = re.findall(r"operations: ([\w, ]+)", text)
    names = set(re.findall(r"\w+", " ".join(listed)))
    if not names:
        return None
    graph = formats.frozen(model).get_concrete_function().graph
    here = (one.name for one in graph.get_operations() if one.type in names)
    return next(filter(None, (named_layer(model, one) for one in here)), None)


def first_unfit(model: keras.Model, kind: Format, path: pathlib.Path) -> str | None:
    """The layer up to which a network has a form in a format, and with which none.

    Args:
        model: The network.
        kind: The format.
        path: Where to try.
    """
    # The output of a model within it is known of that model by itself alone.
    others = keras.layers.InputLayer, keras.Model
    layers = [one for one in model.layers if not isinstance(one, others)]

    def fits(count):
        part = keras.tree.flatten(layers[count - 1].output)
        named = {f"output{n}": one for n, one in enumerate(part)}
        try:
            kind.write(keras.Model(model.input, named, name=model.name), path, {})
            kind.load(path)
        except Exception:
            return False
        return True

    low, high = 0, len(layers)
    if not layers or fits(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return layers[high - 1].name

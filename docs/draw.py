"""``make docs`` puts together what the page of ``docs/draw.md`` runs.

Into ``docs/draw/`` go ``lenet5.onnx``, the trained LeNet-5 with every layer as an
output; ``digits.png``, digits to click; and ``onnxruntime/``, which runs networks in a
browser. Git leaves all three out. onnxruntime comes from npm the first time; from then
on nothing is fetched.
"""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings

import keras
import numpy as np
import onnxruntime
from PIL import Image
from sklearn.datasets import load_digits

import kerazoo
from kerazoo import data
from kerazoo.files import replacing, replacing_folder
from kerazoo.weights import find_weights

FOLDER = pathlib.Path(__file__).with_name("draw")
LAYERS = ("conv1", "pool2", "conv3", "pool4", "conv5", "fc6", "predictions")

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# Of the package's archive, as `npm view onnxruntime-web@1.30.0 dist.integrity` says it.
SHA512 = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7sv"
    "Nc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
RUNTIME = (
    "dist/ort.wasm.min.js",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
    "package.json",
)
# The npm package has no text of its licence; the Python package has the same one.
LICENCES = ("LICENSE", "ThirdPartyNotices.txt")
# npm waits for minutes where there is no network.
PATIENCE = 180

# The digits to click, by their numbers in scikit-learn's set: the first of each class,
# but for the first 5, which is closed where a 5 is open and reads as a 3.
DIGITS = (0, 1, 2, 3, 4, 32, 6, 7, 8, 9)
# Their side in pixels, and how steep their edges are.
SIDE, STEEPNESS = 112, 20.0


def network() -> keras.Model:
    """LeNet-5 with its weights of MNIST, from raw grey pixels to every layer.

    Returns:
        A model from float32 images (batch, 28, 28, 1), 0 for paper and 255 for ink, to
        a dictionary of the outputs of ``LAYERS``.
    """
    preprocessing = find_weights("lenet5", "mnist").preprocessing
    image = keras.Input((*preprocessing.size, 1), name="image")
    x = image
    for layer in data.normalization(
        "standardize", mean=preprocessing.mean, std=preprocessing.std
    ):
        x = layer(x)
    lenet5 = kerazoo.lenet5(input_tensor=x, weights="mnist")
    return keras.Model(image, {name: lenet5.get_layer(name).output for name in LAYERS})


def write_network(path: pathlib.Path) -> None:
    """Exports the network, and sees that onnxruntime computes what Keras computes.

    Raises:
        ValueError: Where a layer differs; then no file is written.
    """
    model = network()
    images = np.stack([digit(number) for number in DIGITS])
    images = np.array([np.asarray(Image.fromarray(x).resize((28, 28))) for x in images])
    images = images[..., None].astype("float32")
    expected = model(images)
    with replacing(path) as scratch:
        with warnings.catch_warnings():
            # Keras 3.15 looks for what NumPy 2 no longer has.
            warnings.filterwarnings("ignore", "In the future `np.object`")
            model.export(str(scratch), format="onnx", verbose=False)
        computed = outputs(scratch, images)
        for name in LAYERS:
            error = np.abs(computed[name] - np.asarray(expected[name])).max()
            if not error < 1e-4:
                raise ValueError(
                    f"{name} of the exported LeNet-5 is off by {error:.2g}; try other "
                    "versions of tf2onnx and onnxruntime."
                )


def outputs(path: pathlib.Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """What onnxruntime makes of images (batch, 28, 28, 1), by layer."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip(LAYERS, session.run(LAYERS, {"image": images}), strict=True))


def digit(number: int) -> np.ndarray:
    """One of scikit-learn's 8x8 digits, enlarged, uint8 with bright ink.

    Enlarging blurs the strokes; a steep curve from paper to ink makes pen strokes of
    them again.
    """
    ink = load_digits().images[number]
    image = Image.fromarray(np.pad(ink / 16, 1).astype("float32"))
    large = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    curve = np.tanh(STEEPNESS / 2 * (large - 0.5)) / np.tanh(STEEPNESS / 4)
    return np.rint(255 * np.clip((1 + curve) / 2, 0, 1)).astype("uint8")


def write_digits(path: pathlib.Path) -> None:
    """Ten digits side by side."""
    with replacing(path) as scratch:
        strip = np.hstack([digit(number) for number in DIGITS])
        Image.fromarray(strip).save(scratch, format="png", optimize=True)


def vendor(folder: pathlib.Path) -> None:
    """Brings onnxruntime for browsers, unless this version is there.

    Raises:
        OSError: Where npm is not there, fetches nothing, or something else than the
            archive of this version; in words for whoever builds the pages.
    """
    if _version(folder) == VERSION:
        return
    if (npm := shutil.which("npm")) is None:
        raise OSError("npm is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"]
        try:
            subprocess.run(
                command, cwd=scratch, check=True, capture_output=True, timeout=PATIENCE
            )
        except subprocess.SubprocessError as error:
            raise OSError(f"npm could not fetch {PACKAGE} {VERSION}") from error
        (archive,) = pathlib.Path(scratch).glob("*.tgz")
        unpack(archive, folder)


def unpack(archive: pathlib.Path, folder: pathlib.Path) -> None:
    """Takes what a browser needs out of the archive of npm, with the licence beside it.

    Raises:
        OSError: Where the archive is not the one that was tried.
    """
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != SHA512:
        raise OSError(f"the archive of {PACKAGE} {VERSION} has another SHA-512")
    with replacing_folder(folder) as partial, tarfile.open(archive) as files:
        for name in RUNTIME:
            content = files.extractfile(f"package/{name}")
            assert content is not None
            (partial / pathlib.Path(name).name).write_bytes(content.read())
        for name in LICENCES:
            shutil.copy(pathlib.Path(onnxruntime.__file__).with_name(name), partial)


def _version(folder):
    try:
        return json.loads((folder / "package.json").read_text("utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None


def main() -> None:
    """Writes everything; without onnxruntime the page says what it lacks."""
    FOLDER.mkdir(exist_ok=True)
    write_network(FOLDER / "lenet5.onnx")
    write_digits(FOLDER / "digits.png")
    try:
        vendor(FOLDER / "onnxruntime")
    except OSError as error:
        print(
            f"The page that runs LeNet-5 will not: {error}. Everything else is built.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()

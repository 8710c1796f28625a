"""A model's prediction, compiled for the machine."""

import importlib.util
import threading
import warnings
from collections.abc import Callable
from typing import Literal, get_args

import keras

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.reader import Whole
from kerazoo.surgery.fold_batchnorm import fold_batchnorm
from kerazoo.surgery.graph import Graph
from kerazoo.surgery.preprocessing import split_resizing

PRECISIONS = ("auto", "float32")
Engine = Literal["auto", "keras", "openvino"]


@reader.checked
def predictor(
    model: keras.Model,
    *,
    precision: str = "auto",
    engine: Engine = "auto",
    largest_constant: Whole = 2**23,
) -> Callable:
    """Compiles the prediction of a model whose training is over.

    Batch norms are folded into their convolutions. What is compiled is a copy; later
    changes to the model's weights do not reach it.

    By the engine ``keras``, on TensorFlow, the kernels become constants of the graph,
    which a CPU brings into its own order and precision once instead of at every call:
    most of the time of a small batch. ``openvino`` is faster still in bfloat16; before
    it is returned it is shown two images, on which it must say what Keras says.

    Args:
        model: A functional or sequential model; its dtype policies stay as they are.
        precision: ``auto`` for bfloat16 convolutions and products on a CPU that has
            instructions for them, where the backend is TensorFlow, or ``float32``.
        engine: ``keras``, ``openvino`` (of the extra ``export``; not for detectors,
            whose boxes it would round), or ``auto``: OpenVINO where the precision is
            bfloat16, it is installed and it can, else Keras.
        largest_constant: With ``keras``, kernels of more numbers than this do not
            become constants. The dense layers of AlexNet and VGG, if they do, predict
            one image in under half the time, but take up to a minute and 12 GB at the
            first call.

    Returns:
        A function of a batch of images, ``(batch, height, width, channels)``, that
        returns what ``model.predict_on_batch`` does: NumPy arrays in the structure of
        the model's outputs. With ``keras`` its first call compiles; batches may differ
        in size. Calls from several threads wait for each other.

    Raises:
        ValueError: For another precision or engine, one that is not installed or cannot
            run the model, or where the model is neither functional nor sequential.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    if engine not in get_args(Engine):
        raise unknown("engine", engine, get_args(Engine))
    model = Graph(model).model
    detects = isinstance(model.output, dict) and "boxes" in model.output
    if engine == "openvino":
        _check_openvino(model, detects)
    if keras.backend.backend() != "tensorflow":
        return fold_batchnorm(model).predict_on_batch
    import tensorflow as tf

    from kerazoo.precision import choose

    chosen, resize = choose(precision), None
    if chosen.onednn or engine == "openvino":
        # The bits of bfloat16 do not tell 255 pixel values apart.
        resize, model = split_resizing(model)
        resize = resize and tf.function(resize, reduce_retracing=True)
    compiled = None
    if engine == "openvino" or (
        engine == "auto"
        and chosen.onednn
        and not detects
        and importlib.util.find_spec("openvino")
    ):
        compiled = _by_openvino(model, chosen.onednn, or_keras=engine == "auto")
    if compiled is None:
        compiled = _by_tensorflow(fold_batchnorm(model), chosen, largest_constant)
    alone = threading.Lock()

    def predict(images):
        if resize:
            images = resize(images, training=False)
        # The options of TensorFlow are the process's, not a thread's.
        with alone:
            return compiled(images)

    return predict


def _check_openvino(model, detects):
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "engine is openvino, to which TensorFlow brings a network, but Keras runs "
            f"on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow, or leave it "
            "out."
        )
    if detects:
        raise ValueError(
            f"engine is openvino, but {model.name} is a detector, whose boxes it would "
            "round; leave it out, or export the detector to openvino."
        )
    from kerazoo.serving import formats

    formats.find("openvino").check_installed()


def _by_openvino(model, bfloat16, *, or_keras):
    """Compiled by OpenVINO; None, which is said, where it cannot and Keras may."""
    from kerazoo.serving.openvino_engine import compile_openvino

    try:
        return compile_openvino(model, bfloat16=bfloat16)
    except MemoryError:
        raise
    # OpenVINO has exceptions of its own for layers that it does not know.
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        if not or_keras:
            raise ValueError(
                f"engine is openvino, which does not run {model.name}; leave it out: "
                f"{said}"
            ) from error
        warnings.warn(
            f"Keras predicts with {model.name}, for OpenVINO cannot: {said}",
            stacklevel=4,
        )
        return None


def _by_tensorflow(model, chosen, largest_constant):
    """Compiled by TensorFlow, for which kernels are constants of its graph."""
    import tensorflow as tf

    from kerazoo.precision import use

    def taken(variables):
        # An array becomes a constant, a tensor an argument: TensorFlow fuses no bias
        # into its convolution that is a constant.
        arrays = [keras.ops.convert_to_numpy(v) for v in variables]
        return [
            a if a.ndim > 1 and a.size <= largest_constant else tf.constant(a)
            for a in arrays
        ]

    weights = taken(model.trainable_variables), taken(model.non_trainable_variables)

    def signature(image):
        return tf.TensorSpec(image.shape, image.dtype)

    @tf.function(input_signature=[keras.tree.map_structure(signature, model.input)])
    def compiled(images):
        here = [[tf.convert_to_tensor(w) for w in part] for part in weights]
        outputs, _ = model.stateless_call(*here, images, training=False)
        return outputs

    def predict(images):
        with use(chosen):
            return keras.tree.map_structure(lambda t: t.numpy(), compiled(images))

    return predict

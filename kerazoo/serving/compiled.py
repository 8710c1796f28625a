"""A model's prediction, compiled for the machine."""

import threading
from collections.abc import Callable

import keras

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.reader import Whole
from kerazoo.surgery.fold_batchnorm import fold_batchnorm

PRECISIONS = ("auto", "float32")


@reader.checked
def predictor(
    model: keras.Model, *, precision: str = "auto", largest_constant: Whole = 2**23
) -> Callable:
    """Compiles the prediction of a model whose training is over.

    Batch norms are folded into their convolutions. On TensorFlow the kernels become
    constants of the graph, which a CPU brings into its own order and precision once
    instead of at every call: most of the time of a small batch. What is compiled is a
    copy; later changes to the model's weights do not reach it.

    Args:
        model: A functional or sequential model; its dtype policies stay as they are.
        precision: ``auto`` for bfloat16 convolutions and products on a CPU that has
            instructions for them, where the backend is TensorFlow, or ``float32``.
        largest_constant: Kernels of more numbers than this do not become constants. The
            dense layers of AlexNet and VGG, if they do, predict one image in under half
            the time, but take up to a minute and 12 GB at the first call.

    Returns:
        A function of a batch of images, ``(batch, height, width, channels)``, that
        returns what ``model.predict_on_batch`` does: NumPy arrays in the structure of
        the model's outputs. Its first call compiles; batches may differ in size. Calls
        from several threads wait for each other.

    Raises:
        ValueError: For another precision, or where the model is neither functional nor
            sequential.
    """
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    model = fold_batchnorm(model)
    if keras.backend.backend() != "tensorflow":
        return model.predict_on_batch
    import tensorflow as tf

    from kerazoo.precision import choose, use

    chosen = choose(precision)

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

    alone = threading.Lock()

    def predict(images):
        # The options of TensorFlow are the process's, not a thread's.
        with alone, use(chosen):
            return keras.tree.map_structure(lambda t: t.numpy(), compiled(images))

    return predict

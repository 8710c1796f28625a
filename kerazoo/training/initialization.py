"""Initial weights of a network that is already built.

Each function sets weights in place and draws everything from its seed, so that the same
seed gives the same network. Biases, batch norms and PReLUs stay as they are. Where
maxout follows a layer, each of its pieces counts as a layer of its own.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Any

import keras
import numpy as np
from keras import layers, ops

from kerazoo import reader
from kerazoo.errors import unknown
from kerazoo.reader import Count, Positive, Rate, Whole, axes

Images = Annotated[np.ndarray, axes("n", "height", "width", "channels")]
# Caffe's fillers of these names; Keras' Glorot looks at fan-out too, and its He cuts
# the Gaussian off.
CAFFE: dict[str, dict[str, Any]] = {
    "xavier": {"mode": "fan_in", "distribution": "uniform"},
    "msra": {"mode": "fan_in", "distribution": "untruncated_normal", "scale": 2.0},
}
NAMES = (
    *CAFFE, "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "lecun_normal", "lecun_uniform", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal",
)  # fmt: skip
ACTIVATIONS = (
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
)


@reader.checked
def reinitialize(model: keras.Model, initializer: Any, seed: Whole = 0) -> None:
    """Draws every kernel anew.

    Args:
        model: A functional or sequential model.
        initializer: ``"xavier"`` or ``"msra"`` as in Caffe, a name of
            ``keras.initializers`` such as ``"he_normal"``, or an initialiser of Keras.
        seed: Of the draws; each kernel has a draw of its own.

    Raises:
        ValueError: Where the initialiser does not exist.
    """
    seeds = np.random.default_rng(seed)
    kind, config = _recipe(initializer)
    for layer, pieces in _weighted(model):
        for kernel in _kernels(layer):
            parts = np.split(_value(kernel), pieces, axis=-1)
            drawn = []
            for part in parts:
                own = {"seed": int(seeds.integers(2**31))} if "seed" in config else {}
                drawn.append(_value(kind.from_config(config | own)(part.shape)))
            kernel.assign(np.concatenate(drawn, axis=-1))


@reader.checked
def orthonormal(model: keras.Model, *, gain: Positive = 1.0, seed: Whole = 0) -> None:
    """Gives every layer orthonormal filters (Saxe et al. 2013, arXiv 1312.6120).

    A kernel is flattened to one row for each filter and becomes the orthonormal factor
    of a Gaussian's singular value decomposition: of its rows where there are no more
    filters than inputs, otherwise of its columns.

    Args:
        model: A functional or sequential model.
        gain: What the kernels are multiplied by; the square root of 2 is He's for ReLU
            ("OrthoNorm, MSRA scaled"), that of ``2 / (1 + slope ** 2)`` for leaky ReLU.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    for layer, pieces in _weighted(model):
        for kernel in _kernels(layer):
            parts = np.split(_value(kernel), pieces, axis=-1)
            drawn = [_orthonormal(part, layer, rng) for part in parts]
            kernel.assign(gain * np.concatenate(drawn, axis=-1))


@reader.checked
def lsuv(
    model: keras.Model,
    images: Images,
    *,
    tolerance: Positive = 0.02,
    tries: Count = 20,
    seed: Whole = 0,
) -> dict[str, list[float]]:
    """Layer-sequential unit variance (Mishkin & Matas 2015, arXiv 1511.06422, Alg. 1).

    After :func:`orthonormal`, layer by layer from the images on, the kernel is divided
    by the standard deviation of the layer's output, before its activation, until the
    variance over the batch is 1.

    Args:
        model: A functional or sequential model.
        images: One batch, ``(batch, height, width, channels)``, as preprocessed for
            training; the more the better. It should have a variance near 1 itself.
        tolerance: How far from 1 a variance may stay.
        tries: How often one layer is rescaled at most.
        seed: Of the orthonormal draws.

    Returns:
        By layer, the variances reached, one for each maxout piece.

    Raises:
        ValueError: Where a layer gives the same output everywhere, so that no factor
            brings it to unit variance.
    """
    orthonormal(model, seed=seed)
    reached = {}
    for layer, pieces in _weighted(model):
        *_, kernel = _kernels(layer)
        x = _outputs(model, layer.input, images)
        for _ in range(tries):
            variances = _variances(layer, x, pieces)
            if not np.all(np.isfinite(variances) & (variances > 0)):
                raise ValueError(
                    f"The outputs of {layer.name} have a variance of {variances.min()} "
                    "on these images, which no factor makes 1; give images that differ."
                )
            if np.all(np.abs(variances - 1) <= tolerance):
                break
            parts = np.split(_value(kernel), pieces, axis=-1)
            scaled = [p / v**0.5 for p, v in zip(parts, variances, strict=True)]
            kernel.assign(np.concatenate(scaled, axis=-1))
        reached[layer.name] = _variances(layer, x, pieces).tolist()
    return reached


@reader.checked
def pretrain_autoencoders(
    model: keras.Model,
    images: Images,
    *,
    epochs: Count = 5,
    batch_size: Count = 32,
    learning_rate: Positive = 1e-3,
    noise: Rate = 0.0,
    seed: Whole = 0,
) -> dict[str, list[float]]:
    """Greedy layer-wise pre-training (Bengio et al. 2006, NIPS).

    Each hidden dense layer and convolution, from the images on, learns with its
    activation to encode its input so that a mirrored linear layer can decode it; the
    decoder is then dropped, and the next layer sees the trained layer's output. The
    last layer with weights, the classifier, is left as it is.

    Args:
        model: A network that is a chain of layers.
        images: ``(count, height, width, channels)``, as preprocessed for training.
        epochs: Passes over the images for each layer.
        batch_size: Images of one step.
        learning_rate: Of Adam.
        noise: The share of inputs set to zero before encoding, for denoising
            autoencoders (Vincent et al. 2008, ICML).
        seed: Of decoders, order and noise.

    Returns:
        By layer, the mean squared reconstruction error before the first epoch and after
        each.

    Raises:
        ValueError: Where the network is no chain of layers.
    """
    sources = [layer.input for layer in model.layers[1:]]
    if any(isinstance(source, (list, tuple)) for source in sources) or len(
        {id(source) for source in sources}
    ) < len(sources):
        raise ValueError(
            f"{model.name} branches; layer-wise pre-training needs a chain of layers "
            "such as LeNet-5, VGG or a perceptron."
        )
    rng = np.random.default_rng(seed)
    hidden = [layer for layer, _ in _weighted(model)][:-1]
    errors = {}
    for layer in hidden:
        if not isinstance(layer, (layers.Dense, layers.Conv2D)):
            continue
        x = _value(_outputs(model, layer.input, images))
        steps = [layer, *_activation_after(model, layer)]
        copies = [type(step).from_config(step.get_config()) for step in steps]
        autoencoder = _autoencoder(copies, x.shape[1:], int(rng.integers(2**31)))
        for step, copy in zip(steps, copies, strict=True):
            copy.set_weights(step.get_weights())
        autoencoder.compile(keras.optimizers.Adam(learning_rate), "mse")
        errors[layer.name] = [_error(autoencoder, x, batch_size)]
        for _ in range(epochs):
            order = rng.permutation(len(x))
            for start in range(0, len(x), batch_size):
                clean = x[order[start : start + batch_size]]
                kept = rng.random(clean.shape) >= noise
                target = clean[:, *map(slice, autoencoder.output_shape[1:-1])]
                autoencoder.train_on_batch(clean * kept, target)
            errors[layer.name].append(_error(autoencoder, x, batch_size))
        for step, copy in zip(steps, copies, strict=True):
            step.set_weights(copy.get_weights())
    return errors


def _recipe(initializer):
    """The class and configuration of an initialiser."""
    if initializer in NAMES[: len(CAFFE)]:
        return keras.initializers.VarianceScaling, {"seed": None} | CAFFE[initializer]
    if isinstance(initializer, str) and initializer not in NAMES:
        raise unknown("initializer", initializer, NAMES)
    if isinstance(initializer, str):
        initializer = keras.initializers.get(initializer)
    if not isinstance(initializer, keras.initializers.Initializer):
        raise ValueError(
            f"initializer is {initializer!r}; it must be one of {', '.join(NAMES)}, or "
            "an initialiser of Keras."
        )
    return type(initializer), initializer.get_config()


def _weighted(model: keras.Model) -> Iterator[tuple[layers.Layer, int]]:
    """The layers with kernels, in order, and the pieces of the maxout that follows."""
    maxouts = [layer for layer in model.layers if hasattr(layer, "pieces")]
    for layer in model.layers:
        if _kernels(layer):
            pieces = [m.pieces for m in maxouts if m.input is layer.output]
            yield layer, pieces[0] if pieces else 1


def _kernels(layer):
    names = ("kernel", "depthwise_kernel", "pointwise_kernel")
    return [getattr(layer, name) for name in names if hasattr(layer, name)]


def _value(tensor):
    return ops.convert_to_numpy(tensor)


def _orthonormal(part, layer, rng):
    # A depthwise kernel has one filter for every pair of its last two axes.
    deep = isinstance(layer, layers.DepthwiseConv2D)
    filters = math.prod(part.shape[-2:]) if deep else part.shape[-1]
    rows = rng.standard_normal((filters, part.size // filters))
    u, _, v = np.linalg.svd(rows, full_matrices=False)
    return (u if u.shape == rows.shape else v).T.reshape(part.shape)


def _outputs(model, tensor, images):
    if any(tensor is given for given in model.inputs):
        return ops.convert_to_tensor(images, model.inputs[0].dtype)
    return keras.Model(model.inputs[0], tensor)(images, training=False)


def _variances(layer, x, pieces):
    """Of the output without the activation that the layer may have built in."""
    activation = getattr(layer, "activation", None)
    try:
        if activation is not None:
            layer.activation = None
        y = _value(ops.cast(layer(x), "float32")).astype("float64")
    finally:
        if activation is not None:
            layer.activation = activation
    return np.array([part.var() for part in np.split(y, pieces, axis=-1)])


def _activation_after(model, layer):
    """The layer that is no more than the activation of the one before, if any."""
    return [
        other
        for other in model.layers
        if other.input is layer.output
        and (isinstance(other, ACTIVATIONS) or hasattr(other, "pieces"))
    ]


def _autoencoder(encoder, shape, seed):
    """The encoding layers and the mirror of the first of them."""
    x = inputs = keras.Input(shape)
    for layer in encoder:
        x = layer(x)
    options = {"kernel_initializer": keras.initializers.GlorotUniform(seed=seed)}
    first = encoder[0]
    if isinstance(first, layers.Dense):
        return keras.Model(inputs, layers.Dense(shape[-1], **options)(x))
    x = layers.Conv2DTranspose(
        shape[-1],
        first.kernel_size,
        first.strides,
        first.padding,
        dilation_rate=first.dilation_rate,
        **options,
    )(x)
    # Strides that do not divide the grid decode a few positions more or fewer.
    grids = zip(x.shape[1:3], shape[:2], strict=True)
    spare = [max(0, decoded - given) for decoded, given in grids]
    if any(spare):
        x = layers.Cropping2D([(0, n) for n in spare])(x)
    return keras.Model(inputs, x)


def _error(autoencoder, x, batch_size):
    y = autoencoder.predict(x, batch_size, verbose=0)
    return float(np.mean((y - x[:, *map(slice, y.shape[1:-1])]) ** 2))

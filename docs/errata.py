"""``make models`` writes ``ERRATA.md``: where the slides are wrong, and why.

What a slide prints is quoted; what is right is computed here, by kerazoo, Keras or
NumPy, whenever the page is written.
"""

import dataclasses
import itertools
import math
import pathlib

import keras
import numpy as np
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

import kerazoo

ROOT = pathlib.Path(__file__).parents[1]

HEAD = """# Errata of the slides

<!-- Written by `make models` from docs/errata.py; do not edit. -->

Where the five decks of the seminar are wrong, what is right, and why. The decks are A
(MNIST and TensorFlow), B (Learning TensorFlow: data to Inception v4), C (딥러닝
이해하기), D (Machine Learning to Deep Learning 3) and E (Python Machine Learning,
chapter 6). Every figure under "right" is computed when this page is written. The
lessons name these numbers in the last column of their tables.
"""


@dataclasses.dataclass(frozen=True)
class Erratum:
    """One mistake.

    Attributes:
        deck: A to E.
        page: The heading of the slide.
        printed: What it says.
        right: What it should say.
        why: Where the mistake comes from, or what it costs.
    """

    deck: str
    page: str
    printed: str
    right: str
    why: str


def errata() -> list[Erratum]:
    """All of them; the first has number 1."""
    return [
        _break_down(),
        _mlp_memory(),
        _vgg(),
        _gtx(),
        _stacked(),
        _auxiliary(),
        _learning(),
        _gaussian(),
        _resnext(),
        _rand(),
        _iterations(),
        _biases(),
        _six_or_five(),
        _scaled(),
        _padding(),
        _bce(),
        _l2(),
        _strides(),
        _bias(),
        _overfeat(),
        _degree(),
        _penalty(),
    ]


def _break_down():
    rows = {row.name: row for row in kerazoo.ledger(kerazoo.slide_cnn_a()).rows}
    counts = ", ".join(
        f"{rows[n].weights:,}" for n in ("conv1", "conv2", "conv3", "fc4")
    )
    total = sum(row.weights for row in rows.values())
    return Erratum(
        "D",
        "Break down the CNN in more detail",
        "weights 288, 576, 1,152, 4,194,304; total 4,216,800",
        f"weights {counts}; total {total:,}",
        "A filter is as deep as its input: 3·3·32·64 and 3·3·64·128. The fully "
        "connected layer has 625 outputs on the page before, not 2048. Biases count "
        "too.",
    )


def _mlp_memory():
    memory = kerazoo.ledger(kerazoo.mlp_256()).memory
    return Erratum(
        "D",
        "구현 내용",
        "memory (784 + (784*256) + 10) * 4 bytes = 805,992 (804k)",
        f"{memory // 4:,} numbers, {memory:,} bytes",
        "The 784·256 are weights. What the layers put out is 784 + 256 + 10 numbers, "
        "so that the memory of the CNN below is not five times as much but "
        f"{kerazoo.ledger(kerazoo.slide_cnn_a()).memory / memory:.0f} times.",
    )


def _vgg():
    errors = kerazoo.find("googlenet").published["top-5 error"]
    return Erratum(
        "D",
        "VGGNet 16",
        "ImageNet 2013 우승 모델 (winner)",
        f"{kerazoo.find('vgg16').year}, second in classification",
        f"GoogLeNet won that year: top-5 error {errors}. VGG won the localization. The "
        "winner of 2013 came from ZFNet.",
    )


def _gtx():
    ratio, seconds = 8990 / 3494, (9 * 60 + 10) / (5 * 60 + 27)
    return Erratum(
        "D",
        "속도",
        "GTX-1080: 8990 TFLOPS",
        "8990 GFLOPS",
        f"{ratio:.2f} times the 3494 GFLOPS of the GTX-970 in the row above, which "
        f"takes {seconds:.2f} times as long; TFLOPS would be {1000 * ratio:,.0f} "
        "times.",
    )


def _stacked():
    x = image = keras.Input((32, 32, 1))
    for _ in range(5):
        x = keras.layers.Conv2D(1, 3)(x)
    rows = kerazoo.ledger(keras.Model(image, x)).rows
    fields = [row.receptive_field[0] for row in rows]
    return Erratum(
        "B",
        "VGG #2",
        "(3x3)x3 -> 7x7 and (3x3)x3 -> 11x11",
        f"(3x3)x{fields.index(7)} -> 7x7, (3x3)x{fields.index(11)} -> 11x11",
        f"Every 3x3 adds 2 to the receptive field: {', '.join(map(str, fields[1:]))}.",
    )


def _auxiliary():
    auxiliary = np.array([0.1, 0.05, 0.1, 0.4, 0.2, 0.05, 0.1])
    top = np.array([0.05, 0.05, 0.3, 0.4, 0.05, 0.05, 0.1])
    weighed = " ".join(f"{p:.3g}" for p in 0.3 * auxiliary + top)
    return Erratum(
        "B",
        "Inception v1 #2 multi softmax",
        "0.15 0.1 0.4 0.8 0.25 0.1 0.2",
        weighed,
        "The factor 0.3 is printed and not applied. Nor does the network add "
        "probabilities: it adds the losses of the softmaxes, the auxiliary ones times "
        "0.3, and the probabilities never meet.",
    )


def _learning():
    needs = [
        model().__sklearn_tags__().target_tags.required
        for model in (KNeighborsClassifier, KMeans)
    ]
    return Erratum(
        "B",
        "1. Machine learning and deep learning",
        "KNN under unsupervised, reinforcement learning under supervised learning",
        "KNN is supervised; reinforcement learning is neither",
        "k nearest neighbors vote with their labels (scikit-learn's "
        f"KNeighborsClassifier requires them: {needs[0]}; its KMeans: {needs[1]}). "
        "Reinforcement learning has rewards in place of labels.",
    )


def _gaussian():
    # Small images have the same convolutions.
    model = kerazoo.alexnet(input_shape=(67, 67, 3), classes=2)
    deviation = model.get_layer("conv2").kernel_initializer.stddev
    return Erratum(
        "B",
        "#2 AlexNet hyperparameter",
        "Gaussian * 0.001",
        f"Gaussian * {deviation}",
        "Section 5 of the paper: zero-mean, with standard deviation 0.01.",
    )


def _resnext():
    card = kerazoo.find("inception_resnet_v2")
    return Erratum(
        "B",
        "Inception v4 (the caption of figure 7)",
        "-ResNeXt-v2",
        "Inception-ResNet-v2",
        f"{card.reference.split(': ')[1].split('.')[0]}, {card.year}. "
        "ResNeXt is another family: grouped convolutions, no inception.",
    )


def _rand():
    uniform = np.random.default_rng(0).random((784, 1000)) / np.sqrt(784 / 2)
    return Erratum(
        "A",
        "How to use?",
        "np.random.rand(fan_in, fan_out) / np.sqrt(fan_in/2) called Xavier",
        "randn(fan_in, fan_out) / np.sqrt(fan_in)",
        "rand is uniform in 0..1, so that all weights are positive: at 784 inputs mean "
        f"{uniform.mean():.4f}, deviation {uniform.std():.4f}, where Xavier's have "
        f"mean 0 and deviation {1 / math.sqrt(784):.4f}. With randn the line would be "
        f"He's ({1 / math.sqrt(784 / 2):.4f}). Deck E has both right.",
    )


def _iterations():
    return Erratum(
        "A",
        "epoch and batch",
        "iterations = epoch / batch",
        "iterations of an epoch = images / batch",
        f"With MNIST's 60,000 images and deck C's batches of 100: {60_000 // 100}.",
    )


def _biases():
    units = 100
    weights = kerazoo.mlp_256(units=(units,)).count_params()
    return Erratum(
        "E",
        "Convolution Neural Network (CNN)",
        "(784+1)-100-10: 79500",
        f"{weights:,}",
        "The biases of the ten outputs are forgotten: (784 + 1)·100 + (100 + 1)·10.",
    )


def _six_or_five():
    image = keras.Input((26, 26, 10))
    made = {
        k: keras.Model(image, keras.layers.Conv2D(6, k, strides=2)(image))
        for k in (5, 6)
    }
    sizes = {k: "x".join(map(str, made[k].output_shape[1:])) for k in made}
    weights = {k: f"{made[k].count_params():,}" for k in made}
    return Erratum(
        "E",
        "Convolution Neural Network (CNN)",
        "6x6x10 filters in the words, 5x5x10 in the figure",
        f"either: 5x5 gives {sizes[5]}, 6x6 gives {sizes[6]}",
        f"At stride 2 both fit {sizes[5]}; they have {weights[5]} and {weights[6]} "
        "weights. Only 6x6 uses the last row and column of the 26.",
    )


def _scaled():
    weights, p = np.array([1.0, 2, 3, 4]), 0.25
    expected = sum(
        np.dot(mask, weights) * math.prod(1 - p if kept else p for kept in mask)
        for mask in itertools.product((0, 1), repeat=4)
    )
    return Erratum(
        "E",
        "4. Regularization – Dropout",
        "omit with probability p, at prediction scale the weights with p",
        "scale with 1 - p",
        f"Weights 1 2 3 4, each omitted with p = {p}, sum to {expected:g} on average "
        f"over all {2**4} masks; all of them sum to {weights.sum():g}, times 1 - p to "
        f"{(1 - p) * weights.sum():g}, times p to {p * weights.sum():g}. The page in "
        "Korean means by p the share that is kept, and is right; at 0.5 both are.",
    )


def _padding():
    none, one = (kerazoo.output_size(7, 3, padding=p) for p in (0, 1))
    return Erratum(
        "E",
        "Convolution Neural Network (CNN)",
        "Zero padding (p=0) is not a must",
        "p = 0 is no padding; the size is kept by p = (k - 1)/2",
        f"A 3x3 filter takes 7 to {none} with p = 0, and to {one} with p = 1.",
    )


def _bce():
    uniform, target = np.full((1, 10), 0.1), np.eye(10)[:1]
    bce = float(keras.losses.BinaryCrossentropy()(target, uniform))
    cross = float(keras.losses.CategoricalCrossentropy()(target, uniform))
    # Of MNIST's mean brightness, as deck C prints it, under weights of mean 1/2.
    drive = 784 * 0.1307 / 2
    slope = np.exp(-drive) / (1 + np.exp(-drive)) ** 2
    return Erratum(
        "C",
        "MNIST Classifier 구현",
        "BCELoss on a softmax, weights from U(0, 1)",
        "the cross-entropy of the pages before; weights around 0",
        "It learns, but it is another loss: at equal probabilities of ten classes "
        f"{bce:.3f} where the cross-entropy is {cross:.3f}. And with positive weights "
        f"an image of mean brightness 0.1307 drives every sigmoid to {drive:.0f}, "
        f"where its slope is {slope:.0e}. The start is meant to be bettered, and no "
        "page says how bad it is.",
    )


def _l2():
    weights = np.array([3.0, 4.0])
    return Erratum(
        "E",
        "4. Regularization – L2",
        "α(½Σw²) = α‖w‖₂",
        "α(½Σw²) = (α/2)‖w‖₂²",
        f"For w = (3, 4) half the sum of squares is {(weights**2).sum() / 2:g}, the "
        f"norm {np.linalg.norm(weights):g}.",
    )


def _strides():
    # Batch, height, width, channels.
    x, kernel = np.zeros((1, 8, 8, 3), "float32"), np.zeros((3, 3, 3, 4), "float32")
    shape = keras.ops.conv(x, kernel, strides=(2, 2), padding="same").shape
    return Erratum(
        "B",
        "Let's draw scheme of TensorFlow [CNN]",
        "strides shape: [height, width, 1, 1]",
        "[1, height, width, 1]",
        "TensorFlow's images are batch, height, width, channels, and only the middle "
        f"two are strode over: 1x8x8x3 by 2 gives {'x'.join(map(str, shape))}. The "
        "code of the page has four ones, where the order does not show.",
    )


def _bias():
    channels = 28
    layer = keras.layers.Conv2D(channels, 7)
    layer.build((None, None, None, 3))
    return Erratum(
        "B",
        "How can we connect layer by layer",
        "b1 = tf.Variable(tf.constant(0.1), out_ch)",
        "tf.Variable(tf.constant(0.1, shape=[out_ch]))",
        "The second argument of tf.Variable is whether it is trained: all channels "
        f"share one bias, where a convolution of {channels} filters has "
        f"{layer.bias.shape[0]}.",
    )


def _overfeat():
    name = kerazoo.find("overfeat_fast").reference.split(": ")[1]
    return Erratum(
        "B",
        "Convolution Nueral Network",
        "Overfit net, arXiv 1312.6229",
        name,
        "The name says the opposite: features learned over many tasks.",
    )


# Bishop's ten points, which the tables of deck C come from.
POINTS = np.linspace(0, 1, 10)
VALUES = np.array(
    [
        0.349486, 0.830839, 1.007332, 0.971507, 0.133066,
        0.166823, -0.848307, -0.445686, -0.563567, 0.261502,
    ]
)  # fmt: skip


def _least_squares(degree, penalty=0.0):
    """The coefficients of a polynomial, the lowest first."""
    powers = np.vander(POINTS, degree + 1, increasing=True)
    rows = np.vstack([powers, penalty**0.5 * np.eye(degree + 1)])
    return np.linalg.lstsq(rows, np.r_[VALUES, np.zeros(degree + 1)])[0]


def _degree():
    cubic = ", ".join(f"{one:.2f}" for one in _least_squares(3))
    return Erratum(
        "C",
        "weight decay (L2 normalization)",
        "M = 6: 0.31, 7.99, -25.43, 17.37",
        f"M = 3: {cubic}",
        f"A polynomial of degree 6 has {len(_least_squares(6))} coefficients. The same "
        "slip is in table 1.1 of Bishop's Pattern Recognition and Machine Learning, "
        "2006, whose ten points give these four at degree 3.",
    )


def _penalty():
    columns = {
        -18: [0.35, 4.74, -0.77, -31.97, -3.89, 55.28, 41.32, -45.95, -91.53, 72.68],
        0: [0.13, -0.05, -0.06, -0.05, -0.03, -0.02, -0.01, 0.00, 0.00, 0.01],
    }
    logs = [round(one, 2) for one in np.arange(-20, 4, 0.01)]
    fits = {one: _least_squares(9, math.exp(one)) for one in logs}
    off = {
        (log, at): np.abs(fits[at] - printed).max()
        for log, printed in columns.items()
        for at in logs
    }
    nearest = {log: min(logs, key=lambda at: off[log, at]) for log in columns}
    distances = " and ".join(
        f"{off[log, at]:.3f} ({off[log, log]:.2f} at {log})"
        for log, at in nearest.items()
    )
    return Erratum(
        "C",
        "weight decay (L2 normalization)",
        "ln λ = -18 and ln λ = 0",
        " and ".join(f"ln λ = {at}" for at in nearest.values()),
        "With the points of the table before and the error that the page prints, the "
        f"columns come out at these penalties, to {distances}; table 1.2 of the book "
        "has the same columns.",
    )


def page() -> str:
    """The page as Markdown."""
    sections = (
        f'\n<a id="erratum-{number}"></a>\n\n'
        f"## {number}. Deck {one.deck}: {one.page}\n\n"
        f"- Printed: {one.printed}\n- Right: {one.right}\n\n{one.why}\n"
        for number, one in enumerate(errata(), 1)
    )
    return HEAD + "".join(sections)


def main() -> None:
    """Writes the page."""
    (ROOT / "ERRATA.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

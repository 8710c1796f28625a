"""The output layer of LeNet-5 and its loss."""

from typing import Any

import keras
from keras import KerasTensor, ops

from kerazoo import reader
from kerazoo.reader import Count, Positive

# Seven cells wide and twelve high, as the paper's codes are. The drawings are ours:
# the paper prints its own only as a figure.
DIGIT_BITMAPS = """
..###.. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.#...#. ..##... #.....# #.....# ...#.#. #...... .#..... ......# #.....# #.....#
#.....# .#.#... ......# ......# ..#..#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# ......# ..#..#. #...... #...... .....#. #.....# #.....#
#.....# ...#... .....#. ......# .#...#. #.####. #.###.. ....#.. .#...#. #.....#
#.....# ...#... ....#.. ..####. .#...#. ##....# ##...#. ....#.. ..###.. .#...##
#.....# ...#... ...#... ......# #....#. ......# #.....# ...#... .#...#. ..###.#
#.....# ...#... ..#.... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... .#..... ......# .....#. ......# #.....# ..#.... #.....# ......#
#.....# ...#... #...... ......# .....#. ......# #.....# ..#.... #.....# ......#
.#...#. ...#... #...... #.....# .....#. #.....# .#...#. .#..... #.....# .....#.
..###.. .#####. ####### .#####. .....#. .#####. ..###.. .#..... .#####. .####..
"""


Codewords = tuple[tuple[int, ...], ...]


def digit_codewords() -> Codewords:
    """Returns the drawings of the digits 0 to 9 as +1 (ink) and -1, row by row.

    Returns:
        Tuple of 10 tuples of 84 numbers: 12 rows of 7 cells.
    """
    rows = [row.split() for row in DIGIT_BITMAPS.strip().splitlines()]
    return tuple(
        tuple(1 if cell == "#" else -1 for row in rows for cell in row[digit])
        for digit in range(10)
    )


@reader.checked
def hadamard_codewords(classes: Count, features: Count) -> Codewords:
    """Returns well separated codewords of +1 and -1 for any classes.

    With `m` the largest power of two not above `features`, class `c` gets row
    `c mod m` of the Hadamard matrix of order `m` (Sylvester's), negated from class
    `m` on, and repeated until it fills `features`. Any two of them differ in at
    least `m / 2` places (32 of 84).

    Args:
        classes: Number of codewords, at most `2 * m`.
        features: Length of a codeword.

    Returns:
        Tuple of `classes` tuples of `features` numbers.

    Raises:
        ValueError: If there are not that many codewords of that length.
    """
    order = 1 << (features.bit_length() - 1)
    if classes > 2 * order:
        raise ValueError(
            f"{features} features have {2 * order} well separated codewords, but "
            f"{classes} classes were given: use more features or fewer classes."
        )
    return tuple(
        tuple(
            (-1) ** ((row % order & column % order).bit_count() + row // order)
            for column in range(features)
        )
        for row in range(classes)
    )


@keras.saving.register_keras_serializable(package="kerazoo")
class RBF(keras.layers.Layer):
    """Squared Euclidean distance to one fixed codeword of +1 and -1 per class.

    `y_i = sum_j (x_j - w_ij) ** 2`: the smaller, the more likely the class. The
    codewords are constants, neither trained nor counted: stylised 7x12 drawings of
    the digits where they fit (up to 10 classes on 84 features; after the paper,
    drawn anew), else rows of a Hadamard matrix, see `hadamard_codewords`.

    Args:
        classes: Number of classes.
        negate: Return `-y`, so that larger is more likely: what softmax, the
            accuracies of Keras and `MAPLoss` expect.
        **kwargs: Arguments of `keras.layers.Layer`. Give `dtype="float32"` under
            mixed precision, as for any output.

    Input shape: `(batch, features)`.
    Output shape: `(batch, classes)`.

    Raises:
        ValueError: If there are too many classes for the features, or if the input
            is not flat.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, Sec. II-B (eq. 7 and Fig. 3).
    """

    @reader.checked
    def __init__(
        self, classes: Count = 10, negate: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.classes = classes
        self.negate = negate

    def build(self, input_shape: tuple) -> None:
        if len(input_shape) != 2 or input_shape[-1] is None:
            raise ValueError(
                f"RBF takes inputs of shape (batch, features), but "
                f"{tuple(input_shape)} was given: flatten them first."
            )
        features = input_shape[-1]
        if self.classes <= 10 and features == 84:
            self.codewords = digit_codewords()[: self.classes]
        else:
            self.codewords = hadamard_codewords(self.classes, features)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        codewords = ops.convert_to_tensor(self.codewords, inputs.dtype)
        distance = ops.sum(ops.square(inputs[:, None] - codewords), axis=-1)
        return -distance if self.negate else distance

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], self.classes)

    def multiply_adds(self, input_shape: tuple, output_shape: tuple) -> int:
        """Returns one multiply-add for each feature and class.

        Args:
            input_shape: Shape of the input, batch axis first.
            output_shape: Shape of the output, batch axis first.
        """
        return input_shape[-1] * output_shape[-1]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "classes": self.classes,
            "negate": self.negate,
        }


@keras.saving.register_keras_serializable(package="kerazoo")
class MAPLoss(keras.losses.Loss):
    """The discriminative loss of LeNet-5 (maximum a posteriori).

    `mean(y_correct + log(exp(-j) + sum_i exp(-y_i)))`, where `y` are the distances
    of `RBF`. It pulls the right class near and pushes the others away; `j` is the
    distance of an extra class "rubbish" and stops the push. Without it (`j` infinite)
    this is cross-entropy on `softmax(-y)`.

    Predictions are `-y` of shape `(batch, classes)` (`RBF(negate=True)`), so that
    they also suit accuracies. Targets are class indices of shape `(batch,)` or
    `(batch, 1)`, or shares of shape `(batch, classes)` (one-hot, smoothed, mixed).

    Args:
        j: Distance of the rubbish class, positive. The paper gives no number.
        name: Name of the loss.
        **kwargs: Arguments of `keras.losses.Loss`.

    Raises:
        ValueError: If `j` is not positive.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, Sec. II-C (eq. 9).
    """

    @reader.checked
    def __init__(
        self, j: Positive = 1.0, name: str = "map_loss", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.j = j

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        if len(y_true.shape) < 2 or y_true.shape[-1] != y_pred.shape[-1]:
            labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
            y_true = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
        correct = ops.sum(y_true * y_pred, axis=-1)
        rubbish = ops.full_like(y_pred[:, :1], -self.j)
        every = ops.concatenate([y_pred, rubbish], axis=-1)
        return ops.logsumexp(every, axis=-1) - correct

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "j": self.j}

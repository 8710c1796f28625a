"""The squashing function of LeNet-5."""

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable(package="kerazoo")
def scaled_tanh(x: KerasTensor) -> KerasTensor:
    """Returns `1.7159 * tanh(2 * x / 3)`, element by element.

    The constants make `f(1) = 1` and `f(-1) = -1` and put the largest second
    derivative there, so that targets of +-1 lie away from the saturated ends.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the shape of `x`, between -1.7159 and 1.7159.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
        Recognition", Proc. IEEE 86(11), 1998, Sec. II-B and appendix A.
    """
    return 1.7159 * ops.tanh(x * (2 / 3))

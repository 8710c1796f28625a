import keras
import numpy as np
import pytest

from kerazoo.layers import RBF, MAPLoss, digit_codewords, hadamard_codewords

RNG = np.random.default_rng(0)


def test_digit_codewords_are_drawings_of_7_by_12():
    codewords = np.array(digit_codewords())
    assert codewords.shape == (10, 84)
    assert set(np.unique(codewords)) == {-1, 1}
    differences = (codewords[:, None] != codewords).sum(-1)
    assert differences[~np.eye(10, dtype=bool)].min() == 11  # 0 and 6
    one = codewords[1].reshape(12, 7)
    assert (one[1:-1, 3] == 1).all() and (one[-1, 1:-1] == 1).all()


@pytest.mark.parametrize(
    ("classes", "features"), [(2, 1), (7, 5), (100, 84), (128, 84)]
)
def test_hadamard_codewords_are_well_separated(classes, features):
    codewords = np.array(hadamard_codewords(classes, features))
    assert codewords.shape == (classes, features)
    assert set(np.unique(codewords)) == {-1, 1}
    differences = (codewords[:, None] != codewords).sum(-1)
    order = 2 ** int(np.log2(features))
    assert differences[~np.eye(classes, dtype=bool)].min() >= order / 2


@pytest.mark.parametrize(
    ("classes", "features", "codewords"),
    [
        (10, 84, digit_codewords()),
        (3, 84, digit_codewords()[:3]),
        (11, 84, hadamard_codewords(11, 84)),
        (4, 7, hadamard_codewords(4, 7)),
    ],
)
def test_equals_the_formula(classes, features, codewords):
    x = RNG.normal(size=(5, features)).astype("float32")
    layer = RBF(classes)
    y = layer(x)
    expected = ((x[:, None] - np.array(codewords)) ** 2).sum(-1)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    np.testing.assert_allclose(RBF(classes, negate=True)(x), -expected, rtol=1e-5)
    assert layer.compute_output_shape(x.shape) == (5, classes)
    assert layer.weights == []
    assert layer.multiply_adds(x.shape, y.shape) == classes * features


def test_a_codeword_is_at_distance_zero_of_its_class():
    x = np.array(digit_codewords(), "float32")
    y = np.asarray(RBF()(x))
    np.testing.assert_array_equal(y.argmin(-1), range(10))
    np.testing.assert_array_equal(np.diag(y), 0)


def test_gradient(gradients):
    x = RNG.normal(size=(3, 84)).astype("float32")
    upstream = RNG.normal(size=(3, 10)).astype("float32")
    dx, _ = gradients(RBF(), x, upstream)
    slopes = 2 * (x[:, None] - np.array(digit_codewords()))
    expected = (upstream[:, :, None] * slopes).sum(1)
    np.testing.assert_allclose(dx, expected, rtol=1e-4, atol=1e-4)


def test_reload_and_mixed_precision(reloaded):
    x = RNG.normal(size=(3, 84)).astype("float32")
    reloaded(RBF(6, negate=True, name="output"), x)
    y = RBF(dtype="mixed_bfloat16")(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"


def test_bad_arguments():
    with pytest.raises(ValueError, match="classes is 0; it must be"):
        RBF(0)
    with pytest.raises(ValueError, match="128 well separated codewords, but 129"):
        RBF(129)(np.zeros((1, 84), "float32"))
    with pytest.raises(ValueError, match="flatten them first"):
        RBF()(np.zeros((1, 2, 84), "float32"))
    with pytest.raises(ValueError, match=r"j is .* above 0"):
        MAPLoss(j=0)


def map_loss(distances, labels, j):
    """Equation 9 of the paper."""
    correct = distances[np.arange(len(labels)), labels]
    return np.mean(correct + np.log(np.exp(-j) + np.exp(-distances).sum(-1)))


@pytest.mark.parametrize("j", [0.1, 1.0, 30.0])
def test_map_loss_equals_the_formula(j):
    distances = 10 * RNG.random((6, 10))
    labels = RNG.integers(0, 10, 6)
    expected = map_loss(distances, labels, j)
    scores = -distances.astype("float32")
    for y_true in [labels, labels[:, None], np.eye(10, dtype="float32")[labels]]:
        np.testing.assert_allclose(MAPLoss(j)(y_true, scores), expected, rtol=1e-5)


def test_map_loss_of_soft_targets_is_linear_in_them():
    scores = -10 * RNG.random((1, 4)).astype("float32")
    share = np.array([[0.7, 0, 0, 0.3]], "float32")
    first, last = (float(MAPLoss()(np.array([c]), scores)) for c in (0, 3))
    np.testing.assert_allclose(
        MAPLoss()(share, scores), 0.7 * first + 0.3 * last, rtol=1e-5
    )


def test_map_loss_is_finite_far_away_and_bounded_below_for_rubbish():
    far = np.full((1, 10), -1e6, "float32")
    np.testing.assert_allclose(MAPLoss()(np.array([0]), far), 1e6 - 1, rtol=1e-6)


def test_map_loss_trains_with_accuracy_and_reloads(tmp_path):
    inputs = keras.Input((84,))
    hidden = keras.layers.Dense(84, "tanh")(inputs)
    model = keras.Model(inputs, RBF(negate=True)(hidden))
    model.compile(
        keras.optimizers.Adam(0.01),
        MAPLoss(0.5),
        metrics=["sparse_categorical_accuracy"],
    )
    labels = np.arange(100) % 10
    x = np.array(digit_codewords(), "float32")[labels]
    for _ in range(30):
        model.train_on_batch(x, labels)
    loss, accuracy = model.evaluate(x, labels, verbose=0)
    assert accuracy == 1.0
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.loss.j == 0.5
    np.testing.assert_allclose(loaded.evaluate(x, labels, verbose=0)[0], loss)

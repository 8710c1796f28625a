import keras
import numpy as np
import pytest

from kerazoo.layers import FractalDraw, FractalJoin

RNG = np.random.default_rng(0)
PATHS = [RNG.normal(size=(2, 4)).astype("float32") for _ in range(3)]


def subset_means():
    """The mean of each non-empty subset of the paths, by a tuple of flags."""
    flags = [f for f in np.ndindex(2, 2, 2) if any(f)]
    return {
        f: np.mean([p for p, on in zip(PATHS, f, strict=True) if on], 0) for f in flags
    }


def survivors(y):
    means = subset_means()
    found = [f for f, m in means.items() if np.allclose(y, m, atol=1e-6)]
    assert len(found) == 1
    return found[0]


def two_joins(columns=3, **options):
    """A flat graph in which two joins see the same three constant paths."""
    inputs = [keras.Input((4,)) for _ in range(3)]
    draw = FractalDraw(columns, name="draw", **options)(inputs[0])
    return keras.Model(
        inputs,
        [
            FractalJoin(name="join1")(inputs, draw),
            FractalJoin((1, 2), name="join2")(inputs[1:], draw),
            draw,
        ],
    )


def steps(model, n):
    """Runs compiled training steps and returns what each gave."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        step = tf.function(lambda: model(PATHS, training=True))
        return [[np.asarray(t) for t in step()] for _ in range(n)]
    import jax

    @jax.jit
    def step(state):
        outputs, state = model.stateless_call([], state, PATHS, training=True)
        return outputs, state

    state, results = [v.value for v in model.non_trainable_variables], []
    for _ in range(n):
        outputs, state = step(state)
        results.append([np.asarray(t) for t in outputs])
    return results


def test_inference_is_the_mean_and_draws_nothing():
    model = two_joins()
    before = [np.asarray(v) for v in model.non_trainable_variables]
    join1, join2, draw = model(PATHS)
    np.testing.assert_allclose(join1, np.mean(PATHS, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(join2, np.mean(PATHS[1:], 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(draw, np.zeros(3))
    after = [np.asarray(v) for v in model.non_trainable_variables]
    np.testing.assert_array_equal(before, after)


def test_local_drops_keep_one_and_have_the_right_frequencies():
    keras.utils.set_random_seed(1)
    join = FractalJoin(rate=0.5)
    count = {}
    for _ in range(800):
        kept = survivors(np.asarray(join(PATHS, training=True)))
        count[kept] = count.get(kept, 0) + 1
    # 1/8 each, and the eighth of "none" is shared out among the three singles.
    for kept in subset_means():
        expected = 800 / 8 * (4 / 3 if sum(kept) == 1 else 1)
        assert abs(count[kept] - expected) < 5 * np.sqrt(expected)


def test_all_joins_of_a_step_agree_on_the_global_column():
    keras.utils.set_random_seed(2)
    columns = []
    for join1, join2, draw in steps(two_joins(), 400):
        kept = survivors(join1)
        if not draw.any():
            columns.append(None)
            continue
        column = int(draw.argmax())
        columns.append(column)
        assert draw.sum() == 1
        assert kept == tuple(int(i == column) for i in range(3))
        # The second join has no column 0 and then averages all it has.
        expected = PATHS[column] if column else np.mean(PATHS[1:], 0)
        np.testing.assert_allclose(join2, expected, rtol=1e-5, atol=1e-6)
    assert abs(columns.count(None) - 200) < 50
    for column in range(3):
        assert abs(columns.count(column) - 67) < 40


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 20)])
def test_share_of_global_steps(share, expected):
    assert (
        sum(d.any() for *_, d in steps(two_joins(global_share=share), 20)) == expected
    )


def test_a_seed_reproduces_the_steps_and_each_step_differs():
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        runs.append(steps(two_joins(), 30))
    for one, two in zip(*runs, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    assert len({join1.tobytes() for join1, *_ in runs[0]}) > 5


def test_gradient_reaches_the_survivors_only():
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4,))
    paths = [
        keras.layers.Dense(1, use_bias=False, name=f"path{i}")(inputs) for i in range(2)
    ]
    draw = FractalDraw(2, global_share=1.0)(inputs)
    model = keras.Model(inputs, FractalJoin()(paths, draw))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    moved = set()
    for _ in range(12):
        before = model.get_weights()
        model.train_on_batch(PATHS[0], np.ones((2, 1), "float32"))
        after = model.get_weights()
        moved.add(
            tuple(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        )
    assert moved == {(True, False), (False, True)}


def test_save_and_load(tmp_path):
    model = two_joins(global_share=0.25, seed=7)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one, two in zip(model(PATHS), loaded(PATHS), strict=True):
        np.testing.assert_array_equal(one, two)
    for layer in model.layers:
        assert layer.get_config() == loaded.get_layer(layer.name).get_config()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    draw = FractalDraw(3, 1.0, dtype=policy)(PATHS[0], training=True)
    y = FractalJoin(dtype=policy)(PATHS, draw, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    column = int(np.asarray(draw).argmax())
    np.testing.assert_allclose(keras.ops.cast(y, "float32"), PATHS[column], rtol=1e-2)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"global_share is 1\.5"):
        FractalDraw(3, 1.5)
    with pytest.raises(ValueError, match="rate is 1"):
        FractalJoin(rate=1)
    with pytest.raises(
        ValueError, match="3 inputs, the columns \\(0, 1\\) and no draw"
    ):
        FractalJoin((0, 1))(PATHS)
    with pytest.raises(ValueError, match="a draw of 2"):
        FractalJoin()(PATHS, np.zeros(2, "float32"))

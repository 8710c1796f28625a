"""The options that all builders share: the right model, or one sentence."""

import math
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kerazoo
from kerazoo.recursion import allow_deep_graphs
from kerazoo.symbolic import symbolic

# What a builder does, and hypothesis wants settled before it begins.
allow_deep_graphs()

SIDES = st.one_of(st.integers(-2, 40), st.just(None))
# Their features: of two a vector, of one a map.
FEATURES = {"mlp_50": 50, "slide_cnn_b": 50, "slide_cnn_a": 128}


def shapes():
    """Mostly good input shapes, and much that is none."""
    good = st.tuples(st.integers(16, 40), st.integers(16, 40), st.integers(1, 4))
    bad = st.one_of(
        st.tuples(SIDES, SIDES, st.one_of(st.integers(-1, 4), st.none())),
        st.lists(SIDES, max_size=5),
        st.tuples(st.floats(15, 40), st.integers(16, 40), st.just(1)),
        st.text(max_size=3),
        st.integers(-1, 40),
        st.just((True, True, True)),
        st.just(()),
    )
    return st.one_of(st.none(), good, good, good, good.map(list), bad)


def whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def allowed(name, options):
    """Whether the documentation of the options allows them."""
    card = kerazoo.find(name)
    classes = options["classes"]
    if not (classes is None or (whole(classes) and classes >= 1)):
        return False
    if options["pooling"] not in (None, "avg", "max"):
        return False
    flat = options["include_top"] or name != "slide_cnn_a"
    if options["pooling"] and flat:
        return False
    if options["weights"] is not None:
        return False
    if options["classifier_activation"] == "softmx":
        return False
    shape = options["input_shape"]
    if shape is None:
        return True
    if not isinstance(shape, (tuple, list)) or len(shape) != 3:
        return False
    height, width, channels = shape
    if not whole(channels) or channels < 1:
        return False
    for side in (height, width):
        if side is None:
            # Its dense layers need the grid's size.
            if flat:
                return False
        elif not whole(side) or side < card.minimum:
            return False
    return True


# One class under a softmax is allowed, and Keras is right to warn of it.
@pytest.mark.filterwarnings("ignore:.*softmax over axis")
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(list(FEATURES)),
    input_shape=shapes(),
    classes=st.one_of(
        st.none(),
        st.integers(1, 30),
        st.integers(-2, 1),
        st.sampled_from([True, 2.0, "3"]),
    ),
    include_top=st.booleans(),
    pooling=st.sampled_from([None] * 8 + ["avg", "max", "avg", "mean", 3, ["avg"]]),
    weights=st.sampled_from([None] * 16 + ["imagenet", "none.keras", 5, "a.h5"]),
    classifier_activation=st.sampled_from(["softmax", None, "sigmoid", "softmx"]),
)
def test_the_right_model_or_one_sentence(name, **options):
    try:
        model = kerazoo.create(name, **options)
    except ValueError as error:
        assert not allowed(name, options), error
        assert len(str(error)) > 20
        return
    assert allowed(name, options)
    card = kerazoo.find(name)
    shape = tuple(options["input_shape"] or card.input_shape)
    assert model.input_shape == (None, *shape)
    classes = options["classes"] or card.classes
    output = model.output_shape[1:]
    if options["include_top"]:
        assert output == (classes,)
    elif name != "slide_cnn_a" or options["pooling"]:
        assert output == (FEATURES[name],)
    else:
        halved = [n and -(-n // 8) for n in shape[:2]]
        assert output == (*halved, FEATURES[name])
    if None not in shape:
        outputs = model(np.zeros((2, *shape), "float32"), training=False)
        assert outputs.shape == (2, *output)
        assert np.isfinite(np.asarray(outputs)).all()


@pytest.mark.parametrize("classes", [0, -1, 2.5, True, "ten", [3]])
def test_classes_must_be_a_number_from_one(classes):
    with pytest.raises(ValueError, match=r"classes is .*must be a whole number from 1"):
        kerazoo.lenet5(classes=classes)


@pytest.mark.parametrize("shape", [(), 0, "28", (28, 28), {28: 1}])
def test_shapes_that_are_none(shape):
    with pytest.raises(
        ValueError, match=r"input_shape is .*\(height, width, channels\)"
    ):
        kerazoo.lenet5(input_shape=shape)


@pytest.mark.parametrize(
    "shape",
    [
        tf.TensorShape((None, 28, 28, 1)), tf.TensorShape(None), np.ones(3), "28x28x1",
        ("28", "28", "1"), (-28, 28, 1), (28.0, 28.0, 1.0), (28, 28, 0), b"abc",
        (math.nan, 28, 1), (28, 28, None), (1, 28, 28, 1), {28, 29, 1}, True,
        np.zeros((3, 1, 1)), (2**40, 2**40, 1), ((28, 28), 1),
    ],
)  # fmt: skip
def test_odd_shapes_that_are_none(shape):
    with pytest.raises(
        ValueError, match=r"input_shape is .*\(height, width, channels\)"
    ) as caught:
        kerazoo.lenet5(input_shape=shape)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "shape",
    [[28, 28, 1], np.array([28, 28, 1]), tf.TensorShape((28, 28, 1)), "28,28,1"],
)
def test_shapes_in_other_words(shape):
    assert kerazoo.lenet5(input_shape=shape).input_shape == (None, 28, 28, 1)


@pytest.mark.parametrize("name", ["lenet5", "resnet20_cifar", "alexnet"])
@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 28, 28), (3, 480, 640)])
def test_a_shape_with_the_channels_first_is_turned(name, shape):
    last = (*shape[1:], shape[0])
    with pytest.raises(ValueError, match="channels first") as caught:
        kerazoo.create(name, input_shape=shape)
    assert f"give them last: {last}" in str(caught.value)
    tensor = keras.Input(shape)
    with pytest.raises(ValueError, match="channels first"):
        kerazoo.create(name, input_tensor=tensor)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("alexnet", {"input_shape": (10**6, 10**6, 3)}, "image .* takes 1.12e.04"),
        ("vgg16", {"input_shape": (40_000, 40_000, 3)}, "its 3,27.* weights takes"),
        ("lenet5", {"classes": 2**31 - 1}, "its .* weights takes"),
        ("mlp_256", {"units": (2**31 - 1,)}, "its .* weights takes"),
        ("resnet18", {"input_shape": (8, 8, 2**31 - 1)}, "image of"),
        ("mlp_50", {"input_tensor": keras.Input((50_000, 50_000, 1))}, "its 125,"),
    ],
)
def test_what_no_machine_holds_is_refused_before_it_is_tried(name, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        kerazoo.create(name, **options)


def test_asking_for_the_cost_changes_no_weight():
    """Whose seeds are drawn from Python's random numbers."""
    keras.utils.set_random_seed(1)
    asked = kerazoo.mlp_50(input_shape=(1100, 1, 1)).get_weights()
    keras.utils.set_random_seed(1)
    inputs = keras.Input((1100, 1, 1))
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(50, "sigmoid")(x)
    model = keras.Model(inputs, keras.layers.Dense(10)(x))
    for one, other in zip(asked, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_symbolic_network_is_never_made():
    """Keras would make its weights at the end of the next scope, however large."""
    made = []

    def initializer(shape, dtype=None):
        made.append(shape)
        return keras.ops.zeros(shape, dtype)

    def build():
        layer = keras.layers.Dense(2, kernel_initializer=initializer)
        return keras.Sequential([keras.Input((3,)), layer])

    assert symbolic(build).count_params() == 8
    with keras.StatelessScope():
        pass
    assert not made
    with keras.StatelessScope():
        build()
    assert made == [(3, 2)]


OPTIONS = [
    (name, option)
    for name in kerazoo.list_models()
    for option in kerazoo.find(name).options
]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
@pytest.mark.parametrize("value", [(0.5, "a"), [[1]], {"a": 1}, object(), "-1,x"])
def test_an_option_is_what_it_is_declared_to_be(name, option, value):
    """A list for a number, a number for a list, or what is neither: one sentence."""
    kind = kerazoo.find(name).options[option].kind
    if kind is str and isinstance(value, str):
        # Keras knows which names are activations, and says so.
        option_error = "Could not interpret"
    else:
        option_error = rf"^(Unknown )?{option} "
    with pytest.raises(ValueError, match=option_error):
        kerazoo.create(name, **{option: value})


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_number_for_a_list_and_a_list_for_a_number(name, option):
    default = kerazoo.find(name).options[option].default
    swapped = 7 if isinstance(default, tuple) else (default, default)
    try:
        symbolic(lambda: kerazoo.create(name, **{option: swapped}))
    except ValueError as error:
        assert option in str(error)
        assert "\n" not in str(error)


def test_the_smallest_image_is_named():
    with pytest.raises(ValueError, match="smallest image that lenet5 takes is 28x28"):
        kerazoo.lenet5(input_shape=(28, 27, 1))


def test_unknown_options_give_the_nearest():
    with pytest.raises(ValueError, match=r"'input_shap'; did you mean input_shape"):
        kerazoo.lenet5(input_shap=(28, 28, 1))
    with pytest.raises(TypeError):
        kerazoo.lenet5((28, 28, 1))


def test_pooling_replaces_the_top():
    with pytest.raises(ValueError, match="give include_top=False"):
        kerazoo.alexnet(pooling="avg")
    with pytest.raises(ValueError, match="features are a vector; leave pooling out"):
        kerazoo.mlp_50(include_top=False, pooling="avg")


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            ValueError, match=r"set_image_data_format\('channels_last'\)"
        ):
            kerazoo.lenet5()
    finally:
        keras.config.set_image_data_format("channels_last")


def test_logits_are_the_softmax_undone():
    keras.utils.set_random_seed(0)
    model = kerazoo.slide_cnn_b()
    logits = kerazoo.slide_cnn_b(classifier_activation=None)
    logits.set_weights(model.get_weights())
    images = np.random.default_rng(0).normal(size=(3, 28, 28, 1))
    expected = keras.ops.softmax(logits(images))
    np.testing.assert_allclose(model(images), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [".weights.h5", ".keras"])
def test_weights_come_back(tmp_path, kind):
    model, path = kerazoo.slide_cnn_b(classes=3), tmp_path / f"saved{kind}"
    (model.save_weights if kind == ".weights.h5" else model.save)(path)
    for place in (path, str(path)):
        again = kerazoo.slide_cnn_b(classes=3, weights=place)
        for one, two in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
    renamed = kerazoo.slide_cnn_b(classes=3, weights=path, name="copy")
    for one, two in zip(renamed.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", [".weights.h5", ".keras"])
def test_weights_that_do_not_fit(tmp_path, kind):
    path = tmp_path / f"saved{kind}"
    for model in (kerazoo.slide_cnn_b(classes=3), kerazoo.mlp_50()):
        (model.save_weights if kind == ".weights.h5" else model.save)(path)
        with pytest.raises(
            ValueError, match="do not fit slide_cnn_b with these options"
        ):
            kerazoo.slide_cnn_b(classes=4, weights=path)


@pytest.mark.parametrize("kind", [".weights.h5", ".keras"])
@pytest.mark.parametrize("damage", ["empty", "half", "words"])
def test_damaged_weights(tmp_path, kind, damage):
    model, path = kerazoo.mlp_50(), tmp_path / f"saved{kind}"
    (model.save_weights if kind == ".weights.h5" else model.save)(path)
    content = path.read_bytes()
    half = content[: len(content) // 2]
    path.write_bytes({"empty": b"", "half": half, "words": b"words"}[damage])
    with pytest.raises(ValueError, match=r"weights in .*saved") as caught:
        kerazoo.mlp_50(weights=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("imagenet", "Unknown weights of mlp_50 'imagenet'; it must be one of"),
        ("there/is/none.keras", "there is no file"),
        (7, "weights is 7; it must be the name of trained weights, as in 'imagenet'"),
    ],
)
def test_weights_that_are_no_file(weights, words):
    with pytest.raises(ValueError, match=words):
        kerazoo.mlp_50(weights=weights)


def test_names_are_prefixed():
    model = kerazoo.slide_cnn_b(name="left")
    assert model.name == "left"
    plain = [layer.name for layer in kerazoo.slide_cnn_b().layers]
    assert [layer.name for layer in model.layers] == [f"left_{name}" for name in plain]
    for name in ("a/b", 5):
        with pytest.raises(ValueError, match="name"):
            kerazoo.slide_cnn_b(name=name)


def test_building_upon_a_tensor():
    images = keras.Input((20, 20, 3), name="photos")
    grey = keras.layers.Conv2D(1, 1, name="grey")(images)
    model = kerazoo.slide_cnn_b(input_tensor=grey, classes=4, name="top")
    assert model.input_shape == (None, 20, 20, 3)
    assert model.output_shape == (None, 4)
    names = [layer.name for layer in model.layers]
    assert names[:2] == ["photos", "grey"]
    assert all(name.startswith("top_") for name in names[2:])
    with warnings.catch_warnings():
        # A tensor is what it takes; Keras warns where a list was meant.
        warnings.simplefilter("error")
        assert model(np.zeros((2, 20, 20, 3))).shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"input_tensor": np.zeros((1, 28, 28, 1))},
            "is a ndarray; it must be a Keras",
        ),
        ({"input_tensor": keras.Input((28,))}, "must be .height, width, channels."),
        ({"input_tensor": keras.Input((9, 28, 1))}, "smallest image"),
        (
            {"input_tensor": keras.Input((28, 28, 1)), "input_shape": (28, 28, 3)},
            "contradicts input_tensor",
        ),
    ],
)
def test_tensors_that_do_not_fit(options, words):
    with pytest.raises(ValueError, match=words):
        kerazoo.slide_cnn_b(**options)


def test_a_given_shape_may_repeat_the_tensors():
    tensor = keras.Input((28, 28, 1))
    model = kerazoo.slide_cnn_b(input_tensor=tensor, input_shape=[28, 28, 1])
    assert model.input_shape == (None, 28, 28, 1)


def test_the_documentation_has_every_option():
    import inspect

    for name in ("alexnet", "mlp_deep5"):
        builder = kerazoo.find(name).builder()
        for option in inspect.signature(builder).parameters:
            assert f"{option}:" in builder.__doc__, option
    assert math.prod(kerazoo.find("alexnet").input_shape) == 227 * 227 * 3

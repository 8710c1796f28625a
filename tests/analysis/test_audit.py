"""An audit names what differs, and nothing else; layers are found by what they do."""

import io

import keras
import pytest
import rich.console
from keras import layers

import kerazoo
from kerazoo.analysis.audit import audit
from kerazoo.analysis.steps import steps_of
from kerazoo.symbolic import symbolic


def sentences(model, network, **options):
    return [one.sentence for one in audit(model, network, options).totals]


def applied(name, **options):
    """A network of keras.applications, without weights."""
    builder = getattr(keras.applications, name)
    return symbolic(lambda: builder(weights=None, **options))


def begins(lines, *starts):
    """Whether there are such lines in any order, and no others."""
    assert len(lines) == len(starts), lines
    for start in starts:
        assert any(line.startswith(start) for line in lines), (start, lines)


def test_resnet50_of_keras():
    found = audit(applied("ResNet50"), "resnet50")
    begins(
        [one.sentence for one in found.totals],
        "26,560 biases before batch norms in 53 convolutions; the card has none",
        "epsilon 1.001e-5 in 53 batch norms; the card has 1e-5",
        "momentum 0.99 in 53 batch norms; the card has 0.9 ",
    )
    assert found.counts["parameters"] == (25_636_712, 25_610_152)
    assert found.counts["layers with weights"] == (50, 50)
    assert found.explained == {"conv_bias": True}
    assert found.remaining == 106
    assert found.words[0].startswith("`conv_bias`: the authors' ResNet-50 keeps")
    text = io.StringIO()
    rich.console.Console(file=text, width=200).print(found)
    assert "25,636,712" in text.getvalue()
    assert "With conv_bias=True 106 remain." in text.getvalue()
    assert "26,560 biases" in found._repr_html_()
    assert found.to_dict()["totals"][0]["layers"] == 53


def test_vgg16_of_keras_has_no_dropout():
    found = audit(applied("VGG16"), "vgg16")
    begins([one.sentence for one in found.totals], "no dropout of 0.5 (2 times)")
    assert [one.counterpart for one in found.differences] == ["drop6", "drop7"]


def test_inception_v3_of_keras_has_no_scales():
    # Options that are given are not looked for.
    known = {"stem": "slim", "avg_count_pad": False, "aux": False}
    begins(
        sentences(applied("InceptionV3"), "inception_v3", **known),
        "no scales (gamma) in 94 batch norms; the card has 17,216",
        "momentum 0.99 in 94 batch norms; the card has 0.9997",
        "no dropout of 0.2, which the card has (head_dropout)",
    )


def test_xception_of_keras_differs_by_its_dropout_alone():
    found = audit(applied("Xception"), "xception")
    begins([one.sentence for one in found.totals], "no dropout of 0.5")
    assert (found.explained, found.remaining) == ({"dropout": 0.0}, 0)


@pytest.mark.parametrize(
    "network",
    ["lenet5_original", "alexnet", "googlenet", "highway19", "fractalnet20", "enet",
     "resnet18", "yolo_mini", "faster_rcnn_mini"],
)  # fmt: skip
def test_our_own_differ_in_nothing(network):
    model = symbolic(lambda: kerazoo.create(network))
    found = audit(model, network)
    assert found.differences == ()
    assert found.matched == len(steps_of(model))
    assert "equals the card" in found.verdict


def test_other_sizes_classes_and_no_head_are_no_differences():
    for options in (
        {"classes": 7},
        {"include_top": False},
        {"input_shape": (64, 64, 3)},
    ):
        options = {"input_shape": (96, 96, 3)} | options
        model = kerazoo.create("resnet18", **options)
        assert audit(model, "resnet18").differences == (), options


def test_the_other_stride_is_found_and_named():
    model = symbolic(lambda: kerazoo.create("resnet50", stride_in="3x3"))
    found = audit(model, "resnet50")
    begins(
        [one.sentence for one in found.totals],
        "stride 1x1 in 3 convolutions; the card has 2x2 (stage2_block1_conv1",
        "stride 2x2 in 3 convolutions; the card has 1x1 (stage2_block1_conv2",
    )
    assert (found.explained, found.remaining) == ({"stride_in": "3x3"}, 0)
    assert audit(model, "resnet50", {"stride_in": "3x3"}).differences == ()


def test_names_pads_and_activations_may_be_written_otherwise():
    """The same network with layers for paddings and activations, in another model."""
    ours = kerazoo.create("resnet18", input_shape=(64, 64, 3), classes=5)

    def unit(x, filters, stride=1, kernel=3, relu=True):
        if stride == 2 and kernel == 3:
            x = layers.ZeroPadding2D(((1, 1), (1, 1)))(x)
        padding = "valid" if stride == 2 else "same"
        x = layers.Conv2D(filters, kernel, stride, padding, use_bias=False)(x)
        x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
        return layers.ReLU()(x) if relu else x

    inner = x = keras.Input((64, 64, 3))
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, 2, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage in range(4):
        for block in range(2):
            stride, filters = 2 if stage and not block else 1, 64 * 2**stage
            y = unit(unit(x, filters, stride), filters, relu=False)
            if stride == 2:
                x = layers.Conv2D(filters, 1, 2, use_bias=False)(x)
                x = layers.BatchNormalization(epsilon=1e-5, momentum=0.9)(x)
            # The other way round, and as an operation of tensors.
            x = layers.ReLU()(x + y if block else layers.Add()([y, x]))
    body = keras.Model(inner, x, name="body")
    raw = keras.Input((64, 64, 3))
    x = layers.GlobalAveragePooling2D()(body(layers.Rescaling(1 / 255)(raw)))
    x = layers.Activation("softmax")(layers.Dense(5)(layers.Dropout(0.0)(x)))
    theirs = keras.Model(raw, x, name="theirs")
    assert theirs.count_params() == ours.count_params()
    assert audit(theirs, "resnet18").differences == ()


def test_order_missing_and_extra():
    card = kerazoo.find("alexnet")
    model = symbolic(lambda: card.builder()(input_shape=(227, 227, 3)))
    steps = list(steps_of(model).values())
    kinds = [one.kind for one in steps[:5]]
    assert kinds[:2] == ["convolution", "activation"]
    norm = next(one for one in model.layers if "norm" in one.name)
    pool = next(one for one in model.layers if "pool" in one.name)

    def rebuilt():
        inputs = x = keras.Input((227, 227, 3))
        order = list(model.layers[1:])
        first, second = order.index(norm), order.index(pool)
        order[first], order[second] = order[second], order[first]
        for layer in order:
            if layer.name == "drop7":
                continue
            x = type(layer).from_config(layer.get_config())(x)
        return keras.Model(inputs, x, name="caffenet")

    found = audit(symbolic(rebuilt), "alexnet")
    fields = sorted(one.field for one in found.differences)
    assert fields.count("order") == 1
    assert fields.count("missing") == 1
    assert "extra" not in fields
    words = str(next(one for one in found.differences if one.field == "order"))
    assert "stands" in words and "than in the card" in words


def test_a_convolution_of_the_whole_map_is_a_dense_layer():
    inputs = keras.Input((32, 32, 1))
    card = kerazoo.find("lenet_caffe")
    ours = card.builder()(input_shape=(32, 32, 1))
    x, dense = inputs, 0
    for layer in ours.layers[1:]:
        if isinstance(layer, layers.Flatten):
            continue
        config = layer.get_config()
        if isinstance(layer, layers.Dense):
            kernel = x.shape[1:3] if not dense else 1
            function = config["activation"]
            x = layers.Conv2D(layer.units, kernel, activation=function)(x)
            dense += 1
        else:
            x = type(layer).from_config(config)(x)
    theirs = keras.Model(inputs, layers.Flatten()(x))
    assert dense == 2
    assert theirs.count_params() == ours.count_params()
    assert audit(theirs, "lenet_caffe").differences == ()


def test_another_network_altogether_is_compared_all_the_same():
    model = kerazoo.create("lenet5")
    found = audit(model, "resnet18", {"input_shape": (64, 64, 1), "classes": 10})
    assert found.differences
    assert found.counts["layers with weights"] == (5, 18)


def test_what_is_refused():
    model = kerazoo.lenet5()
    with pytest.raises(ValueError, match="did you mean resnet50"):
        audit(model, "resnet5")
    with pytest.raises(ValueError, match="Unknown option of lenet5"):
        audit(model, "lenet5", {"nosuch": 1})
    shared = layers.Dense(3)
    inputs = keras.Input((3,))
    with pytest.raises(ValueError, match="uses its layer"):
        audit(keras.Model(inputs, shared(shared(inputs))), "lenet5")

    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="no graph of layers"):
        audit(Own(), "lenet5")

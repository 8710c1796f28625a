"""What a space reads, refuses and does to a recipe."""

import keras_tuner
import pytest

from kerazoo import registry
from kerazoo.recipe import Optimizer, Recipe
from kerazoo.recipes import for_network
from kerazoo.tuning import Dimension, Space, default_space

RECIPE = Recipe(
    augment=("flip", "translate:0.1", "rotate"),
    optimizer=Optimizer(momentum=0.9, nesterov=True, global_clipnorm=1.0),
)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("0.2,0.5", [0.2, 0.5]),
        ("relu,tanh", ["relu", "tanh"]),
        ("he_normal,null", ["he_normal", None]),
        ('["flip"],["flip","cutout:2"]', [["flip"], ["flip", "cutout:2"]]),
        ("True,False", [True, False]),
        ("log:1e-4:0.1:4", [1e-4, 1e-3, 1e-2, 0.1]),
        ("linear:0:1:3", [0.0, 0.5, 1.0]),
        ("int:16:64:16", [16, 32, 48, 64]),
        ("int:2:4", [2, 3, 4]),
        ([3, 5], [3, 5]),
        (7, [7]),
    ],
)
def test_a_dimension_is_read(words, values):
    one = Dimension.parse("x", words)
    assert one.grid() == values
    assert one.size == len(values)
    assert one.free is (len(values) > 1)


def test_a_range_has_no_size_but_a_grid():
    one = Dimension.parse("x", "log:1e-4:1")
    assert one.size is None
    assert one.grid() == [1e-4, 1e-3, 1e-2, 0.1, 1.0]


@pytest.mark.parametrize(
    "words",
    [
        "log:0:1",
        "log:1",
        "linear:1:0",
        "linear:a:b",
        "int:1:4:0",
        "log:1:2:3:4",
        "log:",
        "linear:0:1:1",
    ],
)
def test_a_bad_dimension_says_how_to_write_it(words):
    with pytest.raises(ValueError, match=r"The space x=.* cannot be read; write"):
        Dimension.parse("x", words)


@pytest.mark.parametrize(
    ("network", "settings", "words"),
    [
        ("lenet5", ["dropout=0.1,0.2"], "Unknown dimension of lenet5 'dropout'"),
        ("slide_cnn_a", ["dropot=0.1,0.2"], "did you mean dropout"),
        ("mlp_50", ["batch_size=16"], "no free dimension (batch_size=16); give one"),
        ("mlp_50", ["batch_size=1,2", "batch_size=3,4"], "names batch_size twice"),
        ("mlp_50", ["batch_size"], "A dimension is NAME=VALUES"),
        (
            "mlp_50",
            ["batch_size=0,16"],
            "batch_size is 0; it must be a whole number",
        ),
        ("mlp_50", ["learning_rate=linear:-1:1"], "learning_rate is -1.0; it must be"),
        ("mlp_50", ["optimizer.name=adm,sgd", "data=a,b"], "Unknown dimension"),
        ("mlp_50", ["augmentation=0,1"], "no augmentation with a strength"),
        ("vgg16", ["depth=11,12"], "depth the value 12: Unknown depth of vgg 12; "),
        ("lenet5", ["pool=max,average"], "Unknown pool 'average'; did you mean avg?"),
        ("googlenet", ["aux=True,3"], "aux is 3; it must be True or False."),
        ("lenet5", ["image_shape=[28,28,1],[8,8,1]"], "smallest image that lenet5"),
        ("mlp_5", ["batch_size=1,2"], "Unknown network"),
    ],
)
def test_a_bad_space_is_refused_in_a_sentence(network, settings, words):
    with pytest.raises(ValueError) as caught:
        Space(network, Recipe(), settings)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("network", "name", "value", "found"),
    [
        ("lenet5", "learning_rate", 0.5, lambda n, r: r.optimizer.learning_rate == 0.5),
        ("lenet5", "optimizer.momentum", 0.5, lambda n, r: r.optimizer.momentum == 0.5),
        ("lenet5", "weight_decay", 1e-3, lambda n, r: r.weight_decay == 1e-3),
        ("lenet5", "l1", {"fc6": 0.1}, lambda n, r: r.l1 == {"fc6": 0.1}),
        ("lenet5", "warmup", 2.0, lambda n, r: r.schedule.warmup == 2),
        ("lenet5", "pool", "max", lambda n, r: r.options == {"pool": "max"}),
        ("lenet5", "augment", ["flip"], lambda n, r: r.augment == ("flip",)),
        ("lenet5", "initializer", None, lambda n, r: r.initializer is None),
        (
            "lenet5",
            "augmentation",
            0.5,
            lambda n, r: r.augment == ("flip", "translate:0.05", "rotate:7.5"),
        ),
        ("lenet5", "augmentation", 0, lambda n, r: r.augment == ()),
        ("resnet20_cifar", "depth", 32, lambda n, r: n == "resnet32_cifar"),
        ("vgg11_bn", "depth", 16, lambda n, r: n == "vgg16_bn"),
        ("mlp_50", "width", 256, lambda n, r: r.options["units"] == [256]),
        ("mlp_deep5", "width", 64, lambda n, r: r.options["units"] == [64] * 4),
        ("mlp_deep5", "depth", 3, lambda n, r: r.options["units"] == [512] * 2),
    ],
)
def test_a_value_takes_effect(network, name, value, found):
    space = Space(network, RECIPE, {name: [value], "batch_size": [16, 32]})
    network, recipe = space.apply({name: value, "batch_size": 32})
    assert recipe.batch_size == 32
    assert found(network, recipe)


def test_depth_and_width_of_a_perceptron_go_together():
    space = Space("mlp_deep5", Recipe(), ["depth=3,4", "width=8,16"])
    for order in (("depth", "width"), ("width", "depth")):
        values = {"depth": 4, "width": 8}
        _, recipe = space.apply({name: values[name] for name in order})
        assert recipe.options["units"] == [8, 8, 8]


def test_another_optimizer_leaves_the_first_ones_arguments_behind():
    space = Space("lenet5", RECIPE, ["optimizer=sgd,adam"])
    assert space.apply({"optimizer": "sgd"})[1] == RECIPE
    words = space.apply({"optimizer": "adam"})[1].optimizer
    assert (words.name, words.momentum, words.nesterov) == ("adam", None, None)
    assert words.global_clipnorm == 1.0


@pytest.mark.parametrize("network", registry.list_models())
def test_every_network_has_a_space_of_its_own(network):
    if registry.find(network).task != "classification":
        pytest.skip("training knows classification alone")
    recipe = for_network(network)
    space = Space(network, recipe)
    names = {one.name for one in space}
    assert names >= {"learning_rate", "weight_decay", "batch_size"}
    assert all(one.free for one in space)
    hp = space.hyperparameters()
    centre = space.apply(space.values(hp.values))
    assert centre[0] in registry.list_models()


def test_a_default_space_has_what_the_network_has():
    names = [one.name for one in default_space("mlp_deep5", for_network("mlp_deep5"))]
    assert {"dropout", "width", "depth"} <= set(names)
    names = [one.name for one in default_space("lenet5", for_network("lenet5"))]
    assert {"activation", "augmentation", "optimizer", "initializer"} <= set(names)
    assert "depth" not in names
    depth = default_space("vgg16", for_network("vgg16"))[-1]
    assert (depth.name, depth.values) == ("depth", (13, 16, 19))


def test_keras_tuner_gives_the_values_back():
    settings = {
        "initializer": ["he_normal", None],
        "learning_rate": "log:1e-3:1e-1",
        "batch_size": "int:16:64:16",
        "dropout": [0, 0.5],
        "nesterov": [True, False],
        "weight_decay": "log:1e-4:1e-2:3",
    }
    space = Space("slide_cnn_a", Recipe(), settings)
    hp = keras_tuner.HyperParameters()
    declared = space.declare(hp)
    assert declared == space.values(hp.values)
    assert declared["initializer"] == "he_normal"
    assert space.values(hp.values | {"initializer": "null"})["initializer"] is None
    assert space.values(hp.values | {"nesterov": "false"})["nesterov"] is False
    assert space.hyperparameters().values == hp.values
    assert Space("slide_cnn_a", Recipe(), space.to_dict()).to_dict() == space.to_dict()
    assert space.size is None
    assert space.grid_size() == 2 * 5 * 4 * 2 * 2 * 3

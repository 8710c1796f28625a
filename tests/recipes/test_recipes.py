"""The catalogue of recipes: what every one must be, and the papers' own numbers."""

import fnmatch
import inspect
import itertools
import json

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import Recipe, reader, recipes
from kerazoo.data.augment.apply import check_augmentations, parse
from kerazoo.data.preprocessing import KINDS
from kerazoo.data.sets import SETS
from kerazoo.tasks import Classification
from kerazoo.training import compilation

TASK = Classification()

NAMES = recipes.list_recipes()
NETWORKS = kerazoo.list_models()
IMAGENET = 1_281_167
CIFAR = (
    "*_cifar", "all_cnn_*", "highway*", "dsn", "fit*net4", "elu1?", "fractalnet*",
)  # fmt: skip


def networks(recipe):
    return [n for n in NETWORKS if any(fnmatch.fnmatch(n, p) for p in recipe.networks)]


def own_options(network):
    return inspect.signature(kerazoo.find(network).builder()).parameters


@pytest.mark.parametrize("name", NAMES)
def test_goes_through_json(name):
    recipe = recipes.find(name)
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe


@pytest.mark.parametrize("name", NAMES)
def test_is_called_by_its_file_and_says_where_it_comes_from(name):
    recipe = recipes.find(name)
    assert recipe.name == name
    assert len(recipe.source) > 10


@pytest.mark.parametrize("name", NAMES)
def test_names_networks_and_options_that_exist(name):
    recipe = recipes.find(name)
    for pattern in recipe.networks:
        assert fnmatch.filter(NETWORKS, pattern), pattern
    for network in networks(recipe):
        assert set(recipe.options) <= set(own_options(network)), network


@pytest.mark.parametrize("name", NAMES)
def test_names_data_normalisation_and_augmentations_that_exist(name):
    recipe = recipes.find(name)
    # Of the networks that do not classify.
    own = {
        "segmentation": {"cityscapes?masks=segmentation_label", "digit_scenes/masks"},
        "detection": {
            "voc/2007?train=train+validation&test=test",
            "digit_scenes/boxes",
            "digit_scenes/boxes?scenes=400",
        },
    }
    tasks = {kerazoo.find(network).task for network in networks(recipe)}
    task = "classification" if "classification" in tasks else tasks.pop()
    assert recipe.data in own.get(task, SETS)
    # With trained weights it is theirs.
    own_kinds = KINDS if recipe.weights is None else ("weights",)
    assert recipe.normalization in own_kinds
    check_augmentations([parse(text) for text in recipe.augment])


@pytest.mark.parametrize("name", NAMES)
def test_crops_are_of_the_networks_size(name):
    """A crop smaller than the input would be an error in the first epoch."""
    recipe = recipes.find(name)
    for step in map(parse, recipe.augment):
        if step.augmentation.name == "scale_jitter":
            for network in networks(recipe):
                assert step.values[0] >= kerazoo.find(network).input_shape[0]


@pytest.mark.parametrize("pattern", CIFAR)
def test_every_cifar_network_has_a_paper_and_a_modern_recipe(pattern):
    found = fnmatch.filter(NETWORKS, pattern)
    assert found
    for network in found:
        paper = recipes.for_network(network, "paper")
        modern = recipes.for_network(network, "modern")
        assert modern.schedule.name == "one_cycle"
        steps = 50_000 // paper.batch_size
        length = paper.steps / steps if paper.steps else paper.epochs
        assert modern.epochs <= length / 2.5


def test_the_closest_recipe_is_chosen():
    assert recipes.for_network("resnet110_cifar", "paper").name == "resnet110_cifar"
    assert recipes.for_network("resnet20_cifar", "paper").name == "resnet_cifar"
    assert recipes.for_network("vgg11", "paper").name == "vgg_a"
    assert recipes.for_network("vgg16", "paper").name == "vgg_staged"
    assert recipes.for_network("nin_cifar", "paper").name == "nin_cifar10"
    assert recipes.for_network("fitnet4", "paper").name == "fitnet4_lsuv"


def test_staged_layers_are_those_of_vgg():
    """Section 3.1: four convolutions and three dense layers."""
    vgg = kerazoo.create("vgg13", classes=2, input_shape=(32, 32, 3))
    names = {layer.name for layer in vgg.layers}
    layers = recipes.find("vgg_staged").start_layers
    assert len(layers) == 7
    assert set(layers) <= names


# Learning rates --------------------------------------------------------------------

# Recipe, images of an epoch, step, rate: by hand from the papers' words.
RATES = [
    # 0.001, times 2.5, 2, 2 at 200, 400, 600, divided by 10 at 20k and 30k batches.
    *(
        ("yolo", 5_011, step, rate)
        for step, rate in (
            (0, 0.001),
            (199, 0.001),
            (200, 0.0025),
            (400, 0.005),
            (600, 0.01),
            (19_999, 0.01),
            (20_000, 0.001),
            (30_000, 0.0001),
            (39_999, 0.0001),
        )
    ),
    # 0.0001, times 5, 5, 2, 2 at 20, 40, 60, 80.
    *(
        ("fast_yolo", 5_011, step, rate)
        for step, rate in (
            (19, 0.0001),
            (20, 0.0005),
            (40, 0.0025),
            (60, 0.005),
            (80, 0.01),
            (30_000, 0.0001),
        )
    ),
    ("faster_rcnn_zf", 5_011, 49_999, 0.001),
    ("faster_rcnn_zf", 5_011, 50_000, 0.0001),
    # The four steps: 60k and 20k iterations of an image, 30k and 10k of two.
    ("faster_rcnn_zf_step1", 5_011, 59_999, 0.001),
    ("faster_rcnn_zf_step1", 5_011, 60_000, 0.0001),
    ("faster_rcnn_vgg16_step3", 5_011, 60_000, 0.0001),
    ("faster_rcnn_zf_step4", 5_011, 29_999, 0.001),
    ("faster_rcnn_zf_step4", 5_011, 30_000, 0.0001),
    ("fast_rcnn_caffenet", 5_011, 29_999, 0.001),
    ("fast_rcnn_caffenet", 5_011, 30_000, 0.0001),
    # A tenth every 20,000.
    ("rcnn", 5_011, 19_999, 0.001),
    ("rcnn", 5_011, 20_000, 1e-4),
    ("rcnn", 5_011, 60_000, 1e-6),
    # 0.001, 0.0001, 0.00001 for 30k each.
    ("sppnet_detector", 5_011, 29_999, 0.001),
    ("sppnet_detector", 5_011, 30_000, 1e-4),
    ("sppnet_detector", 5_011, 89_999, 1e-5),
    # 0.1, divided by 10 at 32k and 48k iterations.
    ("resnet_cifar", 45_000, 0, 0.1),
    ("resnet_cifar", 45_000, 31_999, 0.1),
    ("resnet_cifar", 45_000, 32_000, 0.01),
    ("resnet_cifar", 45_000, 47_999, 0.01),
    ("resnet_cifar", 45_000, 48_000, 0.001),
    ("resnet_cifar", 45_000, 63_999, 0.001),
    # 0.01 for 400 iterations, then as the others.
    ("resnet110_cifar", 45_000, 0, 0.01),
    ("resnet110_cifar", 45_000, 399, 0.01),
    ("resnet110_cifar", 45_000, 400, 0.1),
    ("resnet110_cifar", 45_000, 32_000, 0.01),
    ("preresnet_cifar", 50_000, 399, 0.01),
    ("preresnet_cifar", 50_000, 48_000, 0.001),
    # 256 images a step: 5005 steps an epoch; /10 at 30 and 60 epochs.
    ("preresnet", IMAGENET, 30 * 5005 - 1, 0.1),
    ("preresnet", IMAGENET, 30 * 5005, 0.01),
    ("preresnet", IMAGENET, 60 * 5005, 0.001),
    # Halved after 30, 50, 60, 70, 80 epochs of 10,010 steps.
    ("overfeat", IMAGENET, 30 * 10_010 - 1, 0.05),
    ("overfeat", IMAGENET, 30 * 10_010, 0.025),
    ("overfeat", IMAGENET, 80 * 10_010, 0.05 / 32),
    # 4 % every 8 epochs of 40,037 steps.
    ("googlenet", IMAGENET, 8 * 40_037 - 1, 0.01),
    ("googlenet", IMAGENET, 8 * 40_037, 0.0096),
    ("googlenet", IMAGENET, 24 * 40_037, 0.01 * 0.96**3),
    # The square root of what is left of 60 epochs.
    ("googlenet_quick", IMAGENET, 0, 0.01),
    ("googlenet_quick", IMAGENET, 45 * 40_037, 0.005),
    # Six times as often: every 53,383 steps.
    ("bn_inception", IMAGENET, 53_382, 0.045),
    ("bn_inception", IMAGENET, 53_383, 0.0432),
    # 0.94 every two epochs of 40,037 steps.
    ("inception_v3", IMAGENET, 2 * 40_037 - 1, 0.045),
    ("inception_v3", IMAGENET, 2 * 40_037, 0.0423),
    ("inception_v3", IMAGENET, 6 * 40_037, 0.045 * 0.94**3),
    ("inception_v4", IMAGENET, 2 * 40_037, 0.0423),
    ("xception", IMAGENET, 4 * 40_037, 0.045 * 0.94**2),
    # 0.16 every 30 epochs of 5005 steps.
    ("inception_v3_released", IMAGENET, 30 * 5005, 0.016),
    # /10 whenever the remaining epochs halve: 200, 300, 350, 375 of 400 (500 steps).
    ("fractalnet", 50_000, 99_999, 0.02),
    ("fractalnet", 50_000, 100_000, 0.002),
    ("fractalnet", 50_000, 150_000, 2e-4),
    ("fractalnet", 50_000, 175_000, 2e-5),
    ("fractalnet", 50_000, 187_500, 2e-6),
    ("highway", 50_000, 99_999, 0.025),
    ("highway", 50_000, 100_000, 0.0025),
    ("highway", 50_000, 175_000, 2.5e-5),
    # 256 images a step: 196 steps an epoch; /10 at 200, 250, 300.
    ("all_cnn", 50_000, 200 * 196 - 1, 0.05),
    ("all_cnn", 50_000, 200 * 196, 0.005),
    ("all_cnn", 50_000, 300 * 196, 5e-5),
    # Ten times the files' 0.025, 0.00125, 1e-4, 1e-5, for a loss of a tenth.
    ("dsn", 50_000, 149_999, 0.25),
    ("dsn", 50_000, 150_000, 0.0125),
    ("dsn", 50_000, 170_000, 1e-3),
    ("dsn", 50_000, 200_000, 1e-4),
    ("fitnet4_lsuv", 50_000, 39_999, 0.01),
    ("fitnet4_lsuv", 50_000, 40_000, 0.001),
    ("fitnet4_lsuv", 50_000, 80_000, 1e-5),
    ("fitnet4_lsuv_cifar100", 50_000, 189_999, 5e-4),
    ("elu11", 50_000, 34_999, 0.01),
    ("elu11", 50_000, 35_000, 0.005),
    ("elu11", 50_000, 85_000, 5e-4),
    ("elu11", 50_000, 135_000, 5e-5),
    ("elu18", 50_000, 35_000, 0.001),
    # /10 every 100 epochs of 298 steps (2975 fine images of Cityscapes).
    ("enet", 2975, 100 * 298, 5e-5),
    # 60,000 digits, 32 a step: 1875 steps an epoch.
    ("lenet5_1998", 60_000, 2 * 1875, 8e-4),
    ("lenet5_1998", 60_000, 12 * 1875, 4e-5),
    # Up from a twentieth for 4 epochs of 782 steps, half way down at epoch 12.
    ("cifar_one_cycle", 50_000, 0, 0.005),
    ("cifar_one_cycle", 50_000, 2 * 782, 0.0525),
    ("cifar_one_cycle", 50_000, 4 * 782, 0.1),
    ("cifar_one_cycle", 50_000, 12 * 782, 0.05),
    ("cifar_one_cycle", 50_000, 20 * 782, 0.0),
    ("cifar_one_cycle_plain", 50_000, 4 * 782, 1e-3),
    ("cifar_one_cycle_plain", 50_000, 12 * 782, 5e-4),
]
PLATEAUS = {
    "alexnet_2012": (0.01, 1e-5),
    "zfnet": (0.01, 0.0),
    "sppnet": (0.01, 1e-4),
    "vgg": (0.01, 1e-5),
    "resnet": (0.1, 0.0),
    "nin_cifar10": (0.1, 1e-3),
}


def rate(name, images, step):
    recipe = recipes.find(name)
    steps = -(-images // recipe.batch_size)
    total = recipe.steps or recipe.epochs * steps
    base = recipe.optimizer.learning_rate
    schedule = compilation.learning_rate(recipe.schedule, base, steps, total)
    return schedule if isinstance(schedule, float) else float(schedule(step))


@pytest.mark.parametrize(("name", "images", "step", "expected"), RATES)
def test_learning_rates_are_the_papers(name, images, step, expected):
    assert rate(name, images, step) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateaus_end_where_the_papers_do(name):
    recipe = recipes.find(name)
    first, last = PLATEAUS[name]
    assert recipe.schedule.factor == 0.1
    assert rate(name, 50_000, 1000) == first
    assert first * recipe.schedule.end == pytest.approx(last)


def test_every_schedule_is_checked_by_hand():
    """A new recipe's rates belong into the table above."""
    checked = {row[0] for row in RATES}
    for name in NAMES:
        schedule = recipes.find(name).schedule
        same = [s for s in NAMES if recipes.find(s).schedule == schedule]
        if recipes.find(name).kind == "paper" and schedule.name != "plateau":
            assert checked & set(same), name


def test_surprising_numbers():
    """What a well-meaning hand would correct."""
    v3 = recipes.find("inception_v3")
    assert (v3.optimizer.epsilon, v3.optimizer.global_clipnorm) == (1.0, 2.0)
    assert (v3.label_smoothing, v3.auxiliary_weight) == (0.1, 0.4)
    assert v3.optimizer.momentum is None
    assert recipes.find("overfeat").optimizer.momentum == 0.6
    assert recipes.find("xception").weight_decay == 1e-5
    # N(0, 0.01) of the text is a variance.
    assert recipes.find("vgg_a").initializer == "normal:0.1"
    assert recipes.find("googlenet").auxiliary_weight == 0.3
    dsn = recipes.find("dsn")
    # The files' products: 0.025 * 10 hinges, 0.025 * 5e-4.
    assert dsn.optimizer.learning_rate * dsn.weight_decay == pytest.approx(0.025 * 5e-4)
    assert dsn.auxiliary_fade == 50_000


def test_the_rows_of_inceptions_table_add_one_thing_each():
    rows = [
        ("inception_v2", {"optimizer.name", "optimizer.momentum"}),
        ("inception_v2_rmsprop", {"label_smoothing"}),
        ("inception_v2_label_smoothing", {"networks"}),
        ("inception_v3_factorized", {"options.aux_batch_norm"}),
        ("inception_v3", set()),
    ]
    names = {"name", "source"}
    for (name, added), (later, _) in itertools.pairwise(rows):
        plain = [reader.plain(recipes.find(one)) for one in (name, later)]
        found = set(reader.differences(*plain)) - names
        assert found - {"optimizer.rho", "optimizer.epsilon"} == added, name
    assert recipes.for_network("inception_v2", "paper").name == "inception_v2"
    assert recipes.for_network("inception_v3", "paper").name == "inception_v3"


# Compilation -----------------------------------------------------------------------


def stand_in(recipe):
    """A small model with layers and heads named as the recipe's patterns ask."""
    x = images = keras.Input((8, 8, 3))
    names = ["conv1", "cccp6", "stage3_conv3", "scores"]
    stages = [one for one in recipe.optimizer.multipliers if one.endswith("_*")]
    names = [*(one.replace("*", "conv1") for one in stages), *names]
    for name in names:
        x = keras.layers.Conv2D(4, 3, padding="same", name=name)(x)
    x = keras.layers.BatchNormalization(name="bn1")(x)
    flat = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(10, name="predictions")(flat)
    if recipe.options.get("aux") or recipe.options.get("companions"):
        second = keras.layers.Dense(10, name="companion1")(flat)
        outputs = {"predictions": outputs, "companion1": second}
    return keras.Model(images, outputs)


@pytest.mark.parametrize("name", NAMES)
def test_compiles_and_takes_a_step(name):
    recipe = recipes.find(name)
    keras.utils.set_random_seed(1)
    model = stand_in(recipe)
    rows = TASK.needs_one_hot(recipe)
    options = {"steps_per_epoch": 10, "one_hot": rows, "classes": 10}
    # A graph would take longer than the step.
    compilation.compile(model, recipe, TASK, **options, run_eagerly=True)
    before = [variable.numpy() for variable in model.trainable_variables]
    images = np.random.default_rng(1).normal(size=(20, 8, 8, 3)).astype("float32")
    labels = np.arange(20) % 10
    labels = np.eye(10, dtype="float32")[labels] if rows else labels
    if isinstance(model.output, dict):
        labels = dict.fromkeys(model.output, labels)
    for _ in range(recipe.optimizer.gradient_accumulation_steps or 1):
        logs = model.train_on_batch(images, labels, return_dict=True)
    assert np.isfinite(logs["loss"])
    words = recipe.optimizer
    config = model.optimizer.get_config()
    for field in ("momentum", "rho", "epsilon", "nesterov", "global_clipnorm"):
        if getattr(words, field) is not None:
            assert config[field] == pytest.approx(getattr(words, field))
    assert config["use_ema"] == (words.ema_momentum is not None)
    changed = [
        np.any(value != variable.numpy())
        for value, variable in zip(before, model.trainable_variables, strict=True)
    ]
    # Biases before a batch norm have no gradient to speak of.
    assert changed[0]
    assert changed[-1]


@pytest.mark.parametrize(
    ("name", "network", "size"),
    [
        ("dsn", "dsn", 32),
        ("nin_cifar10", "nin_cifar", 32),
        ("nin_cifar100", "nin_cifar", 32),
        ("googlenet", "googlenet", 96),
    ],
)
def test_multipliers_fit_the_networks(name, network, size):
    recipe = recipes.find(name)
    model = kerazoo.create(
        network, classes=2, input_shape=(size, size, 3), **recipe.options
    )
    variables = model.trainable_variables
    multiples = compilation.rate_multiples(recipe.optimizer, model, variables)
    assert max(multiples) > 1
    paths = [variable.path for variable in variables]
    last = {"dsn": "stage3_conv3/bias", "nin_cifar10": "cccp6/bias"}.get(name)
    assert last is None or last in paths

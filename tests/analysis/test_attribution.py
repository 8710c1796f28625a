import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerazoo
from kerazoo.analysis.attribution import (
    METHODS,
    Explainable,
    cam,
    deconvnet,
    grad_cam,
    gradient,
    guided_backpropagation,
    integrated_gradients,
    occlusion,
    smooth_grad,
)
from kerazoo.analysis.attribution.network import stretched
from kerazoo.analysis.excitement import exciting_images
from kerazoo.analysis.feature_maps import feature_maps
from kerazoo.analysis.filters import first_filters
from kerazoo.analysis.maximization import activation_maximization

RNG = np.random.default_rng(0)


def model_of(shape, *steps):
    """A chain of layers; arrays are the weights of the layer before."""
    layer = x = inputs = keras.Input(shape)
    for step in steps:
        if isinstance(step, list):
            layer.set_weights([np.array(one, "float32") for one in step])
        else:
            layer = step
            x = layer(x)
    return keras.Model(inputs, x, name="own")


def linear(shape, weights):
    """A network whose scores are weighted sums of the pixels."""
    return model_of(
        shape, layers.Flatten(), layers.Dense(weights.shape[1]), [weights, [1.0, -1.0]]
    )


def digit():
    from sklearn.datasets import load_digits

    pixels = np.kron(load_digits().images[7] * 15.9, np.ones((4, 4)))
    return pixels[..., None].astype("uint8")


@pytest.fixture(scope="module")
def trained():
    return Explainable(kerazoo.classifier("slide_cnn_b", weights="mnist").model)


def test_cam_of_a_case_worked_by_hand():
    pooled = (layers.GlobalAveragePooling2D(), layers.Dropout(0.5))
    softmax = layers.Dense(2, activation="softmax", name="predictions")
    weights = [[1, -2], [3, 0.5]], [0.25, 0.0]
    model = model_of((2, 2, 2), layers.ReLU(name="maps"), *pooled, softmax, [*weights])
    image = np.array([[[1, 2], [0, 4]], [[3, 0], [-5, 1]]], "float32")
    found = cam(model, image, 0)
    # 1 f_1 + 3 f_2 at every position; their mean and the bias are the logit.
    assert found.map.tolist() == [[7, 12], [3, 3]]
    assert found.score == pytest.approx(25 / 4 + 0.25)
    assert (found.layer, found.class_name, found.peak) == ("maps", "0", (0, 1))
    assert cam(model, image, 1).map.tolist() == [[-1, 2], [-6, 0.5]]


def test_cam_of_class_maps_is_the_map():
    model = kerazoo.nin_cifar(input_shape=(16, 16, 3))
    image = RNG.normal(size=(16, 16, 3)).astype("float32")
    maps = kerazoo.features(model, found_layer := "cccp6")(image[None])[found_layer]
    found = cam(model, image, 3)
    assert found.layer == found_layer
    assert found.score == pytest.approx(float(np.mean(maps[0, ..., 3])), rel=1e-5)
    # Grad-CAM of a network of this kind is its positive part, up to a factor.
    other = grad_cam(model, image, 3)
    positive = np.maximum(maps[0, ..., 3], 0)
    expected = stretched(positive / positive.size, (16, 16))
    np.testing.assert_allclose(other.map, expected, atol=1e-6)


def test_grad_cam_of_global_averages_is_cam():
    model = kerazoo.resnet20_cifar(input_shape=(16, 16, 3))
    image = RNG.normal(size=(16, 16, 3)).astype("float32")
    one, other = cam(model, image, 4), grad_cam(model, image, 4)
    assert one.layer == other.layer == "stage3_block3_relu"
    # Of 4x4 positions each has a sixteenth of the gradient.
    maps = kerazoo.features(model, "stage3")(image[None])["stage3"][0]
    kernel = model.get_layer("predictions").kernel[:, 4]
    grid = np.asarray(ops.matmul(maps, kernel[:, None]))[..., 0]
    np.testing.assert_allclose(one.map, stretched(grid, (16, 16)), atol=1e-4)
    expected = stretched(np.maximum(grid, 0) / 16, (16, 16))
    np.testing.assert_allclose(other.map, expected, atol=1e-5)


def test_gradients_of_a_linear_network():
    weights = RNG.normal(size=(12, 2)).astype("float32")
    model = linear((2, 2, 3), weights)
    image = RNG.uniform(0, 5, (2, 2, 3)).astype("float32")
    slope = weights[:, 1].reshape(2, 2, 3)
    plain = gradient(model, image, 1)
    np.testing.assert_allclose(plain.pixels, slope, rtol=1e-5)
    np.testing.assert_allclose(plain.map, np.abs(slope).max(-1), rtol=1e-5)
    smooth = smooth_grad(model, image, 1, samples=3)
    np.testing.assert_allclose(smooth.pixels, slope, rtol=1e-5)
    whole = integrated_gradients(model, image, 1, steps=1)
    np.testing.assert_allclose(whole.pixels, slope * image, rtol=1e-5)
    assert whole.baseline == -1


def test_integrated_gradients_are_complete(trained):
    for name in (None, 3):
        found = integrated_gradients(trained, digit(), name, steps=4)
        assert found.completeness == pytest.approx(1, abs=0.01)
        change = found.score - found.baseline
        assert abs(change) > 1
        assert found.map.sum() == pytest.approx(change, rel=0.01)


def test_smooth_grad_is_the_same_for_a_seed(trained):
    one, same, other = (
        smooth_grad(trained, digit(), samples=3, seed=seed).map for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_occlusion_of_a_sum_of_pixels():
    model = linear((2, 4, 1), np.ones((8, 2), "float32"))
    image = np.arange(8, dtype="float32").reshape(2, 4, 1)
    found = occlusion(model, image, 0, window=1)
    np.testing.assert_allclose(found.map, image[..., 0] - 3.5, atol=1e-5)
    # Of both rows, windows of two columns take -2, -3, 1, 3, 1 from the sum, the first
    # and the last of which stick out; a pixel has the mean of the two that cover it.
    image = np.array([[0, 1, 2, 3], [4, 4, 6, 4]], "float32")[..., None]
    found = occlusion(model, image, 0, window=2, strides=(2, 1))
    np.testing.assert_allclose(found.map, [[-2.5, -1, 2, 2]] * 2, atol=1e-5)


def test_rules_of_relus_by_hand():
    weights = np.array([[2, 0], [-3, 0], [4, 0], [-5, 0]], "float32")
    image = np.array([[[1], [1]], [[-1], [-1]]], "float32")
    rows = {
        gradient: [2, -3, 0, 0],
        guided_backpropagation: [2, 0, 0, 0],
        deconvnet: [2, 0, 4, 0],
    }
    for kind in (layers.ReLU(), layers.Activation("relu")):
        end = (layers.Flatten(), layers.Dense(2), [weights, [0, 0]])
        model = model_of((2, 2, 1), kind, *end)
        for method, expected in rows.items():
            found = method(model, image, 0)
            assert found.pixels.ravel().tolist() == expected, method


def test_the_deconvnet_puts_an_activation_back_in_its_place():
    identity = layers.Conv2D(1, 1, activation="relu")
    kernel = [[[[[1.0]]]], [0.0]]
    pool = layers.MaxPooling2D(2, name="pool")
    end = (layers.GlobalAveragePooling2D(), layers.Dense(2))
    model = model_of((4, 4, 1), identity, kernel, pool, *end)
    image = np.zeros((4, 4, 1), "float32")
    image[2, 1] = 5
    found = deconvnet(model, image, layer="pool")
    # Unpooling by the switch leads to the one pixel, with its own value.
    np.testing.assert_array_equal(found.pixels, image)
    assert (found.layer, found.unit, found.class_name) == ("pool", 0, None)
    assert found.score == 5


def test_the_deconvnet_undoes_a_convolution_by_its_kernel():
    kernel = RNG.uniform(0.1, 1, (3, 3, 1, 2)).astype("float32")
    kernel[..., 1] *= -1
    conv = layers.Conv2D(2, 3, padding="same", activation="relu", name="conv")
    end = (layers.GlobalAveragePooling2D(), layers.Dense(2))
    model = model_of((5, 5, 1), conv, [kernel, [0, 0]], *end)
    image = np.zeros((5, 5, 1), "float32")
    image[2, 2] = 2
    found = deconvnet(model, image, layer="conv", unit=0)
    # The strongest activation is where the largest of the kernel meets the pixel.
    top = kernel[..., 0].max()
    y, x = np.unravel_index(kernel[..., 0, 0].argmax(), (3, 3))
    expected = np.zeros((5, 5), "float32")
    expected[2 - y : 5 - y, 2 - x : 5 - x] = 2 * top * kernel[..., 0, 0]
    np.testing.assert_allclose(found.pixels[..., 0], expected, rtol=1e-5)
    # Nothing excites the other unit.
    assert not deconvnet(model, image, layer="conv", unit=1).pixels.any()


def test_other_weights_give_another_map(trained):
    """The first sanity check of Adebayo et al. 2018, arXiv 1810.03292."""
    copy = keras.models.clone_model(trained.network)
    keras.utils.set_random_seed(1)
    model = kerazoo.slide_cnn_b()
    image = trained.resized(digit())[0]
    for name in ("grad_cam", "gradient", "integrated_gradients"):
        one = METHODS[name](trained, digit(), 8).map
        copy.set_weights(trained.network.get_weights())
        # The same network, of the resized image, gives the same map.
        same = METHODS[name](copy, image, 8).map
        np.testing.assert_allclose(one, same, atol=1e-3 * np.abs(one).max())
        other = METHODS[name](model, image / 255, 8).map
        # Of other weights it may be that nothing speaks for the class.
        apart = one / np.abs(one).max() - other / max(np.abs(other).max(), 1e-9)
        assert np.abs(apart).max() > 0.5, name


def blobs():
    """A network that knows red from blue, and scenes that have one of each."""
    kernel = np.array([[1, -1], [-1, -1], [-1, 1]], "float32")[None, None]
    model = model_of(
        (32, 32, 3),
        layers.Conv2D(2, 1, activation="relu"),
        [kernel, [0, 0]],
        layers.MaxPooling2D(4),
        layers.Conv2D(2, 1, activation="relu", name="last"),
        [np.eye(2, dtype="float32")[None, None], [0, 0]],
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
        [np.array([[1, -0.5], [-0.5, 1]], "float32"), [0, 0]],
    )
    scenes = []
    for _ in range(8):
        image = RNG.uniform(0, 0.1, (32, 32, 3)).astype("float32")
        sides = RNG.permutation([0, 16])
        boxes = []
        for left, channel in zip(sides, (0, 2), strict=True):
            # On the grid of the pooling, so that no cell is in part of another colour.
            y, x = 4 * RNG.integers(0, 7), left + 4 * RNG.integers(0, 3)
            image[y : y + 8, x : x + 8, channel] = 1
            boxes.append((y, x, y + 8, x + 8))
        scenes.append((image, boxes))
    return Explainable(model, ("red", "blue")), scenes


@pytest.mark.parametrize("method", [cam, grad_cam, occlusion, integrated_gradients])
def test_what_is_asked_for_is_found(method):
    network, scenes = blobs()
    options = {"window": 8, "strides": 4} if method is occlusion else {}
    for image, boxes in scenes:
        for name, (top, left, bottom, right) in zip(network.names, boxes, strict=True):
            row, column = method(network, image, name, **options).peak
            assert top <= row < bottom and left <= column < right


def test_the_score_of_a_detector_is_that_of_its_best_box():
    model = kerazoo.yolo_mini(input_shape=(64, 64, 3), classes=3, score_threshold=0.0)
    network = Explainable(model, ("a", "b", "c"))
    image = RNG.integers(0, 256, (64, 64, 3)).astype("float32")
    assert (network.kind, network.last_map()) == ("boxes", "relu6")
    best = ops.convert_to_numpy(model(image[None])["scores"])[0, 0]
    found = grad_cam(network, image)
    assert found.score == pytest.approx(float(best), rel=1e-4)
    assert gradient(network, image, "b").map.any()
    # Served, it resizes raw images of any size to a grid that they choose.
    with pytest.raises(ValueError, match="takes images of any size"):
        Explainable(kerazoo.detector(model).model)
    regions = Explainable(kerazoo.faster_rcnn_mini())
    assert (regions.kind, regions.last_map()) == ("boxes", "relu5")


def test_the_score_of_a_segmentation_is_the_mean_of_its_logits():
    model = kerazoo.enet(input_shape=(32, 32, 3), classes=3)
    network = Explainable(model)
    image = RNG.normal(size=(32, 32, 3)).astype("float32")
    assert (network.kind, network.last_map()) == ("pixels", "stage3_block8_out")
    shares = np.log(ops.convert_to_numpy(model(image[None]))[0]).mean((0, 1))
    scores = ops.convert_to_numpy(network.scores_of(image[None]))[0]
    # A softmax keeps the differences of logits.
    np.testing.assert_allclose(scores - scores[0], shares - shares[0], atol=1e-3)


def test_the_head_that_is_explained_is_the_main_one():
    inputs = keras.Input((8, 8, 3))
    maps = layers.Conv2D(4, 3, activation="relu", name="maps")(inputs)
    pooled = layers.GlobalAveragePooling2D()(maps)
    outputs = {
        name: layers.Dense(2, activation="softmax", name=name)(pooled)
        for name in ("aux_predictions", "predictions")
    }
    model = keras.Model(inputs, outputs)
    network = Explainable(model)
    image = RNG.normal(size=(1, 8, 8, 3)).astype("float32")
    found = np.log(ops.convert_to_numpy(model(image)["predictions"]))[0]
    scores = ops.convert_to_numpy(network.scores_of(image))[0]
    assert scores[1] - scores[0] == pytest.approx(found[1] - found[0], abs=1e-5)
    assert network.last_map() == "maps"
    assert not any("aux" in layer.name for layer in network.network.layers)


def test_scores_before_a_sigmoid_and_in_half_precision():
    policy = keras.DTypePolicy("mixed_bfloat16")
    end = layers.Dense(2, activation="sigmoid", name="predictions")
    model = model_of((2, 2, 1), layers.Flatten(), end, [np.eye(4)[:, :2], [0, 0]])
    scores = Explainable(model).scores_of(np.full((1, 2, 2, 1), 3.0, "float32"))
    np.testing.assert_allclose(scores, [[3, 3]])
    conv = layers.Conv2D(2, 1, activation="relu", dtype=policy)
    pooled = (layers.GlobalAveragePooling2D(dtype=policy), layers.Dense(2))
    model = model_of((2, 2, 1), conv, *pooled)
    found = grad_cam(model, RNG.normal(size=(2, 2, 1)).astype("float32"), 1)
    assert found.map.dtype == "float32"


def test_a_layer_is_named_as_features_names_it():
    model = kerazoo.resnet20_cifar(input_shape=(16, 16, 3))
    image = RNG.normal(size=(16, 16, 3)).astype("float32")
    assert grad_cam(model, image, layer="stage2").layer == "stage2_block3_relu"
    # Other paths go round this one.
    inner = grad_cam(model, image, layer="stage3_block2_conv1")
    assert inner.layer == "stage3_block2_conv1" and np.isfinite(inner.map).all()


@pytest.mark.parametrize(
    ("method", "given", "words"),
    [
        (cam, {}, "use the method grad_cam, which takes every network, or convert"),
        (grad_cam, {"class_name": 10}, "has 10 classes, counted from 0 to 9"),
        (grad_cam, {"class_name": -1}, "class_name is -1"),
        (grad_cam, {"class_name": "seven"}, "Unknown class_name 'seven'"),
        (grad_cam, {"layer": "relu22"}, "did you mean relu2"),
        (grad_cam, {"layer": "fc3"}, r"no extent in space, but the shape \(\d+,\)"),
        (occlusion, {"window": 29}, "window is 29x29; it must be at most 28x28"),
        (occlusion, {"window": 4, "strides": 5}, "the size of the window"),
        (deconvnet, {"layer": "conv1", "unit": 10**6}, "has 10 feature maps"),
        (deconvnet, {"unit": 1}, "give the layer"),
        (deconvnet, {"layer": "conv1", "class_name": 1}, "leave class_name or layer"),
    ],
)
def test_what_means_nothing_is_refused(trained, method, given, words):
    with pytest.raises(ValueError, match=words):
        method(trained, digit(), **given)


def test_networks_that_a_method_is_not_for():
    image = np.zeros((28, 28, 1), "float32")
    with pytest.raises(ValueError, match=r"mlp_256 has no layer with feature maps"):
        grad_cam(kerazoo.mlp_256(), image)
    with pytest.raises(ValueError, match=r"activations \(scaled_tanh\).* no rule"):
        deconvnet(kerazoo.lenet5_original(), np.zeros((32, 32, 1), "float32"))
    with pytest.raises(ValueError, match="finds boxes of classes"):
        cam(kerazoo.yolo_mini(), np.zeros((112, 112, 3), "float32"))
    with pytest.raises(ValueError, match=r"takes images, proposals"):
        Explainable(kerazoo.fast_rcnn_mini())
    with pytest.raises(ValueError, match="no score for each class"):
        Explainable(model_of((4, 4, 1), layers.Reshape((2, 8))))
    with pytest.raises(ValueError, match=r"image is of shape \(9, 9, 1\)"):
        gradient(kerazoo.mlp_256(), np.zeros((9, 9, 1), "float32"))


def test_models_inside_a_model_are_opened():
    """A head behind a network is explained as the network with that head."""
    keras.utils.set_random_seed(3)
    whole = kerazoo.resnet20_cifar(input_shape=(16, 16, 3), classes=3)
    body = kerazoo.resnet20_cifar(input_shape=(16, 16, 3), include_top=False)
    for layer in body.layers:
        layer.set_weights(whole.get_layer(layer.name).get_weights())
    head = [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    before = [keras.Input((16, 16, 3)), layers.Rescaling(1 / 255)]
    nested = keras.Sequential([*before, keras.Sequential([body, *head])])
    head[1].set_weights(whole.get_layer("predictions").get_weights())
    image = RNG.integers(0, 256, (16, 16, 3)).astype("uint8")
    network, plain = Explainable(nested), Explainable(whole)
    for name, method in METHODS.items():
        options = {"occlusion": {"window": 8}, "smooth_grad": {"samples": 2}}.get(name)
        one = method(network, image, 1, **options or {})
        other = method(plain, (image / 255).astype("float32"), 1, **options or {})
        assert one.layer == other.layer
        assert one.score == pytest.approx(other.score, abs=1e-4)
        # The gradient by raw pixels has the slope of the scaling too.
        scale = 1.0 if name in ("cam", "grad_cam", "occlusion") else 255.0
        scale = 1.0 if name == "integrated_gradients" else scale
        np.testing.assert_allclose(
            scale * one.map, other.map, atol=2e-3 * np.abs(other.map).max()
        )
    # Nothing moves in the model that was given.
    assert nested.layers[-1].layers[0] is body
    np.testing.assert_array_equal(first_filters(nested), first_filters(whole))


def test_functions_in_place_of_layers_do_not_stop_it():
    """As the preprocessing of keras.applications is one."""
    inputs = keras.Input((32, 32, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(inputs)
    x = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35
    )(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.Dropout(0.2)(x)))
    network = Explainable(model)
    image = RNG.integers(0, 256, (32, 32, 3)).astype("uint8")
    # Its last maps are of one position.
    assert grad_cam(network, image, layer="block_12_add").map.shape == (32, 32)
    (found,) = exciting_images(network, [image], "block_2_add", 0)
    assert found.patch.size
    with pytest.raises(ValueError, match=r"ReLU with a bound.* no rule"):
        deconvnet(network, image)


@pytest.mark.parametrize(
    "end", [layers.ReLU(6), layers.ReLU(negative_slope=0.1), ops.relu, ops.silu]
)
def test_what_is_no_plain_relu_has_no_rule(end):
    inputs = keras.Input((4, 4, 1))
    maps = end(layers.Conv2D(2, 3)(inputs))
    scores = layers.Dense(2)(layers.GlobalAveragePooling2D()(maps))
    model = keras.Model(inputs, scores)
    image = np.zeros((4, 4, 1), "float32")
    for method in (guided_backpropagation, deconvnet):
        with pytest.raises(ValueError, match="has no rule"):
            method(model, image)
    assert gradient(model, image).map.shape == (4, 4)


def test_networks_of_images_of_any_size():
    inputs = keras.Input((None, None, 3))
    maps = layers.Conv2D(4, 3, activation="relu", name="maps")(inputs)
    scores = layers.Dense(2)(layers.GlobalAveragePooling2D()(maps))
    network = Explainable(keras.Model(inputs, scores))
    for size in ((12, 300), (9, 9)):
        image = RNG.normal(size=(*size, 3)).astype("float32")
        for method in (cam, grad_cam):
            found = method(network, image, 1)
            assert (found.layer, found.map.shape) == ("maps", size)
    for function, given in (
        (feature_maps, (image,)),
        (activation_maximization, (1,)),
        (exciting_images, ([image], "maps", 0)),
    ):
        with pytest.raises(ValueError, match="takes images of any size; give one"):
            function(network, *given)


def test_a_layer_that_is_used_twice_has_no_one_map():
    inputs = keras.Input((8, 8, 3))
    conv = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    first = layers.Conv2D(3, 1, name="first")(inputs)
    maps = layers.GlobalAveragePooling2D()(conv(conv(first)))
    model = keras.Model(inputs, layers.Dense(2)(maps))
    image = RNG.normal(size=(8, 8, 3)).astype("float32")
    assert grad_cam(model, image, 1).layer == "first"
    with pytest.raises(ValueError, match="uses its layer conv 2 times"):
        grad_cam(model, image, 1, layer="conv")
    with pytest.raises(ValueError, match="uses its layer conv 2 times"):
        cam(model, image, 1)
    inside = keras.Sequential([keras.Input((8, 8, 3)), model])
    with pytest.raises(ValueError, match="uses its layer conv 2 times"):
        Explainable(inside)


def test_models_without_a_graph_are_refused():
    class Own(keras.Model):
        def call(self, images):
            return ops.mean(images, (1, 2))

    own = Own()
    own(np.zeros((1, 4, 4, 3), "float32"))
    for model in (own, keras.Sequential([layers.Dense(2)])):
        with pytest.raises(ValueError, match="has no graph of layers"):
            Explainable(model)


JAX = """
import sys
# Nothing can import it.
sys.modules["tensorflow"] = None
import keras
import numpy as np
from keras import layers
from kerazoo.analysis.attribution import METHODS

keras.utils.set_random_seed(1)
image = np.random.default_rng(0).uniform(0, 1, (8, 8, 3)).astype("float32")
network = keras.Sequential([
    keras.Input((8, 8, 3)),
    layers.Conv2D(4, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(4, 1, activation="relu"),
    layers.GlobalAveragePooling2D(),
    layers.Dense(2, activation="softmax"),
])
# Of each way to the gradients one: every operation is compiled for every size.
for name in ("grad_cam", "integrated_gradients", "deconvnet"):
    found = METHODS[name](network, image, 1)
    assert found.map.shape == (8, 8) and found.map.any(), name
    if name == "integrated_gradients":
        assert abs(found.completeness - 1) < 0.01
print("done")
"""


def test_gradients_are_taken_on_jax():
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", JAX], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "done\n", done.stderr[-2000:]

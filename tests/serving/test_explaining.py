import json
import os

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.analysis import explanation_plots, plots
from kerazoo.analysis.attribution import METHODS, Attribution, Explainable
from kerazoo.analysis.excitement import Excitement
from kerazoo.analysis.feature_maps import FeatureMaps
from kerazoo.analysis.maximization import PreferredImage
from kerazoo.serving.explaining import option_kinds

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    from sklearn.datasets import load_digits

    path = tmp_path_factory.mktemp("images") / "a.digit.png"
    pixels = np.kron(load_digits().images[7] * 15.9, np.ones((4, 5)))
    Image.fromarray(pixels.astype("uint8")).save(path)
    return path


def test_a_run_and_a_network_are_explained(trained, image):
    pixels = kerazoo.data.read_image(image)
    found = kerazoo.explain(trained.path, image)
    assert (found.method, found.map.shape) == ("grad_cam", (28, 28))
    guess = kerazoo.classifier(trained)(pixels)[0][0]
    assert found.class_name == guess.label
    # What is explained is the logit: of classes, its differences are the log odds.
    probabilities = kerazoo.classifier(trained).probabilities(pixels)[0]
    one, other = (kerazoo.explain(trained, pixels, class_name=n).score for n in (1, 2))
    odds = np.log(probabilities[1] / probabilities[2])
    assert one - other == pytest.approx(odds, rel=1e-3)
    known = kerazoo.explain("slide_cnn_b", image, weights="mnist", class_name="8")
    assert (known.class_name, known.layer) == ("8", "relu2")


def test_an_image_of_colours_is_seen_in_grey(image):
    grey = kerazoo.data.read_image(image)[..., 0]
    maps = [
        kerazoo.explain("slide_cnn_b", one, "gradient", weights="mnist").map
        for one in (grey, np.stack([grey] * 3, -1))
    ]
    np.testing.assert_allclose(*maps, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "gradcam"}, r"Unknown method 'gradcam'; did you mean grad_cam"),
        ({"method": "gradient", "layer": "conv1"}, "gradient takes no layer"),
        ({"method": "occlusion", "windows": 3}, "did you mean window"),
        ({"method": "occlusion", "window": -1}, "window is -1"),
        ({"class_name": "nine"}, "Unknown class_name 'nine'"),
        ({"image": np.zeros((2, 9, 9, 1), "uint8")}, "image is a batch of 2"),
    ],
)
def test_what_means_nothing_is_refused(image, given, words):
    given = {"network": "slide_cnn_b", "image": image, "weights": "mnist"} | given
    with pytest.raises(ValueError, match=words):
        kerazoo.explain(**given)


def test_the_options_are_those_of_the_methods():
    assert set(option_kinds("occlusion")) == {"window", "strides"}
    assert set(option_kinds("deconvnet")) == {"layer", "unit"}
    assert not option_kinds("cam")
    assert set(METHODS) == set(explanation_plots.METHODS)


def test_the_command_writes_a_picture(command, image, tmp_path):
    words = ("slide_cnn_b", image, "--weights", "mnist")
    status, out, errors = command("explain", *words)
    assert (status, errors) == (0, "")
    assert out.startswith("a.digit_grad_cam.png: grad_cam of 8 at relu2, score ")
    with Image.open(tmp_path / "a.digit_grad_cam.png") as picture:
        assert picture.width > 600
    words += ("--method", "deconvnet", "--layer", "conv2", "-o", "unit=3", "--json")
    status, out, errors = command("explain", *words, "--file", "b.png")
    record = json.loads(out)
    assert (record["layer"], record["unit"], record["file"]) == ("conv2", 3, "b.png")
    assert record["class_name"] is None and (tmp_path / "b.png").is_file()


def test_the_command_refuses_in_a_sentence(command, image, tmp_path):
    words = ("explain", "slide_cnn_b", image, "--weights", "mnist")
    for more, said in (
        (("--method", "cam"), "use the method grad_cam"),
        (("-o", "unit"), "has no '='"),
        (("--method", "occlusion", "-o", "window=x"), "window is 'x'"),
        (("--layer", "conv9"), "did you mean conv2 or conv1"),
        (("--file", tmp_path), "neither a PNG nor an SVG file"),
        (("--file", "a.jpg"), "neither a PNG nor an SVG file"),
    ):
        status, out, errors = command(*words, *more)
        assert (status, out) == (2, "") and said in errors, more
    status, _, errors = command("explain", "slide_cnn_b", image)
    assert status == 2 and "give some, as in weights='digits'" in errors
    words = ("explain", "mlp_256", image, "--weights", "mnist")
    for more in ((), ("--method", "deconvnet", "--layer", "hidden1")):
        status, _, errors = command(*words, *more)
        assert status == 2 and "has no layer with feature maps" in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux' /proc")
def test_a_place_where_nothing_can_be_written_is_said_at_once(command, image):
    """Root may write anywhere, and the kernel's folders take nothing all the same."""
    words = ("explain", "slide_cnn_b", image, "--weights", "mnist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kerazoo, "explain", None)  # Nothing slow begins.
        for place in ("/proc/x.png", "/sys/x.png", "/proc/deep/x.png"):
            status, out, errors = command(*words, "--file", place)
            assert (status, out) == (2, "") and "Errno" not in errors
            assert f"{place} cannot be made, for " in errors
            assert "cannot be written (" in errors and "give another place" in errors


def test_what_is_no_image_is_said_without_numbers(command, image, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    for given, said in (
        (tmp_path, "is a folder; give the file of an image in it"),
        (tmp_path / "text.png", "is not an image that can be read (cannot identify"),
        (tmp_path / "none.png", "there is no image"),
    ):
        status, out, errors = command(
            "explain", "slide_cnn_b", given, "--weights", "mnist"
        )
        assert (status, out) == (2, "")
        assert said in errors and "Errno" not in errors


def test_ctrl_c_while_the_image_is_covered(command, image, tmp_path, monkeypatch):
    scores_of, calls = Explainable.scores_of, []

    def interrupted(self, batch):
        calls.append(len(batch))
        if len(calls) > 3:
            raise KeyboardInterrupt
        return scores_of(self, batch)

    monkeypatch.setattr(Explainable, "scores_of", interrupted)
    words = ("slide_cnn_b", image, "--weights", "mnist", "--method", "occlusion")
    status, out, errors = command("explain", *words)
    assert (status, out) == (130, "") and "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_an_image_however_wide_or_small(trained, tmp_path):
    for size in ((4000, 20), (1, 1), (20, 4000)):
        pixels = RNG.integers(0, 256, (*size[::-1], 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / "one.png")
        found = kerazoo.explain(trained, tmp_path / "one.png", class_name=3)
        assert found.map.shape == (28, 28) and np.isfinite(found.map).all()


NAMES = ("호랑이" * 20, "W" * 70, "a name of many words " * 5, "$math$ \\frac", "m")


def test_names_of_any_letters_and_widths_fit():
    """Also those of a layer; nothing is clipped, nor runs into what stands beside."""
    image = RNG.uniform(0, 255, (12, 12, 3)).astype("float32")
    found = [
        Attribution(
            method="guided_backpropagation",
            image=image,
            map=image[..., 0],
            pixels=image - 128,
            class_name=name,
            layer="stage3_block3_relu",
            score=-1234.5,
        )
        for name in NAMES
    ]
    liked = [
        PreferredImage(
            image=image, layer=None, unit=0, class_name=name, before=0.0, after=1.0
        )
        for name in NAMES
    ]
    figures = [explanation_plots.attribution(one) for one in found]
    figures += [explanation_plots.attributions(found, columns=3)]
    figures += [explanation_plots.preferred_images(liked)]
    for figure in figures:
        figure.draw_without_rendering()
        texts = [axes.title for axes in figure.axes if axes.get_title()]
        # The title of the whole figure is one of its texts.
        texts += [one for one in figure.texts if one.get_text()]
        boxes = [text.get_window_extent() for text in texts]
        for number, box in enumerate(boxes):
            assert box.x0 >= 0 and box.x1 <= figure.bbox.width
            assert box.y1 <= figure.bbox.height
            assert not any(box.overlaps(one) for one in boxes[:number])


def test_the_names_that_are_offered_are_those_of_layers(command, image):
    words = ("explain", "slide_cnn_b", image, "--weights", "mnist", "--layer", "x")
    _, _, errors = command(*words)
    assert "one of bn1, bn2, conv1," in errors and "tensor" not in errors


def test_a_drawing_may_be_scaled(command, image, tmp_path):
    words = ("slide_cnn_b", image, "--weights", "mnist", "--file", "a.svg")
    assert command("explain", *words)[0] == 0
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_pictures_of_attributions():
    image = RNG.uniform(0, 255, (12, 20, 3)).astype("float32")
    grid = RNG.normal(size=(12, 20)).astype("float32")
    for method in METHODS:
        pixels = None
        if method not in ("cam", "grad_cam", "occlusion"):
            pixels = RNG.normal(size=image.shape).astype("float32")
        found = Attribution(
            method=method,
            image=image,
            map=np.abs(grid) if method == "grad_cam" else grid,
            pixels=pixels,
            class_name="tench $1",
            score=1.0,
        )
        figure = explanation_plots.attribution(found)
        titles = [axes.get_title() for axes in figure.axes]
        assert titles[0] == "what the network sees" and titles[1]
        assert plots.pixels(figure).std() > 10
    # A map of nothing is drawn too.
    nothing = Attribution(
        method="grad_cam", image=image, map=0 * grid, class_name="a", score=0.0
    )
    assert plots.pixels(explanation_plots.attribution(nothing)).std() > 1


def test_methods_and_classes_side_by_side():
    image = RNG.uniform(0, 255, (12, 20, 3)).astype("float32")
    found = [
        Attribution(
            method=method,
            image=image,
            map=RNG.normal(size=(12, 20)).astype("float32"),
            pixels=None if method == "cam" else image - 128,
            class_name=name,
            score=1.0,
        )
        for name in ("cat", "dog")
        for method in ("cam", "gradient", "deconvnet")
    ]
    figure = explanation_plots.attributions(found, columns=4)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["the image", "class activation map\ncat"]
    assert titles[6:] == ["deconvnet\ndog", ""]
    assert plots.pixels(figure).std() > 10
    with pytest.raises(ValueError, match="found is empty"):
        explanation_plots.attributions([])


def test_pictures_of_maps_and_of_what_excites():
    image = RNG.uniform(0, 255, (12, 20, 1)).astype("float32")
    maps = RNG.normal(size=(6, 10, 5)).astype("float32")
    found = [FeatureMaps(layer=name, maps=maps, image=image) for name in "ab"]
    figure = explanation_plots.feature_grid(found[0], count=4)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [str(unit) for unit in found[0].strongest(4)]
    assert "5 maps of 6x10, 4 of them" in figure.get_suptitle()
    figure = explanation_plots.down_the_network(found, count=3)
    assert len(figure.axes) == 1 + 2 * 3
    assert plots.pixels(figure).std() > 10
    # The words over the first map of a row move no map.
    lefts = [axes.get_position().x0 for axes in figure.axes[1:4]]
    assert lefts[1] - lefts[0] == pytest.approx(lefts[2] - lefts[1], rel=0.02)
    single = FeatureMaps(layer="c", maps=maps[..., :1], image=image)
    assert "c: 1 map of 6x10" in explanation_plots.feature_grid(single).get_suptitle()
    one = Excitement(
        number=3, image=image, activation=2.5, position=(0, 0), box=(0, 2, 8, 9)
    )
    assert one.patch.shape == (8, 7, 1)
    figure = explanation_plots.exciting_images([one, one])
    assert [axes.get_title() for axes in figure.axes] == ["2.5", "2.5", "8x7", "8x7"]
    made = PreferredImage(
        image=image, layer="a", unit=3, class_name=None, before=0.1, after=2.0
    )
    assert made.words == "unit 3 of a, from 0.10 to 2.00"
    figure = explanation_plots.preferred_images([made])
    assert figure.axes[0].get_title() == "a, unit 3"

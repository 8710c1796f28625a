"""The page that runs LeNet-5: a browser shows what Keras says of the same pixels."""

import functools
import http.server
import json
import pathlib
import queue
import runpy
import shutil
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.weights import find_weights

for package in ("onnxruntime", "tf2onnx"):
    pytest.importorskip(package, reason="the page's network is exported as ONNX")

ROOT = pathlib.Path(__file__).parents[1]
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
SHAPES = {
    "conv1": (28, 28, 6),
    "pool2": (14, 14, 6),
    "conv3": (10, 10, 16),
    "pool4": (5, 5, 16),
    "conv5": (1, 1, 120),
    "fc6": (84,),
    "predictions": (10,),
}
# Keras 3.15 asks NumPy for what only an old one has, before it exports.
pytestmark = pytest.mark.filterwarnings(
    "ignore:In the future `np.object`:FutureWarning"
)

# A 7 in the upper left corner, in shares of the paper.
SEVEN = [(0.1, 0.1), (0.25, 0.1), (0.4, 0.1), (0.35, 0.3), (0.3, 0.5)]
# Draws it, takes the digit 4, clears the paper; tells what is seen after each.
VISITOR = """<!doctype html>
<iframe src="draw/" width="1200" height="1500"></iframe>
<iframe src="without/draw/" width="1200" height="1500"></iframe>
<script>
const [frame, without] = document.querySelectorAll("iframe");
const tell = (found) => fetch("/told", { method: "POST", body: JSON.stringify(found) });
const wait = async (done) => {
  while (!done()) await new Promise((next) => setTimeout(next, 20));
};
const part = (name) => frame.contentDocument.querySelector(`[data-part="${name}"]`);
const pixels = (canvas) => Array.from(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
);
function look(page) {
  const layers = {};
  for (const layer of page.querySelectorAll("[data-layer]")) {
    layers[layer.dataset.layer] = {
      shape: layer.querySelector(".draw-shape").textContent,
      maps: Array.from(layer.querySelectorAll("canvas"), pixels),
      bars: Array.from(
        layer.querySelectorAll(".draw-bars span"), (bar) => bar.style.height
      ),
      texts: Array.from(layer.querySelectorAll("output"), (x) => x.textContent),
      winner: layer.querySelector(".draw-winner b")?.textContent,
    };
  }
  const answer = part("answer").textContent;
  return { layers, answer, state: page.dataset.state, seen: pixels(part("seen")) };
}
addEventListener("load", async () => {
  try {
    const page = frame.contentDocument.getElementById("draw");
    const idle = () => wait(
      () => page.dataset.state !== "loading" && page.ariaBusy !== "true"
    );
    await idle();
    const found = {};
    const paper = part("paper");
    const box = paper.getBoundingClientRect();
    const point = (type, [x, y]) => paper.dispatchEvent(
      new frame.contentWindow.PointerEvent(type, {
        button: 0, clientX: box.left + x * box.width, clientY: box.top + y * box.height,
      })
    );
    const stroke = STROKE;
    point("pointerdown", stroke[0]);
    stroke.slice(1).forEach((place) => point("pointermove", place));
    point("pointerup", stroke.at(-1));
    // Without a button held, nothing is drawn.
    point("pointermove", [0.9, 0.9]);
    await idle();
    found.drawn = look(page);
    part("digits").children[4].click();
    await idle();
    found.taken = look(page);
    part("clear").click();
    await idle();
    found.cleared = look(page);
    const bare = without.contentDocument;
    await wait(() => bare.getElementById("draw").dataset.state === "broken");
    found.without = bare.querySelector('[data-part="message"]').textContent;
    await tell(found);
  } catch (error) {
    await tell({ error: String(error.stack) });
  }
});
</script>
"""


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(ROOT / "docs/draw.py"))


@pytest.fixture(scope="module")
def exported(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "lenet5.onnx"
    page["write_network"](path)
    return path


@pytest.fixture(scope="module")
def lenet5():
    """Every layer of the network as anyone would build it, from raw greys."""
    network = kerazoo.lenet5(weights="mnist")
    layers = keras.Model(
        network.inputs[0], {name: network.get_layer(name).output for name in SHAPES}
    )
    preprocessing = find_weights("lenet5", "mnist").preprocessing

    def run(images):
        outputs = layers((images - preprocessing.mean[0]) / preprocessing.std[0])
        return {name: np.asarray(output) for name, output in outputs.items()}

    return run


def test_the_exported_layers_are_those_of_keras(page, exported, lenet5):
    noise = np.random.default_rng(0).uniform(0, 255, (3, 28, 28, 1)).astype("float32")
    computed, expected = page["outputs"](exported, noise), lenet5(noise)
    for name, shape in SHAPES.items():
        assert computed[name].shape == (3, *shape)
        np.testing.assert_allclose(computed[name], expected[name], atol=2e-5)


def test_a_network_that_differs_is_not_written(page, tmp_path, monkeypatch):
    function = page["write_network"]
    outputs = page["outputs"]

    def wrong(path, images):
        return {**outputs(path, images), "conv3": np.zeros((10, 10, 10, 16))}

    monkeypatch.setitem(function.__globals__, "outputs", wrong)
    with pytest.raises(ValueError, match="conv3 of the exported LeNet-5 is off by"):
        function(tmp_path / "lenet5.onnx")
    assert not list(tmp_path.iterdir())


def test_without_npm_and_with_another_archive_nothing_is_kept(
    page, tmp_path, monkeypatch
):
    folder = tmp_path / "onnxruntime"
    (tmp_path / "other.tgz").write_bytes(b"something else")
    with pytest.raises(OSError, match="has another SHA-512"):
        page["unpack"](tmp_path / "other.tgz", folder)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OSError, match="npm is not installed"):
        page["vendor"](folder)
    assert not folder.exists()
    # What is there is not fetched again.
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"version": page["VERSION"]}))
    page["vendor"](folder)


@pytest.fixture(scope="module")
def site(page, exported, tmp_path_factory):
    """The built pages; without the interface, which takes longest."""
    if BROWSER is None:
        pytest.skip("there is no Chromium")
    if not (ROOT / "docs/draw/onnxruntime/package.json").exists():
        pytest.skip("docs/draw/ has no onnxruntime; `make docs` fetches it")
    place = tmp_path_factory.mktemp("site")
    config = {
        "INHERIT": str(ROOT / "mkdocs.yml"),
        "docs_dir": str(ROOT / "docs"),
        "site_dir": str(place / "site"),
        "plugins": [],
    }
    # JSON is YAML.
    (place / "mkdocs.yml").write_text(json.dumps(config))
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f"]
    subprocess.run([*command, str(place / "mkdocs.yml")], cwd=ROOT, check=True)
    shutil.copy(exported, place / "site/draw/lenet5.onnx")
    page["write_digits"](place / "site/draw/digits.png")
    visitor = VISITOR.replace("STROKE", json.dumps(SEVEN))
    (place / "site/visitor.html").write_text(visitor)
    return place / "site"


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves the pages, under without/ as if onnxruntime had not been fetched."""

    def do_GET(self):
        bare = self.path.removeprefix("/without")
        if bare != self.path and "/onnxruntime/" in bare:
            self.send_error(404)
            return
        self.path = bare
        super().do_GET()

    def do_POST(self):
        told = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.put(json.loads(told))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def told(site, tmp_path_factory):
    """What a browser found on the page."""
    profile = tmp_path_factory.mktemp("profile")
    handler = functools.partial(Server, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.told = queue.Queue()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        browser = subprocess.Popen(
            [
                BROWSER,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                f"--user-data-dir={profile}",
                f"http://127.0.0.1:{server.server_port}/visitor.html",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found = server.told.get(timeout=120)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
            thread.join()
    assert "error" not in found, found["error"]
    return found


def grey(rgba):
    return np.array(rgba, "float32").reshape(-1, 4)[:, :3].mean(-1)


@pytest.mark.slow
@pytest.mark.parametrize(("when", "digit"), [("drawn", 7), ("taken", 4)])
def test_a_browser_shows_what_keras_says(told, lenet5, when, digit):
    found = told[when]
    image = grey(found["seen"]).reshape(1, 28, 28, 1)
    expected = {name: output[0] for name, output in lenet5(image).items()}
    layers = found["layers"]
    assert list(layers) == list(SHAPES)
    for name, shape in SHAPES.items():
        assert layers[name]["shape"] == "×".join(map(str, shape))
    for name in ("conv1", "pool2", "conv3", "pool4", "conv5"):
        maps = np.array([grey(one) for one in layers[name]["maps"]])
        # Brighter where the value is larger, pixel for pixel and map for map.
        values = np.moveaxis(expected[name], -1, 0).reshape(maps.shape)
        assert np.corrcoef(maps.ravel(), values.ravel())[0, 1] > 0.97, name
        assert maps.max() > 200 and maps.min() < 30
    heights = [float(height.removesuffix("%")) for height in layers["fc6"]["bars"]]
    fc6 = expected["fc6"]
    np.testing.assert_allclose(heights, 100 * fc6 / fc6.max(), atol=0.1)
    shown = [
        float(text.removesuffix(" %")) / 100 for text in layers["predictions"]["texts"]
    ]
    np.testing.assert_allclose(shown, expected["predictions"], atol=1e-3)
    assert found["answer"] == layers["predictions"]["winner"] == str(digit)
    assert expected["predictions"].argmax() == digit


@pytest.mark.slow
def test_a_drawing_becomes_an_image_of_mnist(told):
    """In a box of 20x20, with its centre of mass where MNIST has it."""
    image = grey(told["drawn"]["seen"]).reshape(28, 28)
    rows, columns = (np.flatnonzero((image > 0).any(axis)) for axis in (1, 0))
    longest = max(np.ptp(rows), np.ptp(columns)) + 1
    # The edges of the box lie between pixels.
    assert longest in (20, 21)
    for axis in (0, 1):
        mass = image.sum(1 - axis)
        assert abs((mass * np.arange(28)).sum() / mass.sum() - 14) < 0.05


@pytest.mark.slow
def test_an_empty_paper_has_no_answer_and_a_missing_file_is_named(told):
    cleared = told["cleared"]
    assert (cleared["state"], cleared["answer"]) == ("empty", "?")
    assert grey(cleared["seen"]).max() == 0
    assert set(cleared["layers"]["predictions"]["texts"]) == {""}
    assert "onnxruntime-web is not beside this page" in told["without"]

"""Regions that something else than a network proposes."""

import numpy as np
import pytest

import kerazoo
from kerazoo import data
from kerazoo.analysis.average_precision import proposal_recall
from kerazoo.data.batches import stored
from kerazoo.detections import Objects
from kerazoo.proposals import Kept, find_proposals, recall_of, write_proposals


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def scenes():
    return data.load("digit_scenes/boxes?scenes=12")


@pytest.fixture(scope="module")
def images(scenes):
    return data.Batches(scenes.train, 6, image_shape=(112, 112, 3)).take(6)


class Counted:
    """Quarters of an image, and how often it was asked for them."""

    name = "counted"

    def __init__(self):
        self.asked = 0

    def __call__(self, image):
        self.asked += 1
        height, width = image.shape[:2]
        y, x = height / 2, width / 2
        return np.array([[0, 0, x, y], [x, y, width, height]], "float32")


def selective_search(name="selective_search"):
    pytest.importorskip("cv2")
    return find_proposals(name)


def test_selective_search_finds_digits_and_says_the_same_twice(images):
    pixels, objects = images
    find = selective_search()
    first = [find.proposals(one) for one in pixels]
    again = [selective_search().proposals(one) for one in pixels]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {one.dtype for one in first} == {np.dtype("float32")}
    truth = [objects.on(n) for n in range(len(pixels))]
    assert proposal_recall(first, truth, 0.5) == 1
    sides = np.concatenate(first)
    assert (sides[:, 2:] - sides[:, :2] >= 112 / 25).all()
    more = selective_search("selective_search:quality").proposals(pixels[0])
    assert len(more) > len(first[0])
    grey = find.proposals(pixels[0][..., :1])
    assert (grey >= 0).all()
    assert (grey <= 112).all()


def test_large_images_are_shrunk_and_boxes_are_not(images):
    pixels, _ = images
    large = pixels[0].repeat(6, 0).repeat(8, 1)
    found = selective_search().proposals(large)
    assert len(found)
    assert (found <= [8 * 112, 6 * 112, 8 * 112, 6 * 112]).all()
    assert (found[:, 2] - found[:, 0] >= 8 * 112 / 25).all()


def test_what_is_found_is_kept(images, cache):
    pixels, _ = images
    counted = Counted()
    kept = Kept(counted)
    first = kept(pixels[0])
    np.testing.assert_array_equal(kept(pixels[0]), first)
    assert counted.asked == 1
    np.testing.assert_array_equal(Kept(counted)(pixels[0].copy()), first)
    assert counted.asked == 1
    kept(pixels[1])
    assert counted.asked == 2
    # A damaged file is made anew.
    for file in cache.rglob("*.npy"):
        file.write_bytes(b"nothing")
    np.testing.assert_array_equal(kept(pixels[0]), first)
    assert counted.asked == 3


def test_a_cache_that_cannot_be_written_costs_time_alone(images, cache):
    cache.write_text("a file where a folder should be")
    assert len(Kept(Counted())(images[0][0])) == 2


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (300, 200)])
def test_windows_lie_on_the_image(size):
    find = find_proposals("windows")
    image = np.zeros((*size, 3), "uint8")
    found = find(image)
    np.testing.assert_array_equal(find(image), found)
    assert len(found) > 100 or min(size) < 10
    height, width = size
    assert (found >= 0).all()
    assert (found <= np.array([width, height, width, height]) + 1e-3).all()
    assert (found[:, 2:] > found[:, :2]).all()


def test_a_file_of_ones_own(images, tmp_path):
    pixels, _ = images
    rows = [[[1, 2, 30, 40], [5, 5, 9, 9]], np.zeros((0, 4))]
    write_proposals(tmp_path / "own.npz", zip(pixels[:2], rows, strict=True))
    find = find_proposals(f"file:{tmp_path / 'own.npz'}")
    np.testing.assert_array_equal(find(pixels[0]), rows[0])
    assert find(pixels[1]).shape == (0, 4)
    with pytest.raises(ValueError, match="has no proposals for an image of 112x112"):
        find(pixels[2])


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "give those of one image at least"),
        ([(np.zeros((8, 8, 3)), [[0, 0, 1, 1]])], "give uint8 images"),
        ([(np.zeros((8, 8, 3), "uint8"), [0, 0, 1, 1])], r"give numbers \(n, 4\)"),
        ([(np.zeros((8, 8, 3), "uint8"), [[4, 0, 1, 1]])], "has no area"),
        ([(np.zeros((8, 8, 3), "uint8"), [[0, 0, 1, np.nan]])], "give numbers"),
    ],
)
def test_what_are_no_proposals_is_refused(tmp_path, pairs, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_proposals(tmp_path / "own.npz", pairs)
    assert not (tmp_path / "own.npz").exists()


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("selectivesearch", "did you mean selective_search"),
        ("selective_search:best", "method of proposals"),
        ("run:", "names no place"),
        ("run:nowhere", "nowhere"),
        ("file:nowhere.npz", "nowhere.npz, which is no file"),
    ],
)
def test_methods_that_are_not_there_are_refused(method, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_proposals(method)


def test_without_opencv_a_sentence_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match=r"pip install -e \"\.\[detection\]\""):
        find_proposals("selective_search")


@pytest.mark.parametrize(
    "augment", [("flip",), ("translate:0.2",), ("rotate:20",), ("area_crop:0.4:1.0",)]
)
@pytest.mark.parametrize("resize", ["bilinear", "pad", "crop", "center"])
def test_proposals_move_as_boxes_do(scenes, augment, resize):
    """Proposals that are the true boxes stay the true boxes."""
    known = {image.tobytes(): one.boxes for image, one in stored(scenes.train)}

    class Truth:
        name = "truth"

        def __call__(self, image):
            return known[image.tobytes()]

    batches = data.Batches(
        scenes.train, 12, image_shape=(80, 96, 3), resize=resize, augment=augment,
        shuffle=True, proposals=Truth(), proposed=5,
    )  # fmt: skip
    _, objects = batches.take(12)
    assert objects.proposals.shape == (12, 5, 4)
    seen = 0
    for n in range(12):
        one = objects.on(n)
        for box in one.boxes:
            apart = np.abs(one.proposals - box).sum(1)
            assert apart.min() < 1e-3
            seen += 1
        # A proposal of which little is left stays one; of an object that is none.
        assert len(one.proposals) >= len(one.boxes)
    assert seen > 10


def test_an_augmentation_of_its_own_moves_is_refused(scenes):
    with pytest.raises(ValueError, match="proposals of a network of regions"):
        data.Batches(
            scenes.train, 4, image_shape=(112, 112, 3), augment=("rand_augment:2:9",),
            proposals=Counted(),
        )  # fmt: skip


def test_recall_counts_by_hand(scenes):
    class First:
        """The first box alone."""

        name = "first"

        def __call__(self, image):
            return firsts[image.tobytes()]

    firsts, total = {}, 0
    for image, objects in stored(scenes.test):
        firsts[image.tobytes()] = objects.boxes[:1]
        total += len(objects.boxes)
    found = recall_of(scenes.test, First())
    assert found.images == 500
    assert found.objects == total
    assert found.half == found.most == pytest.approx(500 / total)
    assert found.regions == 1
    with pytest.raises(ValueError, match="has no boxes"):
        recall_of(data.load("digit_scenes/masks").test, First())


def test_the_command_measures_and_writes(command, tmp_path):
    file = tmp_path / "windows.npz"
    status, text, errors = command(
        "proposals", "digit_scenes/boxes?scenes=3", "--method", "windows",
        "--count", "50", "--save", file,
    )  # fmt: skip
    assert status == 0, errors
    assert "recall at" in text
    find = find_proposals(f"file:{file}")
    pixels, _ = data.Batches(
        data.load("digit_scenes/boxes?scenes=3").train, 3, image_shape=(112, 112, 3)
    ).take(3)
    assert find(pixels[0]).shape == (50, 4)
    status, _, errors = command("proposals", "digits", "--method", "windows")
    assert status == 2
    assert "has no boxes" in errors


def test_objects_without_proposals():
    objects = Objects(
        np.zeros((1, 1, 4)), np.zeros((1, 1), int), np.zeros((1, 1), bool)
    )
    assert objects.on(0).proposals == ()


def test_proposals_of_a_network_that_needs_none_are_refused(tmp_path):
    recipe = kerazoo.recipes.for_network("yolo_mini").override("proposals=windows")
    with pytest.raises(ValueError, match="is given none; leave it out"):
        kerazoo.fit("yolo_mini", recipe=recipe, run=tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()

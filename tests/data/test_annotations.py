"""Boxes as people keep them: every form, and what goes wrong with each."""

import json
import pathlib
import warnings

import numpy as np
import pytest
from PIL import Image

from kerazoo import data
from kerazoo.data import annotations

KEY = "annotations"
OBJECT = """<object><name>{name}</name>{more}<bndbox><xmin>{0}</xmin><ymin>{1}</ymin>
<xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def picture(path, width=40, height=30, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), "gray").save(path, **options)


def xml(path, *rows, more=""):
    """An XML file of rows (name, xmin, ymin, xmax, ymax)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inside = "".join(OBJECT.format(*box, name=name, more=more) for name, *box in rows)
    path.write_text(f"<annotation><filename>wrong.png</filename>{inside}</annotation>")


def voc(root, count=6):
    for n in range(count):
        picture(root / "JPEGImages" / f"{n}.jpg")
        xml(
            root / "Annotations" / f"{n}.xml",
            ("cat", 1, 1, 10, 20),
            ("dog", 11, 5, 40, 30),
        )
    return f"voc:{root}"


def yolo(root, count=6, line="0 0.5 0.5 0.5 0.2"):
    for n in range(count):
        picture(root / "images" / f"{n}.png")
        (root / "labels").mkdir(exist_ok=True)
        (root / "labels" / f"{n}.txt").write_text(f"{line}\n1 0.25 0.25 0.5 0.5\n")
    (root / "classes.txt").write_text("cat\ndog\n")
    return f"yolo:{root}"


def coco(root, count=6):
    root.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        picture(root / "pictures" / f"{n}.jpg")
    content = {
        "images": [{"id": 10 * n, "file_name": f"{n}.jpg"} for n in range(count)],
        # Ids with gaps, not in order.
        "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "cat"}],
        "annotations": [
            {"image_id": 10 * n, "category_id": kind, "bbox": box, "iscrowd": crowd}
            for n in range(count)
            for kind, box, crowd in ((18, [5, 6, 10, 12], 0), (3, [0, 0, 40, 30], 1))
        ],
    }
    (root / "all.json").write_text(json.dumps(content))
    return f"coco:{root / 'all.json'}"


def edit(name, change):
    """Changes what a file of COCO's annotations holds."""
    file = pathlib.Path(name.removeprefix("coco:"))
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def first(name, size=(30, 40)):
    """The objects of the first image of a set, at its own size."""
    images = data.load(name, validation=0)
    batches = data.Batches(images.train, 1, image_shape=(*size, 3))
    _, objects = batches.take(1)
    return images, objects.on(0)


def test_voc_counts_pixels_from_one(tmp_path):
    images, objects = first(voc(tmp_path))
    assert images.classes == ("cat", "dog")
    assert images.task == "detection"
    np.testing.assert_array_equal(objects.boxes, [[0, 0, 10, 20], [10, 4, 40, 30]])
    np.testing.assert_array_equal(objects.classes, [0, 1])
    assert not objects.ignored.any()


def test_yolo_gives_shares_of_the_sides(tmp_path):
    images, objects = first(yolo(tmp_path))
    assert images.classes == ("cat", "dog")
    np.testing.assert_allclose(
        objects.boxes, [[10, 12, 30, 18], [0, 0, 20, 15]], atol=1e-4
    )


def test_coco_gives_corner_and_sides(tmp_path):
    images, objects = first(coco(tmp_path))
    assert images.classes == ("cat", "dog")
    np.testing.assert_array_equal(objects.boxes, [[5, 6, 15, 18], [0, 0, 40, 30]])
    np.testing.assert_array_equal(objects.classes, [1, 0])
    np.testing.assert_array_equal(objects.ignored, [False, True])


def test_parts_of_voc(tmp_path):
    name = voc(tmp_path, 5)
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1  1\n2\n")
    (lists / "val.txt").write_text("3\n")
    (lists / "test.txt").write_text("4\n")
    images = data.load(name)
    assert [one.size for one in images.parts.values()] == [3, 1, 1]
    assert images.test.keys == ["JPEGImages/4.jpg"]
    (lists / "test.txt").write_text("4\n9\n")
    assert "has an entry of a list that leads nowhere" in data.check(name).problem


def test_parts_that_are_folders(tmp_path):
    for part in ("train", "valid", "test"):
        picture(tmp_path / part / "a.JPG")
        xml(tmp_path / part / "a.xml", ("cat", 1, 1, 5, 5))
    images = data.load(f"voc:{tmp_path}")
    assert [one.keys for one in images.parts.values()] == [
        ["train/a.JPG"], ["valid/a.JPG"], ["test/a.JPG"],
    ]  # fmt: skip
    xml(tmp_path / "b.xml", ("cat", 1, 1, 5, 5))
    with pytest.raises(ValueError, match=r"others beside them.*b\.xml"):
        data.load(f"voc:{tmp_path}")


@pytest.mark.parametrize("path", ["", "/data.yaml"])
def test_parts_of_data_yaml(tmp_path, path):
    for part in ("train", "val"):
        picture(tmp_path / part / "images" / "a.png")
        (tmp_path / part / "labels").mkdir()
        (tmp_path / part / "labels" / "a.txt").write_text("1 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text(
        "path: /nowhere/at/all\ntrain: ../train/images\nval: val/images\n"
        "nc: 2\nnames: {0: cat, 1: dog}\n"
    )
    with pytest.warns(UserWarning, match="its validation folder is the test part"):
        images = data.load(f"yolo:{tmp_path}{path}", validation=0)
    assert images.classes == ("cat", "dog")
    assert {n: one.size for n, one in images.parts.items()} == {"train": 1, "test": 1}
    (tmp_path / "data.yaml").write_text("train: missing\nnames: [cat]\n")
    with pytest.raises(ValueError, match="names missing, where there are no images"):
        data.load(f"yolo:{tmp_path}{path}")


def test_parts_of_coco(tmp_path):
    for part in ("train", "val"):
        picture(tmp_path / f"{part}2017" / "7.jpg")
        content = {
            "images": [{"id": 1, "file_name": "7.jpg"}],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
        }
        (tmp_path / "annotations").mkdir(exist_ok=True)
        file = tmp_path / "annotations" / f"instances_{part}2017.json"
        file.write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="its validation folder is the test part"):
        images = data.load(f"coco:{tmp_path}", validation=0)
    assert images.train.keys == ["train2017/7.jpg"]
    assert images.test.keys == ["val2017/7.jpg"]


def test_an_outline_is_a_box_around_it(tmp_path):
    name = yolo(tmp_path, line="0 0.1 0.2 0.5 0.1 0.4 0.6")
    _, objects = first(name)
    np.testing.assert_allclose(objects.boxes[0], [4, 3, 20, 18], atol=1e-4)


def test_images_without_objects_are_images(tmp_path):
    name = yolo(tmp_path)
    (tmp_path / "labels" / "0.txt").unlink()
    (tmp_path / "labels" / "1.txt").write_text("\n")
    report = data.check(name)
    assert report.problem is None
    assert report.kinds["no box"] == 2
    images = data.load(name, validation=0)
    _, objects = data.Batches(images.train, 4, image_shape=(30, 40, 3)).take(9)
    assert objects.boxes.shape[1:] == (2, 4)


def test_difficult_objects_are_ignored(tmp_path):
    picture(tmp_path / "a.png")
    xml(tmp_path / "a.xml", ("cat", 1, 1, 9, 9), more="<difficult>1</difficult>")
    picture(tmp_path / "b.png")
    xml(tmp_path / "b.xml", ("cat", 1, 1, 9, 9))
    found = annotations.scan("voc", str(tmp_path))
    assert [one.ignored for one in found.every] == [(True,), (False,)]


@pytest.mark.parametrize(
    ("box", "kind", "left"),
    [
        ((5, 5, 5, 9), "empty box", None),
        ((9, 9, 5, 5), "empty box", None),
        ((50, 5, 60, 9), "outside", None),
        ((-9, 5, 10, 9), "cut off", (0, 4, 10, 9)),
        ((1, 1, 42, 9), "cut off", (0, 0, 40, 9)),
    ],
)
def test_boxes_that_are_wrong_are_treated_and_told(tmp_path, box, kind, left):
    name = voc(tmp_path)
    xml(tmp_path / "Annotations" / "0.xml", ("cat", *box), ("dog", 1, 1, 9, 9))
    report = data.check(name)
    assert report.problem is None
    assert report.kinds[kind] == 1
    assert kind in str(report)
    _, objects = (
        images := data.load(name, validation=0),
        annotations.scan("voc", str(tmp_path)).every[0],
    )
    assert images.task == "detection"
    assert objects.boxes == ((left,) if left else ()) + ((0, 0, 9, 9),)


def test_a_box_of_less_than_a_pixel_is_told_from_one_outside(tmp_path):
    name = yolo(tmp_path, line="0 0.5 0.5 0.02 0.2")
    assert dict(data.check(name).kinds) == {"empty box": 6}
    # 0.1 of 30 pixels is a little less than 3.
    name = yolo(tmp_path, line=f"0 0.7 0.7 {1 / 40} {1 / 30}")
    assert not data.check(name).kinds


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("place", range(4))
def test_numbers_that_are_none_are_refused(tmp_path, number, place):
    box = [1, 1, 9, 9]
    box[place] = number
    name = voc(tmp_path / "voc")
    xml(tmp_path / "voc" / "Annotations" / "0.xml", ("cat", *box))
    assert "an object 'cat' has the box (" in data.check(name).problem
    name = coco(tmp_path / "coco")
    edit(name, lambda read: read["annotations"][3].update(bbox=[*map(float, box)]))
    with pytest.raises(ValueError, match=r"annotations\[3\].* 'cat' has the box \("):
        data.check(name)
    name = yolo(tmp_path / "yolo", line=f"0 {' '.join(map(str, box))}")
    assert "has a number that is none" in data.check(name).problem


def test_an_image_or_a_file_that_is_alone_is_told(tmp_path):
    name = voc(tmp_path / "voc")
    picture(tmp_path / "voc" / "JPEGImages" / "0.png")
    picture(tmp_path / "voc" / "JPEGImages" / "none.jpg")
    report = data.check(name)
    assert report.problem is None
    assert [one.path.rpartition("/")[2] for one in report.findings] == [
        "0.png",
        "none.jpg",
    ]
    assert report.kinds["alone"] == 2
    assert report.images == {"all": 6}
    name = yolo(tmp_path / "yolo")
    # What LabelImg writes beside the labels is none of them.
    (tmp_path / "yolo" / "labels" / "classes.txt").write_text("cat\n")
    (tmp_path / "yolo" / "labels" / "none.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    report = data.check(name)
    assert report.problem is None
    assert [one.path.rpartition("/")[2] for one in report.findings] == ["none.txt"]


def test_labels_of_images_that_a_list_leaves_out_are_not_alone(tmp_path):
    yolo(tmp_path)
    (tmp_path / "train.txt").write_text("images/0.png\nimages/1.png\n")
    (tmp_path / "data.yaml").write_text("train: train.txt\nnames: [cat, dog]\n")
    assert not data.check(f"yolo:{tmp_path / 'data.yaml'}").findings


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<?xml version='1.0' encoding='klingon'?><annotation/>", "unknown encoding"),
        ("<html><body/></html>", "begins with <html>, not with <annotation>"),
    ],
)
def test_an_xml_file_that_is_no_annotation(tmp_path, text, sentence):
    name = voc(tmp_path)
    (tmp_path / "Annotations" / "0.xml").write_text(text)
    report = data.check(name)
    assert report.kinds["unreadable annotation"] == 1
    assert sentence in report.problem


@pytest.mark.parametrize(
    "change",
    [
        lambda read: read.update(categories=[]),
        lambda read: read["categories"].append({"id": 3, "name": "bird"}),
        lambda read: read["images"].append({"id": 0, "file_name": "3.jpg"}),
    ],
)
def test_coco_without_categories_or_with_an_id_twice(tmp_path, change):
    name = coco(tmp_path)
    edit(name, change)
    with pytest.raises(ValueError, match="no categories, or an id that is there twice"):
        data.check(name)


def test_categories_of_one_name_are_one_class(tmp_path):
    name = coco(tmp_path)
    edit(name, lambda read: read["categories"].append({"id": 50, "name": "cat"}))
    edit(name, lambda read: read["annotations"][0].update(category_id=50))
    assert data.load(name, validation=0).classes == ("cat", "dog")
    assert data.check(name).counts["all"] == {"cat": 7, "dog": 5}


def test_file_names_of_coco_from_windows(tmp_path):
    name = coco(tmp_path)
    edit(name, lambda read: read["images"][0].update(file_name="pictures\\0.jpg"))
    assert data.check(name).problem is None


def test_a_set_in_which_all_is_ignored(tmp_path):
    name = coco(tmp_path)
    edit(name, lambda read: [one.update(iscrowd=1) for one in read["annotations"]])
    assert data.check(name).problem == "all boxes are difficult ones or crowds"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("[cat, cat]", "names 'cat' twice"),
        ("cat", "has the names 'cat'; they must be a list"),
        ("2", "has the names 2; they must be a list"),
        ("{0: cat, 3: dog}", "or have the numbers from 0 on"),
        ("{0: cat, a: dog}", "or have the numbers from 0 on"),
        ("[cat, dog]\nnc: 3", "has nc: 3 beside 2 names; correct one of them"),
    ],
)
def test_names_of_data_yaml(tmp_path, names, sentence):
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: images\nnames: {names}\n")
    with pytest.raises(ValueError, match=sentence):
        data.check(f"yolo:{tmp_path / 'data.yaml'}")


def test_a_box_that_is_there_twice_counts_once(tmp_path):
    name = voc(tmp_path)
    xml(tmp_path / "Annotations" / "0.xml", *2 * [("cat", 1, 1, 9, 9)])
    assert data.check(name).kinds["same box"] == 1
    assert data.check(name).counts["all"]["cat"] == 6


def test_boxes_are_of_the_stored_pixels(tmp_path):
    """LabelImg, and most that draw boxes, take no notice of EXIF data."""
    name = voc(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "JPEGImages" / "0.jpg", exif=exif)
    report = data.check(name)
    assert report.problem is None
    assert report.kinds["not turned"] == 1
    images = data.load(name, validation=0)
    assert images.shape == (30, 40, 3)
    for split in images.parts.values():
        for pixels, _ in data.Batches(split, 1, image_shape=(30, 40, 3)).dataset:
            assert pixels.shape == (1, 30, 40, 3)


def test_boxes_of_the_turned_picture_are_refused(tmp_path):
    """Within 30 x 40 pixels, and beyond the 40 x 30 that are stored."""
    name = voc(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "JPEGImages" / "0.jpg", exif=exif)
    xml(tmp_path / "Annotations" / "0.xml", ("cat", 3, 3, 28, 39))
    report = data.check(name)
    assert report.kinds["looks turned"] == 1
    assert "within it as its EXIF data turn it" in report.problem
    # Beyond both it is a box that sticks out.
    xml(tmp_path / "Annotations" / "0.xml", ("cat", 3, 3, 38, 50))
    assert dict(data.check(name).kinds) == {"cut off": 1, "not turned": 1}


@pytest.mark.parametrize("make", [voc, yolo])
@pytest.mark.parametrize(("side", "narrow"), [(16, 0), (4, 0), (3, 1)])
def test_boxes_that_resizing_makes_too_narrow(tmp_path, make, side, narrow):
    """The first box of every image has 10 of 40 columns, or 6 of 30 rows."""
    name = make(tmp_path)
    if make is yolo:
        narrow = int(side < 5)
    assert data.check(name, size=side).kinds["too narrow"] == 6 * narrow
    images = data.load(name, validation=0)
    batches = data.Batches(images.train, 2, image_shape=(side, side, 3))
    _, objects = batches.take(9)
    learnt = (objects.classes >= 0).sum(1)
    np.testing.assert_array_equal(learnt, 2 - narrow)
    assert batches.too_narrow(9) == narrow * len(learnt)
    assert batches.too_narrow(1) == narrow


def test_an_image_in_two_parts_is_told(tmp_path):
    name = voc(tmp_path)  # All of whose images have the same bytes.
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1\n2\n")
    (lists / "test.txt").write_text("3\n")
    report = data.check(name)
    assert report.problem is None
    assert report.kinds["in two parts"] == 4
    picture(tmp_path / "JPEGImages" / "3.jpg", width=50)
    assert not data.check(name).kinds
    for n in range(3):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg", height=31 + n)
    (lists / "test.txt").write_text("2\n3\n")  # The same file in both.
    assert [one.path for one in data.check(name).findings] == [
        str(tmp_path / "JPEGImages" / "2.jpg")
    ]


WRONG = {
    "no image": lambda root: (root / "JPEGImages" / "0.jpg").unlink(),
    "unreadable annotation": lambda root: (root / "Annotations" / "0.xml").write_text(
        "<a>"
    ),
    "broken image": lambda root: (root / "JPEGImages" / "0.jpg").write_bytes(b"no"),
    "unknown class": lambda root: (root / "classes.txt").write_text("cat\nbird\n"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_in_one_sentence(tmp_path, kind):
    name = voc(tmp_path)
    WRONG[kind](tmp_path)
    report = data.check(name)
    assert kind in report.kinds
    assert annotations.folder.PROBLEMS[kind] in report.problem
    with pytest.raises(ValueError, match="cannot be used"):
        data.load(name)


def test_another_form_than_is_declared(tmp_path):
    name = voc(tmp_path)
    for n in range(6):
        xml(tmp_path / "Annotations" / f"{n}.xml", ("cat", 0.2, 0.2, 0.5, 0.6))
    assert "boxes that all lie within 0 and 1" in data.check(name).problem
    for n in range(6):
        xml(tmp_path / "Annotations" / f"{n}.xml", ("cat", 5, 25, 28, 39))
    assert "with x and y exchanged" in data.check(name).problem
    name = yolo(tmp_path / "other", line="0 20 20 10 10")
    assert "boxes beyond 1, as pixels are" in data.check(name).problem


def test_corners_where_sides_should_be(tmp_path):
    name = coco(tmp_path / "coco")
    edit(name, lambda read: [x.update(bbox=[15, 12, 39, 29]) for x in read[KEY]])
    report = data.check(name)
    assert report.kinds["looks like corners"] == 6
    assert "if their numbers are the corners x1, y1, x2, y2" in report.problem
    # A box that sticks out is none of them where its sides are no corner.
    edit(name, lambda read: [x.update(bbox=[15, 12, 39, 5]) for x in read[KEY]])
    assert dict(data.check(name).kinds) == {"cut off": 6}
    name = yolo(tmp_path / "yolo", line="0 0.3 0.3 0.9 0.8")
    lines = "0 0.1 0.2 0.5 0.9\n0 0.6 0.5 0.9 0.9\n"
    for n in range(6):
        (tmp_path / "yolo" / "labels" / f"{n}.txt").write_text(lines)
    assert "looks like corners" in data.check(name).kinds


def test_sides_where_corners_or_the_middle_should_be(tmp_path):
    name = voc(tmp_path / "voc")
    for n in range(6):
        file = tmp_path / "voc" / "Annotations" / f"{n}.xml"
        xml(file, ("cat", 20, 12, 10, 8), ("dog", 2, 2, 9, 9))
    assert data.check(name).kinds["looks like sides"] == 6
    name = yolo(tmp_path / "yolo")
    for n in range(6):
        (tmp_path / "yolo" / "labels" / f"{n}.txt").write_text("0 0.1 0.2 0.5 0.1\n")
    assert data.check(name).kinds["looks like a corner"] == 6
    assert "YOLO's begin with the middle" in data.check(name).problem


def test_one_small_box_is_no_form(tmp_path):
    name = voc(tmp_path)
    xml(tmp_path / "Annotations" / "0.xml", ("cat", 1, 1, 2, 2))
    assert data.check(name).problem is None


def test_bad_places(tmp_path):
    for kind in annotations.KINDS:
        with pytest.raises(ValueError, match=r"there is no (file|folder)"):
            data.load(f"{kind}:{tmp_path / 'none'}")
    with pytest.raises(ValueError, match="holds no XML file; voc:PATH is for"):
        data.load(f"voc:{tmp_path}")
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ValueError, match="is no file of COCO's annotations"):
        data.load(f"coco:{tmp_path / 'a.json'}")
    picture(tmp_path / "a.png")
    with pytest.raises(ValueError, match="names no classes"):
        data.load(f"yolo:{tmp_path}")
    (tmp_path / "classes.txt").write_text("cat\ncat\n")
    with pytest.raises(ValueError, match="names 'cat' twice"):
        data.load(f"yolo:{tmp_path}")


@pytest.mark.parametrize("kind", [*annotations.KINDS, "folder", "masks"])
def test_nothing_behind_the_colon(kind):
    with pytest.raises(ValueError, match=f"{kind}: names no .*; say {kind}:PATH"):
        data.check(f"{kind}:")


@pytest.mark.parametrize(
    ("names", "wrong"), [("[cat, no]", "False"), ("[cat, null]", "None")]
)
def test_what_yaml_makes_of_a_name(tmp_path, names, wrong):
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(f"train: images\nnames: {names}\n")
    with pytest.raises(ValueError, match=f"{wrong} is no name of a class; put names"):
        data.check(f"yolo:{tmp_path}")
    (tmp_path / "data.yaml").write_text("train: images\nnames: [cat, 'no']\n")
    assert data.check(f"yolo:{tmp_path}").counts["train"] == {"cat": 6, "no": 6}


def test_a_training_part_that_is_named_and_empty(tmp_path):
    yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("train:\nnames: [cat, dog]\n")
    with pytest.raises(ValueError, match="names no train images"):
        data.check(f"yolo:{tmp_path}")


def test_coco_says_which_image_is_meant(tmp_path):
    name = coco(tmp_path)
    edit(name, lambda read: read[KEY][0].update(bbox=[50, 6, 10, 12]))
    file = tmp_path / "all.json"
    assert [one.path for one in data.check(name).findings] == [f"{file}, 0.jpg"]
    edit(name, lambda read: read["categories"][0].update(name=None))
    with pytest.raises(ValueError, match="None is no name of a class"):
        data.check(name)


def test_a_set_all_of_whose_boxes_are_left_out(tmp_path):
    name = voc(tmp_path)
    for n in range(6):
        xml(tmp_path / "Annotations" / f"{n}.xml", ("cat", 50, 5, 60, 9))
    assert data.check(name).problem == (
        "no image has a box; there is a box outside its image, which is left out"
    )


def test_an_image_of_a_pixel(tmp_path):
    name = voc(tmp_path)
    for n in range(6):
        picture(tmp_path / "JPEGImages" / f"{n}.jpg", 1, 1)
        xml(tmp_path / "Annotations" / f"{n}.xml", ("cat", 1, 1, 2, 2))
    assert data.check(name).problem is None
    assert data.check(name).counts["all"]["cat"] == 6


def test_an_unknown_class_of_yolo_and_a_line_that_is_none(tmp_path):
    name = yolo(tmp_path, line="7 0.5 0.5 0.1 0.1")
    assert "(class 7) has an object of a class that is not in the list" in (
        data.check(name).problem
    )
    name = yolo(tmp_path, line="0 0.5 0.5 0.1")
    assert "has 3 numbers behind the class; a box has 4" in data.check(name).problem


def test_the_same_scan_is_read_from_memory(tmp_path, monkeypatch):
    name = voc(tmp_path)
    data.check(name)
    monkeypatch.setattr(Image, "open", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert data.check(name).problem is None


def stored(place, name, mark):
    """A TFDS set of three images with two, one and no objects."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = tfds.features
    objects = {
        "bbox": features.BBoxFeature(),
        "label": features.ClassLabel(names=["cat", "dog"]),
        mark: np.bool_,
    }
    columns = {
        "image": features.Image(shape=(None, None, 3)),
        "objects": features.Sequence(objects),
    }
    # y1, x1, y2, x2 in shares of the sides.
    boxes = [[[0.1, 0.2, 0.5, 0.9], [0, 0, 1, 1]], [[0.2, 0.1, 0.3, 0.4]], []]

    def rows():
        for n, some in enumerate(boxes):
            yield {
                "image": np.full((20 + n, 40, 3), n, "uint8"),
                "objects": {
                    "bbox": np.array(some, "float32").reshape(-1, 4),
                    "label": np.arange(len(some), dtype="int64"),
                    mark: np.arange(len(some)) == 1,
                },
            }

    spec = {
        "image": tf.TensorSpec((None, None, 3), tf.uint8),
        "objects": {
            "bbox": tf.TensorSpec((None, 4), tf.float32),
            "label": tf.TensorSpec((None,), tf.int64),
            mark: tf.TensorSpec((None,), tf.bool),
        },
    }
    dataset = tf.data.Dataset.from_generator(rows, output_signature=spec)
    tfds.dataset_builders.store_as_tfds_dataset(
        name,
        version="1.0.0",
        features=features.FeaturesDict(columns),
        split_datasets={"train": dataset, "test": dataset},
        data_dir=place,
        disable_shuffling=True,
    )


@pytest.mark.parametrize("mark", ["is_crowd", "is_difficult"])
def test_a_tfds_set_with_boxes(tmp_path, mark):
    stored(tmp_path, "pets", mark)
    found = data.load("pets", data_dir=tmp_path, validation=0)
    assert (found.task, found.classes) == ("detection", ("cat", "dog"))
    batches = data.Batches(found.test, 3, image_shape=(20, 40, 3))
    _, objects = batches.take(3)
    assert objects.boxes.shape == (3, 2, 4)
    np.testing.assert_allclose(
        objects.on(0).boxes, [[8, 2, 36, 10], [0, 0, 40, 20]], atol=1e-4
    )
    np.testing.assert_array_equal(objects.classes, [[0, 1], [0, -1], [-1, -1]])
    np.testing.assert_array_equal(objects.on(0).ignored, [False, True])


def test_voc_of_tfds_counts_pixels_from_one(tmp_path):
    import tensorflow_datasets as tfds

    from kerazoo.data.splits import BoxRecords

    stored(tmp_path, "voc", "is_difficult")
    builder = tfds.builder_from_directory(tmp_path / "voc" / "1.0.0")
    source = BoxRecords(builder, "train", ("image", "objects", "is_difficult"))
    _, record = next(iter(source.stream(np.arange(3), np.arange(1), 0)))
    _, objects = source.fetch(record)
    np.testing.assert_array_equal(objects.boxes, [[7, 1, 36, 10], [-1, -1, 40, 20]])

"""Drawings of networks: what they show is what the papers' tables say."""

import pytest

import kerazoo
from kerazoo.analysis import charts, drawing
from kerazoo.analysis.diagram import diagram, lines, module
from kerazoo.analysis.plots import pixels
from kerazoo.symbolic import symbolic


def shown(network, **options):
    model = symbolic(lambda: kerazoo.create(network, **options))
    return [
        (stage.grid, [(*lines(block), block.times) for block in stage.blocks])
        for stage in diagram(model).stages
    ]


def test_resnet50_is_table_1():
    """He et al. 2015, Table 1."""

    def stage(filters, count, stride):
        def line(kernel, width, by=""):
            return f"{kernel} conv, {width:,}{by}"

        wide = 4 * filters
        first = [line("1x1", filters, stride), line("3x3", filters), line("1x1", wide)]
        others = [line("1x1", filters), line("3x3", filters), line("1x1", wide)]
        shortcut = f"+ {line('1x1', wide, stride)}"
        return [(*first, shortcut, 1), (*others, count - 1)]

    assert shown("resnet50") == [
        ((112, 112), [("7x7 conv, 64, /2", 1)]),
        ((56, 56), [("3x3 max pool, /2", 1), *stage(64, 3, "")]),
        ((28, 28), stage(128, 4, ", /2")),
        ((14, 14), stage(256, 6, ", /2")),
        ((7, 7), stage(512, 3, ", /2")),
        ((), [("global average", 1), ("dense, 1,000", 1)]),
    ]


def test_vgg16_is_table_1():
    found = shown("vgg16")
    assert found[4] == (
        (14, 14),
        [("2x2 max pool, /2", 1), ("3x3 conv, 512", 3)],
    )
    assert found[-1] == ((), [("dense, 4,096", 2), ("dense, 1,000", 1)])


def test_an_inception_module_by_branches():
    """Szegedy et al. 2014, Table 1, row 3a; one line for a fork in Inception v3."""
    model = symbolic(lambda: kerazoo.create("googlenet"))
    block = module(model, "inception_3a")
    assert block.title == "inception module"
    assert sorted(lines(block)) == [
        "1x1 conv, 16 > 5x5 conv, 32",
        "1x1 conv, 64",
        "1x1 conv, 96 > 3x3 conv, 128",
        "3x3 max pool > 1x1 conv, 32",
    ]
    model = symbolic(lambda: kerazoo.create("inception_v3"))
    forks = [one for one in lines(module(model, "inception_c1")) if one[0] == "&"]
    assert forks == ["& 3x1 conv, 384", "& 3x1 conv, 384"]


def test_what_belongs_to_a_step_stands_beside_it():
    model = symbolic(lambda: kerazoo.create("preresnet50"))
    boxes = module(model, "stage1_block2").boxes
    assert [(one.words, one.beside) for one in boxes] == [
        ("BN", ("relu",)),
        ("1x1 conv, 64", ("BN", "relu")),
        ("3x3 conv, 64", ("BN", "relu")),
        ("1x1 conv, 256", ()),
        ("sum", ()),
    ]


def test_a_separable_convolution_is_one_box():
    found = shown("xception")
    assert ("relu", *["3x3 separable, 728"] * 3, 8) in found[4][1]


def test_the_places_of_maxima_do_not_tie_a_decoder_to_its_encoder():
    grids = [grid for grid, _ in shown("enet", input_shape=(64, 128, 3))]
    assert grids == [(32, 64), (16, 32), (8, 16), (16, 32), (32, 64), (64, 128)]


NETWORKS = [
    "lenet5", "lenet5_original", "highway19", "fractalnet20", "resnet20_cifar",
    "rcnn_mini", "sppnet_detector_mini", "fast_rcnn_mini", "faster_rcnn_mini",
    "yolo_mini", "mlp_50", "dsn", "inception_resnet_v1", "sppnet",
]  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS)
def test_every_drawing_is_whole(network):
    """No letters stick out of their box or out of the figure."""
    model = symbolic(lambda: kerazoo.create(network))
    known = diagram(model)
    figures = [drawing.drawing(known)]
    for name in list(known.modules)[:2]:
        figures.append(drawing.block_drawing(module(model, name)))
    for figure in figures:
        pixels(figure)
        (axes,) = figure.axes
        boxes = [one.get_window_extent() for one in axes.patches]
        for text in axes.texts:
            if not text.get_text():
                continue
            letters = text.get_window_extent()
            assert figure.bbox.x0 <= letters.x0, text.get_text()
            assert letters.x1 <= figure.bbox.x1, text.get_text()
            middle = (letters.x0 + letters.x1) / 2, (letters.y0 + letters.y1) / 2
            around = [box for box in boxes if box.contains(*middle)]
            for box in around:
                assert letters.width <= box.width + 1, text.get_text()


def test_every_step_is_in_the_drawing():
    """The number of convolutions and dense layers drawn is that of the network."""
    for network in ("resnet18", "googlenet", "inception_resnet_v1", "fractalnet20"):
        model = symbolic(lambda name=network: kerazoo.create(name))
        layers = [
            one for one in model.layers if type(one).__name__ in ("Conv2D", "Dense")
        ]
        drawn = sum(
            block.times
            * sum("conv" in b.words or "dense" in b.words for b in block.boxes)
            for stage in diagram(model).stages
            for block in stage.blocks
        )
        assert drawn == len(layers), network


def test_files_of_both_kinds(tmp_path):
    figure = drawing.drawing(diagram(kerazoo.lenet5()))
    charts.write(figure, tmp_path / "a.png")
    charts.write(figure, tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"
    first = (tmp_path / "a.svg").read_text()
    assert "</svg>" in first
    charts.write(drawing.drawing(diagram(kerazoo.lenet5())), tmp_path / "b.svg")
    assert (tmp_path / "b.svg").read_text() == first
    with pytest.raises(ValueError, match="neither a PNG nor an SVG"):
        charts.write(figure, tmp_path / "a.jpg")


def test_blocks_that_are_not_there():
    model = symbolic(lambda: kerazoo.create("resnet18"))
    with pytest.raises(ValueError, match="did you mean stage1_block1"):
        module(model, "stage1_block")
    with pytest.raises(ValueError, match="no block that forks"):
        module(kerazoo.lenet5())

"""Numbers and names as people see them."""

import re

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import data, reader, tuning
from kerazoo.display import beside, percent, shortened, table
from kerazoo.run import Metrics, RunConfig
from kerazoo.tasks import Guess, Prediction
from kerazoo.tuning.ensembles import MemberResult


@pytest.mark.parametrize(
    ("share", "digits", "expected"),
    [
        (977 / 980, 2, "99.69%"),
        (99_999 / 100_000, 2, "99.99%"),
        (1 - 1e-9, 1, "99.9%"),
        (1.0, 2, "100.00%"),
        (1e-9, 2, "0.01%"),
        (0.0, 1, "0.0%"),
        (0.1234, 1, "12.3%"),
    ],
)
def test_only_all_is_all_and_nothing_nothing(share, digits, expected):
    assert percent(share, digits) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["cat", "dog"], ["cat", "dog"]),
        (["a cat with a hat", "dog"], ["a cat wit…", "dog"]),
        (["northern male", "northern female"], ["nort… male", "nort…emale"]),
        # The last letters differ, and the middle of others.
        (["aaaaaaaaaaaaab", "aaaaaaaaaaaaac"], ["aaaa…aaaab", "aaaa…aaaac"]),
        (["aaaaaaaaa1aaaaaaaaa", "aaaaaaaaa2aaaaaaaaa"], ["aaaaaaaa…0", "aaaaaaaa…1"]),
        (["猫猫猫猫猫猫", "犬"], ["猫猫猫猫…", "犬"]),
        (["the same name"] * 2, ["the same …"] * 2),
    ],
)
def test_short_names_stay_distinct(names, expected):
    assert shortened(names, 10) == expected


def test_a_thousand_long_names_stay_distinct():
    names = [f"{'x' * 30}{n:04}{'y' * 30}" for n in range(1000)]
    short = shortened(names, 12)
    assert len(set(short)) == 1000
    assert max(map(len, short)) == 12


def test_a_table_escapes_what_it_is_given():
    text = table([["<script>", 1], ["", "a&b"]], ["<b>", "n"], title="<i>", note="<u>")
    for one in ("script", "b", "i", "u"):
        assert f"&lt;{one}&gt;" in text
    assert text.count("<b>") == 1
    assert not {"<script>", "<i>", "<u>"} & set(re.findall(r"<\w+>", text))
    assert "a&amp;b" in text


def test_numbers_stand_at_the_right_below_a_head():
    rows = [["conv", "1,000", "7 B"], ["pool", "", "x"]]
    aligned = re.findall("text-align: (.)", table(rows, ["layer", "weights", "memory"]))
    assert "".join(aligned) == "lrl" * 3
    assert set(re.findall("text-align: (.)", table(rows))) == {"l"}
    assert "<tbody></tbody>" in table([], ["layer"])


HOSTILE = "<script>alert(1)</script>"


def shown():
    """Records that a notebook shows, each with a text that must not run."""
    metrics = Metrics(
        images=3,
        loss=0.5,
        accuracy=2 / 3,
        calibration_error=0.1,
        per_class={HOSTILE: 0.5, "none": None},
        confusion=((1, 1), (0, 1)),
    )
    fold = tuning.Fold(repeat=1, number=1, images=3, score=0.9999999, loss=0.1, run="x")
    one = MemberResult(name=HOSTILE, network="lenet5", score=1.0, loss=0.1)
    yield "66.67%", metrics
    yield "kind", kerazoo.Recipe(name=HOSTILE)
    yield "99.99%", Prediction(HOSTILE, (Guess(HOSTILE, 0.9999999),))
    yield "no image", Prediction(HOSTILE, problem="no image")
    yield (
        "99.99%",
        tuning.CrossValidation(
            network=HOSTILE,
            data="digits",
            recipe=kerazoo.Recipe(),
            plan=tuning.FoldPlan(),
            folds=(fold,),
        ),
    )
    yield (
        "100.00%",
        tuning.Ensemble("votes", None, "digits", "test", (one,), metrics, [], curve=()),
    )
    yield "12", data.Report(HOSTILE, {"all": {HOSTILE: 12}}, problem="one class")


@pytest.mark.parametrize(("words", "record"), list(shown()))
def test_records_in_a_notebook(words, record):
    text = record._repr_html_()
    assert words in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    # They take the colours of the page, light or dark.
    assert "color" not in text
    assert "background" not in text


def test_card_and_ledger_in_a_notebook():
    assert "62,378,344" in kerazoo.find("alexnet")._repr_html_()
    ledger = kerazoo.ledger(kerazoo.lenet5())
    text = ledger._repr_html_()
    assert text.count("<tr>") == len(ledger.rows) + 2
    assert "61,706" in text


def test_a_run_in_a_notebook(tmp_path):
    config = RunConfig(
        network="lenet5",
        data=f"folder:{HOSTILE}",
        classes=("a", "b"),
        image_shape=(28, 28, 1),
        recipe=kerazoo.Recipe(),
    )
    (tmp_path / "config.json").write_text(reader.dump(config))
    text = kerazoo.Run(tmp_path)._repr_html_()
    assert "has not ended" in text
    assert "<script" not in text
    (tmp_path / "config.json").write_text("{")
    assert "damaged" in kerazoo.Run(tmp_path)._repr_html_()


def cells(html):
    """The rows of a table's body, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.split("<tbody>")[1])
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]


@pytest.mark.parametrize(
    ("printed", "computed", "shown", "verdict"),
    [
        ("203,530", 203_530, "203,530", "="),
        (203_530, 203_531, "203,531", "differs"),
        ("35K", 34_848, "34,848", "="),
        ("35K", 35_501, "35,501", "differs"),
        ("2.3 million", 2_304_000, "2,304,000", "="),
        ("804k", 805_992, "805,992", "differs"),
        ("~92 %", 92.4, "92.4", "="),
        ("0.82", 0.8249, "0.8249", "="),
        ("0.82", 0.8251, "0.8251", "differs"),
        # Half may go up or down.
        ("0.5", 0.45, "0.45", "="),
        ("0.5", 0.55, "0.55", "="),
        ("-0.00", -0.004, "-0.004", "="),
        ("−1.27", -1.2651, "-1.2651", "="),
        ("232.37", 232.3735, "232.3735", "="),
        (0.0, -1e-9, "0", "="),
        ("55x55x96", (55, 55, 96), "55x55x96", "="),
        ("55x55x96", (54, 55, 96), "54x55x96", "differs"),
        ("GFLOPS", "GFLOPS", "GFLOPS", "="),
        ("GFLOPS", 3, "3", "differs"),
        ([[1, 6], [6, 15]], np.array([[1.0, 6], [6, 15]]), "1 6<br>6 15", "="),
        ([[1, 6], [6, 15]], np.array([[1.0, 6], [6, 14]]), "1 6<br>6 14", "differs"),
        ([1, 1.8], np.float32([1, 1.8]), "1 1.8", "="),
        ([1, 2], [1, 2, 3], "1 2 3", "differs"),
        ([1, 2], 3, "3", "differs"),
        (3, np.float32(3), "3", "="),
        ([[1, 2]], tf.constant([[1, 2]]), "1 2", "="),
    ],
)
def test_a_slide_stands_beside_what_is_computed(printed, computed, shown, verdict):
    (row,) = cells(beside([("it", printed, computed)]))
    assert row[0] == "it"
    assert row[2:] == [shown, verdict]


def test_an_erratum_is_named_only_where_the_slide_is_wrong():
    (row,) = cells(beside([("weights", "79500", 79_510, 12)], title="An MLP"))
    assert row == ["weights", "79500", "79,510", "erratum 12"]
    with pytest.raises(ValueError, match="Erratum 12 is named for 'weights', where"):
        beside([("weights", 79_510, 79_510, 12)])
    with pytest.raises(ValueError, match="A row has 2 cells; give what, printed"):
        beside([("weights", 79_510)])


@pytest.mark.parametrize(
    ("rows", "title", "said"),
    [
        ("ab", "", "rows is 'ab'; it must be"),
        ([("weights", 1, 1)], 3, "title is 3; it must be"),
    ],
)
def test_what_stands_beside_is_refused_by_name(rows, title, said):
    with pytest.raises(ValueError, match=said):
        beside(rows, title)

"""Numbers and names as people see them."""

import pytest

from kerazoo.display import percent, shortened, table


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
    text = table([["<script>", 1], [None, "a&b"]], ["<b>"], title="<i>", note="<u>")
    for one in ("script", "b", "i", "u"):
        assert f"&lt;{one}&gt;" in text
        assert text.count(f"<{one}>") == (one == "b")
    assert "a&amp;b" in text
    # It takes the colours of the page, light or dark.
    assert "color" not in text
    assert "background" not in text

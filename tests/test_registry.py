"""The catalogue of networks: cards, names and what is refused."""

import importlib.util
import json
import subprocess
import sys

import pytest

import kerazoo
from kerazoo import registry

CARDS = """
import json, kerazoo
cards = {n: kerazoo.find(n).to_dict() for n in kerazoo.list_models()}
print(json.dumps(cards))
"""
DOC = '''"""A network of another package.

A. Uthor: A Network, 2020.

Differs from the paper:
- the first difference, which goes
  over two lines;
- `strange` only: the second.

And a closing remark.
"""
'''
CODE = """
from kerazoo.registry import register

@register(year=2020, input_shape=(8, 8, 1), counts=(1, 2, 3), **{extra})
def {name}(**options):
    "What the variant is."
    return options
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Imports the source of a module of somebody else."""

    def load(module, source):
        path = tmp_path / f"{module}.py"
        path.write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        spec = importlib.util.spec_from_file_location(module, path)
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, module, loaded)
        spec.loader.exec_module(loaded)
        return loaded

    return load


def test_cards_read_from_source_are_those_registered_at_run_time():
    """A fresh process reads the files; this one runs them."""
    process = subprocess.run(
        [sys.executable, "-c", CARDS], capture_output=True, text=True, check=True
    )
    read = json.loads(process.stdout)
    assert len(read) >= 9
    for name, card in read.items():
        ran = kerazoo.find(name).builder().card.to_dict()
        assert json.loads(json.dumps(ran)) == card, name


def test_cards_say_what_they_must():
    for name in kerazoo.list_models():
        card = kerazoo.find(name)
        assert card.name == name
        assert card.module == f"kerazoo.models.{card.family}"
        assert card.summary.endswith("."), name
        assert str(card.year) in card.reference or card.year > 1997, name
        assert 1 <= card.minimum <= min(card.input_shape[:2]), name
        assert 0 < card.trainable <= card.total, name
        assert card.macs > 0, name


def test_networks_are_listed_oldest_first():
    years = [kerazoo.find(name).year for name in kerazoo.list_models()]
    assert years == sorted(years)
    assert years[0] == 1998


def test_wildcards():
    assert set(kerazoo.list_models("mlp_*")) == {"mlp_50", "mlp_256", "mlp_deep5"}
    assert kerazoo.list_models("lenet5") == ["lenet5"]
    assert kerazoo.list_models("LeNet5") == []


def test_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown network 'lenet'; did you.* lenet5"):
        kerazoo.find("lenet")
    with pytest.raises(ValueError, match=r"must be one of .*alexnet.*lenet5"):
        kerazoo.create("###")


def test_unknown_option_gives_the_nearest():
    with pytest.raises(ValueError, match=r"option of mlp_50 'clases'.* classes"):
        kerazoo.create("mlp_50", clases=3)


def test_a_network_of_another_package(package):
    source = DOC + CODE.format(name="others_net", extra={"differs": ("its own",)})
    module = package("others", source)
    card = kerazoo.find("others_net")
    assert card is module.others_net.card
    assert card.summary == "What the variant is."
    assert card.reference == "A. Uthor: A Network, 2020."
    assert card.differences == (
        "the first difference, which goes over two lines;",
        "`strange` only: the second.",
        "its own",
    )
    assert "others_net" in kerazoo.list_models("others*")
    assert kerazoo.create("others_net", classes=3) == {"classes": 3}


def test_a_name_is_registered_once(package):
    with pytest.raises(
        ValueError, match=r"'lenet5' is taken by kerazoo\.models\.lenet"
    ):
        package("twice", DOC + CODE.format(name="lenet5", extra={}))
    assert kerazoo.find("lenet5").module == "kerazoo.models.lenet"


@pytest.mark.parametrize(
    "doc",
    ["", '"""Only what it introduced."""', DOC.replace("Differs from the paper:", "")],
)
def test_a_docstring_must_have_its_parts(package, doc):
    with pytest.raises(ValueError, match="docstring of lacking must give"):
        package("lacking", doc + CODE.format(name="lacking_net", extra={}))
    assert "lacking_net" not in kerazoo.list_models()


def test_as_published_is_no_difference(package):
    doc = '"""New.\n\nBy. 2020.\n\nDiffers from the paper: nothing.\n"""\n'
    package("faithful", doc + CODE.format(name="faithful_net", extra={}))
    assert registry.find("faithful_net").differences == ()

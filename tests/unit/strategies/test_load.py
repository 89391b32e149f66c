"""Every way to name a strategy wrongly is one clear line for the operator."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.strategies.samples import market
from warden.domain.errors import EXIT_USAGE, ConfigurationInvalid
from warden.strategies.load import load_strategy, raised_at
from warden.strategies.triangular import TriangularArbitrage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMPORTS = "from warden.strategies import Strategy\n"
GOOD = """
class Good(Strategy):
    def __init__(self, *, size="1", fast=False):
        if size == "0":
            raise ValueError("size must be above 0\\nand more")
        self.size = size
    def on_block(self, market):
        return []
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for strategies; what was imported from it is forgotten afterwards."""
    path, known = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_the_shipped_strategy_loads_by_its_name() -> None:
    """The default of the settings needs no path."""
    strategy = load_strategy("warden.strategies.triangular:TriangularArbitrage", None, {"gas_units": 1})
    assert isinstance(strategy, TriangularArbitrage)


def test_a_users_own_loads_from_its_directory(place: Path) -> None:
    """One class in one file, constructed with the parameters by keyword; its name is the class's."""
    (place / "loads_one.py").write_text(IMPORTS + GOOD)
    strategy = load_strategy("loads_one:Good", place, {"size": "7"})
    assert strategy.name == "Good"
    assert vars(strategy) == {"size": "7"}
    assert list(strategy.on_block(market())) == []


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ("loads_bad", "strategy.use 'loads_bad': write it as \"module:Class\""),
        ("loads_bad:", 'write it as "module:Class"'),
        ("../loads_bad:Good", 'write it as "module:Class"'),
        ("loads_bad:Good.x", 'write it as "module:Class"'),
        ("loads_nowhere:Good", "there is no module loads_nowhere in "),
        ("loads_bad.deeper:Good", "there is no module loads_bad.deeper in "),
        ("loads_bad:Missing", "loads_bad has no class Missing; it has Good, Lazy"),
        (
            "loads_bad:Foreign",
            "loads_bad:Foreign is not a strategy: derive it from warden.strategies.Strategy",
        ),
        ("loads_bad:number", "loads_bad:number is not a strategy"),
        ("loads_bad:Lazy", "loads_bad:Lazy does not define on_block"),
    ],
)
def test_a_wrong_name_says_what_there_is(place: Path, use: str, says: str) -> None:
    """Module missing, class missing, not a strategy, not finished: one line, exit code 2."""
    more = "class Foreign: pass\nclass Lazy(Strategy): pass\nnumber = 5\n"
    (place / "loads_bad.py").write_text(IMPORTS + GOOD + more)
    with pytest.raises(ConfigurationInvalid) as caught:
        load_strategy(use, place, {})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def (:\n", "loads_broken.py:1: "),
        ("import loads_not_installed\n", "loads_broken imports loads_not_installed, which is not installed"),
        (
            "x = 1 / 0\n",
            "importing loads_broken raised ZeroDivisionError: division by zero at loads_broken.py:1",
        ),
        ("import sys\nsys.exit(3)\n", "importing loads_broken raised SystemExit: 3 at loads_broken.py:2"),
    ],
)
def test_a_file_that_cannot_be_imported_says_where(place: Path, source: str, says: str) -> None:
    """A syntax error, a missing library, an error on import: file and line."""
    (place / "loads_broken.py").write_text(source)
    with pytest.raises(ConfigurationInvalid) as caught:
        load_strategy("loads_broken:Good", place, {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"colour": "red"}, "got an unexpected keyword argument 'colour'; its parameters: size, fast"),
        ({"size": "0"}, "refused them: ValueError: size must be above 0 at loads_two.py:6"),
    ],
)
def test_wrong_parameters_say_which(place: Path, parameters: dict[str, str | int | bool], says: str) -> None:
    """An unknown parameter lists the known ones; one that the class refuses says why, on one line."""
    (place / "loads_two.py").write_text(IMPORTS + GOOD)
    with pytest.raises(ConfigurationInvalid) as caught:
        load_strategy("loads_two:Good", place, parameters)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_directory_that_is_not_there_is_named(place: Path) -> None:
    """strategy.path must exist."""
    with pytest.raises(ConfigurationInvalid, match=r"strategy\.path .*nowhere: no such directory"):
        load_strategy("x:Y", place / "nowhere", {})


def test_a_file_called_like_a_loaded_module_is_not_passed_over(place: Path) -> None:
    """A user's json.py would never be read: the operator is told to rename it."""
    (place / "json.py").write_text(IMPORTS + GOOD)
    with pytest.raises(ConfigurationInvalid, match="hidden by another module called json: rename it"):
        load_strategy("json:Good", place, {})


def test_a_name_must_be_text(place: Path) -> None:
    """What screens and journals call it is checked before it goes there."""
    (place / "loads_named.py").write_text(IMPORTS + GOOD + "    name = 5\n")
    with pytest.raises(ConfigurationInvalid, match="its name must be text"):
        load_strategy("loads_named:Good", place, {})


def test_the_place_of_an_error_is_in_the_strategys_own_code() -> None:
    """An error raised deep in a library is told by the strategy's line that called it."""
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert raised_at(caught.value, __name__).startswith("test_load.py:")
    assert raised_at(caught.value, "no.such.module").startswith("decoder.py:")
    assert raised_at(ValueError(), __name__) == "an unknown place"

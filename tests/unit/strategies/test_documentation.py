"""The documentation's own lines are run: the example, its configuration, the tables."""

from __future__ import annotations

import re
from inspect import signature

from tests.instance import REPOSITORY, Instance
from tests.unit.strategies.samples import ETHER, market
from warden.strategies.load import load_strategy
from warden.strategies.triangular import TriangularArbitrage

PAGE = (REPOSITORY / "docs" / "strategies.md").read_text(encoding="utf-8")
EXAMPLE = (REPOSITORY / "examples" / "my_strategy.py").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the page's first code block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_shows_the_example_whole_and_it_has_ten_lines() -> None:
    """The page's code is the file's, to the letter, and a strategy needs no more than ten lines."""
    assert block("python") == EXAMPLE
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 10


def test_the_example_runs_as_the_page_configures_it() -> None:
    """Loaded by the page's own TOML; it proposes when its triangle pays, and only then."""
    with Instance('environment = "devnet"\n' + block("toml")) as instance:
        named = instance.settings.strategy
    assert named.path is not None
    strategy = load_strategy(named.use, REPOSITORY / named.path, named.parameters)
    (proposal,) = strategy.on_block(market(gem_percent=105))
    assert proposal.swap.amount_in == ETHER
    assert proposal.swap.min_amount_out > ETHER
    assert list(strategy.on_block(market())) == []
    assert list(strategy.on_block(market(gem_percent=105, trade_max_wei=0))) == []


def test_the_table_of_the_shipped_strategy_is_its_signature() -> None:
    """Each parameter with its default, none missing."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", PAGE, re.MULTILINE))
    expected = {
        name: f'"{each.default}"' if isinstance(each.default, str) else str(each.default)
        for name, each in signature(TriangularArbitrage).parameters.items()
    }
    assert expected == rows


def test_the_markets_table_names_what_there_is() -> None:
    """Every attribute that the page promises is one."""
    names = re.findall(r"`market\.(\w+)", PAGE)
    assert len(names) >= 13
    here = market()
    assert [name for name in names if not hasattr(here, name)] == []

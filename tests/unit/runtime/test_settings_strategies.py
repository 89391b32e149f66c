"""Several strategies in warden.toml: names, processes, pools; each way to get it wrong is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.executor.books.risk_terms import limits_of
from warden.runtime.settings_load import load
from warden.runtime.settings_strategies import pool_of, run_by, traders, weights

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.settings import Settings

TWO = """\
environment = "devnet"
[[strategies]]
name = "arb"
memory_mb = 256
[strategies.parameters]
min_profit_eth = "0.001"
[[strategies]]
name = "mom-2"
use = "mine:Momentum"
"""


def loaded(tmp_path: Path, text: str) -> Settings:
    """Return the settings that a file of this text gives."""
    file = tmp_path / "warden.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_each_has_a_process_and_a_pool_of_its_name(tmp_path: Path) -> None:
    """PL5: with its own class, parameters and memory; the pools' weights are equal unless they are set."""
    settings = loaded(tmp_path, TWO)
    assert traders(settings) == ("trader-arb", "trader-mom-2")
    assert run_by(settings, "trader-mom-2").use == "mine:Momentum"
    assert run_by(settings, "trader-arb").parameters == {"min_profit_eth": "0.001"}
    assert [run_by(settings, each).memory_mb for each in traders(settings)] == [256, 1_024]
    assert weights(settings) == {"arb": 1, "mom-2": 1}
    assert [pool_of(settings, each.name) for each in settings.strategies] == ["arb", "mom-2"]
    pools = limits_of(loaded(tmp_path, f"{TWO}[capital.pools]\narb = 3\nmom-2 = 0\n")).capital.pools
    assert [(each.strategy, each.weight) for each in pools] == [("arb", 3), ("mom-2", 0)]


def test_one_strategy_is_as_it_was(tmp_path: Path) -> None:
    """PL5: its process is `trader`, its pool that of its class's name, else the first, else `main`."""
    settings = loaded(tmp_path, 'environment = "devnet"\n[strategy]\nuse = "mine:Momentum"\n')
    assert traders(settings) == ("trader",)
    assert run_by(settings, "trader") is settings.strategy
    assert (weights(settings), pool_of(settings, "")) == ({"main": 1}, "main")
    settings = loaded(tmp_path, 'environment = "devnet"\n[capital.pools]\na = 1\nTriangularArbitrage = 2\n')
    assert pool_of(settings, "") == "TriangularArbitrage"
    settings = loaded(tmp_path, 'environment = "devnet"\n[capital.pools]\na = 1\nb = 2\n')
    assert pool_of(settings, "") == "a"
    text = 'environment = "devnet"\n[strategy]\ncommand = ["x", "y"]\n[capital.pools]\na = 1\nbot = 2\n'
    settings = loaded(tmp_path, text)
    assert (settings.strategy.command, pool_of(settings, "")) == (("x", "y"), "bot")


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (TWO.replace('"mom-2"', '"arb"'), ":8:", "'arb' is given twice"),
        (
            TWO.replace("memory_mb = 256", 'command = ["x"]') + 'command = ["y"]\n',
            ":",
            "arb, mom-2: only one may be a program of its own",
        ),
        (TWO.replace('"mom-2"', '"Mom"'), ":8:", "'Mom': a letter from a to z"),
        (TWO.replace('"mom-2"', '"a-name-of-19-letter"'), ":8:", "18 characters at most"),
        (TWO.replace('name = "mom-2"\n', ""), ":7", "strategies.1.name"),
        (TWO + '[strategy]\nuse = "mine:Other"\n', ":10:", "both there"),
        (
            TWO + "[capital.pools]\narb = 1\nmom = 2\n",
            ":12:",
            "pools.mom: no such strategy; there are arb, mom-2",
        ),
        (TWO + "[capital.pools]\narb = 1\n", ":10", "strategy mom-2 has no weight"),
        (TWO + "[capital.pools]\narb = 0\nmom-2 = 0\n", ":10", "no weight is above 0"),
        (TWO + "".join(f'[[strategies]]\nname = "s{n}"\n' for n in range(31)), ":", "33, at most 32"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, where: str, what: str) -> None:
    """OP3: the file, the line in it, what is wrong and the mend."""
    with pytest.raises(ConfigurationInvalid) as refused:
        loaded(tmp_path, text)
    assert f"warden.toml{where}" in str(refused.value)
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)

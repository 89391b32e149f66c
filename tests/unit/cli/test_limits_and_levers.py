"""`warden limit` and `warden lever`: their words, and what they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.operator.reports import LEVERS, LIMITS
from warden.cli import lever, limit
from warden.cli.app import run_app
from warden.domain.errors import ConfigurationInvalid, NotRunning
from warden.domain.risk.lever_table import NUMBERS
from warden.wire.orders import PullLever

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0x" + "Ab" * 20


def meant(name: str, value: str = "", *, off: bool = False) -> tuple[str, str]:
    """Return lever and value of what would be asked."""
    request = lever.pulled(name, value, off=off, operator="ann", reason="why")
    assert request == PullLever("ann", "why", request.lever, request.value)
    return request.lever, request.value


def test_a_limit_is_lowered_and_let_go_of_by_its_name() -> None:
    """PS1: by the setting's name, with or without `limits.`; the value as the table writes it."""
    assert meant("max_trade_eth", "0.50") == ("max_trade_eth", "0.5")
    assert meant("limits.max_positions", "3") == ("max_positions", "3")
    assert meant("max_trade_eth", off=True) == ("max_trade_eth", "")
    assert [limit.numeric(f"limits.{name}") for name in NUMBERS] == list(NUMBERS)


def test_blocks_and_orders_by_name() -> None:
    """PS4a: --off of a block is its unblock; addresses in any case."""
    assert meant("block_token", TOKEN) == ("block_token", TOKEN.lower())
    assert meant("block_token", TOKEN, off=True) == ("unblock_token", TOKEN.lower())
    assert meant("unblock_pool", TOKEN) == ("unblock_pool", TOKEN.lower())
    assert meant("close_position", "p-1") == ("close_position", "p-1")
    assert meant("close-position", "p-1") == ("close_position", "p-1")


@pytest.mark.parametrize(
    ("name", "value", "off", "said"),
    [
        ("max_trade", "1", False, "there is no lever 'max_trade'; there are max_gas_price_gwei"),
        ("max_trade_eth", "1e3", False, "max_trade_eth takes a number of ETH"),
        ("max_trade_eth", "", False, "say a VALUE, or --off"),
        ("max_trade_eth", "2", True, "takes no value"),
        ("max_trade_percent", "101", False, "at most 100 %"),
        ("block_token", "0x12", False, "block_token takes an address"),
        ("block_token", "", True, "unblock_token takes an address"),
        ("close_position", "p-1", True, "is done once"),
        ("unblock_token", TOKEN, True, "is done once, and cannot be let go"),
    ],
)
def test_what_a_lever_does_not_take_is_said_before_anybody_is_asked(
    name: str, value: str, *, off: bool, said: str
) -> None:
    """PS4a, OP3: one line that says what is wrong and what would be right."""
    with pytest.raises(ConfigurationInvalid, match=said) as raised:
        meant(name, value, off=off)
    assert "\n" not in str(raised.value)


def test_only_numbers_are_limits() -> None:
    """A block is no limit: the line lists those that there are."""
    with pytest.raises(ConfigurationInvalid, match=r"'block_token' is no limit .* there are max_gas_price"):
        limit.numeric("block_token")


@pytest.mark.parametrize("words", [("limit", "max_trade_eth", "1"), ("lever", "block_token", TOKEN)])
def test_changes_ask_for_a_name_and_a_reason(words: tuple[str, ...], tmp_path: Path) -> None:
    """I7, PS1: as `warden arm` does; to look at them neither is needed."""
    home = ("--home", str(tmp_path))
    for who in ((), ("--operator", "ann"), ("--reason", "why"), ("--operator", " ", "--reason", "why")):
        with pytest.raises(ConfigurationInvalid, match="it goes into the journal"):
            run_app([*words, *who, *home])
    for asked in (words[:1], words[:2], (*words, "--operator", "ann", "--reason", "why")):
        with pytest.raises(NotRunning, match="nothing runs"):
            run_app([*asked, *home])


def test_a_value_that_was_forgotten_is_not_a_look(tmp_path: Path) -> None:
    """Whoever gives a name and a reason wants a change: a missing value is said."""
    words = ["limit", "max_trade_eth", "--operator", "ann", "--reason", "why", "--home", str(tmp_path)]
    with pytest.raises(ConfigurationInvalid, match="say a VALUE, or --off"):
        run_app(words)


def test_limits_are_a_table() -> None:
    """PS1: in force, configured, observed, share used; what is not set or not known is said to be."""
    lines = [line.split("  ") for line in limit.text_of(LIMITS)]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
        ["LIMIT", "IN FORCE", "CONFIGURED", "OBSERVED", "USED"],
        ["limits.max_trade_eth", "2.5 ETH", "10 ETH", "-", "-"],
        ["limits.max_exposure_percent", "50 %", "50 %", "12.5 %", "25.00 %"],
        ["limits.max_trade_usd", "not set", "not set", "-", "-"],
    ]


def test_levers_are_listed_with_who_and_why() -> None:
    """PS4a: name and reason of each; what an operator wrote moves no cursor."""
    lines = list(lever.text_of(LEVERS))
    assert lines[1].split() == ["max_trade_eth", "2.5", LEVERS[0].time, "ann", "thin", "markets"]
    assert lines[2].endswith("bob       depegs?[31m")
    assert list(lever.text_of(())) == ["no lever is pulled"]

"""The levers by name: what each takes, and one line with the mend for everything else."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.domain.risk.requests import ETHER, GWEI, OTHER, TOKEN, USD
from warden.domain.money import Wei
from warden.domain.risk.lever_table import BLOCKS, LEVERS, NUMBERS, Pulled, parse
from warden.domain.risk.levers import LeverLimits
from warden.domain.risk.refusal import Refusal

HASH = f"0x{'ab' * 32}"


@pytest.mark.parametrize(
    ("lever", "value", "text", "amount"),
    [
        ("max_gas_price_gwei", "40.5", "40.5", 81 * GWEI // 2),
        ("limits.max_gas_price_gwei", " 40 ", "40", 40 * GWEI),
        ("min_profit_eth", "0.001", "0.001", ETHER // 1_000),
        ("max_trade_eth", "2.50", "2.5", 5 * ETHER // 2),
        ("max_trade_eth", "0.000000000000000001", "0.000000000000000001", 1),
        ("max_trade_usd", "250", "250", 250 * USD),
        ("max_trade_percent", "12.34", "12.34", 1_234),
        ("max_trade_percent", "100", "100", 10_000),
        ("max_positions", "0", "0", 0),
        ("max_trade_eth", "", "", 0),
        ("block_token", TOKEN.upper().replace("0X", "0x"), TOKEN, 0),
        ("unblock_pool", TOKEN, TOKEN, 0),
        ("block_pair", f"{OTHER}/{TOKEN}", f"{TOKEN}/{OTHER}", 0),
        ("close_position", "Position-1", "Position-1", 0),
        ("cancel_transaction", HASH.upper().replace("0X", "0x"), HASH, 0),
    ],
)
def test_what_is_meant(lever: str, value: str, text: str, amount: int) -> None:
    """PS4a: numbers exactly in their unit, addresses in lower case, pairs in one order."""
    assert parse(lever, value) == Pulled(lever.removeprefix("limits."), text, Wei(amount))


@pytest.mark.parametrize(
    ("lever", "value", "mend"),
    [
        ("max_trade_eth", "ten", "takes a number of ETH, at most 18 decimals, such as 2.5, not 'ten'"),
        ("max_trade_eth", "-1", "such as 2.5"),
        ("max_trade_eth", "1e3", "such as 2.5"),
        ("max_trade_eth", "1_000", "such as 2.5"),
        ("max_trade_eth", "nan", "such as 2.5"),
        ("max_trade_eth", "\u0661", "such as 2.5"),
        ("max_trade_eth", "1" * 31, "such as 2.5"),
        ("max_trade_usd", "0.0000001", "at most 6 decimals"),
        ("max_trade_percent", "100.01", "at most 100 %"),
        ("max_positions", "2.5", "takes a whole number, such as 2"),
        ("block_token", "WETH", "takes an address: 0x and 40 hex digits, not 'WETH'"),
        ("block_token", "", "takes an address"),
        ("block_pair", TOKEN, "takes two token addresses"),
        ("block_pair", f"{TOKEN}/{TOKEN}", "takes two token addresses"),
        ("block_pair", f"{TOKEN}/{OTHER}/{OTHER}", "takes two token addresses"),
        ("close_position", "", "takes a position's id"),
        ("close_position", "a b", "takes a position's id"),
        ("close_position", "x" * 101, "takes a position's id"),
        ("cancel_transaction", TOKEN, "0x and 64 hex digits"),
        ("max_trade", "1", "there is no lever 'max_trade'; there are max_gas_price_gwei, "),
        ("", "1", "there is no lever ''"),
    ],
)
def test_what_cannot_be_meant(lever: str, value: str, mend: str) -> None:
    """PS4a: one line that says what is wrong and what would be right; never an exception."""
    refusal = parse(lever, value)
    assert isinstance(refusal, Refusal)
    assert mend in refusal.message
    assert "\n" not in refusal.message


def test_an_endless_value_is_not_repeated_whole() -> None:
    """PS4a: what is said stays one short line, whatever was typed."""
    for lever, value in (("max_trade_eth", "9" * 10**6), ("\n" * 10**6, "1")):
        refusal = parse(lever, value)
        assert isinstance(refusal, Refusal)
        assert len(refusal.message) < 1_000


@pytest.mark.parametrize("lever", sorted(NUMBERS))
def test_every_number_tightens_a_limit_that_exists(lever: str) -> None:
    """PS1: no lever points at nothing, and its text reads back as the same amount."""
    number = NUMBERS[lever]
    part = getattr(LeverLimits(), number.part)
    assert number.field in part.__struct_fields__
    configured = getattr(part, number.field)
    if configured is not None:
        assert parse(lever, number.text(configured)) == Pulled(lever, number.text(configured), configured)


def test_every_limit_has_a_lever() -> None:
    """PS1: any numeric limit can be lowered at run time; a price's age is no limit."""
    limits = LeverLimits()
    fields = {
        (part, field)
        for part in limits.__struct_fields__
        for field in msgspec.structs.asdict(getattr(limits, part))
    }
    assert fields - {(number.part, number.field) for number in NUMBERS.values()} == {
        ("trade", "price_life_ns")
    }
    assert len(LEVERS) == len(set(LEVERS)) == len(NUMBERS) + 2 * len(BLOCKS) + 2

"""Trades for tests, each of which differs from the last by its number only, unless told."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, Trade

if TYPE_CHECKING:
    from collections.abc import Iterator

# A Monday at midnight UTC.
START_NS = 20_000 * DAY_NS + 4 * DAY_NS
_numbers: Iterator[int] = count(1)


def cycle(
    gross: int, gas: int = 0, *, at_ns: int = START_NS, strategy: str = "a", market: str = "m"
) -> Trade:
    """Return a swap that came back as native token: its gross realised, its gas paid."""
    return _trade(at_ns, strategy, market, amounts=(1_000, 1_000 + gross), gross=gross, gas=gas)


def reverted(gas: int, *, at_ns: int = START_NS, strategy: str = "a") -> Trade:
    """Return a swap that reverted: nothing moved but its gas."""
    return _trade(at_ns, strategy, "m", amounts=(0, 0), gross=0, gas=gas, success=False)


def opening(cost: int, gas: int = 0, *, at_ns: int = START_NS, strategy: str = "a") -> Trade:
    """Return a swap that bought tokens for `cost` and holds them."""
    return _trade(at_ns, strategy, "m", amounts=(cost, 0), gross=0, gas=gas)


def closing(cost: int, proceeds: int, gas: int = 0, *, at_ns: int = START_NS, strategy: str = "a") -> Trade:
    """Return a swap that sold tokens which had cost `cost`."""
    return _trade(at_ns, strategy, "m", amounts=(0, proceeds), gross=proceeds - cost, gas=gas)


def overhead(gas: int, *, kind: str = "approve", at_ns: int = START_NS, strategy: str = "a") -> Trade:
    """Return an approval or a cancel: gas and nothing else."""
    return _trade(at_ns, strategy, "", amounts=(0, 0), gross=0, gas=gas, kind=kind)


def _trade(
    at_ns: int,
    strategy: str,
    market: str,
    *,
    amounts: tuple[int, int],
    gross: int,
    gas: int,
    kind: str = "swap",
    success: bool = True,
) -> Trade:
    number = next(_numbers)
    return Trade(
        trade_id=f"trade-{number}",
        trace_id=f"trace-{number}",
        at_ns=at_ns,
        kind=kind,
        success=success,
        strategy=strategy,
        input_wei=Wei(amounts[0]),
        output_wei=Wei(amounts[1]),
        gross_wei=Wei(gross),
        gas_wei=Wei(gas),
        tx_hash=f"0x{number:064x}",
        block=number,
        market=market,
    )

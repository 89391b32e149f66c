"""What tests of the size and position rules ask about: a request, a trade and a position with few words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import DAY_NS, Opened, Position, Priced, Request, Reserved, Settled, Trade

ETHER: Final = 10**18
GWEI: Final = 10**9
USD: Final = 10**6
S: Final = 10**9
NOON_NS: Final = 20_000 * DAY_NS + DAY_NS // 2
PRICE: Final = Priced(Decimal(2_000))
WETH, TOKEN, OTHER = (f"0x{digit * 40}" for digit in "abc")


def request(spend_wei: int = ETHER, **changes: Any) -> Request:  # noqa: ANN401 - any field of it
    """Return a request that opens."""
    fields: dict[str, Any] = {
        "intent_id": "intent",
        "strategy": "strategy",
        "action": Action.OPEN,
        "loss_wei": 0,
        "profit_wei": 0,
        "fee_per_gas_wei": GWEI,
    }
    return Request(spend_wei=spend_wei, **(fields | changes))


def reserved(asked: Request) -> Reserved:
    """Return what the engine folds once a request was let through."""
    return Reserved(
        intent_id=asked.intent_id,
        strategy=asked.strategy,
        market=asked.market,
        whale=asked.whale,
        spend_wei=Wei(asked.spend_wei),
        loss_wei=Wei(asked.loss_wei),
        gas_wei=Wei(asked.gas_wei),
    )


def trade(trade_id: str = "intent", **changes: Any) -> Trade:  # noqa: ANN401 - any field of it
    """Return a swap that was mined, gained nothing and cost no gas."""
    fields: dict[str, Any] = {
        "trace_id": "trace",
        "at_ns": NOON_NS,
        "kind": "swap",
        "success": True,
        "strategy": "strategy",
        "input_wei": Wei(ETHER),
        "output_wei": Wei(ETHER),
        "gross_wei": Wei(0),
        "gas_wei": Wei(0),
        "tx_hash": f"0x{'1' * 64}",
        "block": 1,
    }
    return Trade(trade_id=trade_id, **(fields | changes))


def settled(trade_id: str = "intent", **changes: Any) -> Settled:  # noqa: ANN401 - any field of a trade
    """Return the event of such a swap."""
    return Settled(trade(trade_id, **changes))


def position(position_id: str = "position", **changes: Any) -> Position:  # noqa: ANN401 - any field of it
    """Return a position of one ether."""
    fields: dict[str, Any] = {
        "strategy": "strategy",
        "token": TOKEN,
        "market": "",
        "amount": Wei(1_000),
        "cost_wei": Wei(ETHER),
        "opened_ns": NOON_NS,
    }
    return Position(position_id=position_id, **(fields | changes))


def opened(position_id: str = "position", **changes: Any) -> Opened:  # noqa: ANN401 - any field of a position
    """Return the event of such a position."""
    return Opened(position(position_id, **changes))

"""Open positions as receipts made them: what is held, what it cost, what each sale realised (PL1, PS5).

A transaction that buys opens a position of its own; one that sells takes from one position and never more
than there is. Exact to the wei:
- What a position costs is what left of the wrapped native token, gas apart.
- A sale's share of that cost is floor(cost * sold / held); the last sale takes the rest. What was realised is
  what came less that share, so that over a position's life it is what came less what went.
- A reorg takes back exactly what was booked: a sale's share is kept until its transaction is final.

A fold of the journal's rows, like the book; ledger.py says which events follow for the risk rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.events import Position
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.wire.rows import MissingRow, OutcomeRow, SignedRow

_TRADED_MAX: Final = 64
_OWN: Final = frozenset({Purpose.EXIT, Purpose.APPROVE})
_TRADES: Final = frozenset({Purpose.SWAP, Purpose.EXIT})


class Holding(msgspec.Struct, frozen=True):
    """One position.

    Attributes:
        strategy: the pool whose capital it is; `trader` is the strategy's own name, for people.
        route: token addresses on which it is sold, from the token to the wrapped native one.
        amount, cost_wei: what is left; below zero only between the rows of one reorg.
        opened: UTC text, for people.
    """

    position_id: str
    strategy: str
    trader: str
    token: str
    market: str
    whale: str
    route: tuple[str, ...]
    amount: Wei
    cost_wei: Wei
    opened_ns: int
    opened: str

    @property
    def position(self) -> Position:
        """What the risk rules know of it; nothing is left of what is below zero."""
        gone = self.amount <= 0
        return Position(
            position_id=self.position_id,
            strategy=self.strategy,
            token=self.token,
            market=self.market,
            amount=Wei(0) if gone else self.amount,
            cost_wei=Wei(0) if gone else Wei(max(0, self.cost_wei)),
            opened_ns=self.opened_ns,
            whale=self.whale,
        )


class Sale(msgspec.Struct, frozen=True):
    """What a sale that is not final yet took from its position."""

    position_id: str
    amount: Wei
    cost_wei: Wei


class Holdings(msgspec.Struct, frozen=True):
    """The state.

    Attributes:
        open: by position id; one of which nothing is left stays while a sale of it may be undone.
        sales: by transaction hash.
        traded: tokens that were ever held, the newest last: their balances are looked at, too.
        distrusted: tokens of which something went away that nobody sold.
    """

    open: dict[str, Holding] = {}
    sales: dict[str, Sale] = {}
    traded: tuple[str, ...] = ()
    distrusted: tuple[str, ...] = ()


def opens(signed: SignedRow) -> bool:
    """Tell whether a transaction opens a position."""
    return bool(signed.position_id) and signed.action is Action.OPEN and signed.purpose in _TRADES


def reduces(signed: SignedRow) -> bool:
    """Tell whether a transaction sells from a position."""
    return bool(signed.position_id) and signed.action is Action.REDUCE and signed.purpose in _TRADES


def is_protective(signed: SignedRow) -> bool:
    """Tell whether it is Warden's own way out of a position: its exit, or the approval for it."""
    return bool(signed.position_id) and signed.action is Action.REDUCE and signed.purpose in _OWN


def bought(signed: SignedRow, outcome: OutcomeRow) -> int:
    """Return how much of its token an opening transaction brought, in smallest units."""
    return _moved(signed.path[-1], outcome)


def sold(signed: SignedRow, outcome: OutcomeRow) -> int:
    """Return how much of its token a reducing transaction took away, in smallest units."""
    return -_moved(signed.path[0], outcome)


def share_of_cost(held: Holding, amount: int) -> int:
    """Return what of a position's cost belongs to `amount` of it: rounded down, all of it for the last."""
    if amount >= held.amount:
        return held.cost_wei
    return held.cost_wei * amount // held.amount


def after_opening(state: Holdings, signed: SignedRow, outcome: OutcomeRow) -> Holdings:
    """Return the holdings after a purchase was mined."""
    amount = bought(signed, outcome)
    cost = outcome.sold_wei - outcome.bought_wei
    before = state.open.get(signed.position_id)
    token = signed.path[-1].lower()
    held = (
        Holding(
            position_id=signed.position_id,
            strategy=signed.pool,
            trader=signed.strategy,
            token=token,
            market=signed.market,
            whale=signed.whale,
            route=tuple(reversed(signed.path)),
            amount=Wei(amount),
            cost_wei=Wei(cost),
            opened_ns=outcome.at_ns,
            opened=outcome.time,
        )
        if before is None
        else _with(before, before.amount + amount, before.cost_wei + cost)
    )
    traded = (*(each for each in state.traded if each != token), token)[-_TRADED_MAX:]
    return msgspec.structs.replace(state, open={**state.open, signed.position_id: held}, traded=traded)


def before_opening(state: Holdings, signed: SignedRow, outcome: OutcomeRow) -> Holdings:
    """Return the holdings after a purchase was taken back by a reorg."""
    held = state.open.get(signed.position_id)
    if held is None:
        return state
    cost = outcome.sold_wei - outcome.bought_wei
    held = _with(held, held.amount - bought(signed, outcome), held.cost_wei - cost)
    return _swept(msgspec.structs.replace(state, open={**state.open, signed.position_id: held}))


def after_sale(state: Holdings, signed: SignedRow, outcome: OutcomeRow) -> tuple[Holdings, Sale | None]:
    """Return the holdings after a sale was mined, and what it took; None where it sold nothing of it."""
    held, amount = state.open.get(signed.position_id), sold(signed, outcome)
    if held is None or amount <= 0 or held.amount <= 0:
        return state, None
    taken = min(amount, held.amount)
    sale = Sale(signed.position_id, Wei(taken), Wei(share_of_cost(held, taken)))
    held = _with(held, held.amount - sale.amount, held.cost_wei - sale.cost_wei)
    return (
        msgspec.structs.replace(
            state,
            open={**state.open, signed.position_id: held},
            sales={**state.sales, signed.tx_hash: sale},
        ),
        sale,
    )


def before_sale(state: Holdings, signed: SignedRow) -> tuple[Holdings, Sale | None]:
    """Return the holdings after a sale was taken back by a reorg, and what it had taken."""
    sale = state.sales.get(signed.tx_hash)
    held = state.open.get(signed.position_id)
    if sale is None or held is None:
        return state, None
    held = _with(held, held.amount + sale.amount, held.cost_wei + sale.cost_wei)
    sales = {key: each for key, each in state.sales.items() if key != signed.tx_hash}
    return _swept(
        msgspec.structs.replace(state, open={**state.open, signed.position_id: held}, sales=sales)
    ), sale


def final(state: Holdings, tx_hash: str) -> Holdings:
    """Return the holdings once a transaction cannot be taken back any more."""
    if tx_hash not in state.sales:
        return state
    sales = {key: each for key, each in state.sales.items() if key != tx_hash}
    return _swept(msgspec.structs.replace(state, sales=sales))


def missing(state: Holdings, row: MissingRow) -> tuple[Holdings, int]:
    """Return the holdings without what is gone, and the cost of that in wei."""
    held = state.open.get(row.position_id)
    if held is None or not 0 < row.amount <= held.amount:
        return state, 0
    cost = share_of_cost(held, row.amount)
    held = _with(held, held.amount - row.amount, held.cost_wei - cost)
    distrusted = tuple(dict.fromkeys((*state.distrusted, row.token)))[-_TRADED_MAX:]
    state = msgspec.structs.replace(state, open={**state.open, row.position_id: held}, distrusted=distrusted)
    return _swept(state), cost


def standing(state: Holdings) -> tuple[Holding, ...]:
    """Return the positions of which something is held, oldest first."""
    return tuple(held for held in state.open.values() if held.amount > 0)


def booked(state: Holdings) -> dict[str, int]:
    """Return what must be held of each token, in its smallest units."""
    total: dict[str, int] = {}
    for held in standing(state):
        total[held.token] = total.get(held.token, 0) + held.amount
    return total


def trusted(state: Holdings) -> Holdings:
    """Return the holdings once an operator has begun all baselines anew: no token is distrusted."""
    return msgspec.structs.replace(state, distrusted=()) if state.distrusted else state


def _with(held: Holding, amount: int, cost_wei: int) -> Holding:
    return msgspec.structs.replace(held, amount=Wei(amount), cost_wei=Wei(cost_wei))


def _swept(state: Holdings) -> Holdings:
    """Return the state without positions of which nothing is left and nothing can come back."""
    waiting = {sale.position_id for sale in state.sales.values()}
    kept = {key: held for key, held in state.open.items() if held.amount != 0 or key in waiting}
    return state if len(kept) == len(state.open) else msgspec.structs.replace(state, open=kept)


def _moved(token: str, outcome: OutcomeRow) -> int:
    """Return what came of a token less what went."""
    name = token.lower()
    return sum(flow.received - flow.sent for flow in outcome.flows if flow.token == name)

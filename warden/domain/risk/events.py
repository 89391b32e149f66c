"""What happens to money, as the risk rules see it: one vocabulary for executor, journal and backtest.

Every rule is a fold of these: `step(state, limits, event, at_ns) -> state`. Times (`at_ns`) are UTC in
nanoseconds since 1970 by a clock that never goes back, restarts included, so that windows and days outlive
the process; a backtest gives block times. Amounts are in wei of the wrapped native token unless named
otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.stops import StopReason

NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S
# Every rule asks a request for this first. Read off the enum each time, it would cost more than the asking.
OPENS: Final = Action.OPEN


class Trade(msgspec.Struct, frozen=True):
    """One transaction's record from its receipt, never from a strategy's claim (PL1).

    Attributes:
        kind: `swap`, `approve` or `cancel`: the latter two cost gas only.
        success: False when it reverted on the chain; its gas is a loss all the same (CB3).
        slipped: it reverted because the price had moved: a gas loss, no system error (ES2).
        input_wei, output_wei: what left and what came, of the wrapped native token.
        gross_wei: realised profit before gas; what opens a position realises nothing.
        whale: the followed wallet, empty for none.
        market: what position limits count by: the pools or tokens of the path, joined.
        path: token addresses, first sold, last bought.
    """

    trade_id: str
    trace_id: str
    at_ns: int
    kind: str
    success: bool
    strategy: str
    input_wei: Wei
    output_wei: Wei
    gross_wei: Wei
    gas_wei: Wei
    tx_hash: str
    block: int
    path: tuple[str, ...] = ()
    whale: str = ""
    market: str = ""
    slipped: bool = False
    error: str = ""

    @property
    def net_wei(self) -> int:
        """Gross less gas."""
        return self.gross_wei - self.gas_wei


class Position(msgspec.Struct, frozen=True):
    """Tokens held that must be sold again: `amount` in the token's smallest unit, bought for `cost_wei`."""

    position_id: str
    strategy: str
    token: str
    market: str
    amount: Wei
    cost_wei: Wei
    opened_ns: int
    whale: str = ""


class Request(msgspec.Struct, frozen=True):
    """What an intent asks of the rules, worked out from its swap by the executor.

    Attributes:
        spend_wei: what leaves the capital at most.
        loss_wei: what is lost at most if it goes wrong: gas of a reverted cycle, or a position's stop-loss.
        profit_wei: profit that the chain enforces, less the gas cap; negative when it may lose.
        tokens, pools: lower-case addresses that it touches; `router` where it is sent.
        fee_per_gas_wei: what a unit of gas would cost now.
        gas_wei: what its gas costs at most; the part of `loss_wei` that a smaller size does not lessen (EX6).
        shrinks: another size would do.
        cycle: it ends in what it began with, so the chain enforces `profit_wei`; else it opens a position.
    """

    intent_id: str
    strategy: str
    action: Action
    spend_wei: int
    loss_wei: int
    profit_wei: int
    fee_per_gas_wei: int
    tokens: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    router: str = ""
    market: str = ""
    whale: str = ""
    shrinks: bool = False
    gas_wei: int = 0
    cycle: bool = True


# --- events ----------------------------------------------------------------------------------------


class Read(msgspec.Struct, frozen=True, tag="read"):
    """The wallet as the chain has it; equity is both balances and positions at their exit price."""

    trading_wei: Wei
    gas_wei: Wei
    equity_wei: Wei


class Priced(msgspec.Struct, frozen=True, tag="priced"):
    """The price of one whole native coin in USD."""

    usd: Decimal


class Reserved(msgspec.Struct, frozen=True, tag="reserved"):
    """An approved intent holds its share of every limit until it settles, is released or expires (PS2)."""

    intent_id: str
    strategy: str
    market: str
    whale: str
    spend_wei: Wei
    loss_wei: Wei
    gas_wei: Wei = Wei(0)
    action: Action = Action.OPEN


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """A reserved intent was signed: its reservation no longer expires."""

    intent_id: str


class Bumped(msgspec.Struct, frozen=True, tag="bumped"):
    """A reserved intent was signed again with higher fees at the same nonce: its gas may cost so much now."""

    intent_id: str
    gas_wei: Wei


class Released(msgspec.Struct, frozen=True, tag="released"):
    """A reserved intent never lands: refused later, never sent, superseded; `tx_hash` where it was signed."""

    intent_id: str
    tx_hash: str = ""


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """A transaction was mined."""

    trade: Trade


class Undone(msgspec.Struct, frozen=True, tag="undone"):
    """A reorg took back what was settled as `trade`."""

    trade: Trade


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """A position came into being."""

    position: Position


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """A position, or `amount` of it, was sold for `proceeds_wei`."""

    position_id: str
    amount: Wei
    proceeds_wei: Wei


class Restored(msgspec.Struct, frozen=True, tag="restored"):
    """A reorg took back an opening or a close: the position as it is now; amount 0: it was never opened."""

    position: Position


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The system failed at something: every endpoint refused, a simulation got no answer. Not a revert."""

    kind: str
    text: str


class Worked(msgspec.Struct, frozen=True, tag="worked"):
    """The system did what it was to do; ends a row of failures, of that `kind` if it names one.

    Who can simulate may still not be able to send: a simulation does not end a row of failed sends.
    """

    kind: str = ""


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """Another part found a reason to stop: NETWORK_FAILURE, SECURITY_BREACH, DATA_INTEGRITY and the like."""

    reason: StopReason
    text: str


class BreakerOrder(StrEnum):
    """What an operator may do to the breaker by hand (CB4)."""

    OPEN = "open"
    CLOSE = "close"
    RESET = "reset"


class BreakerForced(msgspec.Struct, frozen=True, tag="breaker-forced"):
    """An operator opened, closed or reset the breaker."""

    order: BreakerOrder
    operator: str
    reason: str


class LeverSet(msgspec.Struct, frozen=True, tag="lever-set"):
    """An operator pulled a lever (PS4a): see levers.py for names and values; an empty value lets it go."""

    lever: str
    value: str
    operator: str
    reason: str


class Moved(StrEnum):
    """What money of the operator's own accord did."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    DEBT_PAID = "debt-paid"
    COST = "cost"


class CapitalMoved(msgspec.Struct, frozen=True, tag="capital-moved"):
    """An operator put money in or took it out of the pool's `account` (empty: the move's own, capital.py)."""

    move: Moved
    amount_wei: Wei
    pool: str
    operator: str
    reason: str
    account: str = ""


class Recovered(msgspec.Struct, frozen=True, tag="recovered"):
    """An operator recovered from a stop: what demanded it may do so again; streaks and baselines stay."""

    operator: str
    reason: str


class BaselinesReset(msgspec.Struct, frozen=True, tag="baselines-reset"):
    """A recovery was asked to begin streaks, peaks and baselines anew (ES5)."""

    operator: str
    reason: str


class Calls(msgspec.Struct, frozen=True, tag="calls"):
    """So many RPC calls were made since the last of these; they count against the plan's quota (PL2)."""

    count: int


class Ticked(msgspec.Struct, frozen=True, tag="ticked"):
    """Time has passed."""


class Valuation(msgspec.Struct, frozen=True):
    """What selling all `amount` of a position would bring now, from pool reserves; None: cannot be told.

    In dispute (doubt.py) `value_wei` is what some blocks in a row have shown, and `least_wei` the worse of
    that and of what it is compared with: losses are measured by it. None: there is no dispute.
    """

    position_id: str
    amount: Wei
    value_wei: Wei | None
    least_wei: Wei | None = None


class Valued(msgspec.Struct, frozen=True, tag="valued"):
    """Exit values of positions, one event for all of a block; `read_ns` is when the reserves were read."""

    read_ns: int
    valuations: tuple[Valuation, ...]


class ExitOrdered(msgspec.Struct, frozen=True, tag="exit-ordered"):
    """An operator, or a stop that flattens, closes these positions; none named means all (PS4a, ES6)."""

    position_ids: tuple[str, ...]
    operator: str
    reason: str


class ExitFailed(msgspec.Struct, frozen=True, tag="exit-failed"):
    """An exit that was decided is known to sell nothing: refused, never sent, reverted or superseded.

    `tried`: simulation or chain had their say; one that never left did not fail for its price.
    """

    position_id: str
    text: str
    tried: bool = True


class TriggersSet(msgspec.Struct, frozen=True, tag="triggers-set"):
    """A position's own exits in basis points; None: as for all positions, 0: none (SL1)."""

    position_id: str
    stop_loss_bps: int | None
    take_profit_bps: int | None
    trailing_bps: int | None
    operator: str
    reason: str


class ExitsBarred(msgspec.Struct, frozen=True, tag="exits-barred"):
    """Protective exits may not leave, and why; an empty `why`: they may again."""

    why: str


class MarketPrice(msgspec.Struct, frozen=True):
    """A pool's price as the ratio of its reserves, both above zero, in the tokens' smallest units."""

    market: str
    reserve0: Wei
    reserve1: Wei


class Observed(msgspec.Struct, frozen=True, tag="observed"):
    """What a block showed: prices of markets, and what a unit of gas would cost (None: not read)."""

    prices: tuple[MarketPrice, ...]
    fee_per_gas_wei: Wei | None = None


RiskEvent = (
    Read
    | Priced
    | Reserved
    | Sent
    | Bumped
    | Released
    | Settled
    | Undone
    | Opened
    | Closed
    | Restored
    | Failed
    | Worked
    | Raised
    | BreakerForced
    | LeverSet
    | CapitalMoved
    | Recovered
    | BaselinesReset
    | Calls
    | Ticked
    | Valued
    | ExitOrdered
    | ExitFailed
    | TriggersSet
    | ExitsBarred
    | Observed
)

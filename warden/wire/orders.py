"""Orders of an operator to the executor about money, and its report on the risk rules: ORDERS channel.

Each order is journalled with who and why before it is answered; what is refused says so with the mend.
"""

from __future__ import annotations

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import BreakerOrder, Moved
from warden.domain.risk.refusal import Refusal
from warden.wire.messages import OperatorReply
from warden.wire.telemetry import DecisionLine


class PullLever(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="lever.1"):
    """Pull a lever (PS4a), or let it go by an empty value; names and values are those of lever_table."""

    operator: str
    reason: str
    lever: str
    value: str = ""


class ForceBreaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="breaker.1"):
    """Open, close or reset the circuit breaker by hand (CB4)."""

    operator: str
    reason: str
    order: BreakerOrder


class MoveCapital(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="capital.1"):
    """Book money that an operator put in or took out (EX9, PL3); `account` empty: the move's own."""

    operator: str
    reason: str
    move: Moved
    amount_wei: Wei
    pool: str = ""
    account: str = ""


class ResetBaselines(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="reset.1"):
    """Begin streaks, peaks and baselines anew (ES5)."""

    operator: str
    reason: str


class AskRisk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ask-risk.1"):
    """Ask for a `RiskReport`, of one of several strategies or of the freest; changes nothing."""

    strategy: str = ""


class AskDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ask-decision.1"):
    """Ask what was decided of an intent, by its id or the beginning of it; changes nothing."""

    intent_id: str


OrderRequest = PullLever | ForceBreaker | MoveCapital | ResetBaselines | AskRisk | AskDecision


class LimitLine(msgspec.Struct, frozen=True):
    """One limit as it stands.

    Attributes:
        name: the setting's key, such as `limits.max_trade_eth`.
        limit: as it counts now, probation and levers included, text in `unit`; empty: not set.
        configured: as warden.toml has it.
        observed: how much of it is used now, text in `unit`; empty where that has no meaning or is unknown.
        used_bps: share of the limit that is used, in basis points; None where it cannot be told.
    """

    name: str
    limit: str
    configured: str
    observed: str
    unit: str
    used_bps: int | None = None


class LeverLine(msgspec.Struct, frozen=True):
    """One lever that is pulled, or an order that waits; `time` is UTC text."""

    lever: str
    value: str
    operator: str
    reason: str
    time: str


class BreakerLine(msgspec.Struct, frozen=True):
    """The circuit breaker; `until` is UTC text, empty unless it cools down."""

    state: str
    why: str
    until: str
    trips: int
    forced: int
    open_s: int
    operator: str
    reason: str


class PoolLine(msgspec.Struct, frozen=True):
    """A capital pool: what each account holds, in wei; they sum to `total_wei`."""

    pool: str
    total_wei: Wei
    accounts: dict[str, Wei]


class RiskReport(msgspec.Struct, frozen=True, tag="risk-report.1"):
    """What the risk rules say now.

    Attributes:
        blocked: why nothing may be opened now, most basic first; empty when a trade within limits would pass.
        price_usd: of one native coin, text; empty when not known.
        equity_wei, peak_wei, opening_wei: None when not known.
        figures: of today and of all time, by name as text, amounts in ETH.
    """

    blocked: tuple[Refusal, ...]
    limits: tuple[LimitLine, ...]
    levers: tuple[LeverLine, ...]
    breaker: BreakerLine
    pools: tuple[PoolLine, ...]
    price_usd: str
    equity_wei: Wei | None
    peak_wei: Wei | None
    opening_wei: Wei | None
    drawdown_bps: int | None
    today: dict[str, str]
    ever: dict[str, str]


class DecisionReport(msgspec.Struct, frozen=True, tag="decision-report.1"):
    """What was decided, in this run of the executor, of the intents that were asked for; ten at most."""

    lines: tuple[DecisionLine, ...]


OrderReply = OperatorReply | RiskReport | DecisionReport

"""All rules as one: the same object decides live, on paper and in a backtest.

`RiskState` is the fold of every `RiskEvent` that was journalled; `Engine` holds it with the limits, and what
is worked out from both. Nothing here has a clock, waits or writes.

What an intent meets, in the order of EX1 (permission comes before, simulation and assessment after):
emergency, breaker, drawdown (integrity); capital and pool; size, levers, positions, gas (limits).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk import (
    assessment,
    capital,
    circuit_breaker,
    drawdown,
    emergency_stop,
    exits,
    fees,
    levers,
    position_limits,
    position_size,
    profit_loss,
    reconciliation,
    reservations,
    sizing,
    thresholds,
)
from warden.domain.risk.assessment import AssessmentLimits
from warden.domain.risk.capital import Capital, CapitalLimits
from warden.domain.risk.circuit_breaker import Breaker, BreakerLimits, BreakerState
from warden.domain.risk.drawdown import Drawdown, DrawdownLimits
from warden.domain.risk.emergency_stop import Emergency, EmergencyLimits
from warden.domain.risk.events import NS_PER_S, Read, Request
from warden.domain.risk.fees import Fees
from warden.domain.risk.findings import Noted, Weight
from warden.domain.risk.levers import LeverLimits, Levers
from warden.domain.risk.position_limits import Positions
from warden.domain.risk.profit_loss import ProfitLoss, ProfitLossLimits
from warden.domain.risk.protection import ExitLimits, ExitState
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.reservations import ReservationLimits, Reservations
from warden.domain.risk.sizing import Sizing, SizingLimits
from warden.domain.risk.thresholds import Effective, Means
from warden.domain.risk.volatility import Markets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.domain.risk.assessment import Opportunity, Verdict
    from warden.domain.risk.events import RiskEvent
    from warden.domain.risk.exits import Exit
    from warden.domain.risk.findings import Finding

_WHOLE: Final = 100
_TELL_AGAIN_NS: Final = 3_600 * NS_PER_S
# More than any minimum profit: what is asked is not whether a trade earns enough.
_PLENTY_WEI: Final = 2**200


class RiskLimits(msgspec.Struct, frozen=True):
    """Every limit, from the settings; `levers` holds sizes, positions and gas, which levers may tighten."""

    levers: LeverLimits = LeverLimits()
    breaker: BreakerLimits = BreakerLimits()
    drawdown: DrawdownLimits = DrawdownLimits()
    emergency: EmergencyLimits = EmergencyLimits()
    reservations: ReservationLimits = ReservationLimits()
    sizing: SizingLimits = SizingLimits()
    exits: ExitLimits = ExitLimits()
    capital: CapitalLimits = CapitalLimits()
    profit_loss: ProfitLossLimits = ProfitLossLimits()
    assessment: AssessmentLimits | None = AssessmentLimits()


class RiskState(msgspec.Struct, frozen=True):
    """All that the rules know; a restart folds the journal to the same, field by field."""

    means: Means = Means()
    breaker: Breaker = Breaker()
    drawdown: Drawdown = Drawdown()
    emergency: Emergency = Emergency()
    reservations: Reservations = Reservations()
    positions: Positions = Positions()
    levers: Levers = Levers()
    fees: Fees = Fees()
    sizing: Sizing = Sizing()
    markets: Markets = Markets()
    exits: ExitState = ExitState()
    capital: Capital = Capital()
    profit_loss: ProfitLoss = ProfitLoss()


class Fitted(msgspec.Struct, frozen=True):
    """A request that passes, and why it is smaller than it was asked for; None where it is not."""

    request: Request
    because: Refusal | None = None


class Engine:
    """The rules at work.

    Args:
        limits: from the settings.
        state: of the run before; a new one knows nothing, and so lets nothing open.
    """

    def __init__(self, limits: RiskLimits, state: RiskState | None = None) -> None:
        self.limits = limits
        self.state = RiskState() if state is None else state
        self._percent = _WHOLE
        self._exposure_told_ns = -_TELL_AGAIN_NS
        self._derive()

    # --- events

    def handle(self, event: RiskEvent, at_ns: int) -> tuple[tuple[Finding, ...], tuple[Exit, ...]]:
        """Take one event in; return what the rules have to say, and which positions to sell.

        Raises:
            InvariantBroken: the books do not add up.
        """
        before, limits = self.state, self.limits
        if isinstance(event, Read):
            event = self._explained(event)
        breaker, told_breaker = circuit_breaker.step(before.breaker, limits.breaker, event, at_ns)
        low, told_low = drawdown.step(before.drawdown, limits.drawdown, event, at_ns)
        emergency, told_emergency = emergency_stop.step(before.emergency, limits.emergency, event, at_ns)
        held, told_held = reservations.step(before.reservations, limits.reservations, event, at_ns)
        positions, told_positions = position_limits.step(
            before.positions, self._in_force.positions, event, at_ns
        )
        pulled, told_pulled = levers.step(before.levers, limits.levers, event, at_ns)
        guards, told_exits, sold = exits.step(before.exits, limits.exits, event, at_ns)
        books, told_books = capital.step(before.capital, limits.capital, event, at_ns)
        results, told_results = profit_loss.step(before.profit_loss, limits.profit_loss, event, at_ns)
        markets = before.markets
        if limits.assessment is not None:
            markets = assessment.step(markets, limits.assessment, event, at_ns)
        self.state = RiskState(
            means=thresholds.step(before.means, self._in_force.trade, event, at_ns),
            breaker=breaker,
            drawdown=low,
            emergency=emergency,
            reservations=held,
            positions=positions,
            levers=pulled,
            fees=fees.step(before.fees, self._in_force.fees, event, at_ns),
            sizing=sizing.step(before.sizing, limits.sizing, event, at_ns),
            markets=markets,
            exits=guards,
            capital=books,
            profit_loss=results,
        )
        if (
            self.state.means is not before.means
            or pulled is not before.levers
            or positions is not before.positions
        ):
            self._derive()
        told: tuple[Finding, ...] = (
            *told_emergency,
            *told_breaker,
            *told_low,
            *told_held,
            *told_positions,
            *told_pulled,
            *told_exits,
            *told_books,
            *told_results,
        )
        return told + self._near_exposure(at_ns), sold

    def _explained(self, read: Read) -> Read:
        """Return a read without what nobody explains: dust must not widen a limit (EX9)."""
        inflow_wei = reconciliation.inflow_wei(self.state.capital, read)
        if not inflow_wei:
            return read
        return msgspec.structs.replace(read, equity_wei=Wei(read.equity_wei - inflow_wei))

    def is_news(self, read: Read) -> bool:
        """Tell whether a read of the wallet, told before, would change something if it were told again."""
        if self._explained(read).equity_wei != self.state.means.equity_wei:
            return True
        return reconciliation.is_open_question(self.state.capital, self.limits.capital, read)

    def _near_exposure(self, at_ns: int) -> tuple[Finding, ...]:
        """Return the warning that comes before the limit on exposure (ES1a), once an hour while it is near.

        No state: a restart may say it once more.
        """
        ceiling, used_wei = self._effective.exposure, self.exposure_wei
        near = used_wei * BPS_ONE >= ceiling.wei * self.limits.emergency.warn_bps
        if used_wei <= 0 or not near or at_ns < self._exposure_told_ns + _TELL_AGAIN_NS:
            return ()
        self._exposure_told_ns = at_ns
        return (
            Noted(
                Weight.WARNING,
                "exposure.near-limit",
                "what is open and in flight is near its limit",
                limit=thresholds.exact_ether(ceiling.wei),
                observed=thresholds.exact_ether(used_wei),
                unit="ETH",
                setting=ceiling.rule,
                runbook="position-limit",
            ),
        )

    def scale(self, percent: int) -> None:
        """Let so much of every size count, 0 to 100: probation after a recovery (ES5)."""
        if percent != self._percent:
            self._percent = percent
            self._derive()

    @property
    def percent(self) -> int:
        """How much of every size counts, 0 to 100."""
        return self._percent

    def _derive(self) -> None:
        """Work out anew what is compared with; called when something it is made from has changed."""
        self._in_force = levers.in_force(self.state.levers, self.limits.levers)
        self._effective = thresholds.effective(
            self.state.means, self._in_force.trade, self._percent, int(self.state.positions.cost_wei)
        )

    # --- what is asked

    @property
    def in_force(self) -> LeverLimits:
        """The limits that levers may tighten, as they count now."""
        return self._in_force

    @property
    def effective(self) -> Effective:
        """The limits on sizes in wei for what there is now."""
        return self._effective

    @property
    def exposure_wei(self) -> int:
        """What open positions cost and reservations may spend, together."""
        return self.state.positions.cost_wei + self.state.reservations.spend_wei

    def check(self, request: Request, at_ns: int) -> Refusal | None:
        """Return why this request, at this size, may not pass now, or None; the first rule counts."""
        return next(self._refusals(request, at_ns), None)

    def _refusals(self, request: Request, at_ns: int) -> Iterator[Refusal]:  # noqa: C901 - a line for each rule
        state, limits, now = self.state, self.limits, self._in_force
        held = state.reservations
        if refusal := emergency_stop.check(state.emergency, limits.emergency, request, at_ns):
            yield refusal
        if refusal := circuit_breaker.check(state.breaker, limits.breaker, request, at_ns):
            yield refusal
        if refusal := drawdown.check(state.drawdown, limits.drawdown, request, at_ns):
            yield refusal
        if self._effective.closed is not None and request.action is Action.OPEN:
            yield self._effective.closed
        if refusal := capital.check(state.capital, limits.capital, request, at_ns):
            yield refusal
        reserved_wei = held.spend_wei
        exposure_wei = state.positions.cost_wei + reserved_wei
        if refusal := position_size.check(self._effective, request, exposure_wei, reserved_wei, at_ns):
            yield refusal
        if refusal := levers.check(state.levers, now, request, at_ns):
            yield refusal
        if refusal := position_limits.check(state.positions, now.positions, held, request, at_ns):
            yield refusal
        if refusal := fees.check(state.fees, now.fees, request, held.gas_wei, at_ns):
            yield refusal
        if refusal := reservations.check(held, request.intent_id):
            yield refusal

    def fit(
        self, request: Request, at_ns: int, resize: Callable[[Request, int], Request] = position_size.resized
    ) -> Fitted | Refusal:
        """Return the request at a size that every rule lets through, or why there is none (PS1, PS3).

        Sizes follow results first and are checked against every limit afterwards. `resize` makes it anew at
        another spend in wei: what is checked is what will be reserved.
        """
        wished = sizing.propose(
            self.state.sizing, self.limits.sizing, request, self._effective.capital_wei, at_ns
        )
        if isinstance(wished, Refusal):
            return wished
        because = None
        if wished is not request:
            wished = resize(request, wished.spend_wei)
        if wished.spend_wei != request.spend_wei:
            because = Refusal(
                "sizing.results",
                "sized by its results of late",
                limit=thresholds.exact_ether(wished.spend_wei),
                observed=thresholds.exact_ether(request.spend_wei),
                unit="ETH",
                setting="sizing.mode",
            )
        refusal = self.check(wished, at_ns)
        if refusal is None:
            return Fitted(wished, because)
        smaller = self._smaller(wished, at_ns, resize)
        if smaller is None or self.check(smaller, at_ns) is not None:
            return refusal
        # Results wished for more, and a limit left what was asked for: that is no other size.
        return Fitted(smaller, refusal if smaller.spend_wei != request.spend_wei else None)

    def _smaller(
        self, request: Request, at_ns: int, resize: Callable[[Request, int], Request]
    ) -> Request | None:
        """Return the request at the largest size that the limits on sizes allow; None: at no smaller one."""
        if not request.shrinks:
            return None
        state = self.state
        held = state.reservations
        size = position_size.largest(
            self._effective,
            request,
            state.positions.cost_wei + held.spend_wei,
            held.spend_wei,
            at_ns,
            room_wei=self._room_wei(request, at_ns),
        )
        return resize(request, size) if 0 < size < request.spend_wei else None

    def _room_wei(self, request: Request, at_ns: int) -> int | None:
        """Return what its whale's allocation and its pool leave; None: they set no limit."""
        state = self.state
        room = position_limits.room(
            state.positions, self._in_force.positions, state.reservations, request, at_ns
        )
        pool = state.capital.pools.get(request.strategy)
        spendable = 0 if pool is None else pool.spendable_wei
        return spendable if room is None else min(room, spendable)

    def check_send(self, request: Request, at_ns: int) -> Refusal | None:
        """Return why a reserved request may not be signed now that its gas is known, or None.

        What it holds already is not counted against it a second time. Whatever has closed or was lowered
        since it was let through counts.
        """
        state, limits, now = self.state, self.limits, self._in_force
        held = state.reservations.held.get(request.intent_id)
        own_wei, own_gas_wei = (0, 0) if held is None else (held.spend_wei, held.gas_wei)
        others_gas_wei = state.reservations.gas_wei - own_gas_wei
        breaker = state.breaker
        is_open = request.action is Action.OPEN and breaker.state is BreakerState.OPEN
        return (
            reservations.check_send(state.reservations, limits.reservations, request.intent_id, at_ns)
            or emergency_stop.check(state.emergency, limits.emergency, request, at_ns)
            or (breaker.why if is_open else None)
            or drawdown.check(state.drawdown, limits.drawdown, request, at_ns)
            or position_size.check(
                self._effective,
                request,
                self.exposure_wei - own_wei,
                state.reservations.spend_wei - own_wei,
                at_ns,
            )
            or fees.check(state.fees, now.fees, request, others_gas_wei, at_ns)
            or levers.check(state.levers, now, request, at_ns)
        )

    def assess(self, opportunity: Opportunity, at_ns: int) -> Verdict | None:
        """Return the score of an opportunity with its reasons (RK1); None where that is switched off."""
        if self.limits.assessment is None:
            return None
        return assessment.assess(self.state.markets, self.limits.assessment, opportunity, at_ns)

    def blocked(self, strategy: str, fee_per_gas_wei: int, at_ns: int) -> tuple[Refusal, ...]:
        """Return every reason why that strategy could not open even the smallest trade now (OP1a)."""
        smallest = Request(
            intent_id="",
            strategy=strategy,
            action=Action.OPEN,
            spend_wei=max(1, self._effective.min_wei),
            loss_wei=0,
            profit_wei=_PLENTY_WEI,
            fee_per_gas_wei=fee_per_gas_wei,
        )
        return tuple(dict.fromkeys(self._refusals(smallest, at_ns)))

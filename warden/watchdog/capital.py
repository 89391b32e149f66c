"""The wallet's capital as endpoints agree on it, past the executor and its book (ES2). Pure.

What the wallet held first, and at each UTC day's beginning, is kept in the watchdog's journal; a loss of too
large a share of either is a stop, written by the watchdog itself. Time is the blocks' own, on which the
endpoints agree too. Every comparison is of whole products (emergency_gauges). Only an operator's word to the
watchdog moves what losses are measured by; the executor cannot.

A loss must be seen for three seconds: what was bought is valued only once the executor has named its token,
and the next read has found it. What nobody names counts as lost: when in doubt, it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.causes import Cause
from warden.domain.errors import EXIT_DONE, EXIT_REFUSED
from warden.domain.money import Wei, format_ether
from warden.domain.risk.day import Day, rebased
from warden.domain.risk.emergency_gauges import (
    ABOUT,
    Emergency,
    EmergencyLimits,
    Gauge,
    Trigger,
    measure,
    texts,
)
from warden.domain.stops import CleanUp, Stop
from warden.watchdog import reactions
from warden.watchdog.last_run import Baselines
from warden.wire.capital import TOKENS_MAX, WalletDisputed, WalletRead, WalletUnknown
from warden.wire.codec import to_plain
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.authority import Authority
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops
    from warden.wire.capital import WalletReport
    from warden.wire.messages import MoveBaseline, ResetBaseline

CONFIRM_NS: Final = 3_000_000_000
GONE_NS: Final = 10_000_000_000
_DAY_S: Final = 86_400
_TRIGGERS: Final = (Trigger.CAPITAL_LOSS, Trigger.DAILY_LOSS)
_RUNBOOK: Final = "high-capital-loss"
_CALM_BPS: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class CapitalTerms:
    """What it goes by, from the settings.

    Attributes:
        read: the wallet is on a chain; on paper there is none, and nothing here has an effect.
        limits: those of [emergency].
        unknown_after_ns: without agreement for so long: OBSERVE_ONLY.
    """

    read: bool
    limits: EmergencyLimits
    unknown_after_ns: int


class Capital:
    """What is known of the wallet, and what follows from it."""

    def __init__(self, terms: CapitalTerms, authority: Authority, stops: Stops, out: Outbox) -> None:
        self.terms = terms
        self.kept = Baselines()
        self.last: WalletRead | None = None
        self.report: WalletReport = WalletUnknown("it was not read yet")
        self.tokens: tuple[str, ...] = ()
        self._authority = authority
        self._stops = stops
        self._out = out
        self._agreed_ns: int | None = None
        self._ordered_ns = 0
        self._low_since_ns: dict[Trigger, int] = {}

    def carry_over(self, kept: Baselines, now_ns: int) -> None:
        """Go on with what the run before has left."""
        self.kept, self._ordered_ns = kept, now_ns

    # --- what comes in

    def came(self, report: WalletReport, now_ns: int) -> None:
        """Take what the gateway reports; what was agreed on too long ago counts as nothing."""
        if not self.terms.read:
            return
        self.report = report
        if not isinstance(report, WalletRead):
            return
        read_ns = min(report.read_ns, now_ns)
        if now_ns - read_ns > self.terms.unknown_after_ns:
            self.report = WalletUnknown("what the gateway tells was read too long ago")
            return
        self._agreed_ns, self.last = read_ns, report
        self._judge(report, now_ns)

    def held(self, tokens: tuple[str, ...]) -> None:
        """Take the tokens that the executor says it holds: they are valued from the next read on."""
        self.tokens = tokens[:TOKENS_MAX]

    def step(self, now_ns: int) -> None:
        """Keep the stop standing that was ordered, and the mode down while the capital is not known."""
        if not self.terms.read:
            return
        if self.kept.stop is not None:
            self._stops.demanded((self.kept.stop,), now_ns)
        detail = self._trouble()
        if self._agreed_ns is None:
            self._authority.stand(Cause.CAPITAL_AWAITED, now_ns, detail)
        elif now_ns - self._agreed_ns > self.terms.unknown_after_ns:
            disputed = isinstance(self.report, WalletDisputed)
            cause = Cause.CAPITAL_DISPUTED if disputed else Cause.CAPITAL_UNKNOWN
            if self._authority.stand(cause, now_ns, detail):
                reactions.say(self._out, cause.value.replace("-", "."), detail, cause)

    def known(self, now_ns: int) -> bool:
        """Tell whether endpoints agree now: then what stood for want of it may lift."""
        fresh = self._agreed_ns is not None and now_ns - self._agreed_ns <= self.terms.unknown_after_ns
        return not self.terms.read or (fresh and isinstance(self.report, WalletRead))

    def age_ms(self, now_ns: int) -> int | None:
        """Return how long ago endpoints last agreed; None when they never did."""
        return None if self._agreed_ns is None else max(0, now_ns - self._agreed_ns) // 1_000_000

    def _trouble(self) -> str:
        report = self.report
        if isinstance(report, WalletRead):
            return "the gateway has reported nothing since"
        one = isinstance(report, WalletUnknown) and report.one_source
        return f"ONE SOURCE: {report.text}" if one else report.text

    # --- losses

    def _judge(self, read: WalletRead, now_ns: int) -> None:
        """Open the books with the first money, a day with its first read, and look for losses."""
        kept, equity_wei, day = self.kept, read.equity_wei, read.timestamp_s // _DAY_S
        if kept.baseline_wei is None and equity_wei <= 0:
            return  # a wallet that never held anything has lost nothing
        if kept.baseline_wei is None:
            kept = msgspec.structs.replace(kept, baseline_wei=Wei(equity_wei))
        if day > kept.day:
            kept = msgspec.structs.replace(kept, day=day, opening_wei=Wei(equity_wei), moved_wei=Wei(0))
        elif kept.opening_wei is None:
            kept = msgspec.structs.replace(kept, opening_wei=Wei(equity_wei))
        self._keep(kept, "capital.opened")
        state = self._state(equity_wei)
        for trigger in _TRIGGERS:
            gauge = measure(state, self.terms.limits, trigger)
            if gauge is not None:
                self._weigh(gauge, state, read, now_ns)

    def _weigh(self, gauge: Gauge, state: Emergency, read: WalletRead, now_ns: int) -> None:
        trigger, told = gauge.trigger, self.kept.told
        if gauge.reached:
            since_ns = self._low_since_ns.setdefault(trigger, now_ns)
            if now_ns - since_ns >= CONFIRM_NS:
                self._reached(gauge, state, read, now_ns)
            return
        self._low_since_ns.pop(trigger, None)
        if gauge.at_least(gauge.warn_bps):
            if trigger.value not in told:
                self._keep(msgspec.structs.replace(self.kept, told=(*told, trigger.value)), "capital.near")
                self._say_near(gauge, state)
        elif trigger.value in told and not gauge.at_least(gauge.warn_bps - _CALM_BPS):
            rest = tuple(each for each in told if each != trigger.value)
            self._keep(msgspec.structs.replace(self.kept, told=rest), "capital.calm")

    def _reached(self, gauge: Gauge, state: Emergency, read: WalletRead, now_ns: int) -> None:
        """Order the stop, once until an operator has recovered from it."""
        about, limits = ABOUT[gauge.trigger], self.terms.limits
        limit, observed = texts(state, limits, gauge)
        said_by = f"by {' and '.join(read.endpoints)} at block {read.block}"
        text = f"{about.message}: {observed} % of {limit} %, {said_by}"
        if not limits.enabled:
            name = f"off:{gauge.trigger.value}"
            if name not in self.kept.told:
                told = (*self.kept.told, name)
                self._keep(msgspec.structs.replace(self.kept, told=told), "capital.not-stopped")
                text = f"{text}: this would stop everything, were emergency.enabled not false"
                self._out.notice(Severity.ERROR, "emergency.not-stopped", text, _RUNBOOK)
            return
        if self.kept.stop is not None and not self._is_gone(self.kept.stop, now_ns):
            return
        stop = Stop(
            stop_id=f"watchdog-{gauge.trigger.value}-{read.block}-{read.timestamp_s}",
            reason=about.reason.value,
            message=f"{text}; equity {format_ether(read.equity_wei)} ETH ({about.setting})",
            operator="watchdog",
            policy=limits.policies.get(about.reason, CleanUp.CANCEL).value,
            time=datetime.fromtimestamp(read.timestamp_s, UTC).isoformat().replace("+00:00", "Z"),
        )
        self._ordered_ns = now_ns
        self._keep(msgspec.structs.replace(self.kept, stop=stop), "capital.stop")

    def _is_gone(self, stop: Stop, now_ns: int) -> bool:
        """Tell whether a stop that was ordered stands nowhere for long.

        A crash right after its clearing leaves it so: it does not come back, so another one must be ordered.
        """
        if any(each.stop_id == stop.stop_id for each in self._stops.standing):
            self._ordered_ns = now_ns
        return now_ns - self._ordered_ns > GONE_NS

    def _say_near(self, gauge: Gauge, state: Emergency) -> None:
        limit, observed = texts(state, self.terms.limits, gauge)
        severity = Severity.ERROR if gauge.trigger is Trigger.CAPITAL_LOSS else Severity.WARNING
        text = f"near the emergency stop: {gauge.trigger}, {observed} % of {limit} %"
        self._out.notice(severity, f"{gauge.trigger}.near-limit", text, _RUNBOOK)

    def _state(self, equity_wei: int) -> Emergency:
        kept = self.kept
        return Emergency(
            equity_wei=Wei(equity_wei),
            baseline_wei=kept.baseline_wei,
            day=Day(kept.day, kept.opening_wei, kept.moved_wei),
        )

    # --- what operators say

    def cleared(self, stop_ids: tuple[str, ...], *, reset: bool) -> None:
        """A recovery has moved these stops away; with `reset` what losses are measured by begins anew."""
        stop = self.kept.stop
        if stop is not None and stop.stop_id in stop_ids:
            self._low_since_ns.clear()
            self._keep(msgspec.structs.replace(self.kept, stop=None, told=()), "capital.recovered")
        if reset:
            self._begin_anew()

    def reset(self, _request: ResetBaseline) -> tuple[int, str]:
        """Begin anew what losses are measured by; return exit code and answer."""
        self._begin_anew()
        return EXIT_DONE, "the watchdog measures losses from the next agreed read on"

    def move(self, request: MoveBaseline) -> tuple[int, str]:
        """Move what losses are measured by with the operator's own money; return exit code and answer.

        In proportion, so that a deposit hides no loss and a withdrawal makes none. A deposit is believed once
        it has arrived, a withdrawal before it leaves.
        """
        kept, change_wei = self.kept, int(request.change_wei)
        if self.last is None or kept.baseline_wei is None:
            return EXIT_REFUSED, "the watchdog does not know the wallet's capital yet: say it again later"
        equity_wei = self.last.equity_wei
        before_wei = equity_wei - change_wei if change_wei > 0 else equity_wei
        after_wei = before_wei + change_wei
        if before_wei <= 0 or after_wei < 0:
            return EXIT_REFUSED, f"the wallet holds {format_ether(equity_wei)} ETH: that cannot be"
        moved = msgspec.structs.replace(
            kept,
            baseline_wei=rebased(kept.baseline_wei, before_wei, change_wei),
            moved_wei=Wei(kept.moved_wei + change_wei),
        )
        if change_wei > 0 and self._would_stop(moved, equity_wei):
            return EXIT_REFUSED, "a deposit is told once it has arrived: the wallet does not show it yet"
        self._keep(moved, "capital.moved", operator=request.operator, reason=request.reason)
        held = format_ether(moved.baseline_wei or 0)
        return EXIT_DONE, f"the watchdog measures losses against {held} ETH now"

    def _would_stop(self, kept: Baselines, equity_wei: int) -> bool:
        state = Emergency(
            equity_wei=Wei(equity_wei),
            baseline_wei=kept.baseline_wei,
            day=Day(kept.day, kept.opening_wei, kept.moved_wei),
        )
        gauges = (measure(state, self.terms.limits, trigger) for trigger in _TRIGGERS)
        return any(gauge is not None and gauge.reached for gauge in gauges)

    def _begin_anew(self) -> None:
        self._low_since_ns.clear()
        anew = Baselines(stop=self.kept.stop)
        self._keep(anew, "capital.reset")

    def _keep(self, kept: Baselines, kind: str, **body: str) -> None:
        """Take it over, written down first: a restart goes on with the same."""
        if kept != self.kept:
            self.kept = kept
            self._out.row(kind, **body, kept=to_plain(kept))

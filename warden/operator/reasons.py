"""Why nothing trades right now: what stands in the way, worst first, and who ends it (OP1a). Pure.

It says what it can of what it was told: whoever is silent is a reason too, and nothing old passes for new.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import Outcome
from warden.domain.modes import Mode
from warden.domain.roles import Role, strategy_of, trader_of
from warden.operator.capital_text import GOOD, capital_text
from warden.operator.picture import Seen, Word, age_text
from warden.operator.position_text import state_text, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.operator.link import Snapshot
    from warden.operator.picture import SystemView
    from warden.wire.orders import RiskReport
    from warden.wire.telemetry import DecisionLine, TraderStatus, WatchdogStatus

# A proposal of longer ago says nothing about now.
_RECENT: Final = timedelta(seconds=60)
_REFUSALS_EACH: Final = 3
_HELD: Final = frozenset({"LOST", "FROZEN", "LIVELOCKED", "ended"})
_WELL: Final = frozenset({"ok", "slow"})


class Reason(msgspec.Struct, frozen=True):
    """One thing that stands in the way.

    Attributes:
        what: stop, mode, gate, rule, capital, data or strategy; position: it blocks nothing.
        mend: what would end it, one clause; empty where the message says it.
        rule, limit, observed, unit, setting: as in `Refusal`, where a rule says it.
    """

    what: str
    message: str
    mend: str = ""
    rule: str = ""
    limit: str = ""
    observed: str = ""
    unit: str = ""
    setting: str = ""

    def text(self) -> str:
        """Return it as one line."""
        figures = [
            f"{name} {value} {unit}".strip()
            for name, value, unit in (
                ("limit", self.limit, self.unit),
                ("observed", self.observed, self.unit),
                ("setting", self.setting, ""),
            )
            if value
        ]
        line = f"{self.what}: {f'{self.rule}: ' if self.rule else ''}{self.message}"
        line = f"{line} ({', '.join(figures)})" if figures else line
        return f"{line}; {self.mend}" if self.mend else line


def reasons(
    snapshot: Snapshot, view: SystemView, report: RiskReport | None, strategy: str = ""
) -> tuple[Reason, ...]:
    """Return what stands in the way of opening a trade, worst first; empty when nothing does.

    Args:
        strategy: of several the one that is asked about; empty: any of them would do.
        snapshot: what was heard.
        view: the picture of it.
        report: of the executor's rules; None when they could not be asked.
    """
    found = [*_stops(view), *_mode(snapshot, view), *_gate(view)]
    told = {reason.message for reason in found}
    if report is not None:
        found += [
            Reason(
                what="rule",
                message=each.message,
                rule=each.rule,
                limit=each.limit,
                observed=each.observed,
                unit=each.unit,
                setting=each.setting,
            )
            for each in report.blocked
            if f"{each.rule}: {each.message}" not in told and not _said_already(each.rule, found)
        ]
    found += [*_capital(view), *_data(view), *_strategies(snapshot, view, strategy)]
    return tuple(found)


def unprotected(view: SystemView, strategy: str = "") -> tuple[Reason, ...]:
    """Return the positions that no exit watches over, and why: said though it keeps nothing from trading.

    The one that has lost most comes first, and those whose value nobody can tell before all others. Nothing
    of an executor that is silent: that is a reason by itself.
    """
    if view.money.seen.stale:
        return ()
    bare = [each for each in view.money.positions if not each.protected and strategy in {"", each.strategy}]
    return tuple(
        Reason(
            what="position",
            message=f"{each.id} of {each.strategy} is {state_text(each)}",
            mend="runbook manual-intervention",
        )
        for each in worst_first(bare)
    )


def _said_already(rule: str, found: list[Reason]) -> bool:
    """Tell whether the gate's rule only repeats the stop or the mode that is named already."""
    return rule in {"stop", "mode"} and any(each.what == rule for each in found)


def _stops(view: SystemView) -> Iterator[Reason]:
    if view.word is Word.NOT_STOPPED:
        yield Reason(
            "stop", f"NOT STOPPED: {view.why}", "'warden emergency-stop' again, and its steps by hand"
        )
    if view.stop_dir:
        yield Reason("stop", view.stop_dir, "runbook manual-intervention")
    for stop in view.stops:
        who = f"by {stop.operator or 'unknown'} at {stop.time or 'unknown'}"
        message = f"{stop.id}: {stop.reason} {who}: {stop.message}"
        yield Reason("stop", message, "an operator lifts it by 'warden recover'")


def _mode(snapshot: Snapshot, view: SystemView) -> Iterator[Reason]:
    if view.watchdog.stale:
        silent = _silent("the watchdog", view.watchdog)
        yield Reason("mode", f"{silent}: nobody grants leave to send, so the gate is closed within 1.5 s")
    elif view.mode is None or view.mode is not Mode.AGGRESSIVE:
        watchdog: WatchdogStatus | None = snapshot.status(Role.WATCHDOG)
        name = "unknown" if view.mode is None else view.mode.name
        why = "" if watchdog is None else watchdog.why
        yield Reason("mode", f"{name}: {why}" if why else name)


def _gate(view: SystemView) -> Iterator[Reason]:
    if view.money.seen.stale:
        yield Reason("gate", f"{_silent('the executor', view.money.seen)}: nothing can be signed or sent")
        return
    rule = view.money.gate.partition(":")[0]
    named = {"stop": bool(view.stops or view.stop_dir), "mode": view.mode is not Mode.AGGRESSIVE}
    if view.money.gate and not named.get(rule):
        yield Reason("gate", view.money.gate)


def _capital(view: SystemView) -> Iterator[Reason]:
    if view.capital is not None and view.capital.state not in GOOD:
        yield Reason(
            "capital", capital_text(view.capital).removeprefix("capital: "), "runbook network-failure"
        )


def _data(view: SystemView) -> Iterator[Reason]:
    endpoints = view.endpoints
    if endpoints.seen.stale:
        yield Reason("data", f"{_silent('the gateway', endpoints.seen)}: nobody reads the chain")
        return
    bad = [line for line in endpoints.lines if line.state not in _WELL]
    if endpoints.lines and len(bad) == len(endpoints.lines):
        states = ", ".join(f"{line.name} {line.state}" for line in bad)
        yield Reason("data", f"no endpoint is well: {states}", "runbook network-failure")
    if endpoints.head_seen.stale:
        age = endpoints.head_seen.age_ms
        since = "was never seen" if age is None else f"has stood still for {age_text(age)}"
        yield Reason("data", f"the chain's head {since}", "runbook network-failure")


def _strategies(snapshot: Snapshot, view: SystemView, strategy: str) -> list[Reason]:
    """Return why nobody proposes: of several strategies only when each of those asked about has a reason."""
    traders = [trader_of(strategy)] if strategy else snapshot.traders
    found = [list(_strategy(snapshot, view, name)) for name in traders]
    return [reason for each in found for reason in each] if all(found) else []


def _strategy(snapshot: Snapshot, view: SystemView, name: str) -> Iterator[Reason]:
    line = next((line for line in view.processes if line.name == name), None)
    status: TraderStatus | None = snapshot.status(name)
    if line is not None and line.state in _HELD and strategy_of(name):
        yield Reason("strategy", f"{name} is {line.state}", "'warden status' says who lifts it")
    elif line is None or line.stale:
        who = f"the {name}" if name == Role.TRADER else name
        silent = _silent(who, Seen(age_ms=line.age_ms if line else None, stale=True))
        last_words = f"; it last said: {line.detail}" if line is not None and line.detail else ""
        yield Reason("strategy", f"{silent}: nobody proposes anything{last_words}")
    elif status is not None and status.state != "running":
        detail = f": {status.detail}" if status.detail else ""
        yield Reason("strategy", f"{status.strategy or 'the strategy'} is {status.state}{detail}")


def _silent(who: str, seen: Seen) -> str:
    return f"{who} was never heard" if seen.age_ms is None else f"{who} is silent for {age_text(seen.age_ms)}"


def no_reason(view: SystemView, now: datetime, strategy: str = "") -> str:
    """Return in one line how things stand when nothing is in the way: whether the strategy proposes anything.

    Args:
        view: the picture.
        now: wall time, UTC.
        strategy: of several the one that is asked about; empty: all of them.
    """
    details = (
        f"{line.name}: {line.detail}" if strategy_of(line.name) else line.detail
        for line in view.processes
        if line.detail and _runs(line.name, strategy)
    )
    return "; ".join((_last_proposal(view, now, strategy), *details))


def _runs(name: str, strategy: str) -> bool:
    """Tell whether a process is a trader, of `strategy` where one is asked about."""
    return name == trader_of(strategy) if strategy else name == Role.TRADER or bool(strategy_of(name))


def _last_proposal(view: SystemView, now: datetime, strategy: str) -> str:
    asked = (line for line in view.money.decisions if strategy in {"", line.strategy})
    last = max(asked, key=lambda line: line.time, default=None)
    if last is None:
        return "no edge: nothing is in the way, and the strategy proposes nothing"
    if now - _moment(last.time, now) > _RECENT:
        return f"no edge: nothing is in the way, and the strategy has proposed nothing since {last.time}"
    if last.decision.outcome is Outcome.REFUSED:
        return f"only single proposals are refused: the last one, at {last.time}"
    return f"nothing is in the way: the last proposal, at {last.time}, was {last.decision.outcome}"


def refusals(decisions: tuple[DecisionLine, ...], strategy: str = "") -> tuple[DecisionLine, ...]:
    """Return the last refusals of each strategy, or of one: newest first, of each rule one, three at most."""
    kept: dict[str, dict[str, DecisionLine]] = {}
    asked = (line for line in decisions if strategy in {"", line.strategy})
    for line in sorted(asked, key=lambda line: line.time, reverse=True):
        rules = kept.setdefault(line.strategy, {})
        if line.decision.outcome is Outcome.REFUSED and len(rules) < _REFUSALS_EACH:
            rules.setdefault(line.decision.rule, line)
    return tuple(line for rules in kept.values() for line in rules.values())


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # it can't be told how old it is: taken for new, which claims less
        return otherwise

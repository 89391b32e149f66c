"""`warden why`: why nothing trades right now, or what became of one trade (OP1a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.picture import take_picture
from warden.cli.table import printable
from warden.cli.words import say, warn
from warden.domain.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_NOT_RUNNING,
    ConfigurationInvalid,
    JournalBroken,
    WardenError,
)
from warden.domain.roles import Role, strategy_of
from warden.operator import life
from warden.operator.orders import decisions_of, risk_report
from warden.operator.reasons import Reason, no_reason, reasons, refusals, unprotected
from warden.runtime.clock import SystemClock
from warden.runtime.journal_search import SEARCHED_ROWS_MAX
from warden.runtime.places import places
from warden.wire.codec import to_json
from warden.wire.telemetry import DecisionLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.cli.picture import Picture
    from warden.wire.orders import RiskReport

# A hung executor must not keep the rest from being said.
_REPORT_MS: Final = 3_000
_REFUSALS_SHOWN: Final = 10


class Told(msgspec.Struct, frozen=True):
    """What there is to say.

    Attributes:
        reasons: worst first; empty when nothing is in the way.
        otherwise: one line on how things stand, where there are no reasons.
        refusals: the last of each strategy; from the journal where the executor is silent.
        unknown: what could not be asked, one line each.
        positions: that nothing protects, worst first; they keep nothing from trading.
    """

    reasons: tuple[Reason, ...]
    otherwise: str
    refusals: tuple[DecisionLine, ...]
    unknown: tuple[str, ...] = ()
    positions: tuple[Reason, ...] = ()


def why(home: Path, wanted: str, *, strategy: str = "", as_json: bool) -> int:
    """Say why nothing trades, or tell the life of the trade that `wanted` names; return the exit code.

    With `strategy` why that one of several does not trade, whatever the others do.

    3 when nothing runs; 1 when no row names the trade.

    Raises:
        ConfigurationInvalid: there is no instance at `home`, or `wanted` can be no id, or is that of several.
        JournalBroken: the journal of the trade cannot be read.
    """
    if wanted:
        return _why_trade(home, wanted, as_json=as_json)
    picture = take_picture(home)
    told = _now(home, picture, _of_several(picture, strategy))
    if as_json:
        say(to_json(told).decode())
    else:
        for line in text_of(told):
            say(printable(line))
    for line in told.unknown:
        warn(line)
    if not picture.found:
        warn(f"{home}: nothing runs; start it with 'warden up'")
        return EXIT_NOT_RUNNING
    return EXIT_DONE


def text_of(told: Told) -> Iterator[str]:
    """Yield the reasons, worst first, what nothing protects, and the last refusals."""
    if told.reasons:
        yield "nothing new is traded now:"
        yield from (f"{number}. {each.text()}" for number, each in enumerate(told.reasons, 1))
    else:
        yield told.otherwise
    yield from (each.text() for each in told.positions)
    for line in told.refusals[:_REFUSALS_SHOWN]:
        count = f" ({line.count} times)" if line.count > 1 else ""
        yield f"last refused of {line.strategy} at {line.time}{count}: {life.decision_text(line.decision)}"


def _of_several(picture: Picture, strategy: str) -> str:
    """Return the strategy that is asked about; the only one there is needs no name."""
    known = [strategy_of(name) for name in picture.snapshot.traders]
    if not strategy or strategy in known:
        return strategy
    there = ", ".join(known) if any(known) else "only one, so leave --strategy out"
    raise ConfigurationInvalid(f"--strategy {strategy[:80]!a}: no such strategy; there is {there}")


def _now(home: Path, picture: Picture, strategy: str) -> Told:
    unknown = []
    report: RiskReport | None = None
    if any(each.name == Role.EXECUTOR for each in picture.found):
        try:
            report = risk_report(places(home).home, strategy=strategy, timeout_ms=_REPORT_MS)
        except WardenError as error:
            unknown.append(f"the risk rules could not be asked: {error}")
    decisions = picture.view.money.decisions
    if picture.view.money.seen.stale:
        try:
            decisions = _journalled(home)
        except JournalBroken as error:
            unknown.append(f"the last refusals could not be read: {error}")
    found = reasons(picture.snapshot, picture.view, report, strategy)
    otherwise = "" if found else no_reason(picture.view, SystemClock().wall(), strategy)
    if otherwise and report is None:
        otherwise = f"as far as can be told, the risk rules apart: {otherwise}"
    return Told(
        reasons=found,
        otherwise=otherwise,
        refusals=refusals(decisions, strategy),
        unknown=tuple(unknown),
        positions=unprotected(picture.view, strategy),
    )


def _journalled(home: Path) -> tuple[DecisionLine, ...]:
    path = places(home).journal(Role.EXECUTOR)
    return tuple(
        DecisionLine(time=time, strategy=row.strategy, decision=row.decision, count=row.count)
        for time, row in life.last_refusals(path)
    )


def _why_trade(home: Path, words: str, *, as_json: bool) -> int:
    wanted = life.asked_for(words)
    path = places(home).journal(Role.EXECUTOR)
    if not path.is_file():
        raise ConfigurationInvalid(f"there is no journal {path}: is {home} an instance that has traded?")
    lives = life.find(path, wanted)
    remembered, silent = ((), "") if lives else _remembered(home, wanted)
    if as_json:
        found = {"trades": [life.life_json(each) for each in lives], "decisions": remembered}
        say(to_json(found).decode())
    else:
        for each in lives:
            for line in life.text_of(each):
                say(printable(line))
        for one in remembered:
            say(printable(f"intent {one.decision.intent_id} of {one.strategy}"))
            say(printable(f"{one.time} {life.decision_text(one.decision)}"))
    if lives or remembered:
        return EXIT_DONE
    warn(
        f"none of the journal's newest {SEARCHED_ROWS_MAX:,} rows names {wanted}, of equal refusals in a "
        f"minute only the first is written down, and {silent or 'the executor remembers none'}; 'warden why' "
        "shows the last of each rule"
    )
    return EXIT_FAILED


def _remembered(home: Path, wanted: str) -> tuple[tuple[DecisionLine, ...], str]:
    """Return what the executor itself remembers of an intent, or why it could not be asked."""
    try:
        return decisions_of(places(home).home, wanted, timeout_ms=_REPORT_MS), ""
    except WardenError as error:
        return (), f"the executor could not be asked: {error}"

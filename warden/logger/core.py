"""What is written where: each event to main.log, some again elsewhere, figures and heads at a low rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from warden.domain.roles import Role
from warden.logger.figures import figures
from warden.logger.files import LogFile
from warden.runtime.clock import NS_PER_S
from warden.runtime.logs import redact
from warden.wire.codec import to_json
from warden.wire.messages import Head
from warden.wire.telemetry import Event, ExecutorStatus, Severity, WatchdogStatus

AUDITED: Final = ("trade.", "intent.", "decision.")
FIGURES_EVERY_NS: Final = 30 * NS_PER_S
HEAD_CHANGED_EVERY_NS: Final = 10 * NS_PER_S
HEAD_EVERY_NS: Final = 60 * NS_PER_S

_SERIOUS: Final = frozenset({Severity.ERROR, Severity.CRITICAL})
# A speaker has a journal or two; more than this is not ours and is not remembered.
_HEADS_MAX: Final = 64


class Heard(msgspec.Struct, frozen=True):
    """A telemetry message, its proven speaker, and the wall time for people."""

    name: str
    message: Any
    time: str


class Write(msgspec.Struct, frozen=True):
    """Append one line of JSON, without its newline, to a file."""

    file: LogFile
    line: str


class Witness(msgspec.Struct, frozen=True):
    """Write a head down in the journal that `warden verify` holds against the others."""

    head: Head


class RolledBack(msgspec.Struct, frozen=True):
    """A journal is not where it was: fewer rows than before, or another row under the same number."""

    before: Head
    now: Head


Order = Write | Witness | RolledBack


@dataclass
class State:
    """What the logger remembers: when it last wrote which figures and which head.

    `seen` is the newest head of each journal from its own authority, this run's or an earlier one's.
    """

    figures_due_ns: dict[str, int] = field(default_factory=dict)
    heads: dict[tuple[str, str], tuple[Head, int]] = field(default_factory=dict)
    seen: dict[str, Head] = field(default_factory=dict)


def decide(state: State, heard: Heard, now_ns: int) -> list[Order]:
    """Return what to write for one message; `now_ns` is BOOTTIME in nanoseconds."""
    orders: list[Order] = []
    if isinstance(heard.message, Event):
        orders += _event_lines(heard.name, heard.message)
        return orders
    orders += _figure_lines(state, heard, now_ns)
    if isinstance(heard.message, WatchdogStatus | ExecutorStatus):
        orders += _rollbacks(state, heard.name, heard.message.heads)
        orders += _head_orders(state, heard, heard.message.heads, now_ns)
    return orders


def _rollbacks(state: State, name: str, heads: tuple[Head, ...]) -> list[RolledBack]:
    """Return what has gone back, on the word of the journal's own authority: others' may be older."""
    found = []
    for head in heads:
        if head.journal != name:
            continue
        before = state.seen.get(head.journal)
        state.seen[head.journal] = head
        if before is None or head.rows > before.rows or head == before:
            continue
        found.append(RolledBack(before=before, now=head))
    return found


def _event_lines(name: str, event: Event) -> list[Write]:
    data = {key: redact(value) for key, value in event.data.items()}
    line = _line(
        {
            "time": event.time,
            "level": event.severity.value.upper(),
            # The name that the key proves, not the one that the message claims.
            "role": name,
            "kind": event.kind,
            "message": redact(event.message),
            **({"data": data} if data else {}),
            **({"trace_id": event.trace_id} if event.trace_id else {}),
            **({"runbook": event.runbook} if event.runbook else {}),
        }
    )
    lines = [Write(LogFile.MAIN, line)]
    if event.severity in _SERIOUS:
        lines.append(Write(LogFile.ERROR, line))
    if event.kind.startswith(AUDITED):
        lines.append(Write(LogFile.TRADE_AUDIT, line))
    return lines


def _figure_lines(state: State, heard: Heard, now_ns: int) -> list[Write]:
    if now_ns < state.figures_due_ns.get(heard.name, 0):
        return []
    state.figures_due_ns[heard.name] = now_ns + FIGURES_EVERY_NS
    return [
        Write(LogFile.PERFORMANCE, _line({"time": heard.time, "from": heard.name, **each}))
        for each in figures(heard.message)
    ]


def _head_orders(state: State, heard: Heard, heads: tuple[Head, ...], now_ns: int) -> list[Order]:
    orders: list[Order] = []
    for head in heads:
        if head.journal == Role.LOGGER.value:
            continue  # our own: each row of it would ask for another
        key = (heard.name, head.journal)
        known = state.heads.get(key)
        if known is None:
            if len(state.heads) >= _HEADS_MAX:
                continue
        else:
            wait_ns = HEAD_EVERY_NS if known[0] == head else HEAD_CHANGED_EVERY_NS
            if now_ns < known[1] + wait_ns:
                continue
        state.heads[key] = (head, now_ns)
        fields = {"journal": head.journal, "rows": head.rows, "hash": head.hash}
        orders.append(Write(LogFile.WITNESS, _line({"time": heard.time, "from": heard.name, **fields})))
        if head.journal == heard.name and (known is None or known[0] != head):
            orders.append(Witness(head))
    return orders


def _line(fields: dict[str, object]) -> str:
    return to_json(fields).decode()

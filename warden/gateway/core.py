"""Which endpoint is asked next: health and routing, pure. Events in with the time, commands out.

An endpoint is used only after it has proved its chain. One whose read failed is asked after the others for a
while; one whose probe failed is asked last of all until its probes succeed again, three times running.
A stale one, one on another chain, one that was outvoted by others and has not agreed with them again since,
and one that asked to be left alone are not asked at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.gateway.errors import HELD_AGAINST_ENDPOINT, Failure, Kind
from warden.gateway.events import (
    Agreed,
    Changed,
    Command,
    Event,
    Outvoted,
    Probed,
    ProbeFailed,
    ProbeNow,
    State,
)
from warden.wire.telemetry import EndpointLine

if TYPE_CHECKING:
    from collections.abc import Sequence

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000

PROBE_EVERY_NS: Final = _NS_PER_S
CHAIN_CHECK_EVERY_NS: Final = 3 * _NS_PER_S
BACKOFF_S: Final = (1, 2, 4, 8, 16, 30)
FORGIVEN_AFTER_NS: Final = 60 * _NS_PER_S
RETRY_AFTER_S_MAX: Final = 120.0
GOOD_PROBES_TO_RETURN: Final = 3
AGREEMENTS_TO_RETURN: Final = 3
MADE_UP_AMONG: Final = 3
LAGGING_PROBES_TO_STALE: Final = 2
_EWMA_SHARE: Final = 0.3
# A reconnection may lead to another node than before.
_CHAIN_IN_DOUBT: Final = frozenset({Kind.REFUSED, Kind.DISCONNECTED})


class Turn(IntEnum):
    """When an endpoint is asked: lower first, NEVER not at all. Up to SECOND it counts as usable."""

    FIRST = 0
    SLOW = 1
    SECOND = 2
    LAST = 3
    NEVER = 4


class Rules(msgspec.Struct, frozen=True):
    """What is expected of an endpoint.

    Attributes:
        genesis: hash of block 0, lower-case hex; empty where it is not pinned.
        slow_ms: EWMA of probes above which it is asked after faster ones; below half of it no longer.
        lag_blocks_max: how far its head may be behind the best one.
        head_age_ms_max: how long its head may stand still.
    """

    chain_id: int
    genesis: str
    slow_ms: float
    lag_blocks_max: int
    head_age_ms_max: int


@dataclass
class _Health:
    """What is known of one endpoint. Times are CLOCK_BOOTTIME in nanoseconds, 0 is never."""

    proved_ns: int = 0
    wrong: str = ""
    lie: str = ""  # how it differed from what others agreed on; empty once it has agreed again often enough
    agreements: int = 0
    trouble: str = ""  # why its last probe failed; empty when it was answered
    latency_ms: float | None = None
    slow: bool = False
    head: int | None = None
    head_advanced_ns: int = 0
    lagging_probes: int = 0
    good_probes: int = GOOD_PROBES_TO_RETURN
    level: int = 0
    failed_ns: int = 0
    suspect: str = ""
    suspect_until_ns: int = 0
    left_alone_until_ns: int = 0
    probe_due_ns: int = 0
    shown: State = State.UNKNOWN


class Core:
    """The state of all endpoints, in the order of preference of `names`."""

    def __init__(self, names: Sequence[str], rules: Rules) -> None:
        self.rules = rules
        self._health = {name: _Health() for name in names}
        self.head: int | None = None
        self._head_advanced_ns = 0

    def handle(self, event: Event, now_ns: int) -> list[Command]:
        """Take what happened and return what is to be done about it."""
        health = self._health[event.name]
        commands: list[Command] = []
        if isinstance(event, Probed):
            self._probed(health, event, now_ns)
        elif isinstance(event, ProbeFailed):
            self._probe_failed(health, event.failure, now_ns)
        elif isinstance(event, Outvoted):
            health.lie, health.agreements = event.text, 0
        elif isinstance(event, Agreed):
            self._agreed(health)
        elif event.failure.kind in HELD_AGAINST_ENDPOINT:
            # A probe tells at once whether the endpoint or the question was bad; in trouble it has its time.
            known = bool(health.trouble) or now_ns < health.suspect_until_ns
            self._read_failed(health, event.failure, now_ns)
            if not known and now_ns >= health.left_alone_until_ns:
                commands.append(ProbeNow(event.name))
        self._note_head(now_ns)
        return commands + self.changes(now_ns)

    def changes(self, now_ns: int) -> list[Command]:
        """Return the endpoints whose state has changed since it was last told, time alone included."""
        commands: list[Command] = []
        for name, health in self._health.items():
            state = self._state(health, now_ns)
            if state is not health.shown:
                commands.append(Changed(name, health.shown, state, self._detail(health, now_ns)))
                health.shown = state
        return commands

    def route(self, now_ns: int) -> list[str]:
        """Return the endpoints to ask, in order; empty when none may be."""
        turns = [(self._turn(health, now_ns), name) for name, health in self._health.items()]
        turns.sort(key=_turn_of)
        return [name for turn, name in turns if turn is not Turn.NEVER]

    def liars(self) -> list[str]:
        """Return the endpoints that were outvoted and have not agreed with others often enough since."""
        return [name for name, health in self._health.items() if health.lie and not health.wrong]

    def sources(self, now_ns: int) -> list[str]:
        """Return the endpoints that are expected to answer."""
        return [name for name, health in self._health.items() if self._turn(health, now_ns) <= Turn.SECOND]

    def usable(self, now_ns: int) -> bool:
        """Tell whether there is an endpoint that is expected to answer."""
        return bool(self.sources(now_ns))

    def looked(self, now_ns: int) -> bool:
        """Tell whether every endpoint has been heard of, well or ill."""
        return all(self._state(health, now_ns) is not State.UNKNOWN for health in self._health.values())

    def probe_due_ns(self, name: str, now_ns: int) -> int:
        """Return when an endpoint is to be probed next; with none usable all are tried each second."""
        health = self._health[name]
        due_ns = health.probe_due_ns
        if not self.usable(now_ns):
            due_ns = min(due_ns, now_ns + PROBE_EVERY_NS)
        return max(due_ns, health.left_alone_until_ns)

    def chain_check_due(self, name: str, now_ns: int) -> bool:
        """Tell whether the next probe asks for the chain too."""
        health = self._health[name]
        return bool(health.wrong) or now_ns - health.proved_ns >= CHAIN_CHECK_EVERY_NS or not health.proved_ns

    def age_ms(self, name: str, now_ns: int) -> int:
        """Return how long ago an endpoint's head was last seen to advance, milliseconds."""
        return (now_ns - self._health[name].head_advanced_ns) // _NS_PER_MS

    def head_age_ms(self, now_ns: int) -> int | None:
        """Return how long ago the best head advanced; None while none is known."""
        return None if self.head is None else (now_ns - self._head_advanced_ns) // _NS_PER_MS

    def lines(self, now_ns: int) -> tuple[EndpointLine, ...]:
        """Return every endpoint as the status shows it, in order of preference."""
        return tuple(
            EndpointLine(
                name=name,
                state=self._state(health, now_ns).value,
                latency_ms=None if health.latency_ms is None else round(health.latency_ms, 3),
                head=health.head,
                lag_blocks=None if health.head is None or self.head is None else self.head - health.head,
                detail=self._detail(health, now_ns),
            )
            for name, health in self._health.items()
        )

    def _probed(self, health: _Health, event: Probed, now_ns: int) -> None:
        health.trouble = ""
        health.probe_due_ns = now_ns + PROBE_EVERY_NS
        if event.chain_id is not None:
            self._check_chain(health, event, now_ns)
        old = health.latency_ms
        health.latency_ms = event.latency_ms if old is None else old + _EWMA_SHARE * (event.latency_ms - old)
        limit_ms = self.rules.slow_ms / 2 if health.slow else self.rules.slow_ms
        health.slow = health.latency_ms > limit_ms
        if health.head is None or event.head > health.head:
            health.head_advanced_ns = now_ns
        health.head = event.head
        self._note_head(now_ns)
        lagging = self.head is not None and self.head - event.head > self.rules.lag_blocks_max
        health.lagging_probes = health.lagging_probes + 1 if lagging else 0
        health.good_probes = min(health.good_probes + 1, GOOD_PROBES_TO_RETURN)
        if health.level and now_ns - health.failed_ns >= FORGIVEN_AFTER_NS:
            health.level = 0

    def _check_chain(self, health: _Health, event: Probed, now_ns: int) -> None:
        health.proved_ns = now_ns
        health.wrong = ""
        if event.chain_id != self.rules.chain_id:
            health.wrong = f"chain id is {event.chain_id}, not {self.rules.chain_id}"
        elif self.rules.genesis and event.genesis is not None and event.genesis != self.rules.genesis:
            health.wrong = f"block 0 is {event.genesis[:18]}…, not {self.rules.genesis[:18]}…"

    def _agreed(self, health: _Health) -> None:
        health.agreements += 1
        if health.agreements >= AGREEMENTS_TO_RETURN:
            health.lie = ""

    def _probe_failed(self, health: _Health, failure: Failure, now_ns: int) -> None:
        health.trouble = failure.text
        health.good_probes = 0
        pause_ns = self._set_back(health, failure, now_ns)
        health.probe_due_ns = now_ns + pause_ns

    def _read_failed(self, health: _Health, failure: Failure, now_ns: int) -> None:
        if failure.kind is Kind.WRONG_CHAIN:
            health.wrong = failure.text
        if now_ns >= health.suspect_until_ns or failure.retry_after_s:
            # Many reads may fail of one cause: only the first of them counts.
            health.suspect_until_ns = now_ns + self._set_back(health, failure, now_ns)
        health.suspect = failure.text

    def _set_back(self, health: _Health, failure: Failure, now_ns: int) -> int:
        """Count a failure and return for how long it counts, nanoseconds."""
        pause_ns = BACKOFF_S[min(health.level, len(BACKOFF_S) - 1)] * _NS_PER_S
        health.level = min(health.level + 1, len(BACKOFF_S))
        health.failed_ns = now_ns
        if failure.kind in _CHAIN_IN_DOUBT:
            health.proved_ns = 0
        if failure.kind is Kind.RATE_LIMIT:
            asked_ns = int(min(failure.retry_after_s, RETRY_AFTER_S_MAX) * _NS_PER_S)
            health.left_alone_until_ns = now_ns + (asked_ns or pause_ns)
        return pause_ns

    def _note_head(self, now_ns: int) -> None:
        """Take the best head: of three and more one that two have come to, for one alone may make it up."""
        heads = sorted(
            health.head
            for health in self._health.values()
            if health.head is not None
            and not (health.wrong or health.trouble or health.lie)
            and now_ns - health.head_advanced_ns <= self.rules.head_age_ms_max * _NS_PER_MS
        )
        head = heads[-2 if len(heads) >= MADE_UP_AMONG else -1] if heads else self.head
        if head is not None and head != self.head:
            self.head, self._head_advanced_ns = head, now_ns

    def _stale(self, health: _Health, now_ns: int) -> str:
        if (
            health.lagging_probes >= LAGGING_PROBES_TO_STALE
            and self.head is not None
            and health.head is not None
        ):
            return f"{self.head - health.head} blocks behind"
        if self.head is not None and health.head is not None:
            ahead = health.head - self.head
            if ahead > self.rules.lag_blocks_max:
                return f"{ahead} blocks ahead of all others"
        still_ms = (now_ns - health.head_advanced_ns) // _NS_PER_MS
        if health.head is not None and still_ms > self.rules.head_age_ms_max:
            return f"head {health.head} stands still for {still_ms // 1000} s"
        return ""

    def _state(self, health: _Health, now_ns: int) -> State:
        if health.wrong or health.lie:
            return State.WRONG_CHAIN if health.wrong else State.LYING
        if health.trouble or now_ns < health.left_alone_until_ns or now_ns < health.suspect_until_ns:
            return State.FAILING
        if not health.proved_ns:
            return State.UNKNOWN
        if self._stale(health, now_ns):
            return State.STALE
        if health.good_probes < GOOD_PROBES_TO_RETURN:
            return State.FAILING
        return State.SLOW if health.slow else State.OK

    def _turn(self, health: _Health, now_ns: int) -> Turn:
        never = health.wrong or health.lie or not health.proved_ns or now_ns < health.left_alone_until_ns
        if never or self._stale(health, now_ns):
            return Turn.NEVER
        if health.trouble:
            return Turn.LAST
        if now_ns < health.suspect_until_ns or health.good_probes < GOOD_PROBES_TO_RETURN:
            return Turn.SECOND
        return Turn.SLOW if health.slow else Turn.FIRST

    def _detail(self, health: _Health, now_ns: int) -> str:
        """Return one line on why an endpoint is not simply ok."""
        seconds = -(-(health.left_alone_until_ns - now_ns) // _NS_PER_S)
        reasons = (
            (bool(health.wrong), health.wrong),
            (bool(health.lie), health.lie),
            (seconds > 0, f"{health.trouble or health.suspect}; not asked for {seconds} s"),
            (bool(health.trouble), health.trouble),
            (
                now_ns < health.suspect_until_ns,
                f"a read failed: {health.suspect}; asked after the others for a while",
            ),
            (not health.proved_ns, "its chain is not proved yet"),
            (bool(self._stale(health, now_ns)), self._stale(health, now_ns)),
            (
                health.good_probes < GOOD_PROBES_TO_RETURN,
                f"answers again, {health.good_probes} of {GOOD_PROBES_TO_RETURN} probes",
            ),
            (health.slow, f"probes take {health.latency_ms or 0.0:.0f} ms"),
        )
        return next((text for holds, text in reasons if holds), "")


def _turn_of(each: tuple[Turn, str]) -> Turn:
    return each[0]

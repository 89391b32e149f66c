"""The gate's last look: what closes it, and that any doubt does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from warden.domain.modes import Action, Mode
from warden.domain.stops import Stop
from warden.executor.protocol.terms import Ticket
from warden.executor.sends.gate import Gate
from warden.runtime.latch import Latch
from warden.wire.messages import Head, Permit

if TYPE_CHECKING:
    from pathlib import Path

LIFE_NS = 1_500_000_000
START_NS = 10_000_000_000


class ManualClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def boot_ns(self) -> int:
        """Return the time that was set."""
        return self.now_ns

    def wall(self) -> datetime:
        """Return a fixed date; the gate never asks."""
        return datetime(2026, 1, 1, tzinfo=UTC)


PERMIT = Permit(
    boot_id="boot",
    executor_session="me",
    watchdog_session="dog",
    seq=1,
    mode=Mode.AGGRESSIVE,
    trader_sessions=("trader",),
    issued_ns=START_NS,
    expires_ns=START_NS + LIFE_NS,
    exits_until_ns=START_NS + LIFE_NS,
    size_percent=100,
    head=Head(journal="watchdog", rows=1, hash="00"),
)
TICKET = Ticket(action=Action.OPEN, trader_session="trader", not_after_boot_ns=START_NS + 10**12)


@pytest.fixture
def clock() -> ManualClock:
    """Return the gate's clock."""
    return ManualClock()


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    """Return a stop directory that stands clear."""
    made = Latch(tmp_path / "stop")
    made.create()
    return made


@pytest.fixture
def gate(latch: Latch, clock: ManualClock) -> Gate:
    """Return a gate without a permit."""
    return Gate(latch, clock, boot_id="boot", session="me")


def rule(gate: Gate, ticket: Ticket = TICKET) -> str:
    """Return the rule that refuses, empty when nothing does."""
    refusal = gate.refusal(ticket)
    return "" if refusal is None else refusal.rule


def test_closed_until_a_permit_comes_and_when_it_ends(gate: Gate, clock: ManualClock) -> None:
    """I2: without a watchdog the gate closes exactly one permit life after the grant."""
    assert rule(gate) == "permit.none"
    assert gate.accept(PERMIT) == ""
    assert rule(gate) == ""
    clock.now_ns = PERMIT.expires_ns - 1
    assert rule(gate) == ""
    clock.now_ns = PERMIT.expires_ns
    assert rule(gate) == "permit.expired"
    assert gate.mode is Mode.OBSERVE_ONLY


def test_any_file_in_the_stop_directory_closes_it(gate: Gate, latch: Latch) -> None:
    """I4: a bare touch is enough, whatever the permit says, and even for a cancel."""
    gate.accept(PERMIT)
    (latch.path / "x").touch()
    assert rule(gate) == "stop"
    assert rule(gate, msgspec.structs.replace(TICKET, action=Action.CANCEL)) == "stop"


def test_a_stop_directory_that_is_gone_closes_it(gate: Gate, latch: Latch) -> None:
    """Fails closed: a directory that cannot be read means stopped."""
    gate.accept(PERMIT)
    latch.path.rename(latch.path.with_name("elsewhere"))
    assert rule(gate) == "stop"


def test_a_cleared_stop_no_longer_stands(gate: Gate, latch: Latch) -> None:
    """ES5: recovery moves the file to `cleared/`, which does not count."""
    gate.accept(PERMIT)
    latch.write(Stop(stop_id="s"))
    assert rule(gate) == "stop"
    latch.clear("s")
    assert rule(gate) == ""


def test_a_stop_heard_over_the_socket_needs_no_file(gate: Gate) -> None:
    """I3: what was acknowledged holds even where the disk took nothing."""
    gate.accept(PERMIT)
    gate.heard_stops = frozenset({"s"})
    assert rule(gate) == "stop"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"boot_id": "other"}, "of another boot"),
        ({"executor_session": "other"}, "for another executor session"),
        ({"seq": 1}, "older than the one in force (1 after 1)"),
        ({"seq": 0}, "older than the one in force (0 after 1)"),
        ({"mode": 9}, "of an unknown mode 9"),
        ({"watchdog_session": "stale", "issued_ns": START_NS - 1}, "issued before the one in force"),
    ],
)
def test_a_wrong_or_replayed_permit_is_refused(gate: Gate, changed: dict[str, object], why: str) -> None:
    """DESIGN §3: another boot, another session, an old number: refused, and the one in force stays."""
    gate.accept(PERMIT)
    assert gate.accept(msgspec.structs.replace(PERMIT, **changed)) == why
    assert rule(gate) == ""


def test_a_replaced_watchdog_cannot_come_back(gate: Gate) -> None:
    """Two watchdogs: once a newer session was heard, the old one's permits are void for good."""
    gate.accept(PERMIT)
    newer = msgspec.structs.replace(PERMIT, watchdog_session="new", issued_ns=START_NS + 1)
    assert gate.accept(newer) == ""
    late = msgspec.structs.replace(PERMIT, seq=99, issued_ns=START_NS + 2)
    assert gate.accept(late) == "of a watchdog session that was replaced"


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [
        (Mode.SHUTDOWN, set()),
        (Mode.OBSERVE_ONLY, {Action.CANCEL}),
        (Mode.REDUCE_ONLY, {Action.CANCEL, Action.REDUCE}),
        (Mode.AGGRESSIVE, {Action.CANCEL, Action.REDUCE, Action.OPEN}),
    ],
)
def test_the_mode_says_what_may_be_done(gate: Gate, mode: Mode, allowed: set[Action]) -> None:
    """FS4: each mode lets through its actions and no other."""
    gate.accept(msgspec.structs.replace(PERMIT, mode=mode))
    passing = {
        action for action in Action if rule(gate, msgspec.structs.replace(TICKET, action=action)) == ""
    }
    assert passing == allowed


def test_an_intent_of_a_session_without_leave_is_refused(gate: Gate) -> None:
    """A killed or hung trader's queued intents die with its session."""
    gate.accept(PERMIT)
    assert rule(gate, msgspec.structs.replace(TICKET, trader_session="gone")) == "session"


def test_too_late_is_refused(gate: Gate, clock: ManualClock) -> None:
    """I2: nothing of an order leaves at or after its `not_after`."""
    gate.accept(PERMIT)
    ticket = msgspec.structs.replace(TICKET, not_after_boot_ns=START_NS + 5)
    clock.now_ns = START_NS + 4
    assert rule(gate, ticket) == ""
    clock.now_ns = START_NS + 5
    assert rule(gate, ticket) == "not_after"


def test_a_halted_executor_sends_nothing(gate: Gate) -> None:
    """I5: a broken journal or a full disk closes the gate whatever the permit says."""
    gate.accept(PERMIT)
    gate.halted = "journal broken"
    assert rule(gate) == "integrity"
    gate.halted, gate.disk_low = "", "disk full"
    assert rule(gate) == "integrity"
    gate.disk_low = ""
    assert rule(gate) == ""

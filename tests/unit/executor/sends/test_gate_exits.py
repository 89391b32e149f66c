"""What the gate lets exits do that nothing else may: a while without a watchdog, and a flatten (SL1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.sends.test_gate import LIFE_NS, PERMIT, START_NS, ManualClock
from warden.domain.modes import Action, Mode
from warden.domain.stops import Stop
from warden.executor.protocol.terms import Ticket
from warden.executor.sends.gate import Gate
from warden.runtime.latch import Latch
from warden.wire.messages import CleanupPermit

if TYPE_CHECKING:
    from pathlib import Path

LEFT_NS = 60 * 10**9
EXIT = Ticket(Action.REDUCE, "", START_NS + 10**15, protective=True)
LONG = msgspec.structs.replace(PERMIT, exits_until_ns=PERMIT.expires_ns + LEFT_NS)


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


def gate_of(latch: Latch, clock: ManualClock, *, observing: bool = False) -> Gate:
    """Return a gate without a permit."""
    return Gate(latch, clock, boot_id="boot", session="me", exits_while_observing=observing)


def rule(gate: Gate, ticket: Ticket = EXIT) -> str:
    """Return the rule that refuses, empty for none."""
    refusal = gate.refusal(ticket)
    return "" if refusal is None else refusal.rule


def test_sl1_exits_outlive_the_permit_and_nothing_else_does(latch: Latch, clock: ManualClock) -> None:
    """SL1, I2: to the nanosecond until `exits_until`; opening and reducing end with the permit."""
    gate = gate_of(latch, clock)
    assert rule(gate) == "permit.none"
    gate.accept(LONG)
    assert rule(gate) == ""
    for now_ns, expected in (
        (LONG.expires_ns, ""),
        (LONG.exits_until_ns - 1, ""),
        (LONG.exits_until_ns, "permit.exits"),
    ):
        clock.now_ns = now_ns
        assert rule(gate) == expected
        for action in Action:
            other = Ticket(action, "", EXIT.not_after_boot_ns)
            assert rule(gate, other) == "permit.expired"


def test_ten_minutes_are_the_most(latch: Latch, clock: ManualClock) -> None:
    """SL1: whatever a permit says beyond that does not count."""
    gate = gate_of(latch, clock)
    gate.accept(msgspec.structs.replace(PERMIT, exits_until_ns=PERMIT.expires_ns + 10**15))
    clock.now_ns = PERMIT.expires_ns + 600 * 10**9 - 1
    assert rule(gate) == ""
    clock.now_ns += 1
    assert rule(gate) == "permit.exits"


def test_any_stop_since_the_permit_voids_it_even_one_that_is_gone(latch: Latch, clock: ManualClock) -> None:
    """SL1, I7: what a dead watchdog left is over with the first stop; a new permit begins anew."""
    gate = gate_of(latch, clock)
    gate.accept(LONG)
    clock.now_ns = LONG.expires_ns + 1
    latch.write(Stop(stop_id="s1"))
    assert rule(gate) == "stop"
    (latch.path / "s1").unlink()
    assert rule(gate) == "permit.exits"
    later = msgspec.structs.replace(
        LONG,
        seq=2,
        issued_ns=clock.now_ns,
        expires_ns=clock.now_ns + LIFE_NS,
        exits_until_ns=clock.now_ns + LIFE_NS + LEFT_NS,
    )
    assert gate.accept(later) == ""
    clock.now_ns = later.expires_ns + 1
    assert rule(gate) == ""


@pytest.mark.parametrize(
    ("mode", "observing", "expected"),
    [
        (Mode.AGGRESSIVE, False, ""),
        (Mode.REDUCE_ONLY, False, ""),
        (Mode.OBSERVE_ONLY, False, "mode"),
        (Mode.OBSERVE_ONLY, True, ""),
        (Mode.SHUTDOWN, True, "mode"),
    ],
)
def test_the_mode_counts_with_and_without_a_watchdog(
    latch: Latch,
    clock: ManualClock,
    mode: Mode,
    observing: bool,  # noqa: FBT001 - a parameter of the table
    expected: str,
) -> None:
    """FS4: what the last permit allowed; OBSERVE_ONLY only where the operator has said so; SHUTDOWN never."""
    gate = gate_of(latch, clock, observing=observing)
    gate.accept(msgspec.structs.replace(LONG, mode=int(mode)))
    assert rule(gate) == expected
    clock.now_ns = LONG.expires_ns + 1
    assert rule(gate) == expected


def test_a_permit_that_is_over_when_it_comes_ends_what_was_left(latch: Latch, clock: ManualClock) -> None:
    """FS1: a watchdog that shuts down takes back what an earlier permit left for exits."""
    gate = gate_of(latch, clock)
    gate.accept(LONG)
    now_ns = clock.now_ns = LONG.issued_ns + 10
    over = msgspec.structs.replace(
        LONG, seq=2, mode=0, issued_ns=now_ns, expires_ns=now_ns, exits_until_ns=now_ns
    )
    assert gate.accept(over) == ""
    assert rule(gate) == "permit.exits"


def test_only_reducing_is_protective(latch: Latch, clock: ManualClock) -> None:
    """SL1: the word alone opens nothing; a broken journal, a full disk and a late one refuse it."""
    gate = gate_of(latch, clock)
    gate.accept(LONG)
    for action in (Action.OPEN, Action.CANCEL):
        assert rule(gate, msgspec.structs.replace(EXIT, action=action)) == "mode"
    assert rule(gate, msgspec.structs.replace(EXIT, not_after_boot_ns=START_NS)) == "not_after"
    gate.disk_low = "full"
    assert rule(gate) == "integrity"
    gate.disk_low, gate.halted = "", "broken"
    assert rule(gate) == "integrity"


def test_es6_a_flatten_sells_what_it_names_and_only_while_stopped(latch: Latch, clock: ManualClock) -> None:
    """ES6, I3: its policy, its positions, its stops, its life; a cancel's leave sells nothing."""
    gate = gate_of(latch, clock)
    ticket = Ticket(Action.REDUCE, "", EXIT.not_after_boot_ns, cleanup_position="p1")
    permit = CleanupPermit(
        boot_id="boot",
        executor_session="me",
        watchdog_session="dog",
        seq=1,
        stop_ids=("s1",),
        policy="flatten",
        nonces=(7,),
        issued_ns=START_NS,
        expires_ns=START_NS + LIFE_NS,
        positions=("p1",),
    )
    assert rule(gate, ticket) == "cleanup"
    gate.accept(permit)
    assert rule(gate, ticket) == "cleanup"  # no stop stands
    latch.write(Stop(stop_id="s1"))
    assert rule(gate, ticket) == ""
    assert rule(gate) == "stop"
    for wrong in (
        {"cleanup_position": "p2"},
        {"action": Action.OPEN},
        {"action": Action.CANCEL},
        {"cleanup_nonce": 7},
    ):
        assert rule(gate, msgspec.structs.replace(ticket, **wrong)) == "cleanup"
    gate.accept(msgspec.structs.replace(permit, seq=2, policy="cancel"))
    assert rule(gate, ticket) == "cleanup"
    gate.accept(msgspec.structs.replace(permit, seq=3))
    assert rule(gate, ticket) == ""
    latch.write(Stop(stop_id="s2"))
    assert rule(gate, ticket) == "cleanup"
    clock.now_ns += LIFE_NS
    assert rule(gate, ticket) == "cleanup"

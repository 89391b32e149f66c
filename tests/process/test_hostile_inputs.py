"""Hostile inputs to a system that trades: on its sockets, its paths, its locks and its stop directory.

One system serves all tests, one after another; each leaves it trading.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
import zmq

from tests.faults import fault
from tests.instance import REPOSITORY
from tests.process.chain_truth import ChainTruth
from tests.process.operator_at_work import let_trade
from tests.process.system import System
from tests.process.test_bus import Stranger
from tests.unit.executor.scene import intent
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import StopLevel
from warden.operator.stopping import order_stop
from warden.runtime.clock import read_boot_id
from warden.runtime.journal import read
from warden.runtime.keys import Keyring
from warden.wire.addresses import BEATS, CONTROL, INTENTS, STOP, Channel, endpoint, socket_path
from warden.wire.codec import MESSAGE_BYTES_MAX, encode
from warden.wire.messages import Beat, ProcessState, Submit
from warden.wire.rows import Purpose
from warden.wire.telemetry import ExecutorStatus, LoggerStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLOOD_INTENTS = 10_000
PERMIT_LIFE_S = 1.5
MARGIN_S = 1.5
WATCH_S = 1.5
ASKED = (INTENTS, BEATS, CONTROL, STOP)
BROKEN = (
    b"",
    b"\x00",
    b"\xff" * 500,
    os.urandom(1_000),
    b"\x81" * 5_000,
    msgspec.msgpack.encode({"type": "submit.9", "intent": {}}),
    msgspec.msgpack.encode({"type": "beat.99"}),
    msgspec.msgpack.encode({"type": "arm.1", "operator": "eve", "reason": "x", "approved": True}),
    b"x" * MESSAGE_BYTES_MAX,
)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """A system that trades several times a second."""
    with System() as made:
        made.start_all()
        made.wait_trading(2)
        yield made


@pytest.fixture(autouse=True)
def _trades_afterwards(system: System) -> Iterator[None]:
    """Whatever a test did, the system trades once an operator has looked into it."""
    yield
    if system.mode is not Mode.AGGRESSIVE or system.latch.read().stopped:
        let_trade(system)
    wait_goes_on(system)


def wait_goes_on(system: System) -> None:
    """Wait for two more trades, with the mode as it was."""
    system.wait(lambda each: each.mode is Mode.AGGRESSIVE and each.trades > 0, "trading")
    system.wait_trading(system.trades + 2)
    system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading still")


def stranger(system: System, channel: Channel, role: Role | None) -> Stranger:
    """Return a plain client of a channel: with a role's real keys, or without any."""
    keyring = Keyring(system.places.keys)
    pair = None if role is None else (keyring.public(role), keyring.secret(role))
    key = None if role is None else keyring.public(channel.server)
    return Stranger(endpoint(system.places.run, channel), key, pair)


def silent_after(system: System, boot_ns: int, allowed: set[str]) -> None:
    """Watch the endpoints a while and fail if anything else arrived after the moment.

    Cancels, which move nothing, may follow a stop until all of it has ended: they are looked up afterwards.
    """
    system.pass_time(WATCH_S)
    arrived = {each.tx_hash for each in system.received_after(boot_ns)}
    assert arrived <= allowed | cancels(system)


@fault("garbage")
@pytest.mark.parametrize("channel", ASKED, ids=lambda channel: channel.name)
def test_who_is_no_client_is_not_heard(system: System, channel: Channel) -> None:
    """DESIGN §5: no ZeroMQ, no key, a stranger's key, another role's key: nothing stops for it."""
    with contextlib.ExitStack() as stack:
        for garbage in (b"\xff", os.urandom(100_000), b"GET / HTTP/1.1\r\n\r\n"):
            plain = stack.enter_context(socket.socket(socket.AF_UNIX))
            plain.connect(str(socket_path(system.places.run, channel)))
            with contextlib.suppress(OSError):
                plain.sendall(garbage)
        for role in (None, Role.NOTIFIER if channel is not BEATS else Role.OPERATOR):
            client = stranger(system, channel, role)
            stack.callback(client.close)
            client.say(b'{"stop_id": "by-a-stranger"}')
        keyring = Keyring(system.places.keys)
        foreign = Stranger(
            endpoint(system.places.run, channel), keyring.public(channel.server), zmq.curve_keypair()
        )
        stack.callback(foreign.close)
        foreign.say(b'{"stop_id": "by-a-stranger"}')
        wait_goes_on(system)
    assert not system.latch.read().stopped


@fault("undecodable")
@pytest.mark.parametrize(
    ("channel", "role"),
    [(INTENTS, Role.TRADER), (INTENTS, Role.GATEWAY), (BEATS, Role.LOGGER), (CONTROL, Role.OPERATOR)],
    ids=["intents-trader", "intents-gateway", "beats", "control"],
)
def test_rubbish_of_a_real_client_is_dropped(system: System, channel: Channel, role: Role) -> None:
    """DESIGN §5: random bytes, unknown versions and fields, and what is too large, by a holder of keys."""
    for data in (*BROKEN, b"x" * (MESSAGE_BYTES_MAX + 1), b"x" * (8 * MESSAGE_BYTES_MAX)):
        client = stranger(system, channel, role)
        client.socket.send(data)
        client.socket.send_multipart([b"", data])
        client.socket.poll(20)
        client.close()
    wait_goes_on(system)


@fault("stop-unread", "undecodable")
def test_what_was_only_said_on_the_stop_socket_becomes_a_file(system: System) -> None:
    """ES4, I4: a request that nobody can read stops, durably, and is recovered from as any other."""
    client = stranger(system, STOP, Role.OPERATOR)
    client.socket.send(b"\xffstop everything")
    system.wait(lambda each: each.latch.read().stops, "a file for what was only heard")
    client.close()
    (stop,) = system.latch.read().stops
    assert stop.stop_id.startswith("unreadable-")
    let_trade(system)
    assert system.latch.is_clear()


@fault("stop-unread")
@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.WATCHDOG])
def test_a_signal_stops_durably(system: System, role: Role) -> None:
    """ES1: SIGUSR1 to whoever can stop is a stop like any other: a file, and an operator's recovery."""
    os.kill(system.processes[role].pid, signal.SIGUSR1)
    stop = system.written_stop("a file for the stop by signal")
    assert (stop.operator, stop.stop_id.startswith(f"signal-{role}-")) == ("signal", True)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY")
    let_trade(system)


@fault("replayed")
def test_forged_and_replayed_beats_change_nothing(system: System) -> None:
    """HM4: a beat in another's name counts for nothing, an old one of a real session neither."""
    system.wait(lambda each: LoggerStatus in each.latest, "the logger's status")
    logger, executor = system.latest[LoggerStatus].session, system.latest[ExecutorStatus].session
    client = stranger(system, BEATS, Role.LOGGER)
    forged = [
        (Role.EXECUTOR, executor, ProcessState.STOPPING),
        (Role.WATCHDOG, "0" * 32, ProcessState.READY),
        (Role.TRADER, "0" * 32, ProcessState.STOPPING),
        (Role.LOGGER, logger, ProcessState.READY),
    ]
    try:
        for role, session, state in forged * 20:
            beat = Beat(
                role=role,
                pid=1,
                session=session,
                boot_id=read_boot_id(),
                seq=1,
                sent_ns=1,
                state=state,
                positions=5,
            )
            client.socket.send(encode(beat))
        wait_goes_on(system)
    finally:
        client.close()


@fault("second-instance")
@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.WATCHDOG])
def test_a_second_instance_is_refused(system: System, role: Role) -> None:
    """DESIGN §5: the lock comes first: the second ends with exit code 2 and one line; the first goes on."""
    first = system.processes[role]
    second = system.start(role)
    system.processes[role] = first
    assert second.wait(60) == 2
    assert "runs already" in system.output(role)
    wait_goes_on(system)
    assert first.poll() is None


@fault("queue-full")
def test_a_flood_of_intents_delays_no_stop(system: System) -> None:
    """I3, I4: while ten thousand intents come in, a stop is CONFIRMED by the executor all the same."""
    flooding, over = threading.Event(), threading.Event()

    def flood() -> None:
        with system.bus(Role.TRADER) as bus:
            client = bus.connect(INTENTS)
            sent = 0
            while sent < FLOOD_INTENTS and not over.is_set():
                if client.send(encode(Submit(intent=intent(sent)))):
                    sent += 1
                    if sent == FLOOD_INTENTS // 10:
                        flooding.set()
                elif client.socket.poll(1):
                    client.receive()
            client.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        assert flooding.wait(60)
        result = order_stop(system.home, message="flooded", operator="tester")
        acknowledged_ns = system.now_ns()
    finally:
        over.set()
        thread.join(60)
    assert result.level is StopLevel.CONFIRMED
    silent_after(system, acknowledged_ns, set(result.in_flight))


def cancels(system: System) -> set[str]:
    """Return the hashes of what a stop's clean-up has sent."""
    signed = ChainTruth(system).signed()
    return {tx_hash for tx_hash, row in signed.items() if row.purpose is Purpose.CANCEL}


class Thief:
    """A process of the same user that binds a path of ours, with keys of its own."""

    def __init__(self, system: System, channel: Channel) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.curve_server = True
        self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
        self.path = socket_path(system.places.run, channel)
        self.path.unlink(missing_ok=True)
        self._socket.bind(endpoint(system.places.run, channel))

    @property
    def heard(self) -> bool:
        """Whether anybody has told it anything."""
        return bool(self._socket.poll(0))

    def close(self) -> None:
        """Leave."""
        self._context.destroy(linger=0)


@fault("socket-stolen")
def test_a_stolen_stop_path_cannot_confirm_a_stop(system: System) -> None:
    """I3, I4: a thief on the stop socket can't answer for the executor: it is fenced, and the stop holds."""
    thief = Thief(system, STOP)
    try:
        result = order_stop(system.home, message="stolen", operator="tester")
        acknowledged_ns = system.now_ns()
        assert not thief.heard
    finally:
        thief.close()
    assert result.level is StopLevel.FENCED
    system.processes[Role.EXECUTOR].wait(60)
    silent_after(system, acknowledged_ns, set(result.in_flight))
    system.start(Role.EXECUTOR)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the stop")


@fault("socket-unlinked")
def test_a_removed_socket_path_stops_no_stop(system: System) -> None:
    """I4: with its path gone the executor is not reached; it is fenced, and the stop holds."""
    socket_path(system.places.run, STOP).unlink()
    result = order_stop(system.home, message="unlinked", operator="tester")
    acknowledged_ns = system.now_ns()
    assert result.level is StopLevel.FENCED
    system.processes[Role.EXECUTOR].wait(60)
    silent_after(system, acknowledged_ns, set(result.in_flight))
    system.start(Role.EXECUTOR)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the stop")


@fault("socket-stolen")
def test_a_thief_in_the_watchdogs_place_grants_nothing(system: System) -> None:
    """I2: the watchdog dead and its path stolen: the gate closes within the permit's life, and it is said."""
    system.processes[Role.WATCHDOG].kill()
    system.processes[Role.WATCHDOG].wait()
    killed_ns = system.now_ns()
    thief = Thief(system, BEATS)
    try:
        system.wait(
            lambda each: (
                any(event.kind == "gate.closed" for event in each.events[-50:])
                and each.latest[ExecutorStatus].gate.startswith("permit.")
            ),
            "the closed gate on the bus",
        )
        bound_ns = killed_ns + int((PERMIT_LIFE_S + MARGIN_S) * 1e9)
        system.pass_time(PERMIT_LIFE_S + MARGIN_S)
        silent_after(system, bound_ns, set())
        assert not thief.heard
    finally:
        thief.close()
    system.latest.clear()
    system.start(Role.WATCHDOG)
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "a watchdog again, which arms nothing by itself")


def make_away(system: System) -> None:
    """Take the stop directory away."""
    system.places.stop.rename(system.places.stop.with_name("stop-away"))


def make_file(system: System) -> None:
    """Put a file in the stop directory's place."""
    make_away(system)
    system.places.stop.write_text("no directory", encoding="ascii")


@fault("stop-directory-lost")
@pytest.mark.parametrize("make", [make_away, make_file], ids=["away", "a file"])
def test_a_stop_directory_that_cannot_be_read_stops(system: System, make: Callable[[System], None]) -> None:
    """DESIGN §3, I7: it counts as a stop, is told, and its coming back resumes nothing."""
    try:
        make(system)
        system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY without a stop directory")
        assert any(event.kind == "stop.directory-unreadable" for event in system.events)
        since_ns = system.now_ns()
        silent_after(system, since_ns, set())
    finally:
        system.places.stop.unlink(missing_ok=True)
        system.places.stop.with_name("stop-away").rename(system.places.stop)
    since_ns = system.now_ns()
    silent_after(system, since_ns, set())
    assert system.mode is Mode.OBSERVE_ONLY


@fault("stop-directory-lost")
def test_a_pipe_in_the_stop_directory_stops_and_hangs_nobody(system: System) -> None:
    """DESIGN §3: whatever lies there is a stop, read without waiting, and an operator can recover from it."""
    os.mkfifo(system.places.stop / "pipe")
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY")
    assert order_stop(system.home, message="beside it", operator="tester").level is StopLevel.CONFIRMED
    since_ns = system.now_ns()
    silent_after(system, since_ns, set())


@fault("wall-clock")
def test_no_wall_clock_decides_anything(system: System) -> None:
    """DESIGN §3: with wall clocks that jump by hours and days at every look, it trades and stops as ever."""
    skewed = (Role.TRADER, Role.WATCHDOG, Role.EXECUTOR)
    for role in skewed:
        system.end(role)
    system.latest.clear()
    for role in skewed:
        words = ["-m", "tests.process.skewed", f"warden.{role}", "--home", str(system.home)]
        system.processes[role] = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.DEVNULL, cwd=REPOSITORY
        )
    let_trade(system)
    wait_goes_on(system)
    assert order_stop(system.home, message="skewed", operator="tester").level is StopLevel.CONFIRMED
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY after the stop")
    # A day ahead: the clocks did jump, and what is only for people shows it.
    newest_s = max(row.time_ns // 10**9 for row in read(system.places.journal(Role.EXECUTOR)))
    assert newest_s > time.time() + 80_000

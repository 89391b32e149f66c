"""The operator's link: the latest of every process over the real bus, the stops, bounded requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.console import samples
from tests.instance import Instance, wait_until
from warden.domain.errors import ConfigurationInvalid, NotRunning
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.operator.link import EVENTS_MAX, Link, ask
from warden.runtime.clock import SystemClock
from warden.wire.addresses import CONTROL
from warden.wire.codec import decode, encode
from warden.wire.messages import Arm, OperatorReply, OperatorRequest
from warden.wire.telemetry import Event, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home of its own, with keys and settings, no process running."""
    with Instance() as made:
        yield made


def event(number: int, role: Role = Role.WATCHDOG) -> Event:
    """Return an event of `role`."""
    return Event(time=str(number), role=role, severity=Severity.INFO, kind="test.event", message="m")


def test_the_latest_status_of_a_role_is_kept(instance: Instance) -> None:
    """What a process publishes arrives with the moment from which it has been true."""
    clock = SystemClock()
    with instance.bus(Role.WATCHDOG) as bus, Link(instance.home) as link:
        publisher = bus.publisher()

        def heard() -> bool:
            publisher.publish(samples.watchdog(sent_ns=clock.boot_ns()))
            return Role.WATCHDOG in link.poll().heard

        wait_until(heard, "status of the watchdog")
        last = link.poll().heard[Role.WATCHDOG]
        assert last.as_of_ns == last.status.sent_ns <= clock.boot_ns()


def test_a_repeated_status_does_not_count_as_new(instance: Instance) -> None:
    """A publisher whose clock stands still is as stale as a silent one (I10)."""
    with instance.bus(Role.WATCHDOG) as bus, Link(instance.home) as link:
        publisher = bus.publisher()
        frozen = samples.watchdog(sent_ns=1_000)

        def heard() -> bool:
            publisher.publish(frozen)
            return Role.WATCHDOG in link.poll().heard

        wait_until(heard, "status of the watchdog")
        assert link.poll().heard[Role.WATCHDOG].as_of_ns == 1_000


def test_nobody_speaks_for_another(instance: Instance) -> None:
    """A status on the wrong process's socket is counted and dropped, and so is an event in another's name."""
    with instance.bus(Role.TRADER) as bus, Link(instance.home) as link:
        publisher = bus.publisher()

        def dropped() -> bool:
            publisher.publish(samples.watchdog(sent_ns=5))
            publisher.publish(event(1, Role.EXECUTOR))
            return link.poll().dropped > 1

        wait_until(dropped, "dropped message")
        snapshot = link.poll()
        assert (dict(snapshot.heard), snapshot.events) == ({}, ())


def test_events_are_bounded(instance: Instance) -> None:
    """Only the last 200 events are kept."""
    with instance.bus(Role.WATCHDOG) as bus, Link(instance.home) as link:
        publisher = bus.publisher()
        sent = 0

        def full() -> bool:
            nonlocal sent
            for _ in range(50):
                publisher.publish(event(sent))
                sent += 1
            return len(link.poll().events) == EVENTS_MAX

        wait_until(full, f"{EVENTS_MAX} events")
        for _ in range(EVENTS_MAX):
            publisher.publish(event(sent))
        assert len(link.poll().events) == EVENTS_MAX


def test_the_stop_directory_is_read_without_any_process(instance: Instance) -> None:
    """A bare file shows as a stop at the next poll, since when is kept, and it ends with the file (I4)."""
    with Link(instance.home) as link:
        assert not link.poll().latch.stopped
        (instance.places.stop / "by-hand").touch()
        first = link.poll()
        assert [stop.stop_id for stop in first.latch.stops] == ["by-hand"]
        assert link.poll().stopped_since_ns == first.stopped_since_ns
        (instance.places.stop / "by-hand").unlink()
        assert link.poll().stopped_since_ns is None


def test_settings_tell_the_environment(instance: Instance) -> None:
    """Environment, block time and the one-user weakness are known before any process speaks (I8)."""
    with Link(instance.home) as link:
        snapshot = link.poll()
    assert (snapshot.environment, snapshot.block_ms, snapshot.one_user) == ("devnet", 1_000, True)


def test_settings_may_come_later(instance: Instance) -> None:
    """A console that was opened first learns the environment when Warden is started."""
    kept = instance.places.settings.read_bytes()
    instance.places.settings.unlink()
    with Link(instance.home) as link:
        assert link.poll().environment == ""
        instance.places.settings.write_bytes(kept)
        assert link.poll().environment == "devnet"


def test_gather_ends_at_its_bound(instance: Instance) -> None:
    """With nothing running there is an answer all the same: what little is known."""
    with Link(instance.home) as link:
        assert dict(link.gather(timeout_ms=50).heard) == {}


def test_gather_waits_for_those_who_live(instance: Instance) -> None:
    """It returns as soon as every process that the watchdog calls alive was heard."""
    clock = SystemClock()
    alive = msgspec.structs.replace(
        samples.watchdog(),
        processes=tuple(line for line in samples.watchdog().processes if line.name == "executor"),
    )
    done = threading.Event()

    def publish() -> None:
        with instance.bus(Role.WATCHDOG) as one, instance.bus(Role.EXECUTOR) as other:
            tellers = one.publisher(), other.publisher()
            while not done.wait(0.02):
                now_ns = clock.boot_ns()
                tellers[0].publish(msgspec.structs.replace(alive, sent_ns=now_ns))
                tellers[1].publish(samples.executor(sent_ns=now_ns))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        with Link(instance.home) as link:
            snapshot = link.gather(timeout_ms=60_000)
    finally:
        done.set()
        thread.join()
    assert set(snapshot.heard) == {Role.WATCHDOG, Role.EXECUTOR}


def test_no_instance_is_one_clear_line(tmp_path: Path) -> None:
    """A wrong --home says so and how to mend it."""
    with pytest.raises(ConfigurationInvalid, match=r"there is no instance at .*/nowhere.*warden up"):
        Link(tmp_path / "nowhere")


def test_asking_nobody_ends(instance: Instance) -> None:
    """Without a watchdog a request ends within its bound and says what to do."""
    with pytest.raises(NotRunning, match="start Warden"):
        ask(instance.home, Arm(operator="ada", reason="test"), timeout_ms=100)


def test_asking_a_mute_watchdog_ends(instance: Instance) -> None:
    """A watchdog that takes the request and says nothing is told apart from one that is not there."""
    with instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(CONTROL)
        with pytest.raises(NotRunning, match="took the request"):
            ask(instance.home, Arm(operator="ada", reason="test"), timeout_ms=3_000)
        assert server.receive() is not None


def test_the_answer_comes_back(instance: Instance) -> None:
    """A request reaches the watchdog in the operator's role, and its reply the asker."""
    done = threading.Event()
    taken: list[tuple[Role, OperatorRequest]] = []

    def serve() -> None:
        with instance.bus(Role.WATCHDOG) as bus:
            server = bus.serve(CONTROL)
            while not done.wait(0.01):
                incoming = server.receive()
                if incoming is not None:
                    taken.append((incoming.role, decode(incoming.data, OperatorRequest)))
                    server.send(incoming.identity, encode(OperatorReply(0, "armed", int(Mode.AGGRESSIVE))))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        reply = ask(instance.home, Arm(operator="ada", reason="test"), timeout_ms=60_000)
    finally:
        done.set()
        thread.join()
    assert (reply.exit_code, reply.message) == (0, "armed")
    assert taken == [(Role.OPERATOR, Arm(operator="ada", reason="test"))]

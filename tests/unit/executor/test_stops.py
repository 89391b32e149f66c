"""The stop desk on a real bus: whatever is said to it closes the gate first, and is answered then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import Instance, wait_until
from tests.unit.executor.sends.test_gate import LIFE_NS, PERMIT, TICKET, ManualClock
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop, encode_stop
from warden.executor.sends.gate import Gate
from warden.executor.stops import StopDesk
from warden.runtime.latch import CLEARED
from warden.wire.addresses import STOP
from warden.wire.messages import StopSeen
from warden.wire.rows import StopRow

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_FLIGHT = ("0x01", "0x02")


class Scene:
    """A desk with its gate, which a permit holds open, and an operator who talks to it."""

    def __init__(self, instance: Instance) -> None:
        self.latch = instance.latch
        self.clock = ManualClock()
        self.gate = Gate(instance.latch, self.clock, boot_id="boot", session="me")
        assert self.gate.accept(PERMIT) == ""
        self._served = instance.bus(Role.EXECUTOR)
        self._asking = instance.bus(Role.OPERATOR)
        self.desk = StopDesk(self._served.serve(STOP), instance.latch, self.gate, "me")
        self._client = self._asking.connect(STOP)

    @property
    def closed_by(self) -> str:
        """The rule that closes the gate; empty while it is open."""
        refusal = self.gate.refusal(TICKET)
        return "" if refusal is None else refusal.rule

    def send(self, data: bytes) -> None:
        """Put a request on the wire, as soon as there is a connection."""
        wait_until(lambda: self._client.send(data), "connection to the desk")

    def answer(self) -> StopSeen:
        """Serve until an answer has come."""
        answers: list[bytes] = []

        def answered() -> bool:
            self.desk.serve(IN_FLIGHT)
            data = self._client.receive()
            answers.extend([] if data is None else [data])
            return bool(answers)

        wait_until(answered, "answer of the desk")
        return msgspec.json.decode(answers[0], type=StopSeen)

    def ask(self, data: bytes) -> StopSeen:
        """Send and return what is answered."""
        self.send(data)
        return self.answer()

    def close(self) -> None:
        """Leave the bus."""
        self._asking.close()
        self._served.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A desk with an open gate."""
    with Instance() as instance:
        made = Scene(instance)
        yield made
        made.close()


def test_a_stop_over_the_socket_closes_the_gate_without_a_file(scene: Scene) -> None:
    """I3, I4: from the answer on nothing leaves, whatever becomes of the file; in flight is what is named."""
    assert scene.closed_by == ""
    seen = scene.ask(encode_stop(Stop(stop_id="s-1", policy=CleanUp.CANCEL)))
    assert seen == StopSeen(
        stop_id="s-1", executor_session="me", in_flight=IN_FLIGHT, cleanup=CleanUp.CANCEL.value
    )
    assert scene.closed_by == "stop"


def test_without_a_watchdog_a_stop_only_holds(scene: Scene) -> None:
    """DESIGN §3: clean-up needs a watchdog's leave; without one the acknowledgement says `hold`."""
    scene.clock.now_ns += LIFE_NS
    seen = scene.ask(encode_stop(Stop(stop_id="s-1", policy=CleanUp.CANCEL)))
    assert seen.cleanup == CleanUp.HOLD.value


@pytest.mark.parametrize("policy", ["sell everything", ""])
def test_a_policy_of_another_version_only_holds(scene: Scene, policy: str) -> None:
    """DESIGN §5: what a stop asks for and this version does not know is the mildest, never a refusal."""
    seen = scene.ask(encode_stop(Stop(stop_id="s-1", policy=policy)))
    assert (seen.stop_id, seen.cleanup) == ("s-1", CleanUp.HOLD.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\x00",
        b"{",
        b"[]",
        b'"stop"',
        b"{}",
        b'{"stop_id": 5}',
        b'{"stop_id": "../../etc"}',
        b'{"stop_id": "' + b"x" * 500 + b'"}',
        b"[" * 5_000,
    ],
    ids=range(10),
)
def test_whatever_is_said_here_stops(scene: Scene, data: bytes) -> None:
    """I4: a request that cannot be read is a stop all the same, and is answered."""
    assert scene.ask(data).executor_session == "me"
    assert scene.closed_by == "stop"


def test_a_stop_of_a_later_version_stops(scene: Scene) -> None:
    """DESIGN §5: unknown fields are passed over: a console of any age can stop a system of any age."""
    assert scene.ask(b'{"stop_id": "s-1", "of_the_future": [1, 2]}').stop_id == "s-1"
    assert scene.closed_by == "stop"


def test_a_stop_without_a_file_is_told_until_one_stands(scene: Scene) -> None:
    """ES4: the beats tell the watchdog what to write down; cut where it is longer than a beat may carry."""
    scene.ask(encode_stop(Stop(stop_id="s-1", message="m" * 5_000, operator="ann")))
    assert [(stop.stop_id, stop.operator, len(stop.message)) for stop in scene.desk.unrecorded()] == [
        ("s-1", "ann", 400)
    ]
    scene.latch.write(Stop(stop_id="s-1"))
    scene.desk.look()
    assert scene.desk.unrecorded() == ()
    scene.latch.clear("s-1")
    scene.desk.look()
    assert scene.desk.unrecorded() == ()


def test_it_stands_from_the_first_word_until_it_was_cleared(scene: Scene) -> None:
    """ES6: so long a clean-up may go on, and not a moment longer, whatever its permit says."""
    assert not scene.desk.stopped
    scene.ask(encode_stop(Stop(stop_id="s-1")))
    assert scene.desk.stopped
    scene.latch.write(Stop(stop_id="s-1"))
    scene.desk.look()
    assert scene.desk.stopped
    scene.latch.clear("s-1")
    scene.desk.look()
    assert not scene.desk.stopped


def test_what_a_beat_tells_is_bounded(scene: Scene) -> None:
    """However many are heard, four are told at a time; the next once these stand."""
    for number in range(9):
        scene.desk.keep(Stop(stop_id=f"s-{number}"))
    assert [stop.stop_id for stop in scene.desk.unrecorded()] == ["s-0", "s-1", "s-2", "s-3"]
    for number in range(8):
        scene.latch.write(Stop(stop_id=f"s-{number}"))
    scene.desk.look()
    assert [stop.stop_id for stop in scene.desk.unrecorded()] == ["s-8"]


def test_an_unreadable_request_can_be_recovered_from_and_the_next_stops_again(scene: Scene) -> None:
    """I4, ES5: it stands under a name of its own until a recovery, and one after that under another."""
    first = scene.ask(b"{").stop_id
    assert scene.ask(b"[]").stop_id == first
    (told,) = scene.desk.unrecorded()
    scene.latch.write(told)
    scene.desk.look()
    scene.latch.clear(first)
    scene.desk.look()
    assert scene.closed_by == ""
    assert scene.ask(b"{").stop_id != first
    scene.desk.look()
    assert scene.closed_by == "stop"


def test_the_same_stop_twice_is_one_stop(scene: Scene) -> None:
    """DESIGN §3: stops are idempotent by id, and each request is answered."""
    request = encode_stop(Stop(stop_id="s-1"))
    assert scene.ask(request) == scene.ask(request)
    assert scene.gate.heard_stops == {"s-1"}


def test_a_flood_of_stops_is_bounded_and_holds(scene: Scene) -> None:
    """Memory is bounded: more names than it keeps stop no less."""
    for number in range(300):
        scene.send(encode_stop(Stop(stop_id=f"s-{number}")))
        scene.desk.serve(IN_FLIGHT)
    wait_until(lambda: scene.answer() is not None and len(scene.gate.heard_stops) >= 256, "a full list")
    assert len(scene.gate.heard_stops) == 256
    assert scene.closed_by == "stop"


def test_what_was_heard_stands_until_its_file_was_cleared(scene: Scene) -> None:
    """I7: a stop whose file was never written is not lifted by the empty directory, only by a recovery."""
    scene.ask(encode_stop(Stop(stop_id="s-1")))
    assert scene.desk.look() == []
    assert scene.closed_by == "stop"
    scene.latch.write(Stop(stop_id="s-1"))
    assert scene.desk.look() == [StopRow(stop_id="s-1", lifted=False)]
    scene.latch.clear("s-1")
    assert scene.desk.look() == [StopRow(stop_id="s-1", lifted=True)]
    assert scene.closed_by == ""


def test_a_removed_file_lifts_nothing_that_was_heard(scene: Scene) -> None:
    """I7: who removes the file by hand instead of recovering has lifted nothing."""
    scene.ask(encode_stop(Stop(stop_id="s-1")))
    scene.latch.write(Stop(stop_id="s-1"))
    scene.desk.look()
    (scene.latch.path / "s-1").unlink()
    scene.desk.look()
    assert scene.closed_by == "stop"


def test_a_file_is_told_once_when_it_comes_and_once_when_it_goes(scene: Scene) -> None:
    """I9: the journal gets one row for each change, for a bare touch too."""
    assert scene.desk.look() == []
    (scene.latch.path / "by-hand").touch()
    assert scene.desk.look() == [StopRow(stop_id="by-hand", lifted=False)]
    assert scene.desk.look() == []
    scene.latch.clear("by-hand")
    assert scene.desk.look() == [StopRow(stop_id="by-hand", lifted=True)]
    assert scene.desk.look() == []


def test_a_lost_directory_closes_the_gate(scene: Scene) -> None:
    """DESIGN §3: a directory that cannot be read means stopped, and looking at it breaks nothing."""
    away = scene.latch.path.rename(scene.latch.path.with_name("away"))
    scene.desk.look()
    assert scene.closed_by == "stop"
    away.rename(scene.latch.path)
    assert (scene.latch.path / CLEARED).is_dir()
    scene.desk.look()
    assert scene.closed_by == ""

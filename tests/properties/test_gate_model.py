"""Stop, pause, write, kill, restart, recover in any order: nothing leaves that must not (I1 to I7)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.properties.gate_world import LIFE_NS, World
from warden.domain.modes import Action, Mode
from warden.executor.protocol.commands import Send
from warden.executor.protocol.terms import Ticket
from warden.runtime.clock import NS_PER_MS, NS_PER_S
from warden.runtime.latch import Latch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS_TO_REST = 3
LIFE_MS = LIFE_NS // NS_PER_MS


def made_latch() -> Latch:
    """Return a stop directory of its own, in memory where there is a place for it: it is synced a lot."""
    shared = Path("/dev/shm")  # noqa: S108 - a directory of a random name below it
    home = tempfile.mkdtemp(prefix="warden-gate-", dir=shared if shared.is_dir() else None)
    latch = Latch(Path(home) / "stop")
    latch.create()
    return latch


class GateHistory(RuleBasedStateMachine):
    """Any history of one stop directory and the executors that stand before it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(made_latch())
        self.stops = 0

    @rule(far=st.sampled_from(["proposed", "synced", "sent", "looked", "looked"]), fresh=st.booleans())
    def propose(self, *, far: str, fresh: bool) -> None:
        """A trader's intent comes in and gets so far; mostly into a gate that is open and an empty book."""
        world = self.world
        if fresh:
            self.come_to_rest()
        world.submit()
        if far != "proposed":
            world.sync()
        if far in {"sent", "looked"}:
            world.carry_on()
        if far == "looked":
            for writer in [writer for writer in world.writers if not writer.looked]:
                world.look(writer)

    def come_to_rest(self) -> None:
        """Recover what is stopped, let what is under way end, give leave."""
        world = self.world
        self.recover()
        if world.heard:
            # What was heard and has no file stands for as long as the executor that heard it lives.
            world.start()
        for _ in range(ROUNDS_TO_REST):
            world.sync()
            world.carry_on()
            for writer in list(world.writers):
                if writer.looked:
                    world.write(writer)
                else:
                    world.look(writer)
            world.settle_legs()
            world.mine_all()
            world.read_chain()
            world.read_chain()
            world.grant(Mode.AGGRESSIVE)
        for writer in [writer for writer in world.writers if not writer.looked]:
            world.look(writer)
        assert world.gaps() == (), "what is open waits for a nonce that nobody uses (EX3)"

    @rule(carried_on=st.booleans())
    def sync(self, *, carried_on: bool) -> None:
        """The disk has taken what waited, and the main thread may have seen it."""
        self.world.sync()
        if carried_on:
            self.world.carry_on()

    @precondition(lambda self: any(not writer.looked for writer in self.world.writers))
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """A leg asks the gate, and is paused right after."""
        waiting = [writer for writer in self.world.writers if not writer.looked]
        self.world.look(data.draw(st.sampled_from(waiting)))

    @precondition(lambda self: any(not writer.looked for writer in self.world.writers))
    @rule(data=st.data())
    def lose_connections(self, data: st.DataObject) -> None:
        """None of one transaction's legs has a connection at the moment at which it would write."""
        world = self.world
        waiting = sorted({writer.order.tx_hash for writer in world.writers if not writer.looked})
        world.lose(data.draw(st.sampled_from(waiting)))

    @precondition(lambda self: any(writer.looked for writer in self.world.writers))
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """A leg that has looked goes on."""
        paused = [writer for writer in self.world.writers if writer.looked]
        self.world.write(data.draw(st.sampled_from(paused)))

    @rule()
    def settle_legs(self) -> None:
        """The main thread takes what came of the legs."""
        self.world.settle_legs()

    @precondition(lambda self: self.world.written)
    @rule()
    def mine(self) -> None:
        """The chain moves on, whatever stands between its look and its write meanwhile."""
        self.world.mine_all()
        self.world.read_chain()

    @rule(mode=st.sampled_from(Mode))
    def grant(self, mode: Mode) -> None:
        """The watchdog gives leave, stop or no stop."""
        self.world.grant(mode)

    @rule()
    def stale_leave(self) -> None:
        """Leave for an executor that is gone comes late."""
        self.world.grant(Mode.AGGRESSIVE, session="executor-0")

    @rule(milliseconds=st.sampled_from([1, LIFE_MS - 1, LIFE_MS, 10 * LIFE_MS]))
    def pause(self, milliseconds: int) -> None:
        """Everybody is paused."""
        self.world.pass_ms(milliseconds)

    @rule(way=st.sampled_from(["file first", "socket first", "socket alone", "touch", "fence"]))
    def order_stop(self, way: str) -> None:
        """Somebody stops: socket slower or faster than the disk, or a disk that takes nothing, or a kill."""
        self.stops += 1
        name = f"s{self.stops}"
        if way == "fence":
            self.world.fence(name)
            return
        if way.startswith("socket"):
            self.world.stop_asked(name)
            self.world.turn()
        if way != "socket alone":
            self.world.stop_file(name)
        if way == "file first":
            self.world.stop_asked(name)

    @rule()
    def turn(self) -> None:
        """The main thread serves its stop desk."""
        self.world.turn()

    @rule()
    def kill(self) -> None:
        """The executor dies at this very moment, another starts."""
        self.world.start()

    @precondition(lambda self: self.world.files)
    @rule(data=st.data())
    def recover_one(self, data: st.DataObject) -> None:
        """A recovery clears one of the stops that stand."""
        self.world.lift(data.draw(st.sampled_from(sorted(self.world.files))))

    @rule()
    def recover(self) -> None:
        """A recovery clears all of them, and waits out a permit's life."""
        for name in sorted(self.world.files):
            self.world.lift(name)
        self.world.turn()
        self.world.pass_ms(LIFE_MS)

    @invariant()
    def no_nonce_twice(self) -> None:
        """I6: no two transactions ever left at one nonce unless one replaces the other."""
        self.world.check_nonces()

    def teardown(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.world.latch.path.parent, ignore_errors=True)


# --- every interleaving of small cases


# What each part does, in its own order; between two parts any order may come about.
CASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "the row, a leg, a stop": (
        ("sync", "carry_on"),
        ("look", "write"),
        ("stop_file", "stop_asked", "turn"),
        ("settle_legs",),
    ),
    "two legs, a stop, the end of the permit": (
        ("look", "write"),
        ("look_last", "write_last"),
        ("stop_asked", "turn", "stop_file"),
        ("expire",),
    ),
    "a leg, a stop, a crash, a recovery": (
        ("look", "write"),
        ("stop_file", "stop_asked", "turn", "lift"),
        ("kill", "grant", "read_chain"),
    ),
    "two intents, a stop, a pause": (
        ("look", "write", "settle_legs", "mine"),
        ("submit", "sync", "carry_on"),
        ("stop_file", "stop_asked", "turn"),
    ),
    "a fence, a restart, stale and fresh leave": (
        ("look", "write"),
        ("fence", "grant", "submit", "sync"),
        ("stale_grant", "carry_on"),
    ),
}
# Which cases begin with the row still on its way to the disk; the others have the legs waiting.
UNSYNCED = {"the row, a leg, a stop"}


def merges(parts: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, ...]]:
    """Yield every order in which the parts' steps may come about, each part's own order kept."""
    left = tuple(part for part in parts if part)
    if not left:
        yield ()
    for number, part in enumerate(left):
        rest = (*left[:number], part[1:], *left[number + 1 :])
        for tail in merges(rest):
            yield (part[0], *tail)


def step(world: World, name: str) -> None:
    """Take one step; one that is not possible now is passed over."""
    writers = world.writers
    actions: dict[str, Callable[[], object]] = {
        "expire": lambda: world.pass_ms(LIFE_MS),
        "kill": world.start,
        "grant": lambda: world.grant(Mode.AGGRESSIVE),
        "stale_grant": lambda: world.grant(Mode.AGGRESSIVE, session="executor-0"),
        "fence": lambda: world.fence("s"),
        "stop_file": lambda: world.stop_file("s"),
        "stop_asked": lambda: world.stop_asked("s"),
        "lift": lambda: world.lift("s") if "s" in world.files else None,
        "mine": world.mine_all,
    }
    if name in {"look", "look_last"}:
        waiting = [writer for writer in writers if not writer.looked]
        if waiting:
            world.look(waiting[0 if name == "look" else -1])
    elif name in {"write", "write_last"}:
        paused = [writer for writer in writers if writer.looked]
        if paused:
            world.write(paused[0 if name == "write" else -1])
    else:
        actions.get(name, getattr(world, name, None) or world.turn)()


@pytest.mark.parametrize("case", CASES)
def test_every_interleaving_of_a_small_case(case: str) -> None:
    """I1, I3, I5: in whatever order a handful of steps come about, nothing leaves that must not.

    `World` checks each look against its own record, and each write for a durable row and for the lists of the
    stops that were acknowledged before.
    """
    latch = made_latch()
    ways = writes = 0
    try:
        for order in merges(CASES[case]):
            world = World(latch)
            world.grant(Mode.AGGRESSIVE)
            world.submit()
            if case not in UNSYNCED:
                world.sync()
                world.carry_on()
            for name in order:
                step(world, name)
            world.check_nonces()
            ways, writes = ways + 1, writes + len(world.written)
            for path in (*latch.path.glob("s*"), *(latch.path / "cleared").iterdir()):
                path.unlink()
    finally:
        shutil.rmtree(latch.path.parent, ignore_errors=True)
    assert ways > 100
    assert writes > 0


LOST = (("lose",), ("submit", "sync", "carry_on"), ("look_last", "write_last", "settle_legs", "read_chain"))


def test_no_order_of_events_leaves_a_gap() -> None:
    """EX3, I6: the first of two finds no connection at whatever moment: its nonce does not stay unused."""
    for order in merges(LOST):
        history = GateHistory()
        world = history.world
        world.grant(Mode.AGGRESSIVE)
        world.submit()
        world.sync()
        world.carry_on()
        first = world.writers[0].order.tx_hash
        for name in order:
            if name == "lose":
                world.lose(first)
                world.settle_legs()
            else:
                step(world, name)
        history.come_to_rest()
        world.check_nonces()
        history.teardown()


def test_after_a_restart_nothing_resumes_without_a_recovery(tmp_path: Path) -> None:
    """I7, ES4: a stop outlives every restart, whatever leave comes; lifted, it still takes fresh leave."""
    latch = Latch(tmp_path / "stop")
    latch.create()
    world = World(latch)
    world.stop_file("s")
    for _ in range(3):
        world.start()
        world.grant(Mode.AGGRESSIVE)
        world.submit()
        world.sync()
        world.carry_on()
        for writer in list(world.writers):
            world.look(writer)
    assert world.written == []
    world.lift("s")
    world.start()
    send = Send("0x01", "0x", Ticket(Action.OPEN, "session", world.now_ns + NS_PER_S), ("public",))
    assert not world.may_leave(send)
    assert world.gate.refusal(send.ticket) is not None
    world.grant(Mode.AGGRESSIVE)
    assert world.gate.refusal(send.ticket) is None


TestGateHistory = GateHistory.TestCase
TestGateHistory.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)

"""Who is alive: one record per process by name, changed by beats and by the passing of time. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role, role_of
from warden.wire.messages import Head, ProcessState, Vitals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.events import BeatCame

_RETIRED_MAX: Final = 64
START_NS: Final = 30_000_000_000
"""Silence that is allowed before a process was first ready: it loads what it needs, and has no leave yet."""
LAST_WORD_NS: Final = 250_000_000
"""So long what a process said last may still be on its way once it has ended: whether in order or not."""
_CHURN_NS: Final = 100_000_000  # a new session sooner than this after the last is a flood, not a restart


class Condition(StrEnum):
    """How a process stands."""

    UNSEEN = "unseen"
    ALIVE = "alive"
    LIVELOCKED = "livelocked"
    LOST = "lost"
    ENDED = "ended"
    FROZEN = "frozen"  # held still by an operator: its silence is what was asked for


class What(StrEnum):
    """What changed about a process; the words stand in the journal as `process.<word>`."""

    APPEARED = "appeared"
    REPLACED = "replaced"
    LOST = "lost"
    ENDED = "ended"
    RETURNED = "returned"
    LIVELOCKED = "livelocked"
    MOVES_AGAIN = "moves-again"


class Change(msgspec.Struct, frozen=True):
    """A change; `session` and `pid` are those it happened to (of a replacement: the old ones)."""

    name: str
    what: What
    session: str
    pid: int
    text: str

    @property
    def role(self) -> Role:
        """The process's role."""
        return role_of(self.name)


@dataclass(slots=True, kw_only=True)
class Peer:
    """What is known of the process of one name. Times are BOOTTIME nanoseconds."""

    name: str
    condition: Condition = Condition.UNSEEN
    session: str = ""
    pid: int = 0
    identity: bytes = b""
    seq: int = 0
    state: ProcessState = ProcessState.STARTING
    progress: int = 0
    handled: int = 0
    session_ns: int = 0  # when this session's first beat came
    positions: int = 0
    sent_ns: int = 0  # when the last beat was sent, by its sender's clock of this boot
    open_nonces: tuple[int, ...] = ()
    position_ids: tuple[str, ...] = ()
    clean: bool = True
    heads: tuple[Head, ...] = ()
    vitals: Vitals | None = None  # of this session's last beat
    detail: str = ""
    was_ready: bool = False  # in this session
    received_ns: int = 0
    moved_ns: int = 0  # when work was last handled, or none was waiting
    behind: bool = False  # more was offered than handled
    unbroken_ns: int = 0  # since when beats have come without a gap
    gone_ns: int | None = None  # when the kernel said that this session's process has ended
    retired: deque[str] = field(default_factory=lambda: deque(maxlen=_RETIRED_MAX))

    @property
    def role(self) -> Role:
        """The process's role."""
        return role_of(self.name)

    @property
    def alive(self) -> bool:
        """Tell whether there is a process, well or not."""
        there = self.condition in {Condition.ALIVE, Condition.LIVELOCKED, Condition.FROZEN}
        return there and self.gone_ns is None

    def fresh(self) -> bool:
        """Tell whether it beats, makes progress and does not mean to end."""
        there = self.condition is Condition.ALIVE and self.gone_ns is None
        return there and self.state is not ProcessState.STOPPING

    def ready(self) -> bool:
        """Tell whether it is fresh and says that it is ready."""
        return self.fresh() and self.state is ProcessState.READY

    def age_ms(self, now_ns: int) -> int | None:
        """Return milliseconds since the last beat; None when there was none."""
        return (
            None if self.condition is Condition.UNSEEN else max(0, (now_ns - self.received_ns) // 1_000_000)
        )


class Liveness:
    """The records of all processes.

    Args:
        names: those that this instance runs.
        boot_id: beats of another boot are dropped.
        lost_after_ns: without a beat for so long: lost.
        livelock_ns: work waits and none was handled for so long: livelocked.
    """

    def __init__(self, names: Iterable[str], boot_id: str, lost_after_ns: int, livelock_ns: int) -> None:
        self.peers = {name: Peer(name=name) for name in names}
        self.dropped: dict[str, int] = {}
        self._boot_id = boot_id
        self._lost_after_ns = lost_after_ns
        self._livelock_ns = livelock_ns
        self.watched_from_ns = 0  # nobody was watched before

    def of(self, role: Role) -> list[Peer]:
        """Return the processes of a role; of most there is one."""
        return [peer for peer in self.peers.values() if peer.role is role]

    def resumed(self, now_ns: int) -> None:
        """Nobody was watched until now: silence counts from here."""
        self.watched_from_ns = now_ns

    def silent_ns(self, peer: Peer, now_ns: int) -> int:
        """Return for how long a process has been silent while it was watched, in nanoseconds."""
        return now_ns - max(peer.received_ns, self.watched_from_ns)

    def known_frozen(self, name: str, session: str, pid: int, now_ns: int) -> None:
        """Take over a process that was frozen before this watchdog started."""
        peer = self.peers[name]
        peer.condition, peer.session, peer.pid = Condition.FROZEN, session, pid
        peer.received_ns = peer.session_ns = now_ns

    def died(self, name: str, session: str, now_ns: int) -> None:
        """The process of a session has ended: nothing is given to it any more, and `judge` says how."""
        peer = self.peers[name]
        if peer.session == session and peer.gone_ns is None:
            peer.gone_ns = now_ns

    def released(self, name: str, now_ns: int) -> None:
        """Judge a process that was frozen again; silence counts from here."""
        peer = self.peers[name]
        peer.condition = Condition.ALIVE
        peer.received_ns = peer.moved_ns = peer.unbroken_ns = now_ns

    def beat(self, came: BeatCame, now_ns: int) -> list[Change] | None:
        """Take a beat; None when it was dropped, and why is counted in `dropped`."""
        peer, beat = self.peers.get(came.name), came.beat
        refusal = self._refusal(peer, came, now_ns)
        if peer is None or refusal:
            self.dropped[refusal] = self.dropped.get(refusal, 0) + 1
            return None
        changes: list[Change] = []
        if beat.session != peer.session:
            changes += self._new_session(peer, beat.session, beat.pid, now_ns)
        elif peer.condition in {Condition.LOST, Condition.ENDED}:
            away_s = (now_ns - peer.received_ns) / 1e9
            changes.append(_change(peer, What.RETURNED, f"{peer.name} beats again after {away_s:.1f} s"))
            peer.condition, peer.unbroken_ns, peer.moved_ns = Condition.ALIVE, now_ns, now_ns
        if beat.handled != peer.handled or beat.offered <= beat.handled:
            peer.moved_ns = now_ns
        peer.identity, peer.pid, peer.seq, peer.received_ns = came.identity, beat.pid, beat.seq, now_ns
        peer.state, peer.detail, peer.progress = beat.state, beat.detail, beat.progress
        peer.was_ready = peer.was_ready or beat.state is ProcessState.READY
        peer.handled, peer.behind = beat.handled, beat.offered > beat.handled
        peer.sent_ns, peer.open_nonces = beat.sent_ns, beat.open_nonces
        peer.position_ids, peer.vitals = beat.position_ids, beat.vitals
        peer.positions, peer.clean, peer.heads = max(0, beat.positions), beat.clean, beat.heads
        return changes

    def judge(self, now_ns: int) -> list[Change]:
        """Return who was lost, ended, livelocked or freed by the time that has passed."""
        changes = []
        for peer in self.peers.values():
            if peer.condition not in {Condition.ALIVE, Condition.LIVELOCKED}:
                continue
            silent_ns = self.silent_ns(peer, now_ns)
            bound_ns = self._lost_after_ns if peer.was_ready else max(self._lost_after_ns, START_NS)
            still_ns = now_ns - max(peer.moved_ns, self.watched_from_ns)
            ended = peer.state is ProcessState.STOPPING
            if peer.gone_ns is not None and now_ns - peer.gone_ns >= LAST_WORD_NS:
                # What it may have left on its way makes nobody alive again.
                peer.retired.append(peer.session)
                peer.condition = Condition.ENDED if ended else Condition.LOST
                text = "ended in order" if ended else "has ended without a word"
                changes.append(_change(peer, What.ENDED if ended else What.LOST, f"{peer.name} {text}"))
            elif silent_ns >= (self._lost_after_ns if ended else bound_ns):
                peer.condition = Condition.ENDED if ended else Condition.LOST
                text = "ended in order" if ended else f"has not beaten for {silent_ns / 1e9:.1f} s"
                changes.append(_change(peer, What.ENDED if ended else What.LOST, f"{peer.name} {text}"))
            elif peer.condition is Condition.ALIVE and peer.behind and still_ns >= self._livelock_ns:
                peer.condition = Condition.LIVELOCKED
                text = f"{peer.name} was offered work and handled none for {still_ns / 1e9:.1f} s"
                changes.append(_change(peer, What.LIVELOCKED, text))
            elif peer.condition is Condition.LIVELOCKED and still_ns < self._livelock_ns:
                peer.condition, peer.unbroken_ns = Condition.ALIVE, now_ns
                changes.append(_change(peer, What.MOVES_AGAIN, f"{peer.name} handles its work again"))
        return changes

    def _refusal(self, peer: Peer | None, came: BeatCame, now_ns: int) -> str:
        """Return why a beat is not taken, in one word; empty when it is."""
        beat = came.beat
        if peer is None or came.name != beat.sender or role_of(came.name) is not beat.role:
            return "role"
        refusals = (
            ("boot", beat.boot_id != self._boot_id),
            ("retired", beat.session in peer.retired),
            ("churn", beat.session != peer.session and peer.session and now_ns - peer.session_ns < _CHURN_NS),
            ("sequence", beat.session == peer.session and beat.seq <= peer.seq),
            # It vouches for its sender's loop as it was then, not as it is.
            ("late", now_ns - beat.sent_ns >= self._lost_after_ns),
            # Its clock is not ours: nothing that it says of time could be judged.
            ("early", beat.sent_ns - now_ns >= self._lost_after_ns),
        )
        return next((word for word, holds in refusals if holds), "")

    def _new_session(self, peer: Peer, session: str, pid: int, now_ns: int) -> list[Change]:
        changes = []
        if peer.condition in {Condition.ALIVE, Condition.LIVELOCKED, Condition.FROZEN}:
            ended = peer.state is ProcessState.STOPPING
            text = "ended in order and" if ended else "ended without a word and"
            changes.append(
                _change(
                    peer, What.ENDED if ended else What.REPLACED, f"{peer.name} {text} another process came"
                )
            )
        if peer.session:
            peer.retired.append(peer.session)
        peer.session, peer.session_ns, peer.pid, peer.seq = session, now_ns, pid, 0
        peer.handled, peer.was_ready, peer.open_nonces, peer.gone_ns = 0, False, (), None
        peer.condition, peer.unbroken_ns, peer.moved_ns = Condition.ALIVE, now_ns, now_ns
        changes.append(_change(peer, What.APPEARED, f"{peer.name} beats, process {pid}"))
        return changes


def _change(peer: Peer, what: What, text: str) -> Change:
    return Change(name=peer.name, what=what, session=peer.session, pid=peer.pid, text=text)


_WORDS: Final = {Condition.LOST: "LOST", Condition.LIVELOCKED: "LIVELOCKED", Condition.FROZEN: "FROZEN"}


def state_word(peer: Peer) -> str:
    """Return one word: what the process says of itself while it is alive, else how it stands."""
    if peer.condition is Condition.ALIVE:
        return peer.state.value if peer.gone_ns is None else _WORDS[Condition.LOST]
    return _WORDS.get(peer.condition, peer.condition.value)

"""A watchdog's core, a clock set by hand, and peers that beat when told to."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from warden.domain import checks
from warden.domain.health import CheckLine, Health
from warden.domain.modes import Environment
from warden.domain.money import Wei
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.roles import Role, role_of, strategy_of
from warden.domain.stops import Stop
from warden.watchdog.capital import CapitalTerms
from warden.watchdog.commands import Command, Deed, Grant, Kill, Notice, Reply, WriteRow
from warden.watchdog.core import Core
from warden.watchdog.events import (
    BeatCame,
    CapitalCame,
    ChecksCame,
    JournalSynced,
    KillEnded,
    OperatorAsked,
    Outcome,
    StopsCleared,
    StopsSeen,
    Tick,
    WatchdogEvent,
)
from warden.watchdog.last_run import LastRun
from warden.watchdog.leave import Terms
from warden.watchdog.probation import Course
from warden.watchdog.rules import Rules
from warden.wire.capital import WalletRead, WalletReport
from warden.wire.checks import Books, CheckReport
from warden.wire.messages import (
    Beat,
    CleanupPermit,
    Head,
    OperatorReply,
    OperatorRequest,
    Permit,
    ProcessState,
    TraderLeave,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

MS = 1_000_000
S = 1_000 * MS
ETHER = 10**18
BOOT = "this-boot"
STEP_MS = 50
BEAT_MS = 250
LOST_MS = 2_000
LIFE_MS = 1_500
_Kind = TypeVar("_Kind")


def rules(environment: Environment = Environment.PAPER, **changes: object) -> Rules:
    """Return what a core goes by, with the defaults of the settings."""
    numbers = itertools.count(1)
    values: dict[str, Any] = {
        "environment": environment,
        "lost_after_ns": LOST_MS * MS,
        "block_time_s": 1.0,
        "arm_on_start": environment is not Environment.LIVE,
        "trader_restarts": 0 if environment is Environment.LIVE else 3,
        "two_approve": False,
        "capital": CapitalTerms(
            read=environment is not Environment.PAPER,
            limits=EmergencyLimits(),
            unknown_after_ns=10 * S,
        ),
        "course": Course(percent=25, length_ns=3_600 * S, wall_after=lambda ns: f"in {ns // S} s"),
        "terms": Terms(
            boot_id=BOOT,
            session="watchdog-session",
            interval_ns=BEAT_MS * MS,
            life_ns=LIFE_MS * MS,
            new_session=lambda: f"trader-session-{next(numbers)}",
        ),
    }
    return Rules(**(values | changes))


def wallet_read(equity_wei: int = 100 * ETHER, **changes: Any) -> WalletRead:  # noqa: ANN401 - its fields
    """Return a wallet that two endpoints agree on; all of it in the native coin."""
    values: dict[str, Any] = {
        "wallet": "0x" + "aa" * 20,
        "block": 1,
        "block_hash": "0x" + "00" * 32,
        "timestamp_s": 1_000_000,
        "native_wei": Wei(equity_wei),
        "wrapped_wei": Wei(0),
        "nonce": 0,
        "tokens": (),
        "endpoints": ("a", "b"),
        "outvoted": (),
        "read_ns": 0,
    }
    return WalletRead(**(values | changes))


class Scene:
    """Drives one core. `commands` holds everything that it has asked for, `synced` how far the disk is."""

    def __init__(
        self, environment: Environment = Environment.PAPER, *, last: LastRun | None = None, **changes: object
    ) -> None:
        self.now_ns = 1_000 * S
        self.rules = rules(environment, **changes)
        self.core = Core(self.rules, rows=0, last=last or LastRun(), now_ns=self.now_ns)
        self.commands: list[Command] = []
        self.sessions = {role: f"{role}-1" for role in self.rules.names}
        self.beating = set(self.rules.names)
        self.beats: dict[str, dict[str, Any]] = {role: {} for role in self.rules.names}
        self.stops: dict[str, Stop] = {}
        self.unreadable = ""
        self.syncing = True
        # What the gateway tells of the wallet once a second; None: nothing.
        self.wallet: WalletReport | None = wallet_read()
        self.block = 1_000
        # Who answers its checks, what it says otherwise than that all is well, and what its books say.
        self.answering = {Role.EXECUTOR, Role.GATEWAY}
        self.checks: dict[str, CheckLine] = {}
        self.books: Books | None = None
        self._seqs: dict[str, int] = {}
        self._obeyed = 0

    def tell(self, event: WatchdogEvent) -> list[Command]:
        """Give the core one event and return what it asks for."""
        commands = self.core.step(event, self.now_ns)
        self.commands += commands
        return commands

    def beat(
        self, role: str, *, proven: str | None = None, session: str = "", **changes: object
    ) -> list[Command]:
        """Let a process beat once, now."""
        session = session or self.sessions[role]
        self._seqs[session] = self._seqs.get(session, 0) + 1
        values: dict[str, Any] = {
            "role": role_of(role),
            "name": role if strategy_of(role) else "",
            "pid": 100 + list(Role).index(role_of(role)),
            "session": session,
            "boot_id": BOOT,
            "seq": self._seqs[session],
            "sent_ns": self.now_ns,
            "state": ProcessState.READY,
        }
        beat = Beat(**(values | self.beats[role] | changes))
        return self.tell(BeatCame(str(role).encode(), proven or role, beat))

    def answer_checks(self, role: Role, *, number: int = 0) -> None:
        """Let a process answer its checks, now."""
        lines = tuple(
            self.checks.get(name, checks.answer(name, Health.HEALTHY, "as it should be"))
            for name in checks.of(role)
        )
        books = None
        if role is Role.EXECUTOR and self.books is not None:
            books = msgspec.structs.replace(self.books, block=self.block)
        report = CheckReport(session=self.sessions[role], lines=lines, number=number, books=books)
        self.tell(ChecksCame(role, report))

    def fail(self, name: str, found: str = "it is not", status: Health = Health.UNHEALTHY) -> None:
        """Let a check fail from its next answer on."""
        self.checks[name] = checks.answer(name, status, found, "it is")

    def tell_wallet(self) -> None:
        """Be the gateway that has read the wallet at the next block."""
        self.block += 1
        report = self.wallet
        if isinstance(report, WalletRead):
            report = msgspec.structs.replace(report, block=self.block, read_ns=self.now_ns)
        if report is not None:
            self.tell(CapitalCame(report))

    def turn(self) -> None:
        """Do what one turn of the loop does: the disk, the stop directory, then time."""
        if self.syncing:
            rows = self.core.out.rows
            self.tell(JournalSynced(Head("watchdog", rows, "0" * 64)))
        self.tell(StopsSeen(tuple(self.stops.values()), self.unreadable))
        self.tell(Tick())

    def run(self, for_ms: int) -> None:
        """Let time pass in turns of 50 ms; whoever beats does so each 250 ms."""
        for _ in range(for_ms // STEP_MS):
            self.now_ns += STEP_MS * MS
            if self.now_ns % (BEAT_MS * MS) == 0:
                for role in self.rules.names:
                    if role in self.beating and role in self.answering:
                        self.answer_checks(Role(role))
                    if role in self.beating:
                        self.beat(role)
            if self.now_ns % (1_000 * MS) == 0 and Role.GATEWAY in self.beating:
                self.tell_wallet()
            self.turn()

    def up(self) -> Scene:
        """Let everything come up and be armed by itself; return the scene."""
        self.run(1_000)
        assert self.core.authority.mode.name == "AGGRESSIVE", self.core.why(self.now_ns)
        return self

    def silence(self, *roles: str) -> None:
        """Let these beat no more."""
        self.beating -= set(roles)

    def respawn(self, role: str) -> str:
        """Let a role come back as another process; return its session."""
        stem, _, number = self.sessions[role].rpartition("-")
        self.sessions[role] = f"{stem}-{int(number) + 1}"
        self.beating.add(role)
        return self.sessions[role]

    def touch(self, stop_id: str, **fields: str) -> None:
        """Put a stop file there."""
        self.stops[stop_id] = Stop(stop_id=stop_id, **fields)

    def ask(self, request: OperatorRequest, for_ms: int = 4_000) -> OperatorReply:
        """Ask as an operator and return the answer; stop files are moved away when the core asks for it."""
        before = len(self.commands)
        self.tell(OperatorAsked(b"operator", request))
        for _ in range(for_ms // STEP_MS):
            if replies := _only(self.commands[before:], Reply):
                return replies[0].reply
            self.clear_what_is_asked()
            self.obey()
            self.run(STEP_MS)
        raise AssertionError(f"no answer within {for_ms} ms")

    def obey(self) -> None:
        """Be the helper that freezes and thaws, and the trader that obeys."""
        asked = [kill for kill in self.kills() if kill.deed in {Deed.FREEZE, Deed.THAW}]
        for kill in asked[self._obeyed :]:
            self._obeyed += 1
            frozen = kill.deed is Deed.FREEZE
            (self.beating.discard if frozen else self.beating.add)(kill.name)
            outcome = Outcome.FROZEN if frozen else Outcome.THAWED
            self.tell(
                KillEnded(
                    name=kill.name,
                    session=kill.session,
                    pid=kill.pid,
                    outcome=outcome,
                    how="obeys",
                    deed=kill.deed,
                )
            )

    def clear_what_is_asked(self) -> None:
        """Be the thread that moves stop files."""
        clearing = self.core.stops.clearing & self.stops.keys()
        if clearing:
            for stop_id in clearing:
                del self.stops[stop_id]
            self.tell(StopsCleared(tuple(sorted(clearing))))

    def take(self) -> list[Command]:
        """Return the commands since the last call."""
        self._obeyed = 0
        commands, self.commands = self.commands, []
        return commands

    @property
    def mode(self) -> str:
        """The mode in force, by name."""
        return self.core.authority.mode.name

    def permits(self) -> list[Permit]:
        """Return the permits granted since the last `take` that let anything pass."""
        return [each for each in self._permits() if each.exits_until_ns > each.issued_ns]

    def voids(self) -> list[Permit]:
        """Return those that are over when they are given: they end what an earlier one left for exits."""
        return [each for each in self._permits() if each.exits_until_ns == each.issued_ns]

    def _permits(self) -> list[Permit]:
        return [grant.leave for grant in _only(self.commands, Grant) if isinstance(grant.leave, Permit)]

    def cleanups(self) -> list[CleanupPermit]:
        """Return the leave to clean up that was granted since the last `take`."""
        return [
            grant.leave for grant in _only(self.commands, Grant) if isinstance(grant.leave, CleanupPermit)
        ]

    def leaves(self) -> list[TraderLeave]:
        """Return the traders' leaves since the last `take`."""
        return [grant.leave for grant in _only(self.commands, Grant) if isinstance(grant.leave, TraderLeave)]

    def notices(self, kind: str) -> list[Notice]:
        """Return the notices of one kind since the last `take`."""
        return [notice for notice in _only(self.commands, Notice) if notice.kind == kind]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of the rows of one kind since the last `take`."""
        return [row.body for row in _only(self.commands, WriteRow) if row.kind == kind]

    def kills(self) -> list[Kill]:
        """Return the kills asked for since the last `take`."""
        return _only(self.commands, Kill)


def _only(commands: Iterable[Command], kind: type[_Kind]) -> list[_Kind]:
    return [command for command in commands if isinstance(command, kind)]

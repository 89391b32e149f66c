"""What the watchdog decides: `(state, event, now) -> commands`. No socket, no file, no clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.domain.causes import Cause
from warden.domain.roles import Role
from warden.watchdog import reactions
from warden.watchdog.answers import Answers
from warden.watchdog.arming import Arming
from warden.watchdog.authority import Authority
from warden.watchdog.capital import Capital
from warden.watchdog.checks import Checks
from warden.watchdog.cleanup import Cleanup
from warden.watchdog.commands import Deed
from warden.watchdog.events import (
    BeatCame,
    Broke,
    CapitalCame,
    ChecksAsked,
    ChecksCame,
    Died,
    JournalFailed,
    JournalSynced,
    KillEnded,
    MachineSeen,
    Measured,
    OperatorAsked,
    Paused,
    StopAcknowledged,
    StopsCleared,
    StopsSeen,
    StopWanted,
    StopWritten,
    Tick,
    WatchdogEvent,
)
from warden.watchdog.failsafe import Failsafe
from warden.watchdog.fencing import Fencing
from warden.watchdog.first_arming import FirstArming
from warden.watchdog.freezing import Freezing
from warden.watchdog.healing import Healing
from warden.watchdog.health import HealthWatch
from warden.watchdog.incidents import Incidents
from warden.watchdog.kills import Kills
from warden.watchdog.last_run import Carried, Frozen
from warden.watchdog.leave import Leave
from warden.watchdog.liveness import Condition, Liveness, What
from warden.watchdog.orders import Orders
from warden.watchdog.outbox import Outbox
from warden.watchdog.probation import Probation
from warden.watchdog.stops import Stops
from warden.watchdog.witnessing import Witnessing
from warden.wire.codec import to_plain
from warden.wire.messages import ProcessState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.commands import Command
    from warden.watchdog.events import Found
    from warden.watchdog.last_run import LastRun
    from warden.watchdog.liveness import Change
    from warden.watchdog.rules import Rules

_NS: Final = 1_000_000_000


class Core:
    """The watchdog's state, changed by `step` only.

    Args:
        rows: how many rows the journal held when this run began.
        last: how the run before ended.
    """

    def __init__(self, rules: Rules, *, rows: int, last: LastRun, now_ns: int) -> None:
        self.rules = rules
        self.out = Outbox(rows)
        self.liveness = Liveness(rules.names, rules.terms.boot_id, rules.lost_after_ns, rules.livelock_ns)
        self.authority = Authority(self.out, rules.several)
        self.answers = Answers(self.authority, self.out)
        self.incidents = Incidents(self.out, self.answers, last.incidents)
        self.probation = Probation(rules.course, rules.terms.boot_id, self.out)
        self.stops = Stops(self.authority, self.out, self.incidents, last.stop_ids)
        self._make_judges(rules, now_ns)
        self._make_hands(rules)
        self._witnessing = Witnessing(self.liveness, self.out, self._carried, now_ns)
        self._begin(last, now_ns)

    def _make_judges(self, rules: Rules, now_ns: int) -> None:
        """Make what looks at money, health and checks, and says what may not be."""
        self.capital = Capital(rules.capital, self.authority, self.stops, self.out)
        self.health = HealthWatch(
            rules.health,
            rules.capital.limits,
            authority=self.authority,
            liveness=self.liveness,
            stops=self.stops,
            capital=self.capital,
            out=self.out,
            session=rules.terms.session,
            wall_after=rules.course.wall_after,
            now_ns=now_ns,
        )
        self.checks = Checks(
            rules.check_terms, self.authority, self.liveness, self.out, stops=self.stops, capital=self.capital
        )
        self.failsafe = Failsafe(
            rules.check_terms,
            self.authority,
            self.checks,
            self.out,
            self.liveness,
            unhealthy=self.health.failing,
        )
        self.healing = Healing(
            self.authority,
            self.liveness,
            self.out,
            environment=rules.environment,
            trader_restarts=rules.trader_restarts,
            capital_known=self.capital.known,
        )

    def _make_hands(self, rules: Rules) -> None:
        """Make what gives leave, ends processes, and obeys operators."""
        self.leave = Leave(
            self.authority, self.liveness, self.stops, self.out, probation=self.probation, terms=rules.terms
        )
        self.cleanup = Cleanup(
            self.authority,
            self.liveness,
            self.stops,
            self.out,
            terms=rules.terms,
            next_seq=self.leave.next_seq,
        )
        self.arming = Arming(
            self.authority,
            self.liveness,
            self.stops,
            self.out,
            incidents=self.incidents,
            probation=self.probation,
            answers=self.answers,
            hindrances=(self.incidents.hindrances, self.checks.hindrances, self.health.hindrances),
            permit_life_ns=rules.terms.life_ns,
            two_approve=rules.two_approve,
        )
        self.kills = Kills(self.out)
        self.fencing = Fencing(self.liveness, self.stops, self.kills, self.out, rules.lost_after_ns)
        self.freezing = Freezing(self.authority, self.liveness, self.leave, self.out, self.answers)
        self.orders = Orders(
            self.authority,
            self.arming,
            self.freezing,
            self.incidents,
            self.answers,
            capital=self.capital,
        )
        self.first_arming = FirstArming(
            self.authority,
            self.liveness,
            self.stops,
            self.arming,
            wanted=rules.arm_on_start,
            awaited=self.checks.waiting,
        )

    def _begin(self, last: LastRun, now_ns: int) -> None:
        self.out.row("started", clean=last.clean, session=self.rules.terms.session)
        self.first_arming.begin(now_ns)
        if not last.clean:
            self.authority.stand(Cause.WATCHDOG_UNCLEAN, now_ns)
            self.out.notice(
                Severity.CRITICAL,
                "watchdog.unclean",
                "the watchdog's last run did not end in order; an operator arms",
                "recovery-after-crash",
            )
        self.probation.carry_over(last, now_ns)
        self.capital.carry_over(last.capital, now_ns)
        self.checks.own.carry_over(last)
        self.failsafe.carry_over(last, now_ns)
        for frozen in last.frozen:
            self.freezing.carry_over(frozen, now_ns)
        if last.trips:
            self.authority.stand(Cause.TRIP_BEFORE, now_ns, ", ".join(last.trips))

    @property
    def positions(self) -> int:
        """Open positions, as the executor last said."""
        return self.liveness.peers[Role.EXECUTOR].positions

    def step(self, event: WatchdogEvent, now_ns: int) -> list[Command]:
        """Take one event and return what is to be done, in order."""
        match event:
            case BeatCame():
                self._beat(event, now_ns)
            case Tick():
                self._tick(now_ns)
            case StopsSeen():
                self.stops.seen(event, now_ns)
                self.arming.read_again(now_ns)
            case OperatorAsked():
                self._asked(event, now_ns)
            case JournalSynced() | JournalFailed():
                self._journal(event, now_ns)
            case StopAcknowledged():
                self.stops.acknowledged(event)
            case StopsCleared() | StopWritten() | StopWanted():
                self._of_stops(event, now_ns)
            case KillEnded():
                self._kill_ended(event, now_ns)
            case _:
                self._found(event, now_ns)
        return self.out.take()

    def end(self) -> list[Command]:
        """Return what a run that ends in order writes down last."""
        self.health.end()
        trips = [str(key) for key in self.authority.trips() if key not in {Cause.NOT_ARMED, Cause.STOP}]
        heads = self._witnessing.heads()
        self.out.row("ended", mode=self.authority.mode.name, trips=trips, heads=heads, **self._carried())
        return self.out.take()

    def why(self, now_ns: int) -> str:
        """Return in one line why the mode is not higher, and the sizes not whole."""
        parts = (self.authority.why(self.positions), self.probation.text(now_ns))
        return "; also: ".join(part for part in parts if part)

    def _carried(self) -> dict[str, Any]:
        """Return what the next run must know, as a row's body."""
        frozen = (peer for peer in self.liveness.peers.values() if peer.condition is Condition.FROZEN)
        carried = Carried(
            stop_ids=tuple(stop.stop_id for stop in self.stops.standing),
            incidents=dict(self.incidents.known),
            frozen=tuple(Frozen(peer.session, peer.pid, peer.name) for peer in frozen),
            probation=self.probation.span,
            probation_owed=self.probation.owed,
            capital=self.capital.kept,
            shutdown=self.failsafe.kept(),
        )
        body: dict[str, Any] = to_plain(carried)
        return body

    def _beat(self, event: BeatCame, now_ns: int) -> None:
        before = self.liveness.peers.get(event.name)
        clean_before = before is None or before.clean
        changes = self.liveness.beat(event, now_ns)
        if changes is None:
            return
        for change in changes:
            self._changed(change, now_ns)
        peer = self.liveness.peers[event.name]
        self.health.beat(peer, now_ns)
        appeared = any(change.what is What.APPEARED for change in changes)
        if not peer.clean and (appeared or clean_before):
            self._unclean(event.name, now_ns)
        cause = reactions.DEGRADED.get(peer.role)
        # One that was never ready is not degraded: it still starts, and nothing is armed without it.
        if cause is not None and peer.state is ProcessState.DEGRADED and peer.was_ready:
            detail = peer.detail or "it does not say why"
            if self.authority.stand(cause, now_ns, detail, peer.session):
                reactions.say(self.out, f"{peer.role}.degraded", detail, cause)
        if peer.role is Role.TRADER:
            self.leave.trader_beat(peer.name)
        elif peer.role is Role.EXECUTOR:
            self.stops.demanded(event.beat.stops, now_ns)
            self.capital.held(event.beat.tokens)

    def _tick(self, now_ns: int) -> None:
        for change in self.liveness.judge(now_ns):
            self._changed(change, now_ns)
        self.capital.step(now_ns)
        self.health.step(now_ns)
        self.healing.step(now_ns)
        self.checks.step(now_ns)
        self.failsafe.step(now_ns)
        self.first_arming.step(now_ns)
        self.probation.step(now_ns)
        self.incidents.step(now_ns)
        self.arming.step(self.positions, now_ns)
        self.authority.settle(self.positions)
        self.stops.step(self.liveness.peers[Role.EXECUTOR].session, now_ns)
        # A permit that leaves a revoked session out goes before the signal that ends its process.
        self.leave.step(now_ns)
        self.cleanup.step(now_ns)
        self.freezing.step(now_ns)
        self.fencing.step(now_ns)
        self.kills.step(now_ns)
        self._witnessing.step(now_ns)

    def _changed(self, change: Change, now_ns: int) -> None:
        """Write a change of a process down, and let it have its effect."""
        self.out.row(
            f"process.{change.what}",
            role=change.name,
            session=change.session,
            pid=change.pid,
            text=change.text,
        )
        cause = reactions.cause_of(change, self.authority)
        if cause is None:
            loud = Severity.WARNING if change.what in reactions.ENDS else Severity.INFO
            self.out.notice(loud, f"{change.role}.{change.what}", change.text)
        else:
            name = change.name if change.name in self.rules.several else ""
            self.authority.stand(cause, now_ns, change.text, change.session, name=name)
            reactions.say(self.out, f"{change.role}.{change.what}", change.text, cause)
        if cause is Cause.EXECUTOR_UNCLEAN:
            self.authority.lift(Cause.EXECUTOR_LOST, "another process came")
        if change.role is Role.TRADER and change.what in reactions.ENDS:
            self.leave.revoke(change.session)
            if change.what is not What.ENDED:
                self.kills.order(change.name, change.session, change.pid, now_ns)

    def _unclean(self, name: str, now_ns: int) -> None:
        text = f"the {name}'s last run did not end in order"
        if name == Role.EXECUTOR:
            if self.authority.stand(Cause.EXECUTOR_UNCLEAN, now_ns):
                reactions.say(self.out, "executor.unclean", text, Cause.EXECUTOR_UNCLEAN)
        elif self.first_arming.wanted:
            self.first_arming.give_up(text, now_ns)

    def _asked(self, event: OperatorAsked, now_ns: int) -> None:
        self.orders.asked(event, self.positions, now_ns)
        self.first_arming.asked()

    def _of_stops(self, event: StopsCleared | StopWritten | StopWanted, now_ns: int) -> None:
        match event:
            case StopsCleared():
                self.capital.cleared(event.cleared, reset=self.arming.resetting)
                self.health.cleared(event.cleared)
                self.arming.cleared(event)
            case StopWritten():
                self.stops.written(event)
            case StopWanted(stops=stops):
                self.stops.demanded(stops, now_ns)

    def _kill_ended(self, event: KillEnded, now_ns: int) -> None:
        if event.deed in {Deed.FREEZE, Deed.THAW}:
            self.freezing.ended(event, now_ns)
        else:
            self.kills.ended(event, now_ns)
            self.fencing.ended(event)

    def _journal(self, event: JournalSynced | JournalFailed, now_ns: int) -> None:
        if isinstance(event, JournalSynced):
            self.out.synced = event.head.rows
            self.leave.head = event.head
        elif not self.out.failed:
            self.out.failed = event.why
            self.authority.stand(Cause.JOURNAL_BROKEN, now_ns, event.why)
            reactions.say(self.out, "watchdog.journal-broken", event.why, Cause.JOURNAL_BROKEN)

    def _found(self, event: Found, now_ns: int) -> None:
        match event:
            case ChecksCame() | ChecksAsked():
                self.checks.take(event, now_ns)
            case CapitalCame():
                self.capital.came(event.report, now_ns)
            case Broke():
                self.failsafe.broke(event.name, event.why, now_ns)
            case Died():
                self.liveness.died(event.name, event.session, now_ns)
            case Measured() | MachineSeen():
                self.health.take(event, now_ns)
            case Paused():
                self._paused(event.for_ns, now_ns)

    def _paused(self, for_ns: int, now_ns: int) -> None:
        """The loop stood still: whoever was not watched meanwhile is not judged by that time."""
        self.liveness.resumed(now_ns)
        self.health.resumed(for_ns, now_ns)
        text = f"the watchdog's loop stood still for {for_ns / _NS:.1f} s"
        if for_ns < self.rules.terms.life_ns:
            self.out.notice(Severity.WARNING, "watchdog.paused", text, "degraded-health")
            return
        self.authority.stand(Cause.WATCHDOG_PAUSED, now_ns - for_ns, text)
        reactions.say(self.out, "watchdog.paused", text, Cause.WATCHDOG_PAUSED)

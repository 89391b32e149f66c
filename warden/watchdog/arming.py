"""Arming and recovery: what must hold, what is written down, and the steps until it is in force. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import TYPE_CHECKING, Final

from warden.domain.causes import LiftedBy
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from warden.domain.modes import SCREEN_WORD, Mode
from warden.watchdog.commands import ClearStops
from warden.watchdog.healing import NEEDED
from warden.watchdog.liveness import Condition
from warden.wire.messages import Recover
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.watchdog.answers import Answers
    from warden.watchdog.authority import Authority, Standing
    from warden.watchdog.events import StopsCleared
    from warden.watchdog.incidents import Incidents
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.probation import Probation
    from warden.watchdog.stops import Stops
    from warden.wire.messages import Arm

_GIVE_UP_NS: Final = 8_000_000_000  # before the command line gives up on the answer


class _Stage(Enum):
    RECOVER_ROW = auto()
    CLEARING = auto()
    READ_AGAIN = auto()
    PERMIT_LIFE = auto()
    ARM_ROW = auto()
    RAISING = auto()


@dataclass(slots=True, kw_only=True)
class _Flow:
    """One request under way; `identity` is empty when nobody waits for an answer."""

    identity: bytes
    operator: str
    reason: str
    give_up_ns: int
    stage: _Stage
    row: int = 0
    stop_ids: tuple[str, ...] = ()
    lifts: tuple[str, ...] = ()
    arrivals: int = 0
    reset: bool = False
    wait_until_ns: int = 0


class Arming:
    """Lets trading begin: one request at a time, each step only after the one before is durable.

    Args:
        hindrances: each yields, one line for each, why nothing may be armed now.
        two_approve: a recovery needs a second operator's name (ES5).
    """

    def __init__(
        self,
        authority: Authority,
        liveness: Liveness,
        stops: Stops,
        out: Outbox,
        *,
        incidents: Incidents,
        probation: Probation,
        answers: Answers,
        hindrances: tuple[Callable[[], Iterator[str]], ...],
        permit_life_ns: int,
        two_approve: bool,
    ) -> None:
        self._authority = authority
        self._liveness = liveness
        self._stops = stops
        self._out = out
        self._incidents = incidents
        self._probation = probation
        self._answers = answers
        self._hindrances = hindrances
        self._permit_life_ns = permit_life_ns
        self._two_approve = two_approve
        self._flow: _Flow | None = None

    @property
    def under_way(self) -> bool:
        """Tell whether a request is being carried out."""
        return self._flow is not None

    @property
    def resetting(self) -> bool:
        """Tell whether a recovery is under way that begins baselines anew."""
        return self._flow is not None and self._flow.reset

    def ask(self, identity: bytes, request: Arm | Recover, positions: int, now_ns: int) -> None:
        """Begin what an operator asks for, or refuse it in one line."""
        recover = request if isinstance(request, Recover) else None
        if self._answers.nameless(identity, request):
            return
        refusal = self._refusal(stops_count=recover is None)
        if not refusal and recover is not None:
            refusal = self._recover_refusal(recover)
        if refusal:
            self._answers.give(identity, EXIT_REFUSED, refusal)
            return
        if recover is not None:
            self._begin_recovery(identity, recover, now_ns)
        elif self._authority.mode is self._authority.ceiling(positions) is Mode.AGGRESSIVE and not any(
            each.name for each in self._liftable()
        ):
            self._answers.give(identity, EXIT_DONE, f"armed already: {self._authority.mode.name}")
        else:
            self._begin_arming(identity, request.operator, request.reason, now_ns)

    def arm_by_itself(self, now_ns: int) -> None:
        """Begin arming at start; the caller has checked that everything is clean."""
        if self._flow is None and not self._refusal(stops_count=True):
            self._begin_arming(b"", "arm_on_start", "if_clean: every process is ready and clean", now_ns)

    def cleared(self, event: StopsCleared) -> None:
        """The stop files were moved, or not."""
        for stop_id in event.cleared:
            self._out.row("stop.cleared", stop_id=stop_id)
            self._incidents.gone(stop_id, cleared=True)
            self._probation.owed = True
        flow = self._flow
        if flow is None or flow.stage is not _Stage.CLEARING:
            # It was given up on: what was cleared is cleared, and what still stands is a stop.
            self._stops.clearing = frozenset()
            return
        if event.failure:
            self._end(flow, EXIT_FAILED, f"a stop file could not be moved: {event.failure}; it still stands")
            return
        flow.stage = _Stage.READ_AGAIN

    def read_again(self, now_ns: int) -> None:
        """The stop directory was read; called after every reading."""
        flow = self._flow
        if flow is None or flow.stage is not _Stage.READ_AGAIN:
            return
        self._stops.clearing = frozenset()
        flow.stage, flow.wait_until_ns = _Stage.PERMIT_LIFE, now_ns + self._permit_life_ns

    def step(self, positions: int, now_ns: int) -> None:
        """Take the next step of what is under way, if it may be taken."""
        flow = self._flow
        if flow is None:
            return
        stops_count = flow.stage in {_Stage.PERMIT_LIFE, _Stage.ARM_ROW}
        # Once lifted it is lifted: from then on the causes alone decide.
        refusal = "" if flow.stage is _Stage.RAISING else self._refusal(stops_count=stops_count, own=True)
        if refusal:
            self._end(flow, EXIT_REFUSED, f"given up: {refusal}")
        elif now_ns >= flow.give_up_ns:
            self._end(flow, EXIT_FAILED, "given up: the disk or the stop directory did not answer in 8 s")
        elif flow.stage is _Stage.RECOVER_ROW and self._out.synced >= flow.row:
            flow.stage = _Stage.CLEARING
            self._stops.clearing = frozenset(flow.stop_ids)
            self._out.put(ClearStops(flow.stop_ids))
        elif flow.stage is _Stage.PERMIT_LIFE and now_ns >= flow.wait_until_ns:
            self._write_armed(flow, now_ns)
        elif flow.stage is _Stage.ARM_ROW and self._out.synced >= flow.row:
            self._authority.lift_for_operator(flow.lifts)
            flow.stage = _Stage.RAISING
        elif flow.stage is _Stage.RAISING and self._authority.settled:
            self._finish(flow, positions, now_ns)

    def _refusal(self, *, stops_count: bool, own: bool = False) -> str:
        """Return why nothing may be armed now, in one line; empty when it may."""
        return next(self._refusals(stops_count=stops_count, own=own), "")

    def _refusals(self, *, stops_count: bool, own: bool) -> Iterator[str]:
        if self._flow is not None and not own:
            yield "another arming or recovery is under way: wait for its end"
        if self._out.failed:
            yield f"the watchdog's journal is broken ({self._out.failed}): mend the disk and restart Warden"
        if own and self._flow is not None and self._stops.arrivals != self._flow.arrivals:
            yield "another stop came meanwhile: look at 'warden status' and recover again"
        if self._stops.unreadable:
            yield f"{self._stops.unreadable}: make it readable first"
        if stops_count and self._stops.stopped:
            names = ", ".join(stop.stop_id for stop in self._stops.standing)
            yield f"a stop stands ({names}): clear it with 'warden recover'"
        yield from chain.from_iterable(hindering() for hindering in self._hindrances)
        for standing in self._authority.standing.values():
            if standing.lifted_by is LiftedBy.RESTART:
                yield standing.text()
        for role in NEEDED:
            peers = self._liveness.of(role)
            # Of several traders one is enough: who is not ready stays out, and is armed later.
            if not any(peer.ready() for peer in peers):
                several = f"one of {len(peers)} traders" if len(peers) > 1 else "it"
                yield f"{', '.join(map(_standing, peers))}: {several} must be ready first"

    def _recover_refusal(self, request: Recover) -> str:
        standing = {stop.stop_id for stop in self._stops.standing}
        if not standing:
            return "no stop stands: to let trading begin use 'warden arm'"
        if unknown := sorted(set(request.stop_ids) - standing):
            return f"no stop called {unknown[0]} stands: 'warden status' lists them"
        if request.stop_ids and (others := sorted(standing - set(request.stop_ids))):
            return f"another stop stands too ({', '.join(others)}): name every stop that is to be cleared"
        return self._approver_refusal(request) if self._two_approve else ""

    @staticmethod
    def _approver_refusal(request: Recover) -> str:
        approver, operator = (
            " ".join(name.split()).casefold() for name in (request.approver, request.operator)
        )
        if not approver:
            return "recovery.approval is two: a second operator approves with --approver NAME"
        if approver == operator:
            return f"--approver {request.approver.strip()} is the operator: a second person approves"
        return ""

    def _begin_recovery(self, identity: bytes, request: Recover, now_ns: int) -> None:
        stop_ids = tuple(stop.stop_id for stop in self._stops.standing)
        row = self._out.row(
            "recover",
            operator=request.operator,
            reason=request.reason,
            approver=request.approver,
            reset=request.reset,
            stop_ids=list(stop_ids),
        )
        self._flow = _Flow(
            identity=identity,
            operator=request.operator,
            reason=request.reason,
            give_up_ns=now_ns + _GIVE_UP_NS,
            stage=_Stage.RECOVER_ROW,
            row=row,
            stop_ids=stop_ids,
            arrivals=self._stops.arrivals,
            reset=request.reset,
        )
        self._stops.recovering = True

    def _begin_arming(self, identity: bytes, operator: str, reason: str, now_ns: int) -> None:
        self._flow = _Flow(
            identity=identity,
            operator=operator,
            reason=reason,
            give_up_ns=now_ns + _GIVE_UP_NS,
            stage=_Stage.ARM_ROW,
            arrivals=self._stops.arrivals,
        )
        self._write_armed(self._flow, now_ns)

    def _write_armed(self, flow: _Flow, now_ns: int) -> None:
        # Before its row: whoever reads that it was armed reads how far.
        self._probation.begin_if_owed(now_ns)
        # What comes to stand after this row is not what the operator has agreed to.
        flow.lifts = tuple(each.key for each in self._liftable())
        flow.row = self._out.row(
            "armed", operator=flow.operator, reason=flow.reason, lifts=[str(key) for key in flow.lifts]
        )
        flow.stage = _Stage.ARM_ROW

    def _liftable(self) -> list[Standing]:
        """Return what this arming is about: of several traders those alone that are ready."""
        peers, standing = self._liveness.peers, self._authority.standing.values()
        return [each for each in standing if not each.name or peers[each.name].ready()]

    def _finish(self, flow: _Flow, positions: int, now_ns: int) -> None:
        mode, why = self._authority.mode, self._authority.why(positions)
        text = f"armed by {flow.operator}: {mode.name} ({SCREEN_WORD[mode]})"
        if mode is not Mode.AGGRESSIVE:
            text = f"{text}, not more: {why}"
        if probation := self._probation.text(now_ns):
            text = f"{text}; {probation}"
        runbook = "emergency-stop" if flow.stop_ids else "startup"
        self._out.notice(
            Severity.WARNING if flow.identity else Severity.INFO,
            "mode.recovered" if flow.stop_ids else "mode.armed",
            text,
            runbook,
            operator=flow.operator,
            reason=flow.reason,
        )
        self._flow, self._stops.recovering = None, False
        self._answers.give(flow.identity, EXIT_DONE, text)

    def _end(self, flow: _Flow, exit_code: int, message: str) -> None:
        """Give up: what was cleared stays cleared, and nothing is armed."""
        self._flow, self._stops.recovering = None, False
        if flow.stage is not _Stage.CLEARING:
            self._stops.clearing = frozenset()
        self._out.row("arming.given-up", operator=flow.operator, why=message)
        self._out.notice(
            Severity.WARNING, "mode.not-armed", f"{flow.operator}: {message}", operator=flow.operator
        )
        self._answers.give(flow.identity, exit_code, message)


def _standing(peer: Peer) -> str:
    """Return in a few words how a process stands that is not ready."""
    # Dead, and how it ended is not judged yet: lost until it is known better.
    gone = peer.condition is Condition.ALIVE and peer.gone_ns is not None
    state = peer.state.value if peer.fresh() else (Condition.LOST if gone else peer.condition).value
    detail = f" ({peer.detail})" if peer.detail and peer.fresh() else ""
    return f"{peer.name} is {state}{detail}"

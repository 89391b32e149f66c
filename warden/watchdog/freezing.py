"""Freeze and thaw: a trader held still by an operator's name, its session withdrawn first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.causes import Cause
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_NOT_RUNNING, EXIT_REFUSED
from warden.domain.roles import Role, strategy_of
from warden.watchdog.commands import Deed, Kill
from warden.watchdog.events import Outcome
from warden.watchdog.liveness import Condition
from warden.wire.messages import Freeze, ProcessState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.watchdog.answers import Answers
    from warden.watchdog.authority import Authority
    from warden.watchdog.events import KillEnded
    from warden.watchdog.last_run import Frozen
    from warden.watchdog.leave import Leave
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox
    from warden.wire.messages import Thaw

_GIVE_UP_NS: Final = 8_000_000_000
_RUNBOOK: Final = "manual-intervention#the-trader-is-frozen"


@dataclass(slots=True)
class _Asked:
    """A signal that is on its way; `identity` is empty once nobody waits any more."""

    identity: bytes
    operator: str
    deed: Deed
    name: str
    session: str
    pid: int
    give_up_ns: int
    sent: bool = False


class Freezing:
    """One signal at a time; what is frozen stands in the trader's `condition`."""

    def __init__(
        self, authority: Authority, liveness: Liveness, leave: Leave, out: Outbox, answers: Answers
    ) -> None:
        self._authority = authority
        self._liveness = liveness
        self._leave = leave
        self._out = out
        self._answers = answers
        self._asked: _Asked | None = None

    def carry_over(self, frozen: Frozen, now_ns: int) -> None:
        """Stand by what the run before has frozen; `over` says later if that process is no more."""
        detail = "frozen before the watchdog started"
        if frozen.name not in self._liveness.peers:
            detail = f"{frozen.name} {detail}, and there is no such strategy now"
            self._authority.stand(Cause.FROZEN_BY_OPERATOR, now_ns, detail)
            return
        self._liveness.known_frozen(frozen.name, frozen.session, frozen.pid, now_ns)
        self._stand(frozen.name, now_ns, detail)

    def ask(self, identity: bytes, request: Freeze | Thaw, now_ns: int) -> None:
        """Begin to freeze or thaw, or refuse it in one line."""
        if self._answers.nameless(identity, request):
            return
        freeze = isinstance(request, Freeze)
        name = request.name or request.role
        code, text = self._unknown(name) or self._refusal(self._liveness.peers[name], freeze=freeze)
        if text:
            self._answers.give(identity, code, text)
            return
        trader, detail = self._liveness.peers[name], f"{request.operator}: {request.reason}"
        self._out.row(
            "freeze" if freeze else "thaw",
            role=Role.TRADER,
            name=name,
            session=trader.session,
            pid=trader.pid,
            operator=request.operator,
            reason=request.reason,
        )
        if freeze:
            self._leave.withdraw(trader.session)
            self._stand(name, now_ns, detail)
            # From now on silence is what was asked for.
            trader.condition = Condition.FROZEN
        deed = Deed.FREEZE if freeze else Deed.THAW
        give_up_ns = now_ns + _GIVE_UP_NS
        self._asked = _Asked(identity, request.operator, deed, name, trader.session, trader.pid, give_up_ns)

    def step(self, now_ns: int) -> None:
        """Send the signal, after the permit without the session has gone; answer what takes too long."""
        asked = self._asked
        if asked is None:
            return
        if not asked.sent:
            asked.sent = True
            self._out.put(Kill(asked.name, asked.session, asked.pid, asked.deed))
        elif asked.identity and now_ns >= asked.give_up_ns:
            self._answers.give(asked.identity, EXIT_FAILED, "the helper did not answer in 8 s; look again")
            asked.identity = b""

    def ended(self, event: KillEnded, now_ns: int) -> None:
        """The helper has sent the signal, or not."""
        asked = self._asked
        if asked is None or (event.session, event.deed) != (asked.session, asked.deed):
            return
        self._asked = None
        trader = self._liveness.peers[asked.name]
        same = trader.session == asked.session and trader.condition is Condition.FROZEN
        if event.outcome is Outcome.GONE:
            self.over(asked.name, event.session, event.how)
        elif same and event.outcome is (Outcome.NOT_DONE if asked.deed is Deed.FREEZE else Outcome.THAWED):
            self._liveness.released(asked.name, now_ns)
            self._out.row("freeze.over", session=asked.session, how=event.how)
        self._tell(asked, event)

    def over(self, name: str, session: str, how: str) -> None:
        """What was frozen is no process any more; the cause stands until an operator arms."""
        self._out.row("freeze.over", session=session, how=how)
        trader = self._liveness.peers.get(name)
        if trader is not None and trader.session == session and trader.condition is Condition.FROZEN:
            trader.condition = Condition.ENDED

    def _stand(self, name: str, now_ns: int, detail: str) -> None:
        self._authority.stand(
            Cause.FROZEN_BY_OPERATOR, now_ns, detail, name=name if strategy_of(name) else ""
        )

    def _tell(self, asked: _Asked, event: KillEnded) -> None:
        done = event.outcome in {Outcome.FROZEN, Outcome.THAWED}
        verb = "frozen" if asked.deed is Deed.FREEZE else "thawed"
        text = f"{asked.name} process {event.pid}: {event.how}"
        if done:
            text = f"{asked.name} {verb} by {asked.operator}; it gets a session again when an operator arms"
        self._out.notice(
            Severity.WARNING,
            f"trader.{verb}" if done else f"trader.not-{verb}",
            text,
            _RUNBOOK,
            operator=asked.operator,
            pid=str(event.pid),
        )
        self._answers.give(asked.identity, EXIT_DONE if done else EXIT_FAILED, text)

    def _unknown(self, name: str) -> tuple[int, str] | None:
        """Return why nobody of that name can be frozen at all, None when somebody can."""
        traders = [peer.name for peer in self._liveness.of(Role.TRADER)]
        if name in traders:
            return None
        if name == Role.TRADER or strategy_of(name):
            return EXIT_REFUSED, f"{name}: name one of {', '.join(traders)}"
        return EXIT_REFUSED, f"{name}: only the trader can be frozen and thawed"

    def _refusal(self, trader: Peer, *, freeze: bool) -> tuple[int, str]:
        condition, name = trader.condition, trader.name
        away = condition in {Condition.UNSEEN, Condition.ENDED} or trader.state is ProcessState.STOPPING
        frozen = condition is Condition.FROZEN
        checks = (
            (self._asked is None, EXIT_REFUSED, "another freeze or thaw is under way: wait for its end"),
            (freeze or frozen, EXIT_REFUSED, f"the {name} is not frozen"),
            (not freeze or not frozen, EXIT_DONE, f"the {name} is frozen already"),
            (frozen or not away, EXIT_NOT_RUNNING, f"no {name} beats: there is nothing to freeze"),
            (
                condition is not Condition.LOST,
                EXIT_REFUSED,
                f"the {name} is lost and is being ended: it has no session any more",
            ),
        )
        return next(((code, text) for holds, code, text in checks if not holds), (EXIT_DONE, ""))

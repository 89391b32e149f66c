"""The table of checks: who answered what, what fails, and what that does to the mode (FS2, FS3). Pure.

What is not answered has failed: an answer counts for its sender's session alone, and for `answer_ns`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from warden.domain.causes import Cause
from warden.domain.checks import CHECKS, PASSING, answer, of
from warden.domain.health import Health
from warden.domain.roles import Role
from warden.watchdog.commands import Grant, Show
from warden.watchdog.events import ChecksCame
from warden.watchdog.own_checks import OwnChecks
from warden.wire.checks import CheckTable, RunChecks
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.checks import Check
    from warden.domain.health import CheckLine
    from warden.watchdog.authority import Authority
    from warden.watchdog.capital import Capital
    from warden.watchdog.check_terms import CheckTerms
    from warden.watchdog.events import ChecksAsked
    from warden.watchdog.liveness import Liveness, Peer
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops
    from warden.wire.checks import CheckReport

_NS: Final = 1_000_000_000
_FRESH_NS: Final = 8 * _NS  # before the command line gives up on the answer
_ASKING_MAX: Final = 8
_NAMED_MAX: Final = 3
ANSWERING: Final = (Role.EXECUTOR, Role.GATEWAY)


class _Answers(NamedTuple):
    """What one process said last."""

    session: str
    at_ns: int
    number: int
    lines: dict[str, CheckLine]


class _Asking(NamedTuple):
    identity: bytes
    number: int
    until_ns: int


class Checks:
    """Every check as it stands; `lines` as last answered, `failed` those that count as failed."""

    def __init__(
        self,
        terms: CheckTerms,
        authority: Authority,
        liveness: Liveness,
        out: Outbox,
        *,
        stops: Stops,
        capital: Capital,
    ) -> None:
        self.failed: dict[str, CheckLine] = {}
        self.lines: dict[str, CheckLine] = {}
        self._authority = authority
        self._liveness = liveness
        self._out = out
        self.own = OwnChecks(terms, authority, stops, out, liveness=liveness, capital=capital)
        self._answer_ns = terms.answer_ns
        self._answers: dict[Role, _Answers] = {}
        self._ready_ns: dict[Role, tuple[str, int]] = {}
        self._bad_ns: dict[str, int] = {}
        self._number = 0
        self._asking: deque[_Asking] = deque()

    # --- what comes in

    def take(self, event: ChecksCame | ChecksAsked, now_ns: int) -> None:
        """Take a process's answers, or an operator's question."""
        if isinstance(event, ChecksCame):
            self._came(event.name, event.report, now_ns)
        else:
            self._ask(event.identity, now_ns, fresh=event.fresh)

    def _came(self, name: str, report: CheckReport, now_ns: int) -> None:
        """Take answers; those to checks that are not the process's own are passed over."""
        peer = self._liveness.peers.get(name)
        if peer is None or peer.role not in ANSWERING or report.session in peer.retired:
            return
        own = of(peer.role)
        lines = {line.name: line for line in report.lines if line.name in own}
        self._answers[peer.role] = _Answers(report.session, now_ns, report.number, lines)
        if peer.role is Role.EXECUTOR:
            self.own.books(report.books)

    def _ask(self, identity: bytes, now_ns: int, *, fresh: bool) -> None:
        """Answer with the table: as it stands, or once every process has done its checks anew."""
        if not fresh or len(self._asking) >= _ASKING_MAX:
            self._out.put(Show(identity, self._table(complete=not fresh)))
            return
        self._number += 1
        for role in ANSWERING:
            peer = self._liveness.peers[role]
            if peer.fresh():
                self._out.put(Grant(peer.identity, RunChecks(self._number)))
        self._asking.append(_Asking(identity, self._number, now_ns + _FRESH_NS))

    # --- time

    def step(self, now_ns: int) -> None:
        """Judge every check, and answer who has waited for that."""
        own = {line.name: line for line in self.own.lines(now_ns)}
        for role in ANSWERING:
            self._note_ready(self._liveness.peers[role], now_ns)
        self.lines = {}
        for name, check in CHECKS.items():
            line = own.get(name) if check.by is Role.WATCHDOG else self._answered(name, check, now_ns)
            if line is not None:
                self.lines[name] = line
            self._judge(name, check, line, now_ns)
        self._stand(now_ns)
        while self._asking and (self._all_anew(self._asking[0]) or now_ns >= self._asking[0].until_ns):
            asking = self._asking.popleft()
            self._out.put(Show(asking.identity, self._table(complete=self._all_anew(asking))))

    def hindrances(self) -> Iterator[str]:
        """Yield why nothing may be armed: each check that does not pass now."""
        for name, check in CHECKS.items():
            line = self.lines.get(name)
            if line is None and check.by in ANSWERING and self._liveness.peers[check.by].ready():
                yield f"check {name} was not answered by the {check.by} yet: try again in a moment"
            elif line is not None and not line_passes(line):
                yield f"check {_text(line)}; runbook {check.mend}"

    def waiting(self) -> list[str]:
        """Return what the first arming must wait for: checks that are not answered, or not settled."""
        late = {
            str(check.by)
            for name, check in CHECKS.items()
            if name not in self.lines or (name in self._bad_ns and name not in self.failed)
        }
        return [f"the checks of the {who}" for who in sorted(late)]

    def stopping(self) -> list[CheckLine]:
        """Return the failed checks that lower the mode whenever they fail."""
        return [line for name, line in self.failed.items() if CHECKS[name].stops]

    # --- how it is judged

    def _note_ready(self, peer: Peer, now_ns: int) -> None:
        known = self._ready_ns.get(peer.role)
        if not peer.fresh() or not peer.was_ready:
            self._ready_ns.pop(peer.role, None)
        elif known is None or known[0] != peer.session:
            self._ready_ns[peer.role] = (peer.session, now_ns)

    def _answered(self, name: str, check: Check, now_ns: int) -> CheckLine | None:
        """Return a process's answer, that it is late, or None while it need not have answered."""
        peer, said = self._liveness.peers[check.by], self._answers.get(check.by)
        ready = self._ready_ns.get(check.by)
        mine = None if said is None or said.session != peer.session else said
        if ready is None:
            # Nobody relies on what a process says that is not there; the mode is low for that already.
            return None if mine is None or not peer.fresh() else mine.lines.get(name)
        line = None if mine is None else mine.lines.get(name)
        since_ns = max(ready[1], self._liveness.watched_from_ns)
        late_ns = now_ns - max(since_ns, mine.at_ns if mine is not None and line is not None else 0)
        if late_ns < self._answer_ns:
            return line
        text = f"not answered by the {check.by} for {late_ns // _NS} s"
        return answer(name, Health.CRITICAL, text, f"{self._answer_ns // _NS} s")

    def _judge(self, name: str, check: Check, line: CheckLine | None, now_ns: int) -> None:
        if line is None or line_passes(line):
            self._bad_ns.pop(name, None)
            if self.failed.pop(name, None) is not None:
                found = "nobody answers it now" if line is None else line.found
                self._out.row("check.passed", name=name, found=found)
                self._out.notice(Severity.INFO, "check.passed", f"check {name} fails no more: {found}")
            return
        since_ns = self._bad_ns.setdefault(name, now_ns)
        if now_ns - since_ns < check.settles_s * _NS:
            return
        known = name in self.failed
        self.failed[name] = line
        if known:
            return
        self._out.row("check.failed", name=name, status=line.status, found=line.found, limit=line.limit)
        lowers = self._lowers(name)
        self._out.notice(
            Severity.CRITICAL if lowers else Severity.WARNING,
            "check.failed" if lowers else "check.holds-up",
            f"check {_text(line)}" + ("" if lowers else "; nothing is armed while it does"),
            check.mend,
            check=name,
        )

    def _lowers(self, name: str) -> bool:
        return CHECKS[name].stops or Cause.NOT_ARMED in self._authority.standing

    def _stand(self, now_ns: int) -> None:
        """Let the cause stand while something fails that lowers the mode; an operator's arming lifts it."""
        bad = [line for name, line in self.failed.items() if self._lowers(name)]
        if bad:
            more = f" and {len(bad) - _NAMED_MAX} more" if len(bad) > _NAMED_MAX else ""
            text = "; ".join(_text(line) for line in bad[:_NAMED_MAX]) + more
            self._authority.stand(Cause.CHECK_FAILED, now_ns, text)
        elif Cause.CHECK_FAILED in self._authority.standing and not self.failed:
            self._authority.stand(Cause.CHECK_FAILED, now_ns, "it passes now")

    # --- what is told

    def _all_anew(self, asking: _Asking) -> bool:
        """Tell whether every process that is there has answered this number, or a later one."""
        return all(
            role in self._answers and self._answers[role].number >= asking.number
            for role in ANSWERING
            if self._liveness.peers[role].fresh()
        )

    def _table(self, *, complete: bool) -> CheckTable:
        return CheckTable(
            mode=int(self._authority.mode),
            lines=tuple(self.lines.values()),
            awaited=tuple(name for name in CHECKS if name not in self.lines),
            complete=complete,
        )


def line_passes(line: CheckLine) -> bool:
    """Tell whether a check holds nothing up."""
    return line.status in PASSING


def _text(line: CheckLine) -> str:
    limit = f" (limit: {line.limit})" if line.limit else ""
    return f"{line.name} fails: {line.found}{limit}"

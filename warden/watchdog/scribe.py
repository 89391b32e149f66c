"""Has incidents' folders written by a process apart, one at a time; nothing here waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.roles import Role
from warden.incident.case import Hung, Order, Terms, Written
from warden.incident.folder import cases
from warden.runtime.clock import NS_PER_S
from warden.runtime.stacks import started_ticks
from warden.watchdog.apart import Apart
from warden.watchdog.casebook import Casebook, Moment
from warden.watchdog.liveness import Condition
from warden.wire.codec import to_json
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from warden.runtime.process import Frame
    from warden.watchdog.casebook import Page
    from warden.watchdog.commands import Notice
    from warden.watchdog.core import Core
    from warden.wire.telemetry import WatchdogStatus

_GIVE_UP_NS: Final = 40 * NS_PER_S  # it ends itself after 30 s
_HANGING: Final = frozenset({Condition.LOST, Condition.LIVELOCKED})
_LOG: Final = "incidents.log"


class Scribe:
    """Watches what the core tells, and has it written down.

    Args:
        status: the watchdog's status as it is now.
    """

    def __init__(self, frame: Frame, core: Core, status: Callable[[], WatchdogStatus]) -> None:
        self._frame = frame
        self._core = core
        self._status = status
        kept = frame.settings.incidents
        self._terms = Terms(kept.before_s, kept.after_s, kept.keep, kept.keep_mb)
        self._book = Casebook(cases(frame.places.incidents), frame.boot_id)
        self._running: Apart | None = None
        self._page: Page | None = None
        self._told_failure = ""

    def saw(self, notice: Notice) -> None:
        """Take one notice of the core's."""
        clock = self._frame.clock
        wall = clock.wall()
        text = wall.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._book.saw(notice, Moment(clock.boot_ns(), int(wall.timestamp() * NS_PER_S), text))

    def turn(self, now_ns: int) -> None:
        """Hear whoever writes, and let the next be written that is due."""
        if self._running is not None:
            for message in self._running.messages():
                self._written(message)
            if not self._running.over(now_ns):
                return
            if self._page is not None:
                self._failed(self._running.failure or "the writing process broke")
            self._running = None
        page = self._book.due(now_ns)
        if page is not None:
            self._begin(page, now_ns)

    def close(self) -> None:
        """End whoever writes: what is not complete is completed by the next run."""
        if self._running is not None:
            self._running.end()

    def _begin(self, page: Page, now_ns: int) -> None:
        executor = self._core.liveness.peers[Role.EXECUTOR]
        order = Order(
            home=str(self._frame.places.home),
            log=str(self._frame.places.logs / _LOG),
            case=page.case,
            terms=self._terms,
            status=to_json(self._status()) if page.fresh else b"",
            open_nonces=executor.open_nonces if page.fresh else (),
            positions=executor.position_ids if page.fresh else (),
            hung=self._hung() if page.fresh else (),
        )
        self._page = page
        try:
            self._running = Apart(
                "incident", _write_apart, (msgspec.json.encode(order),), now_ns + _GIVE_UP_NS
            )
        except OSError as error:
            self._failed(f"no process could be started: {error.strerror or error}")

    def _hung(self) -> tuple[Hung, ...]:
        return tuple(
            Hung(name, peer.pid, started)
            for name, peer in self._core.liveness.peers.items()
            if peer.condition in _HANGING and (started := started_ticks(peer.pid)) is not None
        )

    def _written(self, message: bytes) -> None:
        page, self._page = self._page, None
        try:
            written = msgspec.json.decode(message, type=Written)
        except msgspec.DecodeError as error:
            self._failed(f"the writing process broke: {error}", page)
            return
        if written.failure:
            self._failed(written.failure, page)
            return
        self._told_failure = ""
        if page is not None and page.case.complete:
            out, case = self._core.out, page.case
            out.row(
                "report.written",
                incident=case.id,
                stop_ids=list(case.stop_ids),
                missing=list(written.missing),
            )
            out.notice(
                Severity.INFO,
                "report.written",
                f"incident {case.id} is written down: warden incidents show {case.id}",
                incident=case.id,
            )

    def _failed(self, why: str, page: Page | None = None) -> None:
        """Tell it once, not for each of its three times."""
        page, self._page = page or self._page, None
        if page is None or why == self._told_failure:
            return
        self._told_failure = why
        self._core.out.row("report.unwritten", incident=page.case.id, why=why)
        self._core.out.notice(
            Severity.WARNING,
            "report.unwritten",
            f"incident {page.case.id} could not be written down: {why}",
            "degraded-health#an-incident-is-not-written-down",
            incident=page.case.id,
        )


def _write_apart(order: bytes, answer: Any) -> None:  # noqa: ANN401 - multiprocess has no types
    # Imported there only: the watchdog stays small.
    from warden.incident.write import helper  # noqa: PLC0415

    helper(order, answer)

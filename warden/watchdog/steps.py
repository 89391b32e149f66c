"""When an operator's own stop steps begin, and what came of them (ES3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.stop_steps import CLEANUP, OVERALL_S, OwnStep
from warden.domain.stops import Stop
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.watchdog.outbox import Outbox

_OVERALL_NS: Final = OVERALL_S * 1_000_000_000
_S: Final = 1_000_000_000
_RUNBOOK: Final = "emergency-stop#a-stop-step-of-your-own-failed"
_SAID_MAX: Final = 400


class Batch(msgspec.Struct, frozen=True):
    """Steps to begin now, in order; killed at `until_ns` (BOOTTIME) whatever their own limits say."""

    steps: tuple[OwnStep, ...]
    stops: tuple[Stop, ...]
    until_ns: int


class StepEnded(msgspec.Struct, frozen=True):
    """How a step ended: done, failed, killed, not-started, or unknown.

    Attributes:
        exit_code: of the program; minus the signal that ended it; None when it has none.
        said: the end of what it wrote, or why it could not be started.
    """

    name: str
    outcome: str
    elapsed_ms: int = 0
    exit_code: int | None = None
    said: str = ""


class Steps:
    """The steps of one standstill after another.

    Args:
        own: as configured.
        before: stops that stood when the run before was last heard of: their steps have begun already.
    """

    def __init__(self, own: Iterable[OwnStep], before: Iterable[str], out: Outbox) -> None:
        self._own = tuple(sorted(own, key=lambda each: each.priority))
        self._known = set(before)
        self._out = out
        self._early: tuple[OwnStep, ...] = ()
        self._late: tuple[OwnStep, ...] = ()
        self._seen_ns = 0
        self._still = False

    def step(self, stops: tuple[Stop, ...], now_ns: int, *, cleaning: bool) -> list[Batch]:
        """Return what is to begin.

        Args:
            stops: that stand, as they were written down.
            now_ns: BOOTTIME.
            cleaning: the executor may still have to clean up.
        """
        if not stops:
            self._still, self._early, self._late = False, (), ()
            self._known.clear()
            return []
        new = [stop for stop in stops if stop.stop_id not in self._known]
        self._known |= {stop.stop_id for stop in new}
        if new and not self._still and len(new) == len(stops):
            self._begin(now_ns)
        self._still = True
        batches = []
        until_ns = self._seen_ns + _OVERALL_NS
        if self._early:
            batches.append(Batch(self._early, stops, until_ns))
            self._early = ()
        if self._late and (not cleaning or now_ns >= self._latest_ns()):
            batches.append(Batch(self._late, stops, until_ns))
            self._late = ()
        for batch in batches:
            names = [each.name for each in batch.steps]
            self._out.row("stop-step.begun", steps=names, stop_ids=[stop.stop_id for stop in stops])
        return batches

    def ended(self, event: StepEnded) -> None:
        """Write down and tell how a step ended."""
        said = event.said[-_SAID_MAX:]
        self._out.row(
            "stop-step.ended",
            step=event.name,
            outcome=event.outcome,
            exit_code=event.exit_code,
            elapsed_ms=event.elapsed_ms,
            said=said,
        )
        well = event.outcome == "done"
        code = "" if event.exit_code is None else f", exit code {event.exit_code}"
        rest = f": {' '.join(said.split())}" if said.strip() and not well else ""
        self._out.notice(
            Severity.INFO if well else Severity.ERROR,
            "stop-step.done" if well else "stop-step.failed",
            f"stop step {event.name}: {event.outcome} after {event.elapsed_ms} ms{code}{rest}",
            "" if well else _RUNBOOK,
            step=event.name,
        )

    def _begin(self, now_ns: int) -> None:
        self._seen_ns = now_ns
        self._early = tuple(each for each in self._own if each.priority < CLEANUP)
        self._late = tuple(each for each in self._own if each.priority >= CLEANUP)

    def _latest_ns(self) -> int:
        """Return when those that wait begin all the same, so that the longest of them has its time."""
        return self._seen_ns + _OVERALL_NS - max(each.limit_s for each in self._late) * _S

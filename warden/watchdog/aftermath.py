"""What follows a stop, trip or kill: an operator's own steps and the incident's folder, both apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.stop_steps import OwnStep
from warden.runtime.clock import NS_PER_S
from warden.watchdog.apart import Apart
from warden.watchdog.scribe import Scribe
from warden.watchdog.steps import StepEnded, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warden.runtime.process import Frame
    from warden.watchdog.commands import Notice
    from warden.watchdog.core import Core
    from warden.watchdog.steps import Batch
    from warden.wire.telemetry import WatchdogStatus

# The runner's own alarm comes before.
_GIVE_UP_NS: Final = 10 * NS_PER_S
_SEEN: Final = "stop.seen"
_TOLD: Final = ("reason", "message", "operator", "policy")


class _Batch:
    """Steps at work; `open` are those whose end was not told yet."""

    def __init__(self, batch: Batch, home: str, now_ns: int) -> None:
        # Imported when there are steps at all.
        from warden.watchdog.step_runner import Running  # noqa: PLC0415

        stop = batch.stops[0]
        told = {word: str(getattr(stop, word)).replace("\0", "") for word in _TOLD}
        told["ids"] = " ".join(each.stop_id for each in batch.stops)
        order = msgspec.json.encode(Running(batch.steps, home, batch.until_ns, told))
        self.open = [each.name for each in batch.steps]
        give_up_ns = max(batch.until_ns, now_ns) + _GIVE_UP_NS
        self.process = Apart("stop-steps", _run_apart, (order,), give_up_ns)


class Aftermath:
    """Watches what the core tells and does; nothing here waits, and nothing that fails here touches a stop.

    Args:
        before: stops that stood when the run before was last heard of.
        status: the watchdog's status as it is now.
    """

    def __init__(
        self, frame: Frame, core: Core, before: Iterable[str], status: Callable[[], WatchdogStatus]
    ) -> None:
        self._home = str(frame.places.home)
        self._core = core
        self._scribe = Scribe(frame, core, status)
        own = [
            OwnStep(each.name, each.command, each.priority, each.limit_s)
            for each in frame.settings.stop_steps
        ]
        self._steps = Steps(own, before, core.out)
        self._written_down: set[str] = set()
        self._batches: list[_Batch] = []

    def saw(self, notice: Notice) -> None:
        """Take one notice of the core's."""
        self._scribe.saw(notice)
        if notice.kind == _SEEN:
            self._written_down.add(notice.data.get("stop_id", ""))

    def turn(self, now_ns: int) -> None:
        """Begin what is due and hear what came of the rest."""
        self._scribe.turn(now_ns)
        # Only what was seen twice is known in full: its file appears a moment before its content.
        standing = self._core.stops.standing
        self._written_down &= {stop.stop_id for stop in standing}
        known = tuple(stop for stop in standing if stop.stop_id in self._written_down)
        if known or not standing:
            for batch in self._steps.step(known, now_ns, cleaning=self._core.cleanup.busy):
                self._begin(batch, now_ns)
        for running in list(self._batches):
            self._hear(running, now_ns)

    def close(self) -> None:
        """End all of it: the watchdog ends."""
        self._scribe.close()
        for each in self._batches:
            each.process.end()

    def _begin(self, batch: Batch, now_ns: int) -> None:
        try:
            self._batches.append(_Batch(batch, self._home, now_ns))
        except OSError as error:
            for each in batch.steps:
                why = f"no process could be started: {error.strerror or error}"
                self._steps.ended(StepEnded(each.name, "failed", said=why))

    def _hear(self, running: _Batch, now_ns: int) -> None:
        for message in running.process.messages():
            ended = msgspec.json.decode(message, type=StepEnded)
            if ended.name in running.open:
                running.open.remove(ended.name)
                self._steps.ended(ended)
        if running.process.over(now_ns):
            self._batches.remove(running)
            for name in running.open:
                why = running.process.failure or "the process that ran it broke"
                self._steps.ended(StepEnded(name, "unknown", said=why))


def _run_apart(order: bytes, answer: Any) -> None:  # noqa: ANN401 - multiprocess has no types
    # Imported there only: the watchdog stays small.
    from warden.watchdog.step_runner import helper  # noqa: PLC0415

    helper(order, answer)

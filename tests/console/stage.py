"""Sets the console on a stage: over constructed snapshots, the clock standing, or over a real instance."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from console.app import ConsoleApp, Parts
from console.link import Receiver
from console.stopper import Stopper
from tests.console.samples import NOW_NS
from warden.domain.errors import NotRunning
from warden.operator.link import Link, Snapshot, ask
from warden.operator.stopping import StopResult, order_stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tests.instance import Instance
    from warden.wire.messages import OperatorReply, OperatorRequest

HOME = Path("/home/ada/warden")
WALL = datetime(2026, 3, 1, 7, 32, 4, tzinfo=UTC)


class Recorded:
    """A feed that always gives the same snapshot, until the test gives it another."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.latest = snapshot


def refuse_to_ask(_request: OperatorRequest) -> OperatorReply:
    """Stand for a watchdog that is not there."""
    raise NotRunning("the watchdog does not answer: start Warden with 'warden up'")


def never_carry(*, on_level: Callable[[StopResult], None], stop_id: str | None) -> StopResult:
    """Stand for a stop in tests that order none."""
    raise AssertionError(f"no stop was meant to be ordered: {on_level} {stop_id}")


def recorded_app(snapshot: Snapshot, *, readonly: bool = False, stopper: Stopper | None = None) -> ConsoleApp:
    """Return the console over a constructed snapshot, at the samples' moment for ever."""
    return ConsoleApp(
        Parts(
            feed=Recorded(snapshot),
            stopper=stopper or Stopper(never_carry, lambda _: False, lambda: NOW_NS),
            ask=refuse_to_ask,
            now_ns=lambda: NOW_NS,
            wall=lambda: WALL,
            home=HOME,
            stop_dir=HOME / "stop",
            operator="ada",
            readonly=readonly,
        )
    )


class Live:
    """The console over a real instance, wired as `console.start` wires it; use it in a `with`."""

    def __init__(self, instance: Instance, *, readonly: bool = False) -> None:
        link = Link(instance.home)
        self.stopper = Stopper(
            partial(order_stop, instance.home, message="a test", operator="ada"),
            lambda stop_id: (instance.places.stop / stop_id).exists(),
            link.clock.boot_ns,
        )
        self._receiver = Receiver(link)
        self.app = ConsoleApp(
            Parts(
                feed=self._receiver,
                stopper=self.stopper,
                ask=partial(ask, instance.home, timeout_ms=2_000),
                now_ns=link.clock.boot_ns,
                wall=link.clock.wall,
                home=instance.home,
                stop_dir=instance.places.stop,
                operator="ada",
                readonly=readonly,
            )
        )

    def __enter__(self) -> Self:
        self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.close()
        self.stopper.wait()


async def settle(pilot: Pilot[None], condition: Callable[[], bool], what: str) -> None:
    """Let the app run until `condition` holds; fail with `what` when it does not within a generous bound."""
    for _ in range(1_200):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError(f"there was no {what}")


def screen_text(app: ConsoleApp) -> str:
    """Return what stands on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

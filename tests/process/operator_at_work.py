"""An operator who puts a system back to work after whatever a test did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.instance import wait_until
from warden.domain.errors import EXIT_DONE, NotRunning
from warden.operator.link import ask
from warden.wire.messages import Arm, Recover

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.process.system import System


def let_trade(system: System, revive: Callable[[], None] | None = None) -> None:
    """Recover what stands and arm, as an operator, until the watchdog has armed.

    Args:
        system: which runs.
        revive: starts what has ended; done before each try.
    """
    said: list[str] = []

    def armed() -> bool:
        if revive is not None:
            revive()
        system.pass_time(0.2)
        stopped = system.latch.read().stopped
        request = Recover("tester", "looked into") if stopped else Arm("tester", "looked into")
        try:
            reply = ask(system.home, request)
        except NotRunning as error:
            # A busy machine: asked again.
            said.append(str(error))
            return False
        said.append(reply.message)
        return reply.exit_code == EXIT_DONE and not stopped

    try:
        wait_until(armed, "arming by an operator", timeout_s=90)
    except AssertionError as error:
        raise AssertionError(f"{error}; the last answers: {said[-3:]}") from error

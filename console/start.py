"""Puts the console together over a real instance, and runs it."""

from __future__ import annotations

import getpass
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from console.app import ConsoleApp, Parts
from console.driver import driver_class
from console.link import Receiver
from console.stopper import Stopper
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, WardenError
from warden.operator.link import Link, ask
from warden.operator.stopping import order_stop

if TYPE_CHECKING:
    from pathlib import Path


_BEGINNINGS_MAX: Final = 5


def run(home: Path, *, readonly: bool = False) -> int:
    """Show the instance at `home` until the operator quits; return the exit code.

    What keeps it from starting is one line on stderr and the exit code that belongs to it.
    """
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        print("the console needs a terminal; 'warden status' prints the same without one", file=sys.stderr)  # noqa: T201 - the one line that this program says
        return EXIT_USAGE
    try:
        link = Link(home)
    except WardenError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one line that this program says
        return error.exit_code
    operator = operator_name()
    stopper = Stopper(
        partial(order_stop, link.places.home, message="emergency stop on the console", operator=operator),
        lambda stop_id: (link.places.stop / stop_id).exists(),
        link.clock.boot_ns,
    )
    receiver = Receiver(link)
    parts = Parts(
        feed=receiver,
        stopper=stopper,
        ask=partial(ask, link.places.home),
        now_ns=link.clock.boot_ns,
        wall=link.clock.wall,
        home=link.places.home,
        stop_dir=link.places.stop,
        operator=operator,
        readonly=readonly,
    )
    receiver.start()
    try:
        return _show(parts, stopper)
    finally:
        receiver.close()
        stopper.wait()


def _show(parts: Parts, stopper: Stopper) -> int:
    """Run the screen; should it break, begin again a few times: the keys of the stop must not go with it."""
    for _ in range(_BEGINNINGS_MAX):
        app = ConsoleApp(parts, driver_class(stopper.press))
        app.run()
        if not app.return_code:
            return EXIT_DONE
        parts = msgspec.structs.replace(parts, notice="the screen broke and was begun again")
    print("the screen breaks again and again; stop with: warden emergency-stop", file=sys.stderr)  # noqa: T201 - as above
    return EXIT_FAILED


def operator_name() -> str:
    """Return who sits here, as the machine knows it; empty when it does not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""

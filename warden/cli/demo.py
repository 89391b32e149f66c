"""`python -m warden.cli.demo`, run by scripts/demo: trades with play money on a local chain until Ctrl-C.

Everything that it starts ends with it, however it ends: by a signal, by quitting the console, by being
killed.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from warden.cli.console import console_command
from warden.cli.demo_instance import make_instance, only_demo
from warden.cli.demo_lines import landed_trades, status_line, trade_line
from warden.cli.down import end_instance
from warden.cli.home import CLONE, DEMO_HOME
from warden.cli.main import guarded
from warden.cli.prepare import make_ready, read_settings, starting
from warden.cli.ready import SILENT, expected, last_words, not_ready, wait_ready
from warden.cli.up import SupervisordRefused, start_supervisord
from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, NotRunning
from warden.operator.link import Link
from warden.operator.view import build_view
from warden.runtime.process import die_with_parent
from warden.runtime.settings_strategies import traders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.runtime.places import Places

LINE_EVERY_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.1
_CONSOLE_ENDS_WITHIN_S: Final = 5.0
# Leave the alternate screen, show the cursor, stop mouse reports and bracketed paste.
_TERMINAL_BACK: Final = "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[0m"


class Demo:
    """One run of the demo in `home`; `ended` once it was told to end or its time is over."""

    def __init__(self, seconds: float | None) -> None:
        self._told = False
        self._end_at = None if seconds is None else time.monotonic() + seconds
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._tell)

    @property
    def ended(self) -> bool:
        """Tell whether to end."""
        return self._told or (self._end_at is not None and time.monotonic() > self._end_at)

    def run(self, home: Path, *, with_console: bool) -> int:
        """Start the instance at `home`, show it, end all of it, and return the exit code.

        Raises:
            WardenError: it could not be started, or broke; nothing of it runs then.
        """
        settings = read_settings(home)
        try:
            with starting(home, settings, warn) as where:
                make_ready(settings, where, warn)
                supervisord = start_supervisord(where, settings, before_exec=die_with_parent)
            say("starting devnet gateway executor watchdog logger notifier api trader …")
            self._await_ready(where, supervisord)
            if not self.ended and not (with_console and self._console(home)):
                self._lines(where, supervisord)
        finally:
            _end(home)
        return EXIT_DONE

    def _await_ready(self, where: Places, supervisord: subprocess.Popen[bytes]) -> None:
        settings = read_settings(where.home)
        roles = expected(settings.environment, traders(settings))
        with Link(where.home) as link:
            view = wait_ready(link, roles, lambda: self.ended or supervisord.poll() is not None)
        if self.ended:
            return
        missing = not_ready(view, roles)
        for name, state in missing.items():
            why = (last_words(where, name) if state in SILENT else "") or state
            warn(f"{name} is not ready: {why}; see {where.logs}/{name}.out")
        say(f"{len(roles) - len(missing)} of {len(roles)} processes are ready")

    def _console(self, home: Path) -> bool:
        """Run the console until it ends or we are to end; tell whether it ran well."""
        before = termios.tcgetattr(sys.stdin)
        console = subprocess.Popen(console_command(home), preexec_fn=die_with_parent)  # noqa: PLW1509 - no threads here
        while console.poll() is None and not self.ended:
            time.sleep(_LOOK_EVERY_S)
        if console.poll() is None:
            console.terminate()
            try:
                console.wait(_CONSOLE_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                console.kill()
                console.wait()
        if console.returncode == EXIT_DONE:
            return True
        _give_terminal_back(before)
        if self.ended:
            return True
        warn(f"the console ended with exit code {console.returncode}; lines instead, Ctrl-C ends the demo")
        return False

    def _lines(self, where: Places, supervisord: subprocess.Popen[bytes]) -> None:
        """Print how things stand every few seconds, and each trade as it lands.

        Raises:
            SupervisordRefused: it ended by itself.
        """
        told: frozenset[str] = frozenset()
        line_at = 0.0
        with Link(where.home) as link:
            link.gather()
            while not self.ended:
                if supervisord.poll() is not None:
                    raise SupervisordRefused(f"supervisord ended: see {where.logs}/supervisord.log")
                view = build_view(link.poll(), link.clock.boot_ns())
                clock_text = time.strftime("%H:%M:%S")
                for trade in landed_trades(view, told):
                    told |= {trade.tx_hash}
                    say(trade_line(trade, clock_text))
                if time.monotonic() >= line_at:
                    line_at = time.monotonic() + LINE_EVERY_S
                    say(status_line(view, clock_text))
                time.sleep(_LOOK_EVERY_S)

    def _tell(self, _number: int, _stack: object) -> None:
        self._told = True


def _end(home: Path) -> None:
    """End whatever of the instance runs, and say so: nothing may be left behind."""
    try:
        count, killed = end_instance(home)
    except NotRunning:
        return
    forced = f", by force: {', '.join(killed)}" if killed else ""
    try:
        say(f"ended: {count} processes{forced}, nothing is left; what happened is kept in {home}")
    except OSError:
        return  # whoever read our lines has gone


def _give_terminal_back(before: list[Any]) -> None:
    """Undo what a console that could not end by itself has done to the terminal."""
    try:
        sys.stdout.write(_TERMINAL_BACK)
        sys.stdout.flush()
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
    except (OSError, termios.error):
        return  # the terminal is gone: there is nothing to give back to


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code: 0 when it was ended, 2 when it cannot run."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Trade with play money until Ctrl-C.")
    parser.add_argument("--seconds", type=float, help="end by itself after so many seconds")
    parser.add_argument("--fork-url", help="fork this chain instead of starting a new one")
    parser.add_argument("--no-console", action="store_true", help="status lines, even on a terminal")
    parser.add_argument(
        "--at",
        type=Path,
        default=DEMO_HOME,
        help="the instance's directory, made new; default: the clone's own",
    )
    given = parser.parse_args(arguments)
    return guarded(lambda: _run(given))


def _run(given: argparse.Namespace) -> int:
    # The demo is the same whatever the operator has set for an instance of theirs.
    for name in [each for each in os.environ if each.startswith("WARDEN_") or each == "DRY_RUN"]:
        del os.environ[name]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    demo = Demo(given.seconds)
    at: Path = given.at.absolute()
    logs = CLONE / "logs" if at == DEMO_HOME else at.with_name(f"{at.name}.logs")
    with only_demo(at):
        home = make_instance(given.fork_url, at, logs)
        say(f"Warden demo: play money on a local chain, in {home}; logs in {logs}; Ctrl-C ends it")
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        return demo.run(home, with_console=terminal and not given.no_console)


if __name__ == "__main__":
    raise SystemExit(main())

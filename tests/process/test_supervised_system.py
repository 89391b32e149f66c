"""One whole system under supervisord and a pretended systemd: who watches whom, and what may be undone.

The tests share the system and stand in the order in which they run.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.cli_runs import command, environment, gone, kill_all, new_home
from tests.process.runbook_desk import Desk, in_order
from tests.process.system import BUSY_TOML
from tests.process.test_up_down import ROLES, named
from warden.cli.running import everything, running, send
from warden.domain.roles import Role
from warden.operator.link import Link
from warden.operator.picture import Word
from warden.operator.view import build_view
from warden.runtime.journal import read
from warden.runtime.places import places
from warden.runtime.venue import served_url

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)


class Supervised:
    """The system at `home`, its supervisord a child of ours, and what it told systemd."""

    def __init__(self, home: Path, systemd: socket.socket, supervisord: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.systemd = systemd
        self.supervisord = supervisord

    def heard(self) -> set[bytes]:
        """Return what systemd was told since the last call."""
        words = set()
        while True:
            try:
                words.add(self.systemd.recv(4_096))
            except BlockingIOError:
                return words

    def lines(self, file: str) -> list[dict[str, Any]]:
        """Return the lines of a log of JSON, whole ones only."""
        path = places(self.home).logs / file
        text = path.read_text("utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def kinds(self, file: str = "watchdog.log") -> list[str]:
        """Return the kinds of a log's lines."""
        return [each["kind"] for each in self.lines(file)]

    def word(self) -> tuple[Word, str]:
        """Return what the console's banner says, and why."""
        with Link(self.home) as link:
            view = build_view(link.gather(1_500), link.clock.boot_ns())
        return view.word, view.why

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of the watchdog's rows of a kind."""
        return [
            msgspec.json.decode(row.body)
            for row in read(places(self.home).journal(Role.WATCHDOG))
            if row.kind == kind
        ]


@contextmanager
def _systemd(directory: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(directory / "notify"))
        systemd.setblocking(False)
        yield systemd


@pytest.fixture(scope="module")
def system() -> Iterator[Supervised]:
    """The whole system, started as the systemd unit does."""
    with new_home(BUSY_TOML) as home, _systemd(home) as systemd:
        process = subprocess.Popen(
            command("up", "--foreground", "--home", str(home)),
            stdin=subprocess.DEVNULL,
            env=environment(NOTIFY_SOCKET=str(home / "notify")),
            cwd="/",
        )
        try:
            made = Supervised(home, systemd, process)
            wait_until(lambda: {each.name for each in running(home)} >= ROLES, "all", timeout_s=120)
            wait_until(lambda: made.word()[0] is Word.TRADING, "trading", timeout_s=120)
            yield made
        finally:
            process.kill()
            kill_all(home)
            process.wait()


def test_systemd_hears_supervisords_own_loop(system: Supervised) -> None:
    """OP4: up, then a sign of life from the main process; silence while it hangs; nobody speaks for it."""
    told: set[bytes] = set()

    def complete() -> bool:
        told.update(system.heard())
        return {b"READY=1", b"WATCHDOG=1"} <= told

    wait_until(complete, "READY and WATCHDOG")
    for each in everything(system.home):
        if each.pid != system.supervisord.pid:
            content = Path(f"/proc/{each.pid}/environ").read_bytes()
            assert b"NOTIFY_SOCKET" not in content, each
    system.supervisord.send_signal(signal.SIGSTOP)
    wait_until(lambda: "supervisord.silent" in system.kinds(), "word of a silent supervisord")
    assert system.heard() <= {b"WATCHDOG=1"}
    assert system.word()[0] is Word.TRADING
    system.supervisord.send_signal(signal.SIGCONT)
    wait_until(lambda: b"WATCHDOG=1" in system.heard(), "sign of life")
    wait_until(lambda: "supervisord.returned" in system.kinds(), "word of its return")


@fault("watchdog-paused")
def test_a_hung_watchdog_is_noticed_by_everybody_who_watches_it(system: Supervised) -> None:
    """HM4: who watches the watchdog: notifier CRITICAL, api 503, console UNKNOWN, each by itself."""
    watchdog = named(system.home, "watchdog")
    send(watchdog, signal.SIGSTOP)
    try:
        wait_until(lambda: "watchdog.silent" in system.kinds("alerts.log"), "alert")
        alert = next(each for each in system.lines("alerts.log") if each["kind"] == "watchdog.silent")
        assert (alert["severity"], alert["runbook"]) == ("critical", "process-lost#watchdog")
        host, _, port = str(served_url(places(system.home), Role.API)).removeprefix("http://").rpartition(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            connection.request("GET", "/health")
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["status"]) == (503, "UNKNOWN")
        word, why = system.word()
        assert (word, "watchdog" in why) == (Word.UNKNOWN, True)
    finally:
        send(watchdog, signal.SIGCONT)
    wait_until(lambda: "watchdog.returned" in system.kinds("notifier.log"), "its return")


@fault("watchdog-killed")
def test_a_watchdog_that_was_killed_comes_back_and_arms_nothing(system: Supervised) -> None:
    """I7: supervisord starts it again; the mode stays low until an operator arms."""
    before = named(system.home, "watchdog")
    send(before, signal.SIGKILL)
    wait_until(lambda: gone([before]), "its end")
    wait_until(lambda: len(system.rows("started")) == 2, "another watchdog")
    armed = len(system.rows("armed"))
    wait_until(lambda: system.word()[0] is Word.OBSERVING, "observing")
    assert "last run did not end in order" in system.word()[1]
    assert len(system.rows("armed")) == armed
    assert system.rows("started")[-1]["clean"] is False


@fault("crashed-again-and-again")
def test_a_crash_loop_is_told(system: Supervised) -> None:
    """HM1: one that ends soon after each start is told once, and so is one that is not started any more."""
    seen: set[int] = set()

    def told() -> bool:
        for each in running(system.home):
            if each.name == Role.API and each.pid not in seen:
                seen.add(each.pid)
                send(each, signal.SIGKILL)
        return "api.crash-loop" in system.kinds()

    wait_until(told, "word of a crash loop", timeout_s=120)
    settings = places(system.home).settings
    kept = settings.read_bytes()
    settings.write_bytes(b"no longer what it was")
    try:
        send(named(system.home, Role.API), signal.SIGKILL)
        wait_until(lambda: "api.given-up" in system.kinds(), "word of the one that was given up")
    finally:
        settings.write_bytes(kept)
    text = next(each["message"] for each in system.lines("watchdog.log") if each["kind"] == "api.given-up")
    assert "configuration must be changed" in text
    assert system.kinds().count("api.crash-loop") == 1


def test_every_command_of_every_runbook_works(
    system: Supervised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """OP2: nobody finds out at night that a runbook's command is refused; run as written, in the home."""
    monkeypatch.delenv("WARDEN_HOME", raising=False)
    monkeypatch.chdir(system.home)
    desk = Desk(system.home)
    failed = []
    for key, words in in_order():
        desk.prepare(key)
        given = desk.filled_in(words)
        capsys.readouterr()
        code = desk.run(*given)
        if code not in desk.expected(key):
            failed.append((given, code, capsys.readouterr()))
        desk.leave(given)
    assert failed == []

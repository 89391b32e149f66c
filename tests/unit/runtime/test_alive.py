"""What systemd is told, and that it costs nothing where there is no systemd."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from supervisor import events

from warden.runtime import alive

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIT = Path(__file__).parents[3] / "deploy" / "warden.service"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A supervisord that has just begun."""
    monkeypatch.setattr(alive, "_known", [])
    events.clear()
    yield
    events.clear()


@pytest.mark.parametrize("abstract", [False, True])
def test_each_event_of_supervisord_is_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, abstract: bool
) -> None:
    """OP4: ready, alive, ending, to a path or an abstract name; a reload says them again, children none."""
    name = f"@warden-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name[1:]}" if abstract else name)
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        alive.make_alive(None)
        assert "NOTIFY_SOCKET" not in os.environ
        for _ in range(2):
            for event in (events.SupervisorRunningEvent(), events.Tick5Event(5, None)):
                events.notify(event)
            assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"WATCHDOG=1"]
            events.notify(events.SupervisorStoppingEvent())
            assert systemd.recv(100) == b"STOPPING=1"
            events.clear()
            alive.make_alive(None)


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo, a container: nobody listens, and supervisord's loop has nothing more to do."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    alive.make_alive(None)
    assert events.callbacks == []


def test_a_systemd_that_is_gone_or_full_holds_nothing_up(tmp_path: Path) -> None:
    """It is not waited for: the word is said again in five seconds."""
    assert not alive.notify(str(tmp_path / "nobody"), alive.ALIVE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        said = [alive.notify(str(tmp_path / "deaf"), alive.ALIVE) for _ in range(100_000)]
    assert said[0]
    assert not said[-1]


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    """OP4: the words come from supervisord's own process, in time; systemd itself finds nothing to say."""
    text = _UNIT.read_text(encoding="utf-8")
    for line in ("Type=notify", "NotifyAccess=main", "WatchdogSec=30"):
        assert f"\n{line}\n" in text
    tool = shutil.which("systemd-analyze")
    if tool is None:
        return  # a machine without systemd has nobody to ask
    copy = tmp_path / "warden.service"
    copy.write_text(text.replace("/opt/warden/.venv/bin/warden", "/bin/true"), encoding="utf-8")
    said = subprocess.run(
        [tool, "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in said.stderr.splitlines() if "warden.service" in line] == []

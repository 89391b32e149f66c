"""`warden up`, `down` and `up` again in one home: chain, contracts, book and stops are those of before."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.instance import DEVNET_TOML, REPOSITORY, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND_WITHIN_S = 180


def warden(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "warden.cli", *words, "--home", str(home)]
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False
    )


def status(home: Path) -> dict[str, Any]:
    """Return `warden status --json`."""
    told: dict[str, Any] = json.loads(warden(home, "status", "--json").stdout)
    return told


def trades(home: Path) -> int:
    """Return how many trades have settled, 0 while that is not known."""
    return int(status(home)["pnl"]["trades"] or 0)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return an instance's home, its path short enough for sockets; what runs in it ends with the test."""
    with tempfile.TemporaryDirectory(prefix="warden-test-") as name:
        made = Path(name)
        (made / "warden.toml").write_text(DEVNET_TOML, encoding="utf-8")
        yield made
        warden(made, "down")


def test_down_and_up_again_goes_on_where_it_was(home: Path) -> None:
    """OP1, ES4: after an orderly end the same book trades on; a stop stands through it until recovered."""
    assert warden(home, "up").returncode == 0
    wait_until(lambda: trades(home) >= 1, "a first trade", timeout_s=150)
    stop = warden(home, "emergency-stop", "--reason", "test", "--operator", "tester", "--json")
    assert json.loads(stop.stdout)["level"] == "CONFIRMED"
    before = trades(home)
    assert warden(home, "down").returncode == 0
    assert warden(home, "up").returncode == 0
    told = status(home)
    assert (told["mode"], len(told["stops"]), told["pnl"]["trades"]) == ("STOPPED", 1, before)
    recovered = warden(home, "recover", "--operator", "tester", "--reason", "test over")
    assert (recovered.returncode, recovered.stderr) == (0, "")
    wait_until(lambda: trades(home) > before, "a trade of the second run", timeout_s=150)
    verified = json.loads(warden(home, "verify", "--json").stdout)
    assert (verified["ok"], verified["problems"]) == (True, [])

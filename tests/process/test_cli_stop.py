"""`warden emergency-stop` from the command line, with whatever of the system dead, hung or gone (I4)."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.cli_runs import Done, environment, new_home, one_line, warden
from tests.process.test_up_down import ended, named
from warden.cli.running import SUPERVISORD, everything, running, send
from warden.runtime.keys import Keyring
from warden.runtime.latch import Latch
from warden.runtime.places import create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)


def stop(home: Path, *words: str) -> tuple[Done, dict[str, Any]]:
    """Order a stop of the instance at `home` and return what the command said, decoded too."""
    done = warden("emergency-stop", "--reason", "a test", "--json", "--home", str(home), *words)
    return done, msgspec.json.decode(done.out)


def recovered(home: Path) -> None:
    """Wake what is paused, and recover until no stop stands."""
    for each in everything(home):
        send(each, signal.SIGCONT)

    def no_stop_stands() -> bool:
        warden("recover", "--operator", "ann", "--reason", "the test goes on", "--home", str(home))
        return Latch(home / "stop").is_clear()

    wait_until(no_stop_stands, "recovery", timeout_s=120)


@pytest.fixture(scope="module")
def instance() -> Iterator[Path]:
    """A running instance; every test leaves it running and without a stop."""
    with new_home() as home:
        started = warden("up", "--home", str(home))
        assert started.code == 0, started
        yield home
        ended(home)


def test_a_stop_is_confirmed_and_only_an_operator_lifts_it(instance: Path) -> None:
    """ES1, I7: the executor confirms; status says STOPPED with who and why; recover lifts it."""
    done, told = stop(instance, "--operator", "ann")
    assert done.code == 0
    assert told["level"] == "CONFIRMED"
    assert {"stop_id", "level", "elapsed_ms", "in_flight", "cleanup"} <= told.keys()
    status = msgspec.json.decode(warden("status", "--json", "--home", str(instance)).out)
    assert status["mode"] == "STOPPED"
    assert [(each["id"], each["operator"]) for each in status["stops"]] == [(told["stop_id"], "ann")]
    armed = warden("arm", "--operator", "ann", "--reason", "too early", "--home", str(instance))
    assert armed.code == 4
    one_line(armed)
    recovered(instance)


@fault("all-paused", "supervisord-paused")
def test_a_stop_holds_with_everybody_else_hung(instance: Path) -> None:
    """I4: supervisord, watchdog, trader, gateway and the rest are paused; the executor confirms the stop."""
    for each in everything(instance):
        if each.name != "executor":
            send(each, signal.SIGSTOP)
    done, told = stop(instance)
    assert done.code == 0
    assert told["level"] == "CONFIRMED"
    assert warden("status", "--home", str(instance)).code == 0
    recovered(instance)


@fault("executor-paused")
def test_a_hung_executor_is_fenced(instance: Path) -> None:
    """I4, DESIGN §3: an executor that does not answer is killed, and its lock proves it dead."""
    send(named(instance, "executor"), signal.SIGSTOP)
    done, told = stop(instance)
    assert done.code == 0
    assert told["level"] == "FENCED"
    wait_until(lambda: any(each.name == "executor" for each in running(instance)), "new executor")
    recovered(instance)


@fault("all-paused")
def test_a_stop_holds_with_everything_dead() -> None:
    """I4: nothing runs at all; the stop is recorded, holds at the next start, and nobody has to be there."""
    with new_home() as home:
        where = create(home)
        Keyring(where.keys).ensure()
        Latch(where.stop).create()
        done, told = stop(home)
        assert done.code == 0
        assert told["level"] == "NOT_RUNNING"
        assert (where.stop / told["stop_id"]).is_file()


@fault("stop-directory-lost")
def test_a_stop_that_cannot_be_confirmed_says_what_to_do_by_hand() -> None:
    """DESIGN §3: UNCONFIRMED is exit code 1 with instructions, for one when the stop directory is lost."""
    with new_home() as home:
        where = create(home)
        Keyring(where.keys).ensure()
        done, told = stop(home)
        assert done.code == 1
        assert told["level"] == "UNCONFIRMED"
        assert "NOT CONFIRMED" in done.err
        assert f"touch {where.stop}/{told['stop_id']}" in done.err
        assert "Traceback" not in done.err


def test_status_works_with_only_supervisord_left(instance: Path) -> None:
    """Status is bounded and complete with everybody hung: nothing stale is shown as current (I10)."""
    for each in everything(instance):
        if each.name != SUPERVISORD:
            send(each, signal.SIGSTOP)
    done = warden("status", "--json", "--home", str(instance))
    assert done.code == 0
    status = msgspec.json.decode(done.out)
    assert status["mode"] == "UNKNOWN"
    assert not [each for each in status["processes"] if each["state"] == "ready" and not each["stale"]]
    unhealthy = warden("health-check", "--home", str(instance))
    assert unhealthy.code == 1
    assert "executor" in unhealthy.err
    recovered(instance)


def test_the_stop_loads_no_heavy_library() -> None:
    """The stop's way from the command line imports nothing that it does not need."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import warden.cli.emergency_stop, sys; print(*sys.modules)"],
        capture_output=True,
        env=environment(),
        check=True,
    )
    loaded = set(done.stdout.decode().split())
    assert not loaded & {
        "typer",
        "rich",
        "pydantic",
        "loguru",
        "web3",
        "eth_account",
        "apsw",
        "psutil",
        "aiohttp",
    }

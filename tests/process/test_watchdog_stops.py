"""The real watchdog under a stop: leave to clean up, and the end of an executor that does not answer."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.watchdog_stage import Stage, boot_ns
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def armed() -> Iterator[Stage]:
    """Everything up, and armed by itself."""
    with Stage() as stage:
        stage.whole_cast()
        stage.wait_mode(Mode.AGGRESSIVE)
        yield stage


def _cleanups(stage: Stage) -> list[dict[str, Any]]:
    return [heard for heard in stage.heard(Role.EXECUTOR) if heard["type"] == "cleanup.1"]


def test_leave_to_clean_up_comes_with_a_stop_that_allows_it_and_ends(armed: Stage) -> None:
    """ES6, I3: for the nonces that were open, until they are not; with `hold` none; no other permit."""
    armed.say(Role.EXECUTOR, open_nonces=[4, 5])
    # Until the watchdog has heard of them, there is nothing that a stop could leave behind.
    from_ns = boot_ns()
    wait_until(lambda: boot_ns() - from_ns > 500_000_000, "half a second")
    armed.latch.write(Stop(stop_id="one", policy=CleanUp.CANCEL, operator="ann"))
    wait_until(lambda: len(_cleanups(armed)) >= 3, "leave to clean up")
    armed.say(Role.EXECUTOR, open_nonces=[5, 6])
    first = _cleanups(armed)[0]
    assert (first["stop_ids"], first["policy"], first["nonces"]) == (["one"], "cancel", [4, 5])
    assert first["expires_ns"] - first["issued_ns"] == armed.settings.watchdog.permit_life_ms * 1_000_000
    granted = msgspec.json.decode(armed.rows("cleanup.granted")[0].body)
    assert granted["nonces"] == [4, 5]
    armed.say(Role.EXECUTOR, open_nonces=[6])
    wait_until(lambda: bool(armed.rows("cleanup.ended")), "the end of the clean-up")
    ended = msgspec.json.decode(armed.rows("cleanup.ended")[0].body)
    assert (ended["why"], ended["left"]) == ("nothing is open", [])
    assert {tuple(leave["nonces"]) for leave in _cleanups(armed)} == {(4, 5)}
    permits = [leave for leave in armed.permits() if leave["issued_ns"] >= first["issued_ns"]]
    assert permits == []
    count = len(_cleanups(armed))
    (armed.places.stop / "by-hand").touch()
    armed.wait_mode(Mode.OBSERVE_ONLY, "by-hand")
    held_ns = boot_ns()
    wait_until(lambda: boot_ns() - held_ns > 1_500_000_000, "a second and a half")
    assert len(_cleanups(armed)) == count


@fault("executor-paused")
def test_a_hung_executor_under_a_stop_is_killed_and_proven_dead(armed: Stage) -> None:
    """I3, I4: it neither acknowledges nor beats; the helper kills it and the watchdog says so."""
    armed.signal(Role.EXECUTOR, signal.SIGSTOP)
    (armed.places.stop / "by-hand").touch()
    event = armed.wait_event("stop.fenced")
    assert armed.processes[Role.EXECUTOR].wait() == -signal.SIGKILL
    assert "by-hand" in event.message
    wait_until(lambda: bool(armed.rows("stop.fenced")), "the row that says so")
    assert b"SIGKILL" in armed.rows("stop.fenced")[0].body
    assert armed.rows("stop.acknowledged") == []
    for role in (Role.TRADER, Role.DEVNET, Role.WATCHDOG):
        assert armed.processes[role].poll() is None

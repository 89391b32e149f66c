"""A program of its own as the trader: plain Python, no Warden in it, run and ended with the leave (EX12)."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from tests.process.system import System
from tests.process.test_bot import QUIET_TOML, settled
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.operator.stopping import order_stop
from warden.wire.telemetry import TraderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)

BOT = REPOSITORY / "tests" / "strategies" / "plain_bot.py"


def toml(*arguments: str, silent_after_s: int = 60) -> str:
    """Return a configuration in which the bot is the trader."""
    command = ", ".join(f'"{each}"' for each in (sys.executable, str(BOT), *arguments))
    mine = f"command = [{command}]\nsilent_after_s = {silent_after_s}"
    return re.sub(r'use = "idle:Idle"\npath = "[^"]*"', mine, QUIET_TOML)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:  # noqa: PTH123 - no file of a disk
        return [int(each) for each in file.read().split()]


def alive(pid: int) -> bool:
    """Tell whether a process runs, one that nobody has waited for apart."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - as above
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def bot_of(system: System) -> int:
    """Return the bot's process."""
    found: list[int] = []

    def there() -> bool:
        system.listen()
        found[:] = children(system.processes[Role.TRADER].pid)
        return bool(found)

    wait_until(there, "a bot that runs", 90.0)
    return found[0]


def lost(system: System) -> list[str]:
    """Return what was told of the loss of the bot."""
    return [event.message for event in system.events if event.kind == "bot.lost"]


@pytest.fixture
def started() -> Iterator[System]:
    """A system whose trader is the bot."""
    with System(toml()) as system:
        yield system.start_all()


def test_it_trades_while_it_has_the_leave_and_a_stop_stops_it(started: System) -> None:
    """EX12, I3: it runs once the watchdog stands by it; its trades are booked; after a stop none leaves."""
    started.wait_trading(4)
    assert len(settled(started)) >= 4
    status = started.latest[TraderStatus]
    assert (status.strategy, status.state) == ("bot", "running")
    pid = bot_of(started)
    with open(f"/proc/{pid}/environ", encoding="utf-8") as file:  # noqa: PTH123 - no file of a disk
        names = {each.partition("=")[0] for each in file.read().split("\0") if each}
    assert {each for each in names if each.startswith("WARDEN")} == {"WARDEN_RPC_URL", "WARDEN_HEARTBEAT_URL"}
    result = order_stop(started.home, message="test", operator="tester", policy=CleanUp.HOLD)
    stopped_ns = started.now_ns()
    started.pass_time(3.0)
    late = {each.tx_hash for each in started.received_after(stopped_ns)}
    assert late <= set(result.in_flight)
    # In order: the program goes with its keeper.
    assert started.end(Role.TRADER) == 0
    wait_until(lambda: not alive(pid), "end of the bot")


@fault("bot-lost")
def test_one_that_is_killed_is_a_trader_that_was_lost(started: System) -> None:
    """EX12: its keeper ends with it, nothing of it is taken any more, and the mode falls."""
    started.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading")
    os.kill(bot_of(started), signal.SIGKILL)
    # Listening meanwhile: what was told and not taken in goes with whoever told it.
    started.wait(lambda each: each.processes[Role.TRADER].poll() is not None, "end of its keeper")
    assert started.processes[Role.TRADER].returncode != 0
    started.wait(lambda each: each.mode in {Mode.OBSERVE_ONLY, Mode.REDUCE_ONLY}, "lower mode")
    started.wait(lambda each: bool(lost(each)), "loss of the bot")
    assert "signal 9" in lost(started)[0]


@fault("bot-lost")
def test_a_keeper_that_is_killed_takes_its_bot_along(started: System) -> None:
    """EX12: kill -9 leaves no bot behind that would go on asking."""
    pid = bot_of(started)
    started.kill(Role.TRADER)
    wait_until(lambda: not alive(pid), "end of the bot")


@fault("bot-lost")
def test_one_that_hangs_is_lost() -> None:
    """HM1, EX12: it has traded, and then neither calls nor beats."""
    with System(toml("--hang", silent_after_s=5)) as system:
        system.start_all()
        pid = bot_of(system)
        system.wait(lambda each: bool(lost(each)), "loss of the bot", 120.0)
        assert settled(system)
        assert "neither called nor beaten" in lost(system)[0]
        wait_until(lambda: not alive(pid), "end of the bot")
        system.wait(lambda each: each.mode in {Mode.OBSERVE_ONLY, Mode.REDUCE_ONLY}, "lower mode")


@fault("bot-lost", "watchdog-killed")
def test_without_a_watchdog_it_is_ended() -> None:
    """EX12, I2: the leave runs out by itself, and with it the program; its keeper waits for another."""
    with System(toml()) as system:
        system.start_all()
        pid = bot_of(system)
        system.kill(Role.WATCHDOG)
        wait_until(lambda: not alive(pid), "end of the bot", 60.0)
        assert system.processes[Role.TRADER].poll() is None

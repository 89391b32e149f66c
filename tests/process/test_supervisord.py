"""supervisord under load: nothing is safe because of it, and nothing is lost with it (DESIGN §1)."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.cli_runs import gone, new_home, warden
from tests.process.system import BUSY_TOML
from tests.process.test_cli_stop import stop
from tests.process.test_up_down import ended, named, started
from warden.cli.running import SUPERVISORD, everything, running, send
from warden.devnet.received import LOG_NAME, Received, read_received
from warden.domain.roles import PROCESSES, Role
from warden.runtime.clock import SystemClock
from warden.runtime.journal import read
from warden.runtime.latch import Latch
from warden.runtime.places import places
from warden.wire.codec import from_json
from warden.wire.rows import EndedRow, ExecutorRow, Purpose, SignedRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

WATCH_S = 4.0
CRASH_LOOP_S = 1.5
CRASHES = 4
RESTARTS = 3


@contextmanager
def trading() -> Iterator[Path]:
    """Yield the home of an instance under supervisord that trades several times a second."""
    with new_home(BUSY_TOML) as home:
        started(home)
        wait_more_trades(home)
        yield home


def received(home: Path) -> list[Received]:
    """Return every transaction that reached an endpoint."""
    return read_received(places(home).role(Role.DEVNET) / LOG_NAME)


def wait_more_trades(home: Path) -> None:
    """Wait until some more transactions have reached the endpoints."""
    seen = {each.tx_hash for each in received(home)}
    wait_until(lambda: len({each.tx_hash for each in received(home)} - seen) >= 3, "more trades", 120)


def rows(home: Path) -> list[ExecutorRow]:
    """Return the executor's journal."""
    return [from_json(row.body, ExecutorRow) for row in read(places(home).journal(Role.EXECUTOR))]


@fault("supervisord-paused")
def test_i4_a_hung_supervisord_delays_no_stop() -> None:
    """I3, I4: with supervisord paused trading goes on, a stop is CONFIRMED and holds, `down` ends all."""
    with trading() as home:
        send(named(home, SUPERVISORD), signal.SIGSTOP)
        wait_more_trades(home)
        done, told = stop(home)
        acknowledged_ns = SystemClock().boot_ns()
        assert done.code == 0, done
        assert told["level"] == "CONFIRMED"
        time.sleep(WATCH_S)
        late = {each.tx_hash for each in received(home) if each.received_ns > acknowledged_ns}
        signed = [row for row in rows(home) if isinstance(row, SignedRow)]
        cleaned = {row.tx_hash for row in signed if row.purpose is Purpose.CANCEL}
        assert late <= set(told["in_flight"]) | cleaned
        status = msgspec.json.decode(warden("status", "--json", "--home", str(home)).out)
        assert [each["id"] for each in status["stops"]] == [told["stop_id"]]
        ended(home)
        assert [each.stop_id for each in Latch(home / "stop").read().stops] == [told["stop_id"]]


@fault("supervisord-killed")
def test_all_ends_with_a_killed_supervisord() -> None:
    """DESIGN §1: kill -9 of supervisord under load: nobody is orphaned, and each ends in order by itself."""
    with trading() as home:
        family = everything(home)
        send(named(home, SUPERVISORD), signal.SIGKILL)
        killed_ns = SystemClock().boot_ns()
        wait_until(lambda: gone(family), "end of every process", timeout_s=120)
        assert everything(home) == []
        signed = {row.tx_hash for row in rows(home) if isinstance(row, SignedRow)}
        assert {each.tx_hash for each in received(home) if each.received_ns > killed_ns} <= signed
        assert isinstance(rows(home)[-1], EndedRow)
        arrived = received(home)
        time.sleep(WATCH_S)
        assert received(home) == arrived
        assert warden("down", "--home", str(home)).code == 3


def orders(home: Path, *words: str) -> None:
    """Give an order as an operator until it is carried out: processes may still be starting."""
    named_by = ("--operator", "ann", "--reason", "the test goes on", "--home", str(home))
    wait_until(lambda: warden(*words, *named_by).code == 0, f"warden {words[0]}", timeout_s=120)


def shown(home: Path) -> tuple[str, str]:
    """Return the mode's word and why, as an operator sees them."""
    status = msgspec.json.decode(warden("status", "--json", "--home", str(home)).out)
    return status["mode"], status["why"]


@fault("supervisord-reloaded", "crash-loop")
def test_i7_what_supervisord_starts_again_resumes_nothing() -> None:
    """I7, HM4: SIGHUP ends and starts all under a stop; then the trader dies again and again."""
    with trading() as home:
        done, told = stop(home)
        assert told["level"] == "CONFIRMED", done
        before = {each.name: each.pid for each in everything(home)}
        send(named(home, SUPERVISORD), signal.SIGHUP)
        wait_until(lambda: all_new(home, before), "a new process for every program", timeout_s=120)
        reloaded_ns = SystemClock().boot_ns()
        time.sleep(WATCH_S)
        signed = {row.tx_hash: row for row in rows(home) if isinstance(row, SignedRow)}
        late = {each.tx_hash for each in received(home) if each.received_ns > reloaded_ns}
        assert {signed[tx_hash].purpose for tx_hash in late} <= {Purpose.CANCEL}
        assert [each.stop_id for each in Latch(home / "stop").read().stops] == [told["stop_id"]]
        order(home, "recover")
        wait_more_trades(home)
        deaths, let_in = of_trader(home, "process.lost"), of_trader(home, "trader.let-in")
        for _ in range(CRASHES):
            send(named(home, Role.TRADER), signal.SIGKILL)
            time.sleep(CRASH_LOOP_S)
        # Those that died before they ever beat are no deaths of a trader: it has had no leave.
        assert 0 < of_trader(home, "process.lost") - deaths <= CRASHES
        wait_until(lambda: settled(home), "a trader let in, or an end of its restarts", timeout_s=120)
        assert of_trader(home, "trader.let-in") - let_in <= RESTARTS
        order(home, "arm")
        wait_more_trades(home)


def order(home: Path, word: str) -> None:
    """Give an order as an operator until it is carried out: processes may still be starting."""
    named_by = ("--operator", "ann", "--reason", "the test goes on", "--home", str(home))
    wait_until(lambda: warden(word, *named_by).code == 0, f"warden {word}", timeout_s=120)


def of_trader(home: Path, kind: str) -> int:
    """Return how many rows of a kind the watchdog has written about the trader."""
    bodies = [row.body for row in read(places(home).journal(Role.WATCHDOG), kind=kind)]
    return sum(b'"trader' in body for body in bodies)


def settled(home: Path) -> bool:
    """Tell whether the trader trades again, or waits for an operator."""
    status = msgspec.json.decode(warden("status", "--json", "--home", str(home)).out)
    return status["mode"] == "TRADING" or "restarts of the trader this hour are used up" in status["why"]


def all_new(home: Path, before: dict[str, int]) -> bool:
    """Tell whether every program but supervisord itself has another process than before."""
    now = {each.name: each.pid for each in running(home) if each.name != SUPERVISORD}
    return now.keys() >= set(PROCESSES) and all(before[name] != pid for name, pid in now.items())

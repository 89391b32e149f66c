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
from warden.cli.running import SUPERVISORD, everything, send
from warden.devnet.received import LOG_NAME, Received, read_received
from warden.domain.roles import Role
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

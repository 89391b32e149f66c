"""Gate: from an intent on the bus to the first byte of its transaction at an endpoint, without the network.

The executor is a process of its own and the real one: bus, rules, signature, journal with its sync, permit,
stop directory, leg. Only what it reads from the chain (head, simulation) is answered inside it at once.
Trader, watchdog and endpoint are this process. Beside it, in the same run, on the same disk: one synced
commit of a row as large, and one signature of the same transaction: without these two nothing may leave.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import apsw
import msgspec
import zmq
from eth_utils.address import to_checksum_address

from tests.beats import beat_in
from tests.bench._figures import percentile, show, spread
from tests.bench._gate_executor import ETHER, GAS, GENESIS_TIME_S, GWEI
from tests.bench._machine import machine
from tests.instance import DEVNET_TOML, REPOSITORY, Instance
from tests.process.race import SESSION, intent, permit
from warden.domain.roles import Role
from warden.executor.beginnings import terms_of
from warden.executor.protocol.events import HeadRead
from warden.executor.protocol.terms import Now
from warden.executor.sends import drafts
from warden.executor.sends.drafts import Moment
from warden.executor.sends.keystore import create_keystore, unlock
from warden.executor.sends.signing import sign
from warden.runtime.clock import SystemClock
from warden.runtime.venue import Endpoint, Venue
from warden.wire.addresses import BEATS, INTENTS
from warden.wire.codec import decode, encode, to_json
from warden.wire.messages import Answer, ExecutorToTrader, Progress, Submit

if TYPE_CHECKING:
    from warden.domain.intents import Intent

TOML = (
    DEVNET_TOML
    + """
[chain]
block_time_s = 0.1
[limits]
min_trade_eth = 0
[watchdog]
permit_life_ms = 5000
[execution]
simulate = "never"
"""
)
WETH = "0x" + "cc" * 20
PATH = (WETH, "0x" + "01" * 20, "0x" + "02" * 20, WETH)
WARM_UP = 10
READY_S = 60.0
TRADE_S = 10.0
ANSWER = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"already known"}}'
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
PAGE_BYTES = 4_096


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench gate", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--trials", type=int, default=200, help="how many intents")
    options = parser.parse_args()
    with Bench() as bench:
        figures = bench.measure(options.trials)
    show(figures, only_json=options.json)
    return 0


class Bench(Instance):
    """An executor, its one endpoint, its watchdog and its trader."""

    def __init__(self) -> None:
        super().__init__(TOML)
        create_keystore(self.places.keys / "wallet.json", self.places.keys / "wallet.password")
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self._venue = Venue(
            chain_id=self.settings.chain.id,
            genesis="0x" + "00" * 32,
            router=to_checksum_address("0x" + "bb" * 20),
            factory="0x" + "ff" * 20,
            weth=WETH,
            tokens=(),
            endpoints=(Endpoint("sink", f"http://127.0.0.1:{port}"),),
        )
        self.places.devnet_manifest.write_bytes(msgspec.json.encode(self._venue))
        self._watchdog, self._trader = self.bus(Role.WATCHDOG), self.bus(Role.TRADER)
        self._beats = self._watchdog.serve(BEATS)
        self._intents = self._trader.connect(INTENTS)
        self._permits = 0
        self._refused = ""
        self._connection: socket.socket | None = None
        self._limit = Limit(self)

    def __enter__(self) -> Self:
        try:
            self.processes[Role.EXECUTOR] = subprocess.Popen(
                [sys.executable, "-m", "tests.bench._gate_executor", "--home", str(self.home)], cwd=REPOSITORY
            )
            self._listener.settimeout(READY_S)
            self._connection, _ = self._listener.accept()
            self._connection.settimeout(TRADE_S)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End everything."""
        self._limit.close()
        if self._connection is not None:
            self._connection.close()
        self._listener.close()
        self._watchdog.close()
        self._trader.close()
        super().close()

    def measure(self, trials: int) -> dict[str, Any]:
        """Send so many intents one after another, and take the limit's parts between them."""
        times_us: list[float] = []
        commits_us: list[float] = []
        syncs_us: list[float] = []
        signatures_us: list[float] = []
        for number in range(WARM_UP + trials):
            order = intent(PATH, SESSION)
            took_us = self._first_byte_us(order)
            parts = self._limit.signature_us(order), self._limit.commit_us(), self._limit.fdatasync_us()
            if number >= WARM_UP:
                times_us.append(took_us)
                for values, value in zip((signatures_us, commits_us, syncs_us), parts, strict=True):
                    values.append(value)
        limits_us = [one + other for one, other in zip(commits_us, signatures_us, strict=True)]
        bare_us = [one + other for one, other in zip(syncs_us, signatures_us, strict=True)]
        p50_us, limit_us, bare = (percentile(each, 0.5) or 0.0 for each in (times_us, limits_us, bare_us))
        return {
            "trials": trials,
            **spread(times_us, "", "us"),
            **spread(limits_us, "limit_", "us"),
            "ratio": round(p50_us / limit_us, 2),
            "ratio_target": 2.0,
            "commit_p50_us": percentile(commits_us, 0.5),
            "signature_p50_us": percentile(signatures_us, 0.5),
            "fdatasync_p50_us": percentile(syncs_us, 0.5),
            "ratio_to_fdatasync_and_signature": round(p50_us / bare, 2),
            "real": "executor, bus, rules, signature, journal, gate, leg; chain reads are premade",
            "machine": machine(),
        }

    def _first_byte_us(self, order: Intent) -> float:
        """Submit once the gate is open and nothing is under way; return microseconds to the first byte."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            self._grant()
            began_ns = time.monotonic_ns()
            if not self._intents.send(encode(Submit(order))):
                time.sleep(0.01)
                continue
            if self._is_taken():
                arrived_ns = time.monotonic_ns()
                self._answer()
                self._await_settlement(order)
                return (arrived_ns - began_ns) / 1_000
            order = msgspec.structs.replace(order, intent_id=os.urandom(16).hex())
        raise SystemExit(f"the executor took no intent: {self._refused or 'no answer'}")

    def _is_taken(self) -> bool:
        """Wait for the transaction's first byte (True) or for a refusal (False)."""
        connection = self._open()
        poller = zmq.Poller()
        poller.register(connection, zmq.POLLIN)
        poller.register(self._intents.socket, zmq.POLLIN)
        end = time.monotonic() + TRADE_S
        while time.monotonic() < end:
            ready = dict(poller.poll(100))
            if connection.fileno() in ready:
                return True
            while (data := self._intents.receive()) is not None:
                message: Answer | Progress = decode(data, ExecutorToTrader)
                if isinstance(message, Answer) and message.decision.rule:
                    self._refused = message.decision.rule
                    time.sleep(0.01)
                    return False
        raise SystemExit("neither a byte nor a refusal came")

    def _answer(self) -> None:
        """Take the whole request and say that these bytes are known, which counts as accepted."""
        connection, data = self._open(), b""
        while not data.endswith(b"]}"):
            part = connection.recv(65_536)
            if not part:
                raise SystemExit("the executor hung up")
            data += part
        connection.sendall(HTTP_ANSWER)

    def _await_settlement(self, order: Intent) -> None:
        end = time.monotonic() + TRADE_S
        while time.monotonic() < end:
            self._grant()
            self._intents.socket.poll(20)
            while (data := self._intents.receive()) is not None:
                message: Answer | Progress = decode(data, ExecutorToTrader)
                if isinstance(message, Progress) and message.update.intent_id == order.intent_id:
                    return
        raise SystemExit("a trade was not settled")

    def _grant(self) -> None:
        while (incoming := self._beats.receive()) is not None:
            beat = beat_in(incoming.data)
            if beat is None:
                continue
            self._permits += 1
            self._beats.send(incoming.identity, encode(permit(beat.session, self._permits)))

    def _open(self) -> socket.socket:
        if self._connection is None:
            raise SystemExit("the executor is not connected")
        return self._connection


class Limit:
    """What no such system can do without: a synced commit and a signature, as bare as they come."""

    def __init__(self, bench: Bench) -> None:
        self._account = unlock(bench.settings, bench.places)
        self._terms = terms_of(bench.settings, bench._venue, str(self._account.address))
        self._row = b""
        self._database = apsw.Connection(str(bench.home / "limit.db"))
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE journal (row INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._file = os.open(bench.home / "limit.raw", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._offset = 0

    def close(self) -> None:
        """Close the files."""
        self._database.close()
        os.close(self._file)

    def signature_us(self, order: Intent) -> float:
        """Sign the same intent's transaction; keep the row that would be recorded."""
        head = HeadRead(1, "0x", GENESIS_TIME_S, GWEI, GWEI, 0, ETHER, ETHER, ETHER, {})
        at = Moment(head, self._terms, Now(SystemClock().boot_ns(), "2026-01-01T00:00:00.000Z", 0))
        draft = drafts.swap(order, GAS, 0, at)
        began_ns = time.monotonic_ns()
        signed = sign(self._account, draft, self._terms.chain_id)
        took_ns = time.monotonic_ns() - began_ns
        self._row = to_json(signed.row)
        return took_ns / 1_000

    def commit_us(self) -> float:
        """Commit that row in SQLite, synced as the journal is."""
        began_ns = time.monotonic_ns()
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("INSERT INTO journal (body) VALUES (?)", (self._row,))
        self._database.execute("COMMIT")
        return (time.monotonic_ns() - began_ns) / 1_000

    def fdatasync_us(self) -> float:
        """Append a page to a file and sync it."""
        page = self._row.ljust(PAGE_BYTES, b"\0")
        began_ns = time.monotonic_ns()
        os.pwrite(self._file, page, self._offset)
        os.fdatasync(self._file)
        took_ns = time.monotonic_ns() - began_ns
        self._offset += len(page)
        return took_ns / 1_000


if __name__ == "__main__":
    sys.exit(main())

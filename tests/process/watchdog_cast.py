"""Peers of the watchdog that speak the real bus with real keys, in a process of their own.

`python -m tests.process.watchdog_cast HOME warden.trader [warden.gateway ...]` beats as each of these roles.
What the watchdog grants is written to `HOME/heard-<role>.jsonl`; `HOME/say-<role>.json` changes what a role
says in its beats. SIGTERM ends it in order, unless `HOME/deaf-warden.<its first role>` exists.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from warden.domain import checks
from warden.domain.health import Health
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.domain.stops import decode_stop
from warden.runtime.bus import Bus, Client, Server
from warden.runtime.clock import SystemClock, read_boot_id
from warden.runtime.places import Places, places
from warden.runtime.process import die_with_parent
from warden.wire.addresses import BEATS, CAPITAL, ORDERS, STOP
from warden.wire.capital import WalletRead
from warden.wire.checks import CheckReport, RunChecks
from warden.wire.codec import decode, encode, to_json
from warden.wire.messages import Beat, OperatorReply, ProcessState, StopSeen, WatchdogToProcess
from warden.wire.orders import OrderRequest

BEAT_S = 0.1


class Peer:
    """One role's part."""

    def __init__(self, role: Role, where: Places) -> None:
        self.role = role
        self._home = where.home
        self._bus = Bus(role, where)
        self._beats = self._bus.connect(BEATS)
        self._stop: Server | None = self._bus.serve(STOP) if role is Role.EXECUTOR else None
        self._orders: Server | None = self._bus.serve(ORDERS) if role is Role.EXECUTOR else None
        self._capital = self._bus.connect(CAPITAL) if role is Role.GATEWAY else None
        self._session = secrets.token_hex(8)
        self._seq = 0
        self._number = 0
        self._heard = (where.home / f"heard-{role.value}.jsonl").open("ab", buffering=0)

    def turn(self, **changes: object) -> None:
        """Beat once, and take what has come."""
        self._seq += 1
        said: dict[str, Any] = {}
        words = self._home / f"say-{self.role.value}.json"
        if words.exists():
            said = msgspec.json.decode(words.read_bytes())
        values: dict[str, Any] = {
            "role": self.role.value,
            "pid": os.getpid(),
            "session": self._session,
            "boot_id": read_boot_id(),
            "seq": self._seq,
            "sent_ns": SystemClock().boot_ns(),
            "state": ProcessState.READY.value,
        }
        if self.role in {Role.EXECUTOR, Role.GATEWAY}:
            self._answer_checks()
        self._beats.send(encode(msgspec.convert(values | said | changes, Beat)))
        while (data := self._beats.receive()) is not None:
            heard: Any = decode(data, WatchdogToProcess)
            self._number = heard.number if isinstance(heard, RunChecks) else self._number
            self._heard.write(to_json(heard) + b"\n")
        if self._capital is not None:
            self._tell_wallet(self._capital)
        while self._stop is not None and (incoming := self._stop.receive()) is not None:
            stop = decode_stop("?", incoming.data)
            self._heard.write(b'{"type":"stop"}\n')
            stop_id = msgspec.json.decode(incoming.data)["stop_id"]
            seen = StopSeen(stop_id=stop_id, executor_session=self._session, cleanup=stop.policy)
            self._stop.send(incoming.identity, to_json(seen))
        while self._orders is not None and (incoming := self._orders.receive()) is not None:
            order: OrderRequest = decode(incoming.data, OrderRequest)
            self._heard.write(to_json(order) + b"\n")
            self._orders.send(incoming.identity, encode(OperatorReply(0, "done")))

    def _answer_checks(self) -> None:
        """Say that all checks pass; `HOME/checks-<role>.json` names those that fail, and what was found."""
        failing: dict[str, str] = {}
        words = self._home / f"checks-{self.role.value}.json"
        if words.exists():
            failing = msgspec.json.decode(words.read_bytes())
        lines = tuple(
            checks.answer(
                name,
                Health.UNHEALTHY if name in failing else Health.HEALTHY,
                failing.get(name, "as it should be"),
            )
            for name in checks.of(self.role)
        )
        self._beats.send(encode(CheckReport(session=self._session, lines=lines, number=self._number)))

    def _tell_wallet(self, capital: Client) -> None:
        """Say that two endpoints agree on a wallet; `HOME/wallet.json` says what it holds instead."""
        values: dict[str, Any] = {"native_wei": str(100 * 10**18), "block": self._seq}
        words = self._home / "wallet.json"
        if words.exists():
            values |= msgspec.json.decode(words.read_bytes())
        report = WalletRead(
            wallet="0x" + "aa" * 20,
            block=values["block"],
            block_hash="0x" + "00" * 32,
            timestamp_s=int(time.time()),
            native_wei=Wei(values["native_wei"]),
            wrapped_wei=Wei(0),
            nonce=0,
            tokens=(),
            endpoints=("a", "b"),
            outvoted=(),
            read_ns=SystemClock().boot_ns(),
        )
        capital.send(encode(report))
        while capital.receive() is not None:
            pass

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()


def main() -> int:
    """Play the parts that the command line names until SIGTERM."""
    die_with_parent(signal.SIGKILL)
    where = places(Path(sys.argv[1]))
    ending: list[int] = []
    if (where.home / f"deaf-{sys.argv[2]}").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
    peers = [Peer(Role(name.removeprefix("warden.")), where) for name in sys.argv[2:]]
    while not ending:
        for peer in peers:
            peer.turn()
        time.sleep(BEAT_S)
    for peer in peers:
        peer.turn(state="stopping")
    time.sleep(BEAT_S)
    for peer in peers:
        peer.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

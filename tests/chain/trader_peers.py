"""What stands around a trader in tests: a home that knows the devnet, a watchdog, an executor.

Watchdog and executor are the test's own, driven by its own thread; bus and keys are the real ones.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import msgspec

from tests.chain.devnet import call
from tests.chain.uniswap import NO_DEADLINE, balance, encoded
from tests.instance import DEVNET_TOML, Instance, wait_until
from warden.domain.intents import Decision, Outcome, TradeState, TradeUpdate
from warden.domain.roles import Role
from warden.wire.addresses import BEATS, INTENTS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, Beat, Listen, Progress, TraderLeave, TraderToExecutor
from warden.wire.telemetry import Event, TraderStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chain.devnet import DevnetProcess
    from warden.domain.intents import Intent
    from warden.runtime.bus import Bus, Server

WALLET = "0x00000000000000000000000000000000000A11cE"
SESSION = "5e" * 16
FAKE_HASH = "0x" + "7a" * 32

_TOML = """
[chain]
block_time_s = 0.25
"""


def trader_home(devnet: DevnetProcess, toml: str, *, timeout_ms: int = 500) -> Instance:
    """Make a home whose processes find the devnet, and whose wallet is `WALLET`."""
    gateway = DEVNET_TOML.replace("[gateway]\n", f"[gateway]\ntimeout_ms = {timeout_ms}\n")
    instance = Instance(gateway + _TOML + toml)
    devnet_manifest = devnet.directory / "devnet.json"
    instance.places.devnet_manifest.write_bytes(devnet_manifest.read_bytes())
    (instance.places.keys / "wallet.json").write_bytes(msgspec.json.encode({"address": WALLET}))
    return instance


def strategy_file(directory: Path, name: str, body: str) -> None:
    """Write a strategy's file: the imports that every one needs, then `body`."""
    imports = "from warden.strategies import Decision, Market, Proposal, Strategy, swap\n"
    (directory / f"{name}.py").write_text(imports + body, encoding="utf-8")


class Peers:
    """A watchdog and an executor of the test's own, and an ear on the trader's telemetry.

    `leave_for` says whom the watchdog gives leave on each beat: "sender", another session, or nobody ("").
    `decide` makes the executor's decision; None answers nothing.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.leave_for = ""
        self.decide: Callable[[Intent], Decision | None] = refuse
        self.beats: list[Beat] = []
        self.last_beat_s = time.monotonic()
        self.intents: list[Intent] = []
        self.listening: list[Listen] = []
        self.events: list[Event] = []
        self.statuses: list[TraderStatus] = []
        self._watchdog = instance.bus(Role.WATCHDOG)
        self._beats = self._watchdog.serve(BEATS)
        self._operator = instance.bus(Role.OPERATOR)
        self._ear = self._operator.subscribe([Role.TRADER])
        self._executor: Bus | None = None
        self._gate: Server | None = None

    def __enter__(self) -> Self:
        self.start_executor()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_executor()
        self._watchdog.close()
        self._operator.close()

    def start_executor(self) -> None:
        """Serve intents."""
        self._executor = self.instance.bus(Role.EXECUTOR)
        self._gate = self._executor.serve(INTENTS)

    def stop_executor(self) -> None:
        """Go away, socket and all."""
        if self._executor is not None:
            self._executor.close()
        self._executor = self._gate = None

    def pump(self) -> None:
        """Take in and answer whatever has come."""
        while (incoming := self._beats.receive()) is not None:
            if incoming.role is not Role.TRADER:
                continue  # the gateway beats too
            beat: Beat = decode(incoming.data, Beat)
            self.beats.append(beat)
            self.last_beat_s = time.monotonic()
            if self.leave_for:
                process = beat.session if self.leave_for == "sender" else self.leave_for
                leave = TraderLeave(trader_process=process, trader_session=SESSION, mode=1, size_percent=100)
                self._beats.send(incoming.identity, encode(leave))
        if self._gate is not None:
            self._serve(self._gate)
        for _, message in self._ear.drain():
            if isinstance(message, Event):
                self.events.append(message)
            elif isinstance(message, TraderStatus):
                self.statuses.append(message)

    def _serve(self, gate: Server) -> None:
        """Answer what the trader says to the executor."""
        while (incoming := gate.receive()) is not None:
            told: TraderToExecutor = decode(incoming.data, TraderToExecutor)
            if isinstance(told, Listen):
                self.listening.append(told)
                continue
            intent = told.intent
            self.intents.append(intent)
            decision = self.decide(intent)
            if decision is not None:
                gate.send(incoming.identity, encode(Answer(decision)))
                if decision.outcome is Outcome.APPROVED:
                    update = TradeUpdate(intent.intent_id, TradeState.MINED, tx_hash=FAKE_HASH)
                    gate.send(incoming.identity, encode(Progress(update)))

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Pump until `condition` holds."""

        def pumped() -> bool:
            self.pump()
            return condition()

        wait_until(pumped, what)

    def until_blocks(self, count: int) -> None:
        """Pump until the trader has handled `count` more blocks than now."""
        self.until(lambda: bool(self.beats), "beat")
        start = self.beats[-1].progress
        self.until(lambda: self.beats[-1].progress >= start + count, f"{count} more blocks handled")

    def kinds(self) -> set[str]:
        """Name the kinds of events that have come."""
        return {event.kind for event in self.events}


def refuse(intent: Intent) -> Decision:
    """Refuse as a limit would."""
    return Decision(
        intent_id=intent.intent_id, outcome=Outcome.REFUSED, rule="limits.max_trade_eth", limit="10"
    )


def approve(intent: Intent) -> Decision:
    """Approve."""
    return Decision(intent_id=intent.intent_id, outcome=Outcome.APPROVED)


def push(devnet: DevnetProcess, sold: str, bought: str, share_percent: int) -> None:
    """Move a price: a noise account sells a share of the pool's own reserve."""
    manifest = devnet.manifest
    pair = next(each for each in manifest.pairs if {each.token0, each.token1} == {sold, bought})
    amount = balance(manifest.node_url, sold, pair.address) * share_percent // 100
    account = manifest.noise_accounts[0]
    data = encoded(
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        *(amount, 0, [sold, bought], account, NO_DEADLINE),
    )
    transaction = {"from": account, "to": manifest.router, "data": data, "gas": hex(400_000)}
    tx_hash = call(manifest.node_url, "eth_sendTransaction", transaction)
    assert devnet.wait_mined(tx_hash)["status"] == "0x1"

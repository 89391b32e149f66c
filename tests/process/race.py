"""The race of a stop against a stream of intents: real executor, gateway, devnet, bus, latch and stop order.

Watchdog and trader are voices of the test's own on the real bus: the watchdog's never lets its permit lapse,
so that the stop alone closes the gate and a trial need not wait out a permit's life; the trader's proposes as
fast as it is answered. What arrived is judged by the devnet's own record.
"""

from __future__ import annotations

import itertools
import json
import random
import secrets
import signal
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import msgspec
import zmq

from tests.beats import beat_in
from tests.chain.uniswap import NO_DEADLINE, balance, encoded
from tests.instance import DEVNET_TOML, Instance, wait_until
from warden.devnet.manifest import Manifest, read_manifest
from warden.devnet.received import LOG_NAME, AnsweredLine, ReceivedLine
from warden.domain.intents import Intent, Outcome, Proposal, Swap
from warden.domain.modes import Mode
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.executor.sends.keystore import create_keystore
from warden.operator.stopping import StopResult, order_stop
from warden.runtime.clock import NS_PER_MS, NS_PER_S, SystemClock, read_boot_id
from warden.runtime.rpc import JsonRpc
from warden.wire.addresses import BEATS, INTENTS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, ExecutorToTrader, Head, Permit, Progress, Submit

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.bus import Client, Server

# As fast as the chain goes; trades so small that one displaced price feeds thousands of them.
RACE_TOML = (
    DEVNET_TOML
    + """
[chain]
block_time_s = 0.1
[limits]
min_trade_eth = 0
max_fees_per_day_eth = "none"
[breaker]
enabled = false
[emergency]
enabled = false
[drawdown]
consecutive_losses = "none"
[assessment]
enabled = false
[watchdog]
beat_interval_ms = 100
permit_life_ms = 5000
[devnet]
noise = false
"""
)
AMOUNT_WEI = 10**13
SHARE_SOLD_PERCENT = 10
SESSION = "5e" * 16
PERMIT_LIFE_NS = 5 * NS_PER_S
TURN_MS = 1
OUTSTANDING_MAX = 8
FLOOD_EVERY_NS = 2_000_000
# From the end of one trade to the next one's last byte some 15 ms pass (more on a busy machine), and a stop
# is heard some 5 ms after its order: most stops are to fall in there.
PHASE_MS_MAX = 15.0
PHASE_AFAR_MS_MAX = 60.0
AFAR_SHARE = 0.2
WINDOW_S = 0.03
READY_S = 120.0


class Voices(threading.Thread):
    """Watchdog and trader in one thread: permits as often as the executor beats, intents without end."""

    def __init__(self, instance: Instance, path: tuple[str, ...]) -> None:
        super().__init__(name="voices", daemon=True)
        self._instance = instance
        self._path = path
        self._ending = False
        self._number = 0
        self._waiting: dict[str, int] = {}
        self._due_ns = 0
        self._permits = 0
        self.granting = True
        self.answers: deque[str] = deque(maxlen=1_000)
        self.approved = 0
        # Counts each trade that came to an end, whatever end: the next intent will be taken.
        self.ended = threading.Semaphore(0)
        # The pure round trip: asked for by `race.round_trip_ms`, measured here, where the socket is.
        self._probe: tuple[str, int] | None = None
        self.probing = False
        self.probed_ms: deque[float] = deque(maxlen=1)

    def run(self) -> None:
        """Speak until closed."""
        with self._instance.bus(Role.WATCHDOG) as dog, self._instance.bus(Role.TRADER) as trader:
            beats, intents = dog.serve(BEATS), trader.connect(INTENTS)
            poller = zmq.Poller()
            poller.register(beats.socket, zmq.POLLIN)
            poller.register(intents.socket, zmq.POLLIN)
            while not self._ending:
                poller.poll(TURN_MS)
                self._grant(beats)
                self._listen(intents)
                self._flood(intents)

    def close(self) -> None:
        """Fall silent."""
        self._ending = True
        self.join()

    def _grant(self, beats: Server) -> None:
        while (incoming := beats.receive()) is not None:
            if incoming.role is not Role.EXECUTOR or not self.granting:
                continue
            beat = beat_in(incoming.data)
            if beat is None:
                continue
            self._permits += 1
            beats.send(incoming.identity, encode(permit(beat.session, self._permits)))

    def _listen(self, intents: Client) -> None:
        while (data := intents.receive()) is not None:
            message: Answer | Progress = decode(data, ExecutorToTrader)
            if isinstance(message, Answer):
                if self._probe is not None and message.decision.intent_id == self._probe[0]:
                    self.probed_ms.append((SystemClock().boot_ns() - self._probe[1]) / NS_PER_MS)
                    self._probe, self.probing = None, False
                    continue
                self._waiting.pop(message.decision.intent_id, None)
                self.answers.append(message.decision.rule)
                self.approved += message.decision.outcome is Outcome.APPROVED
            else:
                self.ended.release()

    def _flood(self, intents: Client) -> None:
        now_ns = SystemClock().boot_ns()
        if self.probing:
            # An intent of no session is answered at once; nothing else is asked meanwhile.
            if self._probe is None and not self._waiting:
                order = intent(self._path, "")
                self._probe = (order.intent_id, SystemClock().boot_ns())
                intents.send(encode(Submit(order)))
            return
        # An executor that was killed never answers what it was asked.
        for intent_id in [key for key, at in self._waiting.items() if now_ns - at > NS_PER_S]:
            del self._waiting[intent_id]
        if now_ns < self._due_ns or len(self._waiting) >= OUTSTANDING_MAX:
            return
        self._due_ns = now_ns + FLOOD_EVERY_NS
        order = intent(self._path, SESSION)
        if intents.send(encode(Submit(order))):
            self._waiting[order.intent_id] = now_ns


def permit(executor_session: str, seq: int) -> Permit:
    """Return leave to do everything for five seconds."""
    now_ns = SystemClock().boot_ns()
    return Permit(
        boot_id=read_boot_id(),
        executor_session=executor_session,
        watchdog_session="voice",
        seq=seq,
        mode=Mode.AGGRESSIVE,
        trader_sessions=(SESSION,),
        issued_ns=now_ns,
        expires_ns=now_ns + PERMIT_LIFE_NS,
        exits_until_ns=now_ns + PERMIT_LIFE_NS,
        size_percent=100,
        head=Head(journal=Role.WATCHDOG.value, rows=0, hash=""),
    )


def intent(path: tuple[str, ...], trader_session: str) -> Intent:
    """Return an intent that a chain with displaced prices lets through; it expires in a minute."""
    swap = Swap(path=path, amount_in=Wei(AMOUNT_WEI), min_amount_out=Wei(AMOUNT_WEI + 1))
    return Intent(
        intent_id=secrets.token_hex(16),
        trace_id=secrets.token_hex(16),
        trader_session=trader_session,
        strategy="race",
        block=1,
        not_after_s=2**40,
        not_after_boot_ns=SystemClock().boot_ns() + 60 * NS_PER_S,
        proposal=Proposal(swap=swap),
    )


class Tail:
    """What reached the endpoints, read on from where the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[ReceivedLine]:
        """Return the transactions that arrived since the last look, oldest first."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        lines = [
            msgspec.json.decode(line, type=ReceivedLine | AnsweredLine) for line in whole.split(b"\n") if line
        ]
        return [line for line in lines if isinstance(line, ReceivedLine)]


class Trial(msgspec.Struct, frozen=True):
    """One stop and what arrived after its acknowledgement.

    Attributes:
        late: hashes that arrived after it and are not in its list: there must be none.
        listed_after: hashes of its list that arrived after it, in time order, with the delay in ms.
    """

    number: int
    result: StopResult
    late: tuple[str, ...]
    listed_after: tuple[tuple[str, float], ...]


class Race(Instance):
    """Executor, gateway and devnet run; the voices speak; `trial` races a stop against them."""

    def __init__(self, seed: int) -> None:
        super().__init__(RACE_TOML)
        create_keystore(self.places.keys / "wallet.json", self.places.keys / "wallet.password")
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self.voices: Voices | None = None
        self._tail = Tail(self.places.role(Role.DEVNET) / LOG_NAME)
        self._endpoints: list[JsonRpc] = []
        self.arrived = 0

    def __enter__(self) -> Self:
        try:
            return self._begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End voices, processes and connections."""
        if self.voices is not None:
            self.voices.close()
        for endpoint in self._endpoints:
            endpoint.close()
        super().close()

    def _begin(self) -> Self:
        for role in (Role.DEVNET, Role.GATEWAY, Role.EXECUTOR):
            self.start(role)
        directory = self.places.role(Role.DEVNET)
        wait_until(lambda: read_manifest(directory) is not None, "devnet", READY_S)
        manifest = read_manifest(directory)
        assert manifest is not None
        self._endpoints = [JsonRpc(each.url, timeout_s=30.0) for each in manifest.endpoints]
        voices = self.voices = Voices(self, displace(manifest))
        voices.start()
        wait_until(lambda: not voices.is_alive() or voices.approved >= 2, "second trade", READY_S)
        self._speaking()
        return self

    def trial(self) -> Trial:
        """Let a stop meet the stream at a seeded moment, watch, lift the stop again.

        The stop is lifted as a recovery ends: by moving its file, here without waiting out the permit's life,
        which this watchdog's voice never lets end anyway.
        """
        self._await_phase()
        trial = self._stop_and_watch()
        self._lift(trial.result.stop_id)
        return trial

    def fenced_trial(self) -> Trial:
        """Race as `trial` does, with an executor that hangs from a seeded moment on; then start another."""
        self._await_phase()
        self.signal(Role.EXECUTOR, signal.SIGSTOP)
        trial = self._stop_and_watch()
        self._lift(trial.result.stop_id)
        return trial

    def round_trip_ms(self) -> float:
        """Return how long a question to the executor and its answer take, with nothing else to be done."""
        voices = self._speaking()
        voices.probed_ms.clear()
        voices.probing = True
        wait_until(lambda: bool(voices.probed_ms), "answer to a question", READY_S)
        return voices.probed_ms[0]

    def _stop_and_watch(self) -> Trial:
        result = order_stop(self.home, message="race", operator="tester")
        return self._watch(result, SystemClock().boot_ns())

    def _watch(self, result: StopResult, acknowledged_ns: int) -> Trial:
        """Go on proposing for a while, and judge what has arrived since the acknowledgement."""
        time.sleep(WINDOW_S)
        for endpoint in self._endpoints:
            # One request through each endpoint's loop: what came in before it is in the record now.
            endpoint.call("eth_chainId")
        arrived = self._tail.new()
        self.arrived += len(arrived)
        after = [line for line in arrived if line.received_ns > acknowledged_ns]
        listed = set(result.in_flight)
        return Trial(
            number=next(self._numbers),
            result=result,
            late=tuple(line.tx_hash for line in after if line.tx_hash not in listed),
            listed_after=tuple(
                (line.tx_hash, (line.received_ns - acknowledged_ns) / 1e6)
                for line in after
                if line.tx_hash in listed
            ),
        )

    def _lift(self, stop_id: str) -> None:
        """Clear a stop as the last step of a recovery does, and wait until the stream flows again.

        An executor that was fenced is started anew, as supervisord would.
        """
        voices = self._speaking()
        if self.processes[Role.EXECUTOR].poll() is not None:
            self.start(Role.EXECUTOR)
        self.latch.clear(stop_id)
        voices.answers.clear()
        wait_until(
            lambda: any(rule != "stop" for rule in list(voices.answers)),
            "answer after the stop was lifted",
            READY_S,
        )

    def _await_phase(self) -> None:
        """Wait until a trade has just ended, so that the next one is on its way, and then a seeded while."""
        voices = self._speaking()
        while voices.ended.acquire(blocking=False):
            pass
        if not voices.ended.acquire(timeout=READY_S):
            raise AssertionError(
                f"no trade ended within {READY_S} s; last answers: {list(voices.answers)[-5:]}"
            )
        afar = self._random.random() < AFAR_SHARE
        time.sleep(self._random.uniform(0.0, PHASE_AFAR_MS_MAX if afar else PHASE_MS_MAX) / 1_000)

    def _speaking(self) -> Voices:
        assert self.voices is not None, "use it as a context"
        assert self.voices.is_alive(), "the voices have fallen silent"
        return self.voices


def displace(manifest: Manifest) -> tuple[str, ...]:
    """Sell into one pool, at the chain itself: a cycle then pays for thousands of tiny trades; return it."""
    pair = next(each for each in manifest.pairs if manifest.weth in {each.token0, each.token1})
    token = pair.token0 if pair.token1 == manifest.weth else pair.token1
    amount = balance(manifest.node_url, token, pair.address) * SHARE_SOLD_PERCENT // 100
    account = manifest.noise_accounts[0]
    data = encoded(
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        *(amount, 0, [token, manifest.weth], account, NO_DEADLINE),
    )
    node = JsonRpc(manifest.node_url, timeout_s=30.0)
    try:
        sent = {"from": account, "to": manifest.router, "data": data, "gas": hex(400_000)}
        tx_hash = node.call("eth_sendTransaction", sent)
        receipts: list[dict[str, Any]] = []

        def mined() -> bool:
            receipt = node.call("eth_getTransactionReceipt", tx_hash)
            receipts.extend([receipt] if receipt is not None else [])
            return bool(receipts)

        wait_until(mined, "displaced price")
        assert receipts[0]["status"] == "0x1", json.dumps(receipts[0])
        return _paying_cycle(node, manifest)
    finally:
        node.close()


def _paying_cycle(node: JsonRpc, manifest: Manifest) -> tuple[str, ...]:
    tokens = [token.address for token in manifest.tokens if token.address != manifest.weth]
    for one, other in itertools.permutations(tokens, 2):
        path = (manifest.weth, one, other, manifest.weth)
        data = encoded("getAmountsOut(uint256,address[])", AMOUNT_WEI, list(path))
        raw = node.call("eth_call", {"to": manifest.router, "data": data}, "latest")
        if int(raw[-64:], 16) > AMOUNT_WEI:
            return path
    raise AssertionError("no cycle pays after the price was displaced")

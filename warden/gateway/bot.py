"""`eth_sendTransaction` and `eth_accounts`: what a bot asks for goes to the executor as an intent (EX12).

The gateway decides nothing and holds no key. Each call waits for its own answer, bounded in number and time;
the loop and every other client go on.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import Outcome
from warden.gateway.jsonrpc import Code, error_of
from warden.gateway.reads import Reply
from warden.gateway.transactions import NotSendable, read
from warden.runtime.clock import NS_PER_S
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Answer, BotSend, ExecutorToTrader

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.intents import Call, Decision
    from warden.gateway.jsonrpc import Call as RpcCall
    from warden.runtime.bus import Client
    from warden.runtime.clock import Clock

WAITING_MAX: Final = 32
_LOOK_S: Final = 0.005
_AGAIN_S: Final = 0.25
# Refusals that end by themselves within a few blocks: Warden sets an allowance, or looks at a token or price.
_PASSING: Final = frozenset({"allowance", "allowance.unread", "price.unproven"})


class BotDoor:
    """Hands calls to the executor and waits for what it says.

    Args:
        client: to the executor's channel for intents.
        clock: for the last moment that somebody waits.
        wallet: says whose account it is, lower case; empty while that is not known.
        wait_s: how long a call waits at most.
    """

    def __init__(self, client: Client, clock: Clock, wallet: Callable[[], str], wait_s: float) -> None:
        self._client = client
        self._clock = clock
        self._wallet = wallet
        self._wait_s = wait_s
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._asking = 0
        self._pump: asyncio.Task[None] | None = None
        self.chain_id = 0

    def accounts(self) -> Reply:
        """Return the one account that a client may send from."""
        wallet = self._wallet()
        return Reply(msgspec.json.encode([wallet] if wallet else []))

    async def send(self, asked: RpcCall) -> Reply:
        """Return the transaction's hash once it is durable and leaves, or why it does not."""
        try:
            call = read(bytes(asked.params), self._wallet(), self.chain_id)
        except NotSendable as error:
            return Reply(error_of(Code.INVALID_PARAMS, f"eth_sendTransaction: {error}"), error=True)
        if self._asking >= WAITING_MAX:
            text = f"{WAITING_MAX} transactions wait for a decision: ask again in a moment"
            return Reply(error_of(Code.FULL, text), error=True)
        self._asking += 1
        try:
            return await self._decided(call)
        finally:
            self._asking -= 1

    async def _decided(self, call: Call) -> Reply:
        """Ask until there is a decision that stays: nothing of an intent that was refused is ever sent."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self._wait_s
        while True:
            intent_id = secrets.token_hex(16)
            answer = await self._asked(intent_id, call, end_s - loop.time())
            if isinstance(answer, Reply):
                return answer
            decision = answer.decision
            if decision.outcome is not Outcome.REFUSED and answer.tx_hash:
                return Reply(msgspec.json.encode(answer.tx_hash))
            if decision.rule not in _PASSING or loop.time() + 2 * _AGAIN_S >= end_s:
                return _refusal(decision)
            await asyncio.sleep(_AGAIN_S)

    async def _asked(self, intent_id: str, call: Call, within_s: float) -> Answer | Reply:
        told = BotSend(
            intent_id=intent_id,
            trace_id=secrets.token_hex(16),
            not_after_boot_ns=self._clock.boot_ns() + int(within_s * NS_PER_S),
            call=call,
        )
        if not self._client.send(encode(told)):
            text = "the executor is not there: nothing was signed or sent"
            return Reply(error_of(Code.ONLY_READS, text, {"rule": "executor.unreachable"}), error=True)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[intent_id] = future
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._take_answers())
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                return await future
        except TimeoutError:
            text = (
                f"no decision on intent {intent_id} within {self._wait_s:g} s, so whether it was sent is not "
                f"known: look with 'warden why {intent_id}' before you ask again"
            )
            return Reply(error_of(Code.UNDECIDED, text, {"intent_id": intent_id}), error=True)
        finally:
            self._waiting.pop(intent_id, None)

    async def _take_answers(self) -> None:
        """Hand answers to those who wait, for as long as anybody does."""
        while self._waiting:
            while (data := self._client.receive()) is not None:
                self._take(data)
            await asyncio.sleep(_LOOK_S)

    def _take(self, data: bytes) -> None:
        try:
            message: ExecutorToTrader = decode(data, ExecutorToTrader)
        except Undecodable:
            return  # whoever waits for it hears that nothing is known
        if isinstance(message, Answer):
            future = self._waiting.get(message.decision.intent_id)
            if future is not None and not future.done():
                future.set_result(message)


def _refusal(decision: Decision) -> Reply:
    """Return the refusal, typed in `data` and in one line for people (EX1)."""
    compared = ""
    if decision.limit or decision.observed:
        compared = f" (limit {decision.limit or 'none'}, observed {decision.observed} {decision.unit})"
    setting = f"; setting {decision.setting}" if decision.setting else ""
    text = f"refused by {decision.rule}: {decision.message}{compared}{setting}"
    data = {
        "intent_id": decision.intent_id,
        "outcome": decision.outcome.value,
        "rule": decision.rule,
        "limit": decision.limit,
        "observed": decision.observed,
        "unit": decision.unit,
        "setting": decision.setting,
        "message": decision.message,
    }
    return Reply(error_of(Code.ONLY_READS, text, data), error=True)

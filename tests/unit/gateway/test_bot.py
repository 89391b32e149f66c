"""The bot's door before an executor of the test's own: answers find whoever waits, and waits are bounded."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.instance import Instance, wait_until
from warden.domain.intents import Decision, Outcome
from warden.domain.roles import Role
from warden.gateway.bot import WAITING_MAX, BotDoor
from warden.gateway.jsonrpc import Call
from warden.runtime.clock import SystemClock
from warden.wire.addresses import INTENTS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, BotSend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warden.gateway.reads import Reply

WALLET = "0x" + "aa" * 20
PARAMS = msgspec.Raw(json.dumps([{"from": WALLET, "to": WALLET}]).encode())
SEND = Call("eth_sendTransaction", params=PARAMS)
HASH = "0x" + "12" * 32


class Stage:
    """A door, and the socket of an executor that says what a test has it say."""

    def __init__(self, instance: Instance) -> None:
        self._gateway, self._executor = instance.bus(Role.GATEWAY), instance.bus(Role.EXECUTOR)
        self.server = self._executor.serve(INTENTS)
        self.client = self._gateway.connect(INTENTS)
        probe = encode(BotSend("0" * 32, "0" * 32, 0, _call()))
        wait_until(lambda: self.client.send(probe), "a connection")
        wait_until(lambda: self.server.receive() is not None, "the first message")
        self.asked: list[BotSend] = []

    def door(self, wait_s: float = 30.0) -> BotDoor:
        """Return a door."""
        return BotDoor(self.client, SystemClock(), lambda: WALLET, wait_s)

    async def answering(self, says: Callable[[BotSend], Answer | None]) -> None:
        """Answer what comes, until cancelled."""
        while True:
            incoming = self.server.receive()
            if incoming is not None:
                self.asked.append(decode(incoming.data, BotSend))
                answer = says(self.asked[-1])
                if answer is not None:
                    self.server.send(incoming.identity, encode(answer))
            await asyncio.sleep(0.001)

    def run(self, door: BotDoor, says: Callable[[BotSend], Answer | None], count: int = 1) -> list[Reply]:
        """Send so many at once; return the replies."""

        async def both() -> list[Reply]:
            serving = asyncio.create_task(self.answering(says))
            try:
                return await asyncio.gather(*(door.send(SEND) for _ in range(count)))
            finally:
                serving.cancel()

        return asyncio.run(both())

    def close(self) -> None:
        """Leave the bus."""
        self._gateway.close()
        self._executor.close()


def _call() -> Any:  # noqa: ANN401 - the intent's, not the RPC's
    from warden.domain.intents import Call as Wanted  # noqa: PLC0415 - its name is taken

    return Wanted(to=WALLET)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A door with an executor behind it."""
    with Instance() as instance:
        made = Stage(instance)
        yield made
        made.close()


def approved(told: BotSend) -> Answer:
    """Let it pass; the hash tells which."""
    return Answer(Decision(told.intent_id, Outcome.APPROVED), tx_hash="0x" + told.intent_id * 2)


def refused(told: BotSend, rule: str = "limits.max_trade_eth") -> Answer:
    """Refuse it."""
    return Answer(Decision(told.intent_id, Outcome.REFUSED, rule, "1", "2", "ETH", rule, "too much"))


def test_each_gets_its_own_hash(stage: Stage) -> None:
    """EX12: several wait at once, and nobody gets another's answer."""
    replies = stage.run(stage.door(), approved, count=5)
    assert {json.loads(each.body) for each in replies} == {"0x" + each.intent_id * 2 for each in stage.asked}
    assert len(stage.asked) == 5
    assert not any(each.error for each in replies)


def test_a_refusal_names_rule_limit_observed_and_setting(stage: Stage) -> None:
    """EX1, EX12: in the text for people, and typed for programs."""
    (reply,) = stage.run(stage.door(), refused)
    error = json.loads(reply.body)
    assert error["code"] == -32004
    assert error["message"] == (
        "refused by limits.max_trade_eth: too much (limit 1, observed 2 ETH); setting limits.max_trade_eth"
    )
    assert (error["data"]["rule"], error["data"]["observed"]) == ("limits.max_trade_eth", "2")


def test_what_passes_by_itself_is_asked_again(stage: Stage) -> None:
    """EX7: while Warden sets the router's allowance, the bot waits; each try is an intent of its own."""
    (reply,) = stage.run(
        stage.door(), lambda told: refused(told, "allowance") if len(stage.asked) < 3 else approved(told)
    )
    assert not reply.error
    assert len({each.intent_id for each in stage.asked}) == 3


def test_an_approval_without_a_hash_is_none(stage: Stage) -> None:
    """EX12: a client is never told that something was sent which has no hash."""
    (reply,) = stage.run(stage.door(), lambda told: Answer(Decision(told.intent_id, Outcome.APPROVED)))
    assert reply.error


def test_no_answer_is_said_to_be_no_answer(stage: Stage) -> None:
    """EX3: unknown is never treated as failed: the error names the intent to look for."""
    (reply,) = stage.run(stage.door(wait_s=0.2), lambda _: None)
    error = json.loads(reply.body)
    assert error["code"] == -32006
    assert stage.asked[0].intent_id in error["message"]


def test_more_than_a_bounded_number_do_not_wait(stage: Stage) -> None:
    """EX12: what is too much is refused at once."""
    replies = stage.run(stage.door(), approved, count=WAITING_MAX + 3)
    codes = [json.loads(each.body)["code"] for each in replies if each.error]
    assert codes == [-32005] * 3


def test_without_an_executor_nothing_was_sent() -> None:
    """EX12: said at once, and as a fact."""
    with Instance() as instance, instance.bus(Role.GATEWAY) as bus:
        door = BotDoor(bus.connect(INTENTS), SystemClock(), lambda: WALLET, 5.0)
        error = json.loads(asyncio.run(door.send(SEND)).body)
        assert error["data"]["rule"] == "executor.unreachable"
        assert json.loads(door.accounts().body) == [WALLET]
        assert BotDoor(bus.connect(INTENTS), SystemClock(), str, 5.0).accounts().body == b"[]"

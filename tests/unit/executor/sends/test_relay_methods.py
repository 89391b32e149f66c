"""A private relay: how it is sent to, until when, and how a transaction is taken back."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.flights import FLIGHT_TERMS, Flight, signs
from tests.unit.executor.scene import intent, only
from warden.domain.modes import Action
from warden.executor.protocol.commands import Command, Record, Send, Sign, Tell
from warden.executor.protocol.events import LegDone
from warden.executor.protocol.terms import Ticket
from warden.executor.sends.relay_methods import RelayMethods, withdrawn
from warden.wire.rows import Purpose

TICKET = Ticket(Action.OPEN, "", 0)
RELAYED = msgspec.structs.replace(FLIGHT_TERMS, route="relay", withdrawing=("relay",))


def test_an_ordinary_endpoint_gets_the_bytes_alone() -> None:
    """EX3: whatever else is known; and is never asked to take anything back."""
    methods = RelayMethods("eth_sendRawTransaction", "")
    order = Send("0x01", "0xraw", TICKET, ("public",), max_block=9, withdraws=("0x02",))
    assert methods.sending(order) == {"method": "eth_sendRawTransaction", "params": ["0xraw"]}
    assert methods.withdrawing("0x02") is None


@pytest.mark.parametrize(("block", "told"), [(0, {}), (18, {"maxBlockNumber": "0x12"})])
def test_a_relay_is_told_the_last_block(block: int, told: dict[str, str]) -> None:
    """DESIGN §3: its own expiry; none where none is known."""
    methods = RelayMethods("eth_sendPrivateTransaction", "eth_cancelPrivateTransaction")
    order = Send("0x01", "0xraw", TICKET, ("relay",), max_block=block)
    assert methods.sending(order)["params"] == [{"tx": "0xraw", **told}]
    assert methods.withdrawing("0x02") == {
        "method": "eth_cancelPrivateTransaction",
        "params": [{"txHash": "0x02"}],
    }


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"result": True}, "yes"),
        ({"result": False}, "no"),
        ({"result": "0x1"}, "no"),
        ({"error": {"message": "unknown"}}, "unknown"),
        ({"error": "x" * 500}, "x" * 100),
        ({}, "None"),
        ([], "no answer"),
    ],
)
def test_what_a_relay_says_of_a_withdrawal(answer: object, word: str) -> None:
    """EX3: only a plain yes is one, and nothing is decided by it."""
    assert withdrawn(answer) == word


def sends(commands: list[Command]) -> list[Send]:
    """Return what goes out once its row is durable, and at once."""
    later = [each for record in only(commands, Record) for each in record.then if isinstance(each, Send)]
    return [*later, *only(commands, Send)]


def stuck(scene: Flight) -> tuple[str, Sign, list[Command]]:
    """Return a private trade that was not mined in time, and its cancel."""
    tx_hash = scene.fly(1, not_after_s=1_005)
    scene.tell(LegDone(tx_hash, "relay", "accepted", ""))
    while True:
        commands = scene.read(base_fee_wei=10**9)
        drafted = [sign for sign in signs(commands) if sign.draft.purpose is Purpose.CANCEL]
        if drafted:
            return tx_hash, drafted[0], commands


def test_a_private_trade_expires_and_is_taken_back_both_ways() -> None:
    """ES6, DESIGN §3: its cancel goes to its relay and publicly, and the relay is asked to forget it."""
    scene = Flight(RELAYED)
    tx_hash, cancel, _ = stuck(scene)
    _, commands = scene.sign(cancel)
    (send,) = sends(commands)
    assert set(send.routes) == {"relay", "public"}
    assert (send.withdraws, send.max_block) == ((tx_hash,), 0)


def test_a_private_trade_names_its_last_block() -> None:
    """DESIGN §3: the block that its deadline falls into."""
    scene = Flight(RELAYED)
    _, commands = scene.trade(intent(1, not_after_s=1_005))
    (send,) = sends(commands)
    assert (send.routes, send.max_block, send.withdraws) == (("relay",), 5, ())


@pytest.mark.parametrize(
    ("changed", "caveat"),
    [
        ({"withdrawing": ()}, "its relay takes nothing back"),
        ({"replaceable": False}, "taking it back is impossible"),
        ({}, ""),
    ],
)
def test_what_is_impossible_is_said(changed: dict[str, object], caveat: str) -> None:
    """ES6, EX8: beside the report that it is cancelled."""
    scene = Flight(msgspec.structs.replace(RELAYED, **changed))
    _, _, commands = stuck(scene)
    (tell,) = [each for each in only(commands, Tell) if each.kind == "trade.stuck"]
    assert caveat in tell.message
    assert bool(caveat) == ("; " in tell.message.partition("is cancelled")[2])

"""Intents of a trader that lies: a claim opens no door, and no value brings the executor down."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.scene import TOKEN_A, WETH, Scene, intent, only
from tests.unit.executor.test_core import rule_of
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.executor.protocol.commands import Simulate


@pytest.mark.parametrize("action", [Action.CANCEL, Action.REDUCE])
def test_a_trader_cannot_call_a_swap_something_milder(action: Action) -> None:
    """FS4: what a trade does to the exposure is not the trader's to claim: no mode is got round by a word."""
    scene = Scene().begin()
    order = intent()
    claimed = msgspec.structs.replace(order, proposal=msgspec.structs.replace(order.proposal, action=action))
    commands = scene.submit(claimed)
    assert rule_of(commands) == "intent.action"
    assert only(commands, Simulate) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"intent_id": "x" * 32},
        {"intent_id": "0" * 33},
        {"trace_id": ""},
        {"strategy": "s" * 101},
        {"strategy": "a\nb"},
    ],
)
def test_ids_and_names_are_bounded(changed: dict[str, str]) -> None:
    """A hostile trader's texts reach neither journal nor screen."""
    scene = Scene().begin()
    assert rule_of(scene.submit(msgspec.structs.replace(intent(), **changed))) == "intent.shape"


def test_what_no_encoder_can_hold_is_refused() -> None:
    """A number over 256 bits, or an address of odd case, must not bring the executor down."""
    scene = Scene().begin()
    assert rule_of(scene.submit(intent(1, min_amount_out=Wei(2**256)))) == "intent.shape"
    odd = "0x" + "aB" * 20
    assert only(scene.submit(intent(2, path=(WETH, odd, TOKEN_A, WETH))), Simulate)

"""What an intent asks of the rules: from its swap and the head, never from what the trader claims."""

from __future__ import annotations

import msgspec

from tests.unit.executor.scene import ETHER, GWEI, TERMS, TOKEN_A, WETH, Scene, intent
from warden.domain.money import Wei
from warden.domain.risk.events import NS_PER_S
from warden.executor.intents.requests import GAS_GUESS, opportunity_of, request_of, reserved, resized
from warden.executor.protocol.events import Simulated
from warden.executor.sends import drafts
from warden.executor.sends.drafts import Moment


def moment(scene: Scene) -> Moment:
    """Return the scene's head and time."""
    assert scene.core.head is not None
    return Moment(scene.core.head, TERMS, scene.now())


def test_a_cycle_may_lose_its_gas_and_no_more() -> None:
    """PS1: at the dearest fee that it may pay; the claim of its strategy counts for nothing."""
    at = moment(Scene().begin())
    order = intent(1, min_amount_out=ETHER + 5)
    claims = msgspec.structs.replace(order.proposal, expected_profit_wei=Wei(ETHER))
    asked = request_of(msgspec.structs.replace(order, proposal=claims), "main", at)
    gas_wei = GAS_GUESS * drafts.fees(at, order.not_after_s)[0]
    assert (asked.spend_wei, asked.loss_wei, asked.gas_wei, asked.profit_wei) == (ETHER, gas_wei, gas_wei, 5)
    known = request_of(order, "main", at, 100_000)
    assert (known.gas_wei, known.profit_wei) == (gas_wei // 6, 5 - gas_wei // 6)
    assert known.fee_per_gas_wei == 2 * GWEI
    assert reserved(asked).gas_wei == asked.gas_wei


def test_a_market_is_its_tokens_whatever_way_round() -> None:
    """PS4: the same tokens in another order or case count together."""
    at = moment(Scene().begin())
    one = request_of(intent(1, path=(WETH, TOKEN_A, WETH)), "main", at)
    other = request_of(intent(2, path=(WETH, TOKEN_A.upper().replace("0X", "0x"), WETH)), "main", at)
    assert one.market == other.market
    assert one.tokens == other.tokens == (WETH, TOKEN_A)


def test_another_size_enforces_the_same_profit() -> None:
    """PS1: what a strategy demands of the whole it demands of a part."""
    smaller = resized(intent(1, min_amount_out=ETHER + 7), ETHER // 3).proposal.swap
    assert (smaller.amount_in, smaller.min_amount_out) == (ETHER // 3, ETHER // 3 + 7)


def test_what_it_holds_itself_is_no_exposure_beside_it() -> None:
    """RK1: its own share is counted once; an unknown reserve makes all of them unknown."""
    scene = Scene().begin()
    at, order = moment(scene), intent(1, not_after_s=1_009)
    scene.submit(order)
    engine = scene.core.ledger.engine
    asked = request_of(order, "main", at)
    found = opportunity_of(order, asked, Simulated(order.intent_id, 1, ("a", "b", "a"), ()), engine, at)
    assert (found.exposure_wei, found.hops, found.request.pools) == (0, None, ("a", "b"))
    assert found.horizon_ns == (1_009 - at.head.timestamp_s) * NS_PER_S
    assert not found.private

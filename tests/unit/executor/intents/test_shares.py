"""Places in flight among several strategies."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.scene import ETHER, TERMS, TOKEN_A, WETH, Scene, intent, only
from warden.domain.risk.books import CapitalLimits, PoolWeight
from warden.executor.intents.shares import refusal
from warden.executor.protocol.commands import Reply, Simulate
from warden.wire.messages import Answer
from warden.wire.rows import SignedRow

if TYPE_CHECKING:
    from warden.domain.intents import Intent

THREE = msgspec.structs.replace(TERMS, strategies=("arb", "mom", "sap"), pool="arb", max_in_flight=4)


def test_an_only_strategy_has_them_all() -> None:
    """EX6: then the one limit counts."""
    terms = msgspec.structs.replace(TERMS, max_in_flight=2)
    assert refusal(terms, "main", 1, ["main"]) is None
    told = refusal(terms, "main", 2, ["main", "main"])
    assert told is not None
    assert (told.rule, told.limit, told.setting) == ("pending", "2", "execution.max_in_flight")


def test_one_leaves_a_place_for_each_that_has_none() -> None:
    """PL5: two may be taken by one; the others come in all the same, and then it may have more."""
    assert refusal(THREE, "arb", 1, ["arb"]) is None
    told = refusal(THREE, "arb", 2, ["arb", "arb"])
    assert told is not None
    assert told.rule == "pending.share"
    assert refusal(THREE, "mom", 2, ["arb", "arb"]) is None
    assert refusal(THREE, "sap", 3, ["arb", "arb", "mom"]) is None
    assert refusal(THREE, "arb", 3, ["arb", "mom", "sap"]) is None


@pytest.mark.parametrize("most", [1, 2, 3, 4, 8])
def test_nobody_who_has_none_is_refused_while_there_is_room(most: int) -> None:
    """PL5: with fewer places than strategies, too, whoever comes first gets one: nothing stands still."""
    terms = msgspec.structs.replace(THREE, max_in_flight=most)
    for count in range(most):
        for pools in itertools.product(("arb", "mom"), repeat=count):
            assert refusal(terms, "sap", count, pools) is None
    assert refusal(terms, "sap", most, ["arb"] * most) is not None


def _several(*weights: int) -> Scene:
    pools = tuple(PoolWeight(name, weight) for name, weight in zip(("arb", "mom"), weights, strict=True))
    limits = msgspec.structs.replace(TERMS.risk, capital=CapitalLimits(pools=pools))
    terms = msgspec.structs.replace(
        TERMS, strategies=("arb", "mom"), pool="arb", max_in_flight=4, risk=limits
    )
    return Scene(terms).begin()


def _of(strategy: str, number: int, amount_wei: int = ETHER) -> Intent:
    """Return an intent of a strategy in a market of its own."""
    other = f"0x{number:02x}" + "77" * 19
    made = intent(number, amount_wei=amount_wei, path=(WETH, TOKEN_A, other, WETH))
    return msgspec.structs.replace(made, strategy=strategy)


def test_each_spends_its_own_pool_with_nonces_in_one_row() -> None:
    """PL5, EX2: intents of two strategies in flight at once: each its pool's share, nonces without a gap."""
    scene = _several(1, 1)
    for number, strategy in enumerate(("arb", "mom", "arb"), 1):
        scene.trade(_of(strategy, number))
    signed = [row for row in scene.rows if isinstance(row, SignedRow)]
    assert [(row.strategy, row.pool, row.nonce) for row in signed] == [
        ("arb", "arb", 0),
        ("mom", "mom", 1),
        ("arb", "arb", 2),
    ]
    pools = scene.core.ledger.engine.state.capital.pools
    assert {name: pool.reserved_wei for name, pool in pools.items()} == {"arb": 2 * ETHER, "mom": ETHER}
    assert only(scene.submit(_of("mom", 4)), Simulate)


def test_a_pool_that_is_empty_stops_its_own_strategy_alone() -> None:
    """PL5, EX1: refused with pool, limit and observed; the other spends on."""
    scene = _several(1, 9)
    (reply,) = only(scene.submit(_of("arb", 1, 6 * ETHER)), Reply)
    assert isinstance(reply.message, Answer)
    decision = reply.message.decision
    assert (decision.rule, decision.limit, decision.observed) == ("capital.pool", "5", "6")
    assert only(scene.submit(_of("mom", 2, 6 * ETHER)), Simulate)

"""An intent on its way to its signature: shares go back, sizes are told, nothing is signed late."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.scene import ETHER, GWEI, TERMS, TRADER, WETH, Scene, intent, only
from warden.domain.amm import Hop
from warden.domain.intents import Decision, Intent, Outcome
from warden.domain.modes import Action
from warden.domain.risk.assessment import AssessmentLimits, Factors
from warden.domain.risk.events import BreakerOrder
from warden.executor.protocol.commands import Command, Reply, Sign, Simulate
from warden.executor.protocol.events import Ordered, Simulated, SimulationFailed, Submitted, Tick
from warden.wire.messages import Answer, Progress
from warden.wire.orders import ForceBreaker, PullLever
from warden.wire.rows import Purpose

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Terms

POOLS = tuple("0x" + digit * 40 for digit in "345")


def shrinking(number: int = 1, *, amount_wei: int = ETHER) -> Intent:
    """Return an intent that would do smaller as well."""
    order = intent(number, amount_wei=amount_wei)
    return msgspec.structs.replace(order, proposal=msgspec.structs.replace(order.proposal, shrinks=True))


def decided(commands: list[Command]) -> Decision:
    """Return the one decision that was told, or that waits for its row."""
    replies = [each for each in commands if isinstance(each, Reply)]
    later = [each for command in commands for each in getattr(command, "then", ()) if isinstance(each, Reply)]
    (reply,) = replies + later
    assert isinstance(reply.message, Answer)
    return reply.message.decision


def shares(scene: Scene) -> tuple[int, int]:
    """Return what is held in the rules' reservations and in the pools."""
    state = scene.core.ledger.engine.state
    pool = state.capital.pools["main"]
    assert set(state.reservations.held) == set(state.capital.held)
    return int(state.reservations.spend_wei), int(pool.reserved_wei)


NOTHING = (0, 0)


@pytest.mark.parametrize("how", ["reverts", "nobody", "dear", "late", "closed", "lowered", "fees"])
def test_whatever_refuses_gives_the_share_back(how: str) -> None:
    """PS2: after a refusal at any point nothing is held, and the next intent has the whole limit again."""
    scene = Scene().begin()
    (simulate,) = only(scene.submit(intent(1)), Simulate)
    assert shares(scene) == (ETHER, ETHER)
    if how == "late":
        scene.now_ns += 5 * 10**9 + 1
        commands = scene.tell(Tick())
    elif how in {"reverts", "nobody"}:
        failed = SimulationFailed(simulate.intent_id, refused=how == "reverts", text=how)
        commands = scene.tell(failed)
    else:
        if how == "closed":
            scene.tell(Ordered(b"o", ForceBreaker("ann", "why", BreakerOrder.OPEN)))
        elif how == "lowered":
            scene.tell(Ordered(b"o", PullLever("ann", "why", "max_trade_eth", "0.5")))
        elif how == "fees":
            scene.read(base_fee_wei=90 * GWEI)
        gas = 600_000 if how == "dear" else 300_000
        commands = scene.tell(Simulated(simulate.intent_id, gas=gas))
    assert decided(commands).outcome is Outcome.REFUSED
    assert decided(commands).rule == {
        "reverts": "simulation.reverts",
        "nobody": "simulation.unavailable",
        "late": "simulation.unavailable",
        "closed": "breaker.open",
        "lowered": "limits.max_trade_eth",
    }.get(how, "simulation.gas")
    assert only(commands, Sign) == []
    assert shares(scene) == NOTHING
    assert scene.core.offered == scene.core.handled
    # What comes late finds nothing to sign.
    assert scene.tell(Simulated(simulate.intent_id, gas=1)) == []


def test_the_simulation_has_five_seconds() -> None:
    """EX1: at five seconds it is still waited for."""
    scene = Scene().begin()
    scene.submit(intent(1))
    scene.now_ns += 5 * 10**9
    assert scene.tell(Tick()) == []
    assert shares(scene) == (ETHER, ETHER)


def test_a_size_above_a_limit_is_cut_where_the_strategy_allows() -> None:
    """PS1, EX1: decision, calldata, signed row and share are of one size, and the profit enforced is kept."""
    scene = Scene().begin()
    order = shrinking(amount_wei=30 * ETHER)
    (simulate,) = only(scene.submit(order), Simulate)
    assert shares(scene) == (10 * ETHER, 10 * ETHER)
    assert (10 * ETHER).to_bytes(32, "big") + (10 * ETHER + 1).to_bytes(32, "big") in simulate.data
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, gas=200_000)), Sign)
    assert sign.draft.spend_wei == 10 * ETHER
    assert (10 * ETHER).to_bytes(32, "big") + (10 * ETHER + 1).to_bytes(32, "big") in sign.data
    _, commands = scene.sign(sign)
    decision = decided(commands)
    assert (decision.outcome, decision.amount_in) == (Outcome.REDUCED, 10 * ETHER)
    assert decision.setting in {"limits.max_trade_eth", "limits.max_trade_percent"}
    assert shares(scene) == (10 * ETHER, 10 * ETHER)


def test_a_smaller_size_is_judged_by_the_profit_that_it_enforces() -> None:
    """PS4a: a least profit that the whole trade keeps is kept by a part of it, too."""
    scene = Scene().begin()
    scene.tell(Ordered(b"o", PullLever("ann", "why", "min_profit_eth", "0.001")))
    order = intent(1, amount_wei=30 * ETHER, min_amount_out=30 * ETHER + ETHER // 500)
    order = msgspec.structs.replace(order, proposal=msgspec.structs.replace(order.proposal, shrinks=True))
    (simulate,) = only(scene.submit(order), Simulate)
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, gas=100_000)), Sign)
    assert sign.draft.spend_wei == 10 * ETHER


def test_without_leave_to_shrink_it_is_refused_whole() -> None:
    """PS1: and holds nothing."""
    scene = Scene().begin()
    assert decided(scene.submit(intent(1, amount_wei=30 * ETHER))).outcome is Outcome.REFUSED
    assert shares(scene) == NOTHING


def test_an_approval_is_no_trade_and_holds_no_share() -> None:
    """EX7: the router is allowed what one trade may be at most; the intent is to be proposed again."""
    scene = Scene().begin(allowance_wei=ETHER - 1)
    commands = scene.submit(intent(1))
    assert decided(commands).rule == "allowance"
    (simulate,) = only(commands, Simulate)
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, gas=46_000)), Sign)
    assert (sign.draft.purpose, sign.draft.to.lower(), sign.draft.spend_wei) == (Purpose.APPROVE, WETH, 0)
    assert sign.data.endswith(TERMS.allowance_wei.to_bytes(32, "big"))
    assert shares(scene) == NOTHING
    assert only(scene.submit(intent(2)), Sign) == []
    scene.sign(sign)
    assert decided(scene.submit(intent(3))).rule == "pending"


def test_who_repeats_an_id_hears_no_more_of_it() -> None:
    """EX1: refused, without taking over what becomes of the first one, or its share."""
    scene = Scene().begin()
    (simulate,) = only(scene.submit(intent(1)), Simulate)
    commands = scene.tell(Submitted(intent(1), b"stranger", None, 100))
    assert decided(commands).rule == "intent.duplicate"
    assert shares(scene) == (ETHER, ETHER)
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, gas=200_000)), Sign)
    tx_hash, _ = scene.sign(sign)
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    progress = [
        each
        for each in only(scene.read({tx_hash: scene.mined(tx_hash)}, nonce=1), Reply)
        if isinstance(each.message, Progress)
    ]
    assert [each.identity for each in progress] == [TRADER]


# --- the assessment


def assessed(**limits: int) -> Terms:
    """Return terms whose assessment looks at the price impact alone: 1 % at most."""
    wide = dict.fromkeys(("exposure", "concentration", "volatility", "gas", "sandwich"), 10_000)
    factors = Factors(impact=100, **wide)
    weights = Factors(exposure=0, concentration=0, volatility=0, impact=1, gas=0, sandwich=0)
    rules = AssessmentLimits(
        limits=msgspec.structs.replace(factors, **limits), weights=weights, score_max_bps=10_000
    )
    return msgspec.structs.replace(TERMS, risk=msgspec.structs.replace(TERMS.risk, assessment=rules))


def found(intent_id: str, depth_wei: int) -> Simulated:
    """Return a simulation over three pools of such depth, each a little in the trader's favour."""
    hop = Hop(depth_wei, depth_wei * 11 // 10)
    return Simulated(intent_id, gas=100_000, pools=POOLS, hops=(hop, hop, hop))


def test_too_much_impact_makes_it_smaller_once_and_is_simulated_again() -> None:
    """RK1: the share held is that of the smaller size; what it reserved before is free."""
    scene = Scene(assessed()).begin()
    (simulate,) = only(scene.submit(shrinking(amount_wei=5 * ETHER)), Simulate)
    commands = scene.tell(found(simulate.intent_id, 200 * ETHER))
    (again,) = only(commands, Simulate)
    held, pool = shares(scene)
    assert 0 < held == pool < 5 * ETHER
    assert held.to_bytes(32, "big") in again.data
    (sign,) = only(scene.tell(found(again.intent_id, 200 * ETHER)), Sign)
    assert sign.draft.spend_wei == held
    _, commands = scene.sign(sign)
    assert (decided(commands).outcome, decided(commands).amount_in) == (Outcome.REDUCED, held)
    assert decided(commands).rule == "assessment.impact"


def test_it_is_not_made_smaller_twice() -> None:
    """RK1: pools that are thinner at the second look refuse; the share goes back."""
    scene = Scene(assessed()).begin()
    (simulate,) = only(scene.submit(shrinking(amount_wei=5 * ETHER)), Simulate)
    (again,) = only(scene.tell(found(simulate.intent_id, 200 * ETHER)), Simulate)
    commands = scene.tell(found(again.intent_id, 20 * ETHER))
    assert decided(commands).outcome is Outcome.REFUSED
    assert only(commands, Simulate) == []
    assert shares(scene) == NOTHING


def test_what_may_not_shrink_is_refused_by_its_risk() -> None:
    """RK1: with the factor, its limit and the setting."""
    scene = Scene(assessed()).begin()
    (simulate,) = only(scene.submit(intent(1, amount_wei=5 * ETHER)), Simulate)
    decision = decided(scene.tell(found(simulate.intent_id, 200 * ETHER)))
    assert (decision.rule, decision.setting) == ("assessment.impact", "assessment.max_impact_percent")
    assert Decimal(decision.observed) > Decimal(decision.limit)
    assert shares(scene) == NOTHING


# --- failures of the system


def test_a_simulation_does_not_end_a_row_of_failed_sends() -> None:
    """ES1: ten sends that every endpoint refuses stop everything, though each simulation before went well."""
    scene = Scene().begin()
    engine = scene.core.ledger.engine
    scene.core._own_sends.allowed = frozenset({Action.OPEN})
    for number in range(1, 4):
        tx_hash, _ = scene.trade(intent(number, not_after_s=1_000 + scene.block + 1))
        scene.legs(tx_hash, "rejected", "rejected", "rejected")
        assert engine.state.emergency.errors == number
        for _ in range(4):
            scene.read()
    tx_hash, _ = scene.trade(intent(9, not_after_s=1_000 + scene.block + 3))
    scene.legs(tx_hash, "rejected", "accepted", "rejected")
    assert engine.state.emergency.errors == 0


def test_a_simulation_that_is_answered_ends_a_row_of_unanswered_ones() -> None:
    """ES1: a revert is an answer."""
    scene = Scene().begin()
    engine = scene.core.ledger.engine
    for number in (1, 2):
        (simulate,) = only(scene.submit(intent(number)), Simulate)
        scene.tell(SimulationFailed(simulate.intent_id, refused=False, text="nobody"))
        assert engine.state.emergency.errors == number
    (simulate,) = only(scene.submit(intent(3)), Simulate)
    scene.tell(SimulationFailed(simulate.intent_id, refused=True, text="reverts"))
    assert engine.state.emergency.errors == 0

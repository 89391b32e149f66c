"""A call on its way: simulated before anything else, held to every rule, signed as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.intents.test_call_rules import SPENDER, change, changes
from tests.unit.executor.position_scene import PositionScene
from tests.unit.executor.scene import ETHER, TERMS, TOKEN_A, TRADER, WETH, Scene, intent, only
from warden.domain.intents import Call, Proposal
from warden.domain.modes import Action
from warden.domain.risk.asset_changes import NATIVE, Allowance, Change, Changes
from warden.domain.risk.events import BreakerOrder
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.protocol.commands import Reply, Sign, Simulate
from warden.executor.protocol.events import Ordered, Simulated, SimulationFailed, Submitted, Tick
from warden.executor.protocol.terms import BotTerms
from warden.wire.messages import Answer
from warden.wire.orders import ForceBreaker, PullLever
from warden.wire.rows import Purpose, SignedRow

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.executor.protocol.commands import Command

CONTRACT = "0x" + "c0" * 20
NAMED = msgspec.structs.replace(TERMS, bot=BotTerms(spenders=(SPENDER,)))
CALL = Call(to=CONTRACT, data=b"\x12\x34\x56\x78")
CYCLE = changes(change(NATIVE, 0, 0), change(WETH, ETHER, ETHER + 10**16))
PURCHASE = changes(change(WETH, ETHER, 0), change(TOKEN_A, 0, 1_000 * ETHER))


def asked(number: int = 1, call: Call = CALL) -> Intent:
    """Return an intent as the gateway's door makes it."""
    bare = msgspec.structs.replace(intent(number), block=0, not_after_s=0, strategy="bot")
    return msgspec.structs.replace(bare, proposal=Proposal(call=call))


def submit(
    scene: Scene, order: Intent, gate: Refusal | None = None, reduce_gate: Refusal | None = None
) -> list[Command]:
    """Submit as a bot does."""
    return scene.tell(Submitted(order, TRADER, gate, 100, reduce_gate, by_bot=True))


def rule(commands: list[Command]) -> str:
    """Return the rule of the one answer, empty for an approval."""
    (reply,) = only(commands, Reply)
    assert isinstance(reply.message, Answer)
    return reply.message.decision.rule


def tried(scene: Scene, found: Changes, order: Intent | None = None) -> list[Command]:
    """Submit a call, and say what it would do."""
    (simulate,) = only(submit(scene, order or asked()), Simulate)
    return scene.tell(Simulated(simulate.intent_id, gas=100_000, changes=found))


@pytest.fixture
def scene() -> Scene:
    """An executor whose wallet holds 50 ether, and whose operator named one spender."""
    return Scene(NAMED).begin()


def test_a_cycle_is_signed_as_it_was_written(scene: Scene) -> None:
    """EX12: with the bot's data to the bot's contract; no deadline bounds it, so its row does."""
    (simulate,) = only(submit(scene, asked()), Simulate)
    assert (simulate.to, simulate.data, simulate.required) == (CONTRACT, CALL.data, True)
    commands = scene.tell(Simulated(simulate.intent_id, gas=100_000, changes=CYCLE))
    (sign,) = only(commands, Sign)
    assert (sign.draft.to.lower(), sign.data, sign.value_wei) == (CONTRACT, CALL.data, 0)
    assert (sign.draft.purpose, sign.draft.spend_wei, sign.draft.profit_wei) == (Purpose.SWAP, ETHER, None)
    assert sign.draft.not_after_s == 1_001 + 5  # the head's time and five blocks
    held = scene.core.ledger.engine.state.reservations
    assert held.spend_wei == ETHER
    tx_hash, after = scene.sign(sign)
    (row,) = [each for each in scene.rows if isinstance(each, SignedRow)]
    assert (row.tx_hash, row.strategy) == (tx_hash, "bot")
    (record,) = [each for each in after if getattr(each, "then", ())]
    answers = [each.message for each in record.then if isinstance(each, Reply)]  # type: ignore[union-attr] # a Record
    assert [each.tx_hash for each in answers if isinstance(each, Answer)] == [tx_hash]
    scene.read({tx_hash: scene.mined(tx_hash)}, nonce=1)
    assert scene.core.ledger.engine.state.reservations.spend_wei == 0


def test_what_an_unknown_contract_would_do_is_no_single_endpoints_word() -> None:
    """EX11: whatever its size; a swap of the known router, which its own bound protects, by size alone."""
    for least, expected in ((None, False), (100 * ETHER, True)):
        terms = msgspec.structs.replace(NAMED, witnessed_from_wei=least)
        (simulate,) = only(submit(Scene(terms).begin(), asked()), Simulate)
        assert simulate.witnessed is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (changes(change(WETH, 11 * ETHER, 12 * ETHER)), "limits.max_trade_eth"),
        (changes(change(WETH, ETHER, ETHER)), "call.loses"),
        (changes(change(WETH, ETHER, 0)), "call.loses"),
        (changes(change(WETH, 1, 2)), "limits.min_trade_eth"),
        (changes(change(TOKEN_A, 5, 0), change(WETH, 0, ETHER)), "position.unknown"),
        (changes(Change(WETH, ETHER, 2 * ETHER, 0)), "simulation.token-lies"),
        (None, "simulation.impossible"),
    ],
)
def test_every_rule_holds_for_what_was_seen(scene: Scene, found: Changes | None, expected: str) -> None:
    """EX11, EX1: the same limits as for swaps, by what would leave; nothing stays reserved."""
    (simulate,) = only(submit(scene, asked()), Simulate)
    commands = scene.tell(Simulated(simulate.intent_id, gas=100_000, changes=found))
    assert rule(commands) == expected
    assert not only(commands, Sign)
    assert scene.core.ledger.engine.state.reservations.spend_wei == 0


def test_a_closed_gate_and_a_repeated_id_stop_it_before_it_is_tried(scene: Scene) -> None:
    """EX1, I3: permission first."""
    stop = Refusal("stop", "stopped")
    assert rule(submit(scene, asked(1), stop, stop)) == "stop"
    submit(scene, asked(2))
    assert rule(submit(scene, asked(2))) == "intent.duplicate"
    assert rule(submit(scene, asked(3, Call(to=CONTRACT, nonce=9)))) == "call.nonce"
    assert (
        rule(
            scene.tell(
                Submitted(
                    msgspec.structs.replace(asked(4), intent_id="approve-x"), TRADER, None, 100, by_bot=True
                )
            )
        )
        == "intent.shape"
    )


def test_only_reducing_is_let_through_while_nothing_may_be_opened(scene: Scene) -> None:
    """EX1: what a call is shows in its simulation, and then the gate's word for that counts."""
    (simulate,) = only(submit(scene, asked(), Refusal("mode", "reduce only")), Simulate)
    assert rule(scene.tell(Simulated(simulate.intent_id, gas=100_000, changes=CYCLE))) == "mode"


def test_an_approval_costs_its_gas_and_nothing_else(scene: Scene) -> None:
    """EX7: journalled with its spender, counted as no trade, within the limits on gas."""
    granted = changes(allowances=(Allowance(WETH, SPENDER, 0, ETHER),))
    (sign,) = only(tried(scene, granted, asked(1, Call(to=WETH, data=b"\x09"))), Sign)
    assert (sign.draft.purpose, sign.draft.spend_wei) == (Purpose.APPROVE, 0)
    assert (sign.draft.spender, sign.draft.allowance) == (SPENDER, ETHER)
    tx_hash, _ = scene.sign(sign)
    assert scene.core.book.explained_allowance(WETH, SPENDER) == ETHER
    scene.read({tx_hash: scene.mined(tx_hash, gain_wei=0)}, nonce=1)
    assert scene.core.book.totals.trades == 0
    large = changes(allowances=(Allowance(WETH, SPENDER, 0, 11 * ETHER),))
    assert rule(tried(scene, large, asked(2))) == "call.allowance"
    foreign = changes(allowances=(Allowance(TOKEN_A, SPENDER, 0, 1),))
    assert rule(tried(scene, foreign, asked(3))) == "call.allowance"


def test_a_blocked_contract_is_not_called(scene: Scene) -> None:
    """PS4a: the levers on routers and tokens count for any contract."""
    order = PullLever(operator="anna", reason="test", lever="block_router", value=CONTRACT)
    scene.tell(Ordered(b"operator", order))
    assert rule(tried(scene, CYCLE)).startswith("lever.block_")


def test_what_cannot_be_tried_is_refused(scene: Scene) -> None:
    """EX11: it reverts, nobody can tell, or no answer comes."""
    submit(scene, asked(1))
    assert rule(scene.tell(SimulationFailed(f"{1:032x}", refused=True, text="no"))) == "simulation.reverts"
    submit(scene, asked(2))
    assert (
        rule(scene.tell(SimulationFailed(f"{2:032x}", refused=False, text="no"))) == "simulation.unavailable"
    )
    submit(scene, asked(3))
    scene.now_ns += 6 * 10**9
    assert rule(scene.tell(Tick())) == "simulation.unavailable"
    assert scene.core.offered == scene.core.handled


def bought(scene: PositionScene, *, sold_wei: int = ETHER, spend_wei: int = ETHER) -> list[Command]:
    """Carry a purchase to its second trial, and say what came of selling again."""
    scene.core._positions.ask(TOKEN_A)
    scene.look()
    commands = tried(scene, PURCHASE)
    (again,) = only(commands, Simulate)
    assert (again.path[-1].lower(), again.sell_at, again.round_trip) == (TOKEN_A, TERMS.router, True)
    trip = RoundTrip(TOKEN_A, 1_000 * ETHER, 1_000 * ETHER, sold_wei, sold_wei, decimals=18)
    second = changes(change(WETH, spend_wei, 0), change(TOKEN_A, 0, 1_000 * ETHER))
    return scene.tell(Simulated(again.intent_id, gas=100_000, changes=second, trip=trip))


def test_a_purchase_is_tried_with_its_sale_and_opens_a_position() -> None:
    """EX7: what a call buys must be sellable at the known router, for about what it costs."""
    scene = PositionScene(NAMED)
    scene.begin()
    (sign,) = only(bought(scene), Sign)
    assert (sign.draft.action, sign.draft.position_id) == (Action.OPEN, f"{1:032x}")
    assert (sign.draft.path[0].lower(), sign.draft.path[-1].lower()) == (WETH, TOKEN_A)


@pytest.mark.parametrize(
    ("sold_wei", "spend_wei", "expected"),
    [
        (ETHER * 96 // 100, ETHER, "call.loses"),
        (0, ETHER, "simulation.token-tax"),
        (2 * ETHER, 2 * ETHER, "call.moved"),
    ],
)
def test_a_purchase_that_loses_or_moves_is_refused(sold_wei: int, spend_wei: int, expected: str) -> None:
    """EX7, PS2: its share is given back."""
    scene = PositionScene(NAMED)
    scene.begin()
    commands = bought(scene, sold_wei=sold_wei, spend_wei=spend_wei)
    assert rule(commands) == expected
    assert scene.core.ledger.engine.state.reservations.spend_wei == 0


def test_an_id_that_was_answered_is_not_taken_again(scene: Scene) -> None:
    """I6: no two transactions of one intent, whatever became of the first."""
    (sign,) = only(tried(scene, CYCLE), Sign)
    scene.sign(sign)
    assert rule(submit(scene, asked())) == "intent.duplicate"


def test_an_approval_is_refused_where_nothing_could_be_opened(scene: Scene) -> None:
    """EX1: it moves nothing, but is the beginning of a trade: breaker and gas limits hold for it."""
    scene.tell(Ordered(b"operator", ForceBreaker("anna", "test", BreakerOrder.OPEN)))
    granted = changes(allowances=(Allowance(WETH, SPENDER, 0, ETHER),))
    assert rule(tried(scene, granted)) == "breaker.open"

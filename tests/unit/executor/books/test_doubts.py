"""Positions whose pool says something else for a block, or for good: what is sold, counted, bought then."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from tests.unit.executor.position_scene import BOUGHT, PositionScene, opening
from tests.unit.executor.scene import ETHER, TERMS, TOKEN_A, WETH, only
from tests.unit.executor.test_core import rule_of
from warden.domain.amm import Hop
from warden.domain.money import Wei
from warden.domain.risk.doubt import DoubtLimits
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.protocol.commands import Command, DemandStop, Respond, Sign, Simulate, Tell
from warden.executor.protocol.events import Ordered, Simulated
from warden.executor.protocol.price_terms import PricePair, PriceTerms, SecondPrices
from warden.wire.orders import AskRisk, PullLever, RiskReport

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Terms

DOUBTING = msgspec.structs.replace(TERMS, prices=PriceTerms(doubts=DoubtLimits()))
ROUTE = (TOKEN_A, WETH)
FAIR = ETHER // 1_000


def stage(terms: Terms = DOUBTING, *, looks: int = 1) -> tuple[PositionScene, str]:
    """Return a scene with one position that has been worth the same for some blocks, and its id."""
    scene = PositionScene(terms).begin()
    assert isinstance(scene, PositionScene)
    scene.submit(opening(7))
    for _ in range(looks):
        scene.look()
    position_id = scene.open()
    for _ in range(4):
        scene.look()
    return scene, position_id


def refused(scene: PositionScene, number: int) -> str:
    """Return the rule that refuses another purchase, empty where none does."""
    commands = scene.submit(opening(number))
    return "" if only(commands, Simulate) else rule_of(commands)


def at(scene: PositionScene, percent: int, **changed: object) -> list[Command]:
    """Read a block in which the token costs so many percent of the fair price."""
    scene.price = FAIR * percent // 100
    return scene.look(**changed)


def beside(price: int = FAIR) -> dict[str, object]:
    """Return what a second source says in a read: as deep a pool at a price of its own."""
    depth = 10**9 * ETHER
    return {"second": SecondPrices(ways={ROUTE: ((Hop(depth, depth * price // ETHER),),)})}


def equity(scene: PositionScene) -> int:
    """Return the equity as the rules have it, in thousandths of an ether."""
    found = scene.core.ledger.engine.state.means.equity_wei
    assert found is not None
    return round(int(found) * 1_000 / ETHER)


def test_sl1_a_flash_crash_of_one_block_sells_nothing_and_costs_nothing() -> None:
    """SL1, ES2: neither an exit nor a loss nor a stop; the next block is as if it had never been."""
    scene, position_id = stage()
    before = equity(scene)
    told = at(scene, 40)
    assert (only(told, Simulate), only(told, DemandStop)) == ([], [])
    assert equity(scene) == before
    again = at(scene, 100)
    assert (only(again, Simulate), only(again, DemandStop)) == ([], [])
    assert equity(scene) == before
    guard = scene.core.ledger.engine.state.exits.guards[position_id]
    assert (guard.leaving, guard.gap, guard.failures) == (None, None, 0)
    assert scene.core.ledger.engine.state.drawdown.until_ns == 0


def test_sl1_a_crash_that_stays_is_sold_at_its_second_block_at_the_price_of_then() -> None:
    """SL1: one block later than without; what it takes at least is of what the pool pays now."""
    scene, position_id = stage()
    assert only(at(scene, 60), Simulate) == []
    (simulate,) = only(at(scene, 55), Simulate)
    assert simulate.intent_id.startswith(f"exit-{position_id}")
    least = int.from_bytes(simulate.data[36:68])
    assert 0.96 < least / (0.55 * ETHER) < 0.98
    guard = scene.core.ledger.engine.state.exits.guards[position_id]
    # What it was decided by is what two blocks have shown.
    assert 0.59 < guard.value.wei / ETHER < 0.6


def test_sl1_a_block_that_is_read_twice_is_one_block() -> None:
    """SL1: the head is read more often than blocks come: only another block bears a price out."""
    scene, _ = stage()
    assert only(at(scene, 60), Simulate) == []
    for _ in range(3):
        assert only(at(scene, 60, block=scene.block), Simulate) == []
        scene.block -= 1
    (_,) = only(at(scene, 60), Simulate)


def test_sl1_a_fall_without_a_jump_waits_for_nothing() -> None:
    """SL1: one percent a block is no dispute: the stop-loss fires at the very block that reaches it."""
    scene, _ = stage()
    for percent in range(99, 90, -1):
        assert only(at(scene, percent), Simulate) == []
    (_,) = only(at(scene, 90), Simulate)


def test_sl1_a_pump_of_one_block_takes_no_profit_and_leaves_no_peak() -> None:
    """SL1, SL2: nor does the trailing stop sell at the fair price afterwards, for want of a peak."""
    scene, position_id = stage()
    before, peak = equity(scene), scene.core.ledger.engine.state.drawdown.peak_wei
    assert only(at(scene, 300), Simulate) == []
    for _ in range(3):
        assert only(at(scene, 100), Simulate) == []
    guard = scene.core.ledger.engine.state.exits.guards[position_id]
    assert guard.peak.wei < ETHER * 101 // 100
    assert (equity(scene), scene.core.ledger.engine.state.drawdown.peak_wei) == (before, peak)


def test_sl1_a_rise_that_stays_is_taken() -> None:
    """SL1: at the second block; as equity it counts once the median has followed."""
    scene, _ = stage()
    before = equity(scene)
    assert only(at(scene, 140), Simulate) == []
    (_,) = only(at(scene, 140), Simulate)
    assert equity(scene) == before
    for _ in range(2):
        at(scene, 140)
    assert equity(scene) > before


def test_sl1_a_drained_pool_is_believed_once_it_stays_drained() -> None:
    """SL1: liquidity that is gone for a block may come back; two blocks later it is a loss."""
    scene, _ = stage()
    scene.deep = False
    assert only(scene.look(), Simulate) == []
    (_,) = only(scene.look(), Simulate)


def test_sl1_waiting_has_a_bound_in_time() -> None:
    """SL1: where blocks come slowly, a dispute of a minute ends in favour of the pool's word."""
    slow = msgspec.structs.replace(
        DOUBTING, prices=PriceTerms(doubts=DoubtLimits(confirm_blocks=5, confirm_within_ns=60 * 10**9))
    )
    scene, _ = stage(slow, looks=4)
    assert only(at(scene, 60), Simulate) == []
    scene.now_ns += 58 * 10**9
    assert only(at(scene, 60), Simulate) == []
    scene.now_ns += 10**9
    (_,) = only(at(scene, 60), Simulate)


def test_sl1_a_second_source_that_fell_too_lets_the_stop_loss_fire_at_once() -> None:
    """SL1: two pools that say the same need no second block."""
    scene, _ = stage()
    (_,) = only(at(scene, 60, **beside(FAIR * 60 // 100)), Simulate)


def test_es2_beside_a_second_source_a_pumped_pool_is_worth_what_the_other_says() -> None:
    """ES2, EX1: equity by the worse of the two for as long as they differ, and no more is bought."""
    scene, _ = stage()
    before = equity(scene)
    for _ in range(6):
        at(scene, 110, **beside())
    assert equity(scene) == before
    assert refused(scene, 50) == "price.disputed"
    for _ in range(6):
        at(scene, 110, **beside(FAIR * 110 // 100))
    assert equity(scene) > before
    assert refused(scene, 51) == ""


def test_a_second_source_that_is_shallow_is_not_asked() -> None:
    """ES2: a pool that costs little to move neither makes a loss nor bars an opening."""
    scene, _ = stage()
    before = equity(scene)
    thin = SecondPrices(ways={ROUTE: ((Hop(ETHER, ETHER // 10_000),),)})
    for _ in range(4):
        scene.look(second=thin)
    assert equity(scene) == before
    assert refused(scene, 50) == ""


def test_nothing_is_bought_at_a_price_that_was_seen_once() -> None:
    """EX7, EX1: nor at one that has just jumped; after two calm blocks it is."""
    scene = PositionScene(DOUBTING).begin()
    assert isinstance(scene, PositionScene)
    assert rule_of(scene.submit(opening(1))) == "allowance.unread"
    scene.look()
    assert rule_of(scene.submit(opening(2))) == "price.unproven"
    scene.look()
    at(scene, 130)
    assert rule_of(scene.submit(opening(3))) == "price.disputed"
    at(scene, 130)
    at(scene, 130)
    assert only(scene.submit(opening(4)), Simulate) != []


def test_a_cycle_needs_no_price() -> None:
    """EX5: what ends in what it began with is bounded by the chain: no dispute keeps it from passing."""
    scene, _ = stage()
    at(scene, 30)
    order = opening(60)
    swap = msgspec.structs.replace(
        order.proposal.swap, path=(WETH, TOKEN_A, WETH), min_amount_out=Wei(2 * ETHER)
    )
    cycle = msgspec.structs.replace(order, proposal=msgspec.structs.replace(order.proposal, swap=swap))
    assert only(scene.submit(cycle), Simulate) != []


def test_ps4a_what_an_operator_orders_sold_waits_for_a_young_dispute_and_no_longer() -> None:
    """PS4a: not at a price that one block has shown; at the second it goes, whatever it brings."""
    scene, position_id = stage()
    scene.price = FAIR * 30 // 100
    scene.tell(Ordered(b"op", PullLever("ann", "enough", "close_position", position_id)))
    assert only(scene.look(), Simulate) == []
    (_,) = only(scene.look(), Simulate)


def test_al2_a_dispute_is_told_once_and_why_names_it() -> None:
    """AL3, OP1a: an alert with the setting, again in ten minutes at the earliest; `warden why` has both."""
    scene, position_id = stage()
    (told,) = [each for each in only(at(scene, 70), Tell) if each.kind == "price.disputed"]
    assert told.data == {
        "position_id": position_id,
        "token": TOKEN_A,
        "setting": "price.max_deviation_percent",
    }
    (answer,) = only(scene.tell(Ordered(b"op", AskRisk())), Respond)
    assert isinstance(answer.reply, RiskReport)
    (reason,) = [each for each in answer.reply.blocked if each.rule == "price.disputed"]
    assert (reason.limit, reason.observed, reason.unit) == ("5.00", "30.00", "%")
    for percent in (100, 70, 100):
        assert [each for each in only(at(scene, percent), Tell) if each.kind == "price.disputed"] == []


def test_i6_a_restart_in_the_very_block_of_a_spike_believes_it_no_more() -> None:
    """SL1, I6: what it was worth when that was last written down stands for the blocks that were not seen."""
    scene, position_id = stage()
    again = PositionScene(DOUBTING, tuple(scene.rows)).begin()
    assert isinstance(again, PositionScene)
    again.weth, again.native, again.token = scene.weth, scene.native, scene.token
    again.receipts = scene.receipts
    again.block, again.now_ns = scene.block + 1, scene.now_ns
    assert again.held == {position_id: BOUGHT}
    assert only(at(again, 40), Simulate) == []
    assert only(at(again, 100), Simulate) == []
    assert only(at(again, 40), Simulate) == []
    (_,) = only(at(again, 40), Simulate)


def test_es1_a_crash_of_all_that_is_held_stops_at_its_second_block() -> None:
    """ES1: the portfolio's stop waits no longer than the exits do."""
    scene = PositionScene(DOUBTING).begin()
    assert isinstance(scene, PositionScene)
    scene.submit(opening(7))
    scene.look()
    scene.look()
    order = opening(9, amount_wei=9 * ETHER, least=9 * BOUGHT)
    (simulate,) = only(scene.submit(order), Simulate)
    trip = RoundTrip(TOKEN_A, 9 * BOUGHT, 9 * BOUGHT, 9 * ETHER, 9 * ETHER, decimals=18)
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, 200_000, trip=trip)), Sign)
    tx_hash, _ = scene.sign(sign)
    scene.mine(tx_hash, weth=-9 * ETHER, token=9 * BOUGHT)
    for _ in range(3):
        scene.look()
    assert only(at(scene, 40), DemandStop) == []
    (demand,) = only(at(scene, 40), DemandStop)[:1]
    assert "lost" in demand.stop.message


# --- USD

PRICED = msgspec.structs.replace(
    DOUBTING,
    fixed_usd=None,
    priced_by=PricePair("0x" + "05" * 20, 6),
    prices=PriceTerms(doubts=DoubtLimits(), second_usd=PricePair("0x" + "06" * 20, 6)),
)


def usd(scene: PositionScene) -> Decimal:
    """Return the price that the rules go by."""
    quote = scene.core.ledger.engine.state.means.quote
    assert quote is not None
    return Decimal(int(quote.numerator)) / int(quote.denominator)


def test_ps1_a_price_in_usd_that_jumps_opens_nothing_and_limits_are_met_early() -> None:
    """PS1: for one block it moves nothing; low, the higher one counts, so that no limit grows."""
    scene = PositionScene(PRICED)
    scene.begin(price_usd=Decimal(2_000))  # type: ignore[arg-type] # a head's field
    for _ in range(4):
        scene.look(price_usd=Decimal(2_000))
    scene.look(price_usd=Decimal(1_000))
    assert usd(scene) == 2_000
    assert rule_of(scene.submit(opening(1))) == "price.disputed"
    scene.look(price_usd=Decimal(1_000))
    assert usd(scene) == 2_000
    for _ in range(4):
        scene.look(price_usd=Decimal(1_000))
    assert usd(scene) == 1_000
    assert refused(scene, 2) != "price.disputed"


def test_ps1_two_dollars_that_differ_open_nothing_for_as_long_as_they_do() -> None:
    """PS1: one of the two has lost its peg: the higher price counts, at which every limit is met first."""
    scene = PositionScene(PRICED)
    scene.begin(price_usd=Decimal(2_000))  # type: ignore[arg-type] # a head's field
    same = SecondPrices(usd_reserves=(ETHER, 2_010 * 10**6))
    for _ in range(3):
        scene.look(price_usd=Decimal(2_000), second=same)
    assert refused(scene, 1) != "price.disputed"
    other = SecondPrices(usd_reserves=(ETHER, 2_400 * 10**6))
    for _ in range(4):
        scene.look(price_usd=Decimal(2_000), second=other)
    assert usd(scene) == 2_400
    assert rule_of(scene.submit(opening(2))) == "price.disputed"

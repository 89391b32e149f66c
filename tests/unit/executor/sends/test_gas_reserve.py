"""Gas for every cancel and exit is kept before anything is opened; what the chain below charges counts."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.flights import ACCEPTED, FLIGHT_TERMS, Flight
from tests.unit.executor.scene import GWEI, intent, only
from tests.unit.executor.test_core import rule_of
from warden.executor.intents.requests import GAS_GUESS, request_of
from warden.executor.protocol.commands import Simulate
from warden.executor.sends import drafts, gas_reserve
from warden.executor.sends.drafts import Moment

RESERVE_WEI = FLIGHT_TERMS.risk.levers.trade.gas_reserve_wei


def at(scene: Flight) -> Moment:
    """Return the moment."""
    assert scene.core.head is not None
    return Moment(scene.core.head, FLIGHT_TERMS, scene.now())


@pytest.mark.parametrize("short_wei", [0, 1])
def test_the_boundary_is_exact(short_wei: int) -> None:
    """EX6: with one wei less than all that may be wanted at once nothing is opened; with it, it is."""
    scene = Flight(base_fee_wei=20 * GWEI)
    order = intent(1, not_after_s=1_010)
    gas_wei = request_of(order, "main", at(scene)).gas_wei
    needed_wei = gas_reserve.needed_wei(scene.core.ledger, at(scene), gas_wei)
    assert needed_wei > RESERVE_WEI
    scene = Flight(base_fee_wei=20 * GWEI, gas_balance_wei=needed_wei - short_wei)
    commands = scene.submit(order)
    if short_wei:
        assert rule_of(commands) == "limits.gas_reserve_eth"
    else:
        assert only(commands, Simulate)


def test_what_is_on_its_way_counts_with_a_cancel_for_each() -> None:
    """EX6: its own gas at most, and a cancel at its nonce; two at one nonce count once."""
    scene = Flight()
    nothing_wei = gas_reserve.needed_wei(scene.core.ledger, at(scene))
    assert nothing_wei == 0
    row = scene.row(scene.fly(1, *ACCEPTED))
    cancel_wei = drafts.CANCEL_GAS * drafts.freeing(at(scene))[0]
    assert gas_reserve.needed_wei(scene.core.ledger, at(scene)) == row.gas * row.max_fee_wei + cancel_wei


def test_a_position_needs_its_exit() -> None:
    """EX6: what opens one needs the gas of its sale beside its own."""
    scene = Flight()
    plain = gas_reserve.needed_wei(scene.core.ledger, at(scene), 1)
    opening = gas_reserve.needed_wei(scene.core.ledger, at(scene), 1, opens=True)
    assert opening - plain == gas_reserve.EXIT_GAS * drafts.fees(at(scene))[0]


def test_the_fee_of_the_chain_below_is_part_of_what_gas_costs() -> None:
    """EX8: reserved with the trade, taken off its profit, and asked again when it is known; with room."""
    scene = Flight()
    order = intent(1, not_after_s=1_010)
    without = request_of(order, "main", at(scene))
    scene.core.head = msgspec.structs.replace(at(scene).head, l1_fee_wei=1_000_000)
    dear = request_of(order, "main", at(scene), 100_000)
    cheap_wei = 100_000 * drafts.fees(at(scene), 1_010)[0]
    assert dear.gas_wei == cheap_wei + 1_250_000
    assert dear.profit_wei == 1 - dear.gas_wei
    assert request_of(order, "main", at(scene)).gas_wei == without.gas_wei + 1_250_000
    assert without.gas_wei == GAS_GUESS * drafts.fees(at(scene), 1_010)[0]

"""Two endpoints' word on one transaction: what one says alone is signed on by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.scene import ETHER, ROUTER, TERMS, TOKEN_A, WETH, intent
from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.domain.money import Wei
from warden.domain.risk.asset_changes import Change, Changes
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.intents import judging
from warden.executor.protocol.commands import Simulate
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.reads.witnesses import witnessed
from warden.executor.sends.drafts import Moment
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = Simulate("intent", ROUTER, b"\x01", (WETH, TOKEN_A), witnessed=True)
CHANGES = Changes((Change(WETH, 5, 0, -5), Change(TOKEN_A, 0, 8, 8)), ())
TRIP = RoundTrip(TOKEN_A, 8, 8, 4, 4, exit_gas=100)
GOOD = Simulated("intent", 200_000, changes=CHANGES, trip=TRIP)
OTHERWISE = Changes((Change(WETH, 5, 0, -5), Change(TOKEN_A, 0, 9, 9)), ())

Said = Simulated | SimulationFailed | Exception


def said(*answers: Said, names: tuple[str, ...] = ("a", "b")) -> Simulated | SimulationFailed:
    """Return what comes of endpoints that say this, one after the other."""
    rpc = JsonRpc("http://127.0.0.1:1", timeout_s=1)
    left = list(zip(answers, [*names, ""], strict=False))

    def tried() -> Simulated | SimulationFailed:
        answer, name = left.pop(0)
        # The second time whoever has spoken is not to be heard again.
        assert rpc.avoid == (frozenset() if len(left) == len(answers) - 1 else {names[0]})
        rpc.answered_by |= {name} - {""}
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = witnessed(rpc, ORDER, tried)
    assert (rpc.avoid, rpc.answered_by) == (frozenset(), set())
    return found


def rule(found: Simulated | SimulationFailed) -> str:
    """Return the rule that refuses, empty where none does."""
    return found.rule if isinstance(found, SimulationFailed) else ""


def test_two_that_say_the_same_are_one_word_with_the_larger_gas() -> None:
    """EX11: nodes may find another limit for the gas; nothing else may differ."""
    other = msgspec.structs.replace(GOOD, gas=210_000, trip=msgspec.structs.replace(TRIP, exit_gas=99))
    assert said(GOOD, other) == msgspec.structs.replace(GOOD, gas=210_000)
    assert said(other, GOOD) == other


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (msgspec.structs.replace(GOOD, changes=OTHERWISE), "simulation.disputed"),
        (
            msgspec.structs.replace(GOOD, trip=msgspec.structs.replace(TRIP, sold_wei=0)),
            "simulation.disputed",
        ),
        (SimulationFailed("intent", refused=True, text="reverts"), "simulation.disputed"),
        (msgspec.structs.replace(GOOD, changes=None), "simulation.one-witness"),
        (
            SimulationFailed("intent", refused=True, text="no", rule="simulation.impossible"),
            "simulation.one-witness",
        ),
        (SimulationFailed("intent", refused=False, text="slow"), "simulation.one-witness"),
        (EndpointFailed("nobody"), "simulation.one-witness"),
        (EndpointRefused("no endpoint can answer"), "simulation.one-witness"),
        (ValueError("rubbish"), "simulation.one-witness"),
    ],
)
def test_who_differs_or_is_silent_bars_it(second: Said, expected: str) -> None:
    """EX11: fail closed, with a rule of its own for each; it is an answer, not a failure of the system."""
    found = said(GOOD, second)
    assert rule(found) == expected
    assert isinstance(found, SimulationFailed)
    assert found.refused


def test_what_the_first_one_will_not_have_is_not_asked_again() -> None:
    """EX11: a refusal stands; and a word that nobody is named for is nobody's."""
    no = SimulationFailed("intent", refused=True, text="reverts")
    assert said(no) == no
    assert rule(said(GOOD, GOOD, names=("", ""))) == "simulation.one-witness"
    with pytest.raises(EndpointFailed):
        said(EndpointFailed("nobody"))


@pytest.mark.parametrize(
    ("least", "amount_wei", "expected"),
    [(None, 100 * ETHER, False), (ETHER, ETHER - 1, False), (ETHER, ETHER, True), (ETHER, 2 * ETHER, True)],
)
def test_what_spends_much_needs_two(least: int | None, amount_wei: int, *, expected: bool) -> None:
    """EX11: by its size, whatever its path; a sale from a position needs none."""
    terms = msgspec.structs.replace(TERMS, witnessed_from_wei=least)
    at = Moment(HEAD, terms, NOW)
    order = intent(amount_wei=amount_wei)
    assert judging.simulation_of(order, at).witnessed is expected
    swap: Callable[..., object] = msgspec.structs.replace
    sale = swap(order.proposal.swap, path=(TOKEN_A, WETH), amount_in=Wei(100 * ETHER))
    sold = msgspec.structs.replace(order, proposal=msgspec.structs.replace(order.proposal, swap=sale))
    assert not judging.simulation_of(sold, at).witnessed

"""What is asked before an intent is signed, and what its answer leads to, in the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.scene import ETHER, ROUTER, TERMS, TOKEN_A, WETH, Scene, intent, only
from warden.domain.intents import Outcome
from warden.domain.risk.asset_changes import Allowance, Change, Changes
from warden.executor.intents import judging
from warden.executor.protocol.commands import Reply, Sign, Simulate, Tell
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.protocol.simulating import Simulating
from warden.executor.sends.drafts import Moment
from warden.wire.messages import Answer

if TYPE_CHECKING:
    from warden.executor.protocol.terms import Terms

BUY = (WETH, TOKEN_A)


def terms(how: Simulating) -> Terms:
    """Return terms that simulate so much."""
    return msgspec.structs.replace(TERMS, simulating=how)


def changes(gone: int, come: int, *others: Change, allowances: tuple[Allowance, ...] = ()) -> Changes:
    """Return what a cycle does to the wallet."""
    return Changes((Change(WETH, gone, come, come - gone), *others), allowances)


@pytest.mark.parametrize(
    ("how", "path", "judged", "round_trip"),
    [
        (Simulating.ALWAYS, (WETH, TOKEN_A, WETH), True, False),
        (Simulating.ALWAYS, BUY, True, True),
        (Simulating.UNKNOWN, (WETH, TOKEN_A, WETH), False, False),
        (Simulating.UNKNOWN, BUY, True, True),
        (Simulating.NEVER, (WETH, TOKEN_A, WETH), False, False),
        (Simulating.NEVER, BUY, False, False),
    ],
)
def test_how_much_is_asked(how: Simulating, path: tuple[str, ...], judged: bool, round_trip: bool) -> None:  # noqa: FBT001 - parameters
    """EX11, EX7: a purchase to be held is tried with its sale unless everything is switched off."""
    order = judging.simulation_of(intent(1, path=path), Moment(HEAD, terms(how), NOW))
    assert (order.judged, order.round_trip, order.required) == (judged, round_trip, round_trip)
    assert (order.at_s, order.to) == (intent(1).not_after_s, ROUTER)


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (changes(ETHER, ETHER + 1), ""),
        (changes(ETHER + 1, ETHER + 2), "simulation.takes-too-much"),
        (changes(ETHER, ETHER), "simulation.brings-too-little"),
        (changes(ETHER, ETHER + 1, Change(TOKEN_A, 1, 0, -1)), "simulation.takes-too-much"),
        (changes(ETHER, ETHER + 1, Change(TOKEN_A, 0, 0, -1)), "simulation.token-lies"),
        (
            changes(ETHER, ETHER + 1, allowances=(Allowance(TOKEN_A, ROUTER, 0, 1),)),
            "simulation.allowance",
        ),
    ],
)
def test_only_what_does_as_it_says_is_signed(found: Changes, rule: str) -> None:
    """EX11: the trader hears rule, limit and observed; the share is given back, nothing is signed."""
    scene = Scene().begin()
    (simulate,) = only(scene.submit(intent(1)), Simulate)
    commands = scene.tell(Simulated(simulate.intent_id, gas=200_000, changes=found))
    assert len(only(commands, Sign)) == (rule == "")
    if not rule:
        return
    (reply,) = only(commands, Reply)
    assert isinstance(reply.message, Answer)
    decision = reply.message.decision
    assert (decision.outcome, decision.rule) == (Outcome.REFUSED, rule)
    assert decision.limit
    assert decision.observed
    assert scene.core.ledger.engine.state.reservations.spend_wei == 0


def test_an_impossible_simulation_has_its_own_rule() -> None:
    """EX11: refused for what it is: nobody could tell, and it was no revert."""
    scene = Scene().begin()
    (simulate,) = only(scene.submit(intent(1)), Simulate)
    failed = SimulationFailed(simulate.intent_id, refused=True, text="no", rule="simulation.impossible")
    (reply,) = only(scene.tell(failed), Reply)
    assert isinstance(reply.message, Answer)
    assert reply.message.decision.rule == "simulation.impossible"


def test_the_next_best_is_told_once_an_hour() -> None:
    """EX11: a cycle through the known router goes on without the method, and somebody hears of it."""
    scene = Scene().begin()
    told = []
    for number in (1, 2):
        (simulate,) = only(scene.submit(intent(number, not_after_s=2_000)), Simulate)
        commands = scene.tell(Simulated(simulate.intent_id, gas=900_000))
        told += [each.kind for each in only(commands, Tell) if each.kind.startswith("simulation.")]
    assert told == ["simulation.next-best"]


def test_what_is_switched_off_is_said_at_each_start() -> None:
    """ES1a, EX11: `never` and `unknown` are loud; `always` has nothing to say."""
    for how, said in ((Simulating.ALWAYS, 0), (Simulating.UNKNOWN, 1), (Simulating.NEVER, 1)):
        scene = Scene(terms=terms(how))
        kinds = [each.kind for each in only(scene.core.begin(scene.now()), Tell)]
        assert kinds.count("simulation.switched-off") == said


def test_an_opening_without_its_round_trip_is_refused() -> None:
    """EX7: whoever leaves the trial of the sale out lets nothing be opened."""
    asked = intent(1, path=BUY, min_amount_out=1)
    found = Simulated(asked.intent_id, gas=1, changes=changes(ETHER, 0, Change(TOKEN_A, 0, 5, 5)))
    refusal = judging.refusal(asked, found, TERMS)
    assert refusal is not None
    assert refusal.rule == "simulation.impossible"
    assert judging.refusal(asked, found, terms(Simulating.NEVER)) is None

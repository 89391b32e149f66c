"""Several transactions on their way: nonces without gaps, whatever becomes of each."""

from __future__ import annotations

import pytest

from tests.unit.executor.flights import ACCEPTED, NOT_BEGUN, REJECTED, Flight, signs
from tests.unit.executor.scene import ETHER, GWEI, TOKEN_B, WALLET, WETH, Scene, intent, only
from tests.unit.executor.test_core import rule_of, states
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.executor.protocol.commands import Record, Send, Simulate
from warden.executor.protocol.events import CleanupAllowed, Receipt, Simulated
from warden.executor.protocol.terms import Ticket
from warden.executor.status import in_flight
from warden.wire.rows import Purpose


def test_so_many_go_at_once_and_no_more() -> None:
    """EX3: each has the next nonce; what is being prepared counts; an end makes room."""
    scene = Flight()
    first = [scene.fly(number, *ACCEPTED) for number in (1, 2, 3)]
    assert [scene.row(each).nonce for each in first] == [0, 1, 2]
    assert only(scene.submit(intent(4)), Simulate)
    assert rule_of(scene.submit(intent(5))) == "pending"
    scene.read({first[0]: scene.mined(first[0])}, nonce=1)
    assert rule_of(scene.submit(intent(6))) == "pending.market"
    elsewhere = intent(7, path=(WETH, f"0x{7:040x}", TOKEN_B, WETH))
    assert only(scene.submit(elsewhere), Simulate)


def test_what_is_about_to_change_is_not_traded_on() -> None:
    """EX11: a simulation does not see a trade of ours that is still on its way; its end makes room."""
    scene = Flight()
    first, _ = scene.trade(intent(1))
    scene.legs(first, *ACCEPTED)
    assert rule_of(scene.submit(intent(2))) == "pending.market"
    scene.read({first: scene.mined(first)}, nonce=1)
    assert only(scene.submit(intent(3)), Simulate)


def test_a_limit_of_one_is_one() -> None:
    """EX3: the strict profile sends one after another."""
    scene = Scene().begin()
    scene.trade(intent(1))
    assert rule_of(scene.submit(intent(2))) == "pending"


def test_what_is_in_flight_may_use_up_the_allowance() -> None:
    """EX7: two swaps share one allowance, so the second waits for another approval."""
    scene = Flight()
    scene.read(allowance_wei=3 * ETHER // 2)
    scene.fly(1, *ACCEPTED)
    assert rule_of(scene.submit(intent(2))) == "allowance"


def test_one_approval_at_a_time() -> None:
    """EX7: until it is mined the allowance is too low for whoever asks, and no second one is signed."""
    scene = Flight(allowance_wei=0)
    (simulate,) = only(scene.submit(intent(1)), Simulate)
    (sign,) = signs(scene.tell(Simulated(simulate.intent_id, gas=50_000)))
    approval, _ = scene.sign(sign)
    assert rule_of(scene.submit(intent(2))) == "allowance"
    assert only(scene.submit(intent(3)), Simulate) == []
    scene.legs(approval, *ACCEPTED)
    scene.read({approval: scene.mined(approval, gain_wei=0)}, nonce=1)
    assert only(scene.submit(intent(4)), Simulate)


def test_a_nonce_that_came_free_at_the_end_is_the_next_ones() -> None:
    """DESIGN §3: no gap comes about, so nothing is filled."""
    scene = Flight()
    scene.fly(1, *ACCEPTED)
    second = scene.fly(2)
    assert signs(scene.legs(second, *NOT_BEGUN)) == []
    assert scene.row(scene.fly(3)).nonce == 1


def test_a_gap_is_filled_at_once() -> None:
    """EX3: the second of four never left: its nonce is used up by nothing, and the later ones can land."""
    scene = Flight()
    hashes = [scene.fly(number) for number in (1, 2, 3, 4)]
    for each in (hashes[0], *hashes[2:]):
        scene.legs(each, *ACCEPTED)
    (sign,) = signs(scene.legs(hashes[1], *NOT_BEGUN))
    draft = sign.draft
    assert (draft.purpose, draft.nonce, draft.to, draft.replaces) == (Purpose.CANCEL, 1, WALLET, "")
    assert (sign.value_wei, sign.data, draft.not_after_s) == (0, b"", 0)
    filled, commands = scene.sign(sign)
    (record,) = only(commands, Record)
    (send,) = [each for each in record.then if isinstance(each, Send)]
    assert send.ticket.action is Action.CANCEL
    scene.legs(filled, *ACCEPTED)
    assert signs(scene.read()) == []
    mined: dict[str, Receipt | None] = {each: scene.mined(each) for each in (hashes[0], filled, *hashes[2:])}
    scene.read(mined, nonce=4)
    assert [entry.signed.tx_hash for entry in scene.core.book.open()] == []
    assert scene.core.ledger.engine.state.reservations.held == {}


def test_a_gap_that_could_not_be_filled_is_tried_at_the_next_block() -> None:
    """EX3: with every endpoint gone nothing is tried in a circle; each block tries once."""
    scene = Flight()
    first, second = scene.fly(1), scene.fly(2)
    scene.legs(second, *ACCEPTED)
    (sign,) = signs(scene.legs(first, *NOT_BEGUN))
    for _ in range(10):
        filled, _ = scene.sign(sign)
        assert signs(scene.legs(filled, *NOT_BEGUN)) == []
        (sign,) = signs(scene.read())
        assert (sign.draft.nonce, sign.draft.purpose) == (0, Purpose.CANCEL)


def test_no_gap_is_filled_while_the_gate_is_closed() -> None:
    """I7: and once it opens, it is."""
    scene = Flight()
    first, second = scene.fly(1), scene.fly(2)
    scene.legs(second, *ACCEPTED)
    scene.core.allow(frozenset())
    assert signs(scene.legs(first, *NOT_BEGUN)) == []
    assert signs(scene.read()) == []
    scene.core.allow(frozenset({Action.CANCEL}))
    (sign,) = signs(scene.read())
    assert sign.draft.nonce == 0


def test_a_stops_clean_up_fills_the_gaps_it_was_given() -> None:
    """I3, ES6: under a leave that names the nonce, with a ticket for it; else not."""
    scene = Flight()
    first, second = scene.fly(1), scene.fly(2)
    scene.legs(second, *ACCEPTED)
    scene.core.allow(frozenset())
    scene.legs(first, *NOT_BEGUN)
    cancels = signs(scene.tell(CleanupAllowed(("s",), (1,))))
    assert [each.draft.nonce for each in cancels] == [1]
    (_, fill) = (*cancels, *signs(scene.tell(CleanupAllowed(("s", "t"), (0, 1)))))
    _, commands = scene.sign(fill)
    (record,) = only(commands, Record)
    (send,) = [each for each in record.then if isinstance(each, Send)]
    assert isinstance(send.ticket, Ticket)
    assert (fill.draft.nonce, send.ticket.cleanup_nonce) == (0, 0)


def test_a_refused_one_before_others_is_taken_back_at_once() -> None:
    """EX3: all endpoints said no; its nonce may not stay bound while later ones wait for it."""
    scene = Flight()
    first = scene.fly(1, *REJECTED)
    scene.fly(2, *ACCEPTED)
    (sign,) = signs(scene.read())
    assert (sign.draft.purpose, sign.draft.nonce, sign.draft.replaces) == (Purpose.CANCEL, 0, first)


def test_a_restart_fills_the_gap_that_the_run_before_left() -> None:
    """EX2: killed between the release and the filling, the next run finds the gap in the book."""
    scene = Flight()
    first, second = scene.fly(1), scene.fly(2)
    scene.legs(second, *ACCEPTED)
    scene.legs(first, *NOT_BEGUN)
    again = Flight(rows=tuple(scene.rows))
    again.block = scene.block
    assert [sign.draft.nonce for sign in signs(again.read())] == [0]


@pytest.mark.parametrize("nonce", [0, 3])
def test_a_chain_that_tells_too_little_fills_nothing(nonce: int) -> None:
    """I10: a nonce below what the wallet had when the journal began is no gap of ours."""
    scene = Flight(nonce=5)
    scene.fly(1, *ACCEPTED)
    assert signs(scene.read(nonce=nonce)) == []


def test_what_was_released_and_landed_all_the_same_is_found() -> None:
    """I6, EX9: refused by all, given up, passed on by one: it is no stranger's, whoever has its nonce."""
    scene = Flight()
    first = scene.fly(1, *REJECTED, not_after_s=1_003)
    while states(scene)[-1] is not TradeState.RELEASED:
        scene.read()
    second = scene.fly(2, *ACCEPTED)
    assert scene.row(second).nonce == scene.row(first).nonce == 0
    landed = scene.mined(first, success=False)
    demands = []
    for _ in range(6):
        demands += [
            each
            for each in scene.read({first: landed, second: None}, nonce=1)
            if "Demand" in type(each).__name__
        ]
    assert demands == []
    outcomes = {entry.signed.tx_hash: entry.outcome.state for entry in scene.core.book.recent(9)}
    assert outcomes == {first: TradeState.REVERTED, second: TradeState.SUPERSEDED}


def test_the_status_tells_what_is_on_its_way() -> None:
    """CO1, EX3: by nonce, the newest that stands there, how old and how many tries; nothing that settled."""
    scene = Flight()
    first = scene.fly(1, *ACCEPTED)
    second = scene.fly(2)
    (bump,) = signs(scene.read(base_fee_wei=20 * GWEI))
    dearer, _ = scene.sign(bump)
    lines = in_flight(scene.core.book, scene.now())
    assert [(each.nonce, each.tx_hash, each.attempts, each.accepted) for each in lines] == [
        (0, dearer, 2, False),
        (1, second, 1, False),
    ]
    assert (lines[0].age_s, lines[0].purpose) == (1, "swap")
    assert lines[0].max_fee_wei == scene.row(dearer).max_fee_wei > scene.row(first).max_fee_wei
    scene.read({first: scene.mined(first)}, nonce=1)
    scene.read(nonce=1)
    assert [each.nonce for each in in_flight(scene.core.book, scene.now())] == [1]

"""Allowances: exact, simulated, one at a time, told when nobody explains them, taken back when idle."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.rows import outcome, signed, tx
from tests.unit.executor.scene import ETHER, ROUTER, TERMS, TOKEN_A, WETH, Scene, intent, only
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.asset_changes import Allowance, Change, Changes
from warden.domain.risk.events import LeverSet
from warden.executor.books.ledger import Ledger
from warden.executor.books.position_book import Holding, Holdings
from warden.executor.protocol.commands import Command, Sign, Simulate, Tell
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.sends.allowances import Allowances
from warden.executor.sends.drafts import Moment
from warden.wire.rows import Purpose, RiskRow, SignedRow

MINUTE_NS = 60_000_000_000


class Desk:
    """Allowances of a wallet with a clock of its own, and what stands on the chain."""

    def __init__(self) -> None:
        self.ledger = Ledger(TERMS.risk)
        self.tickets: dict[str, object] = {}
        self.allowances = Allowances(TERMS, self.ledger, self.tickets)  # type: ignore[arg-type] # ids count
        self.now = NOW
        self.chain = {TOKEN_A: 0}

    def at(self) -> Moment:
        """Return the moment."""
        return Moment(msgspec.structs.replace(HEAD, allowance_wei=0, allowances=self.chain), TERMS, self.now)

    def later(self, minutes: int) -> None:
        """Let time pass."""
        passed = self.now.utc_ns + minutes * MINUTE_NS
        self.now = msgspec.structs.replace(self.now, utc_ns=passed)

    def ask(self, amount: int = 7) -> list[Command]:
        """Ask for an allowance of a token."""
        return self.allowances.ask(TOKEN_A, amount, "trace", self.at())

    def answer(self, asked: Command, after: int | None = None, *, went: int = 0) -> list[Command]:
        """Let its simulation say that it sets so much, or exactly what was asked for."""
        assert isinstance(asked, Simulate)
        amount = int.from_bytes(asked.data[-32:], "big")
        allowed = Allowance(TOKEN_A, ROUTER, 0, amount if after is None else after)
        changes = Changes((Change(TOKEN_A, went, 0, -went),), (allowed,))
        return self.allowances.simulated(Simulated(asked.intent_id, 46_000, changes=changes), self.at())


def test_an_approval_is_tried_then_signed_for_exactly_its_amount() -> None:
    """EX7: the token, the spender and the amount of the draft are those that were simulated."""
    desk = Desk()
    (asked,) = desk.ask(7)
    assert isinstance(asked, Simulate)
    assert (asked.to, asked.required, asked.pairs) == (TOKEN_A, True, ((TOKEN_A, ROUTER),))
    (sign,) = desk.answer(asked)
    assert isinstance(sign, Sign)
    assert (sign.draft.purpose, sign.draft.spender, sign.draft.allowance) == (Purpose.APPROVE, ROUTER, 7)
    assert list(desk.tickets) == [sign.draft.intent_id]


def test_one_approval_of_a_token_at_a_time() -> None:
    """EX7: while one is tried, signed or on its way, nothing else is asked for that token."""
    desk = Desk()
    (asked,) = desk.ask()
    assert desk.ask() == []
    (sign,) = desk.answer(asked)
    assert desk.ask() == []
    assert isinstance(sign, Sign)
    desk.tickets.clear()
    row = msgspec.structs.replace(sign.draft, tx_hash=tx(1), raw="0x02")
    desk.ledger.apply(row)
    assert desk.ask() == []
    desk.ledger.apply(outcome(1, TradeState.MINED))
    assert len(desk.ask()) == 1


@pytest.mark.parametrize(("after", "went"), [(8, 0), (0, 0), (7, 1)])
def test_an_approval_that_does_anything_else_is_told_and_not_signed(after: int, went: int) -> None:
    """EX7, EX11: another amount, nothing, or a token that takes while it is approved."""
    desk = Desk()
    (asked,) = desk.ask(7)
    (told,) = desk.answer(asked, after, went=went)
    assert isinstance(told, Tell)
    assert told.kind == "allowance.refused"
    assert desk.ask(7) == []  # not at once again
    desk.later(1)
    assert len(desk.ask(7)) == 1


def test_zero_first_where_the_token_wants_it() -> None:
    """EX7: what cannot be changed from one amount to another is set to zero, then asked for again."""
    desk = Desk()
    desk.chain = {TOKEN_A: 3}
    (asked,) = desk.ask(7)
    assert isinstance(asked, Simulate)
    (zero,) = desk.allowances.failed(SimulationFailed(asked.intent_id, True, "reverts"), desk.at())
    (sign,) = desk.answer(zero)
    assert isinstance(sign, Sign)
    assert sign.draft.allowance == 0


def test_what_cannot_be_tried_is_told() -> None:
    """EX7: a revert with nothing standing, or no answer, ends it for now; a late answer is none."""
    desk = Desk()
    (asked,) = desk.ask(7)
    assert isinstance(asked, Simulate)
    failed = SimulationFailed(asked.intent_id, refused=True, text="no", rule="simulation.impossible")
    (told,) = desk.allowances.failed(failed, desk.at())
    assert isinstance(told, Tell)
    assert told.data["rule"] == "simulation.impossible"
    assert desk.answer(asked) == []


def test_an_exit_waits_for_no_simulator() -> None:
    """EX7, SL1: the approval of a sale is signed where nobody answers; one that would revert is not."""
    desk = Desk()
    held = Holding("p", "main", "test", TOKEN_A, "m", "", (TOKEN_A, WETH), Wei(7), Wei(1), 1, "")
    (asked,) = desk.allowances.ask_for_sale(held, desk.at())
    assert isinstance(asked, Simulate)
    assert (asked.judged, asked.required) == (True, False)
    unanswered = SimulationFailed(asked.intent_id, refused=False, text="nobody")
    (sign,) = desk.allowances.failed(unanswered, desk.at())
    assert isinstance(sign, Sign)
    assert (sign.draft.position_id, sign.draft.action) == ("p", Action.REDUCE)
    other = Desk()
    (asked,) = other.allowances.ask_for_sale(held, other.at())
    assert isinstance(asked, Simulate)
    reverts = SimulationFailed(asked.intent_id, refused=True, text="reverts")
    (told,) = other.allowances.failed(reverts, other.at())
    assert isinstance(told, Tell)


def test_what_is_held_already_counts() -> None:
    """EX7: an exit of all positions in a token, and of what is about to be bought, must be covered."""
    desk = Desk()
    held = Holding("p", "main", "test", TOKEN_A, "m", "", (TOKEN_A, WETH), Wei(7), Wei(1), 1, "")
    desk.ledger.holdings = Holdings(open={"p": held})
    desk.chain = {TOKEN_A: 10}
    assert desk.allowances.covers_exit(TOKEN_A, 3, desk.at().head)
    assert not desk.allowances.covers_exit(TOKEN_A, 4, desk.at().head)
    desk.chain = {}
    assert not desk.allowances.covers_exit(TOKEN_A, 0, desk.at().head)
    (asked,) = desk.allowances.ask_for_exit(TOKEN_A, 100, "trace", desk.at())
    assert isinstance(asked, Simulate)
    assert int.from_bytes(asked.data[-32:], "big") == 7 + 105


def test_what_is_never_answered_is_asked_again() -> None:
    """EX7: after five seconds without an answer it is given up."""
    desk = Desk()
    desk.ask()
    desk.later(1)
    desk.allowances.expire(desk.now)
    assert len(desk.ask()) == 1


def test_an_allowance_that_no_row_explains_is_told_once() -> None:
    """EX7: the chain's word is compared with the journal's; what is explained says nothing."""
    desk = Desk()
    desk.chain = {TOKEN_A: 9}
    (told,) = only(desk.allowances.look(desk.at()), Tell)
    assert (told.kind, told.data["observed"], told.data["limit"]) == ("allowance.unexplained", "9", "0")
    assert only(desk.allowances.look(desk.at()), Tell) == []
    row = msgspec.structs.replace(
        signed(1, purpose=Purpose.APPROVE), to=TOKEN_A, spender=ROUTER, allowance=Wei(9)
    )
    explained = Desk()
    explained.chain = {TOKEN_A: 9}
    explained.ledger.apply(row)
    assert only(explained.allowances.look(explained.at()), Tell) == []
    explained.ledger.apply(outcome(1, TradeState.MINED))
    explained.chain = {TOKEN_A: 8}
    assert only(explained.allowances.look(explained.at()), Tell) == []


def test_an_approval_that_reverted_explains_nothing() -> None:
    """EX7: it burnt gas and changed no allowance."""
    desk = Desk()
    row = msgspec.structs.replace(
        signed(1, purpose=Purpose.APPROVE), to=TOKEN_A, spender=ROUTER, allowance=Wei(9)
    )
    for each in (row, outcome(1, TradeState.REVERTED)):
        desk.ledger.apply(each)
    assert desk.ledger.book.explained_allowance(TOKEN_A, ROUTER) == 0


def test_an_idle_allowance_is_taken_back() -> None:
    """EX7: nothing of the token is held and ten minutes have passed: it is set to zero, as what reduces."""
    desk = Desk()
    desk.chain = {TOKEN_A: 9}
    assert only(desk.allowances.look(desk.at()), Simulate) == []
    desk.later(10)
    (asked,) = only(desk.allowances.look(desk.at()), Simulate)
    (sign,) = desk.answer(asked)
    assert isinstance(sign, Sign)
    assert (sign.draft.allowance, sign.draft.action) == (0, Action.REDUCE)


def test_a_blocked_router_keeps_nothing() -> None:
    """EX7, PS4a: an operator blocks it: every allowance goes to zero at once, the main one too."""
    desk = Desk()
    desk.chain = {TOKEN_A: 9}
    desk.ledger.apply(RiskRow(at_ns=1, event=LeverSet("block_router", ROUTER, "ann", "breach")))
    at = desk.at()
    at = msgspec.structs.replace(at, head=msgspec.structs.replace(at.head, allowance_wei=5))
    asked = only(desk.allowances.look(at), Simulate)
    assert {each.to for each in asked} == {WETH, TOKEN_A}
    assert {each.data[-32:] for each in asked} == {bytes(32)}


def test_what_is_on_its_way_is_counted() -> None:
    """EX7: the router's allowance covers one trade more beside those that may still land."""
    scene = Scene().begin(allowance_wei=ETHER + ETHER // 2)
    scene.trade(intent(1))
    head = scene.core.head
    assert head is not None
    allowances = Allowances(TERMS, scene.core.ledger, {})
    assert allowances.covers_trade(ETHER // 2, head)
    assert not allowances.covers_trade(ETHER // 2 + 1, head)


def test_a_restart_explains_the_same() -> None:
    """EX7: what was approved is in the snapshot, and follows from the rows without one."""
    ledger = Ledger(TERMS.risk)
    row: SignedRow = msgspec.structs.replace(
        signed(1, purpose=Purpose.APPROVE), to=TOKEN_A, spender=ROUTER, allowance=Wei(9)
    )
    for each in (row, outcome(1, TradeState.MINED)):
        ledger.apply(each)
    again = Ledger(TERMS.risk)
    assert again.restore(ledger.snapshot())
    assert again.book.explained_allowance(TOKEN_A, ROUTER) == 9
    assert again.book.explained_allowance(TOKEN_A, WETH) == 0

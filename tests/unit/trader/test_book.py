"""Intents under way: bounded on both sides of the answer."""

from __future__ import annotations

import pytest

from tests.unit.strategies.samples import GEM, WETH
from warden.domain.intents import Intent, TradeState
from warden.strategies import swap
from warden.trader.book import ASKED_MAX, RUNNING_MAX, Book

GOOD = swap([WETH, GEM], 10**18, 5)


def intent(number: int) -> Intent:
    """Return an intent of its own id."""
    return Intent(
        intent_id=f"{number:032x}",
        trace_id="",
        trader_session="",
        strategy="Mine",
        block=1,
        not_after_s=1,
        not_after_boot_ns=1,
        proposal=GOOD,
    )


def test_a_full_book_takes_no_more() -> None:
    """Whoever asks must look first."""
    book = Book()
    for number in range(ASKED_MAX):
        assert not book.full
        book.ask(intent(number))
    assert book.full
    with pytest.raises(ValueError, match="too many"):
        book.ask(intent(ASKED_MAX))


def test_the_oldest_running_trade_is_forgotten_first() -> None:
    """Approved trades whose end never comes do not pile up."""
    book = Book()
    for number in range(RUNNING_MAX + 1):
        book.ask(intent(number))
        book.decide(intent(number).intent_id, approved=True)
    assert book.follow(intent(0).intent_id, TradeState.MINED) is None
    assert book.follow(intent(1).intent_id, TradeState.MINED) is GOOD


def test_a_refused_intent_is_not_followed() -> None:
    """After a refusal there is nothing on the chain to hear of."""
    book = Book()
    book.ask(intent(1))
    assert book.decide(intent(1).intent_id, approved=False) is GOOD
    assert book.follow(intent(1).intent_id, TradeState.MINED) is None

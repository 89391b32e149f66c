"""`warden breaker` and `warden capital`: their words, and what they print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.operator.reports import CLOSED, ETHER, report
from warden.cli import breaker, capital
from warden.cli.app import run_app
from warden.domain.errors import ConfigurationInvalid, NotRunning
from warden.domain.money import Wei
from warden.domain.risk.events import BreakerOrder, Moved
from warden.wire.codec import to_json
from warden.wire.orders import BreakerLine, MoveCapital

if TYPE_CHECKING:
    from pathlib import Path


def test_orders_to_the_breaker_by_name() -> None:
    """CB4: open, close, reset, and nothing else."""
    assert [breaker.order_called(each) for each in ("open", "Close", "reset")] == list(BreakerOrder)
    for wrong in ("", "half-open", "opn"):
        with pytest.raises(ConfigurationInvalid, match="use one of open, close, reset"):
            breaker.order_called(wrong)


def test_the_breaker_in_words() -> None:
    """CB4: state, why, until when, who, and its figures."""
    assert list(breaker.text_of(CLOSED)) == [
        "CLOSED",
        "opened 2 times by itself, forced 1 times by hand, open for 180 s",
    ]
    opened = BreakerLine("OPEN", "5 failures", "12:00Z", 3, 0, 240, operator="ann", reason="rivals\n")
    assert list(breaker.text_of(opened))[:2] == ["OPEN: 5 failures, until 12:00Z", "by hand: ann: rivals?"]


@pytest.mark.parametrize(
    ("text", "wei"),
    [("1", ETHER), ("0.25", ETHER // 4), ("0.000000000000000001", 1), ("123456789.5", 1234567895 * 10**17)],
)
def test_amounts_are_exact(text: str, wei: int) -> None:
    """EX9: to the wei, however large."""
    assert capital.wei_of(text) == Wei(wei)


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "-1", "1e5", "1_000", "1,5", ".5", "nan", "٣", "0.0000000000000000001", "1" * 30]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """EX9: one line, nothing guessed: no exponents, signs, groups or other scripts' digits."""
    with pytest.raises(ConfigurationInvalid, match="AMOUNT_ETH is a number of ether above zero"):
        capital.wei_of(text)


def test_moves_by_name() -> None:
    """EX9, PL3: deposit, withdrawal, debts and costs, of a pool and an account that the move may touch."""
    words = {"operator": "ann", "reason": "why"}
    made = capital.moved("withdraw", "0.5", pool="one", account="operating", **words)
    assert made == MoveCapital("ann", "why", Moved.WITHDRAWAL, Wei(ETHER // 2), "one", "operating")
    kinds = [capital.moved(name, "1", pool="", account="", **words).move for name in capital.MOVES]
    assert kinds == [Moved.DEPOSIT, Moved.WITHDRAWAL, Moved.DEBT_PAID, Moved.COST]
    with pytest.raises(ConfigurationInvalid, match="'debts': deposit goes by available, gas"):
        capital.moved("deposit", "1", pool="", account="debts", **words)
    with pytest.raises(ConfigurationInvalid, match="use one of deposit, withdraw, pay-debt, cost"):
        capital.moved("depositt", "1", pool="", account="", **words)


@pytest.mark.parametrize("words", [("breaker", "open"), ("capital", "deposit", "1")])
def test_changes_ask_for_a_name_and_a_reason(words: tuple[str, ...], tmp_path: Path) -> None:
    """I7, CB4: as `warden arm` does; to look neither is needed."""
    home = ("--home", str(tmp_path))
    for who in ((), ("--operator", "ann"), ("--operator", "ann", "--reason", " ")):
        with pytest.raises(ConfigurationInvalid, match="it goes into the journal"):
            run_app([*words, *who, *home])
    for asked in (words[:1], (*words, "--operator", "ann", "--reason", "why")):
        with pytest.raises(NotRunning, match="nothing runs"):
            run_app([*asked, *home])


def test_pools_and_figures_in_words() -> None:
    """PL5: pools with their accounts to the wei, figures of today beside those of all time."""
    assert list(capital.text_of(report())) == [
        "equity: 10.000000000000000001 ETH, peak 11 ETH, drawdown 9.10 %",
        "opening of the UTC day: unknown",
        "price of one ETH: 2000 USD",
        "pool Triangular: 10.000000000000000001 ETH",
        "  available  8.000000000000000001 ETH",
        "  gas        2 ETH",
        "FIGURE  TODAY  EVER",
        "trades  3      42",
        "net     0.01   -",
        "gas     -      0.2",
    ]


def test_what_is_not_known_is_said() -> None:
    """I10: before the books are open nothing is shown as zero."""
    unknown = msgspec.structs.replace(
        report(), pools=(), equity_wei=None, peak_wei=None, drawdown_bps=None, price_usd="", today={}, ever={}
    )
    assert list(capital.text_of(unknown)) == [
        "equity: unknown, peak unknown, drawdown unknown",
        "opening of the UTC day: unknown",
        "price of one ETH: unknown",
        "pools: the books are not open yet",
    ]
    told = msgspec.json.decode(to_json(capital.json_of(unknown)))
    assert (told["equity_wei"], told["price_usd"], told["pools"]) == (None, None, [])


def test_capital_for_scripts() -> None:
    """OP1: wei as decimal strings, which any reader keeps exact."""
    told = msgspec.json.decode(to_json(capital.json_of(report())))
    assert told["equity_wei"] == "10000000000000000001"
    assert told["pools"][0]["accounts"] == {"available": "8000000000000000001", "gas": "2000000000000000000"}

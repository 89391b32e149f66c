"""Sizes by results: performance and Kelly in exact integers, and nothing that comes after the limits."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, settled, trade
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk import sizing
from warden.domain.risk.events import Request, RiskEvent, Ticked, Undone
from warden.domain.risk.position_size import check, largest, resized
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.sizing import Performance, Sizing, SizingLimits, SizingMode, kelly, propose, step
from warden.domain.risk.thresholds import Means, TradeLimits, effective
from warden.wire.codec import from_json, to_json

LIMITS = SizingLimits(mode=SizingMode.KELLY, most_bps=10_000)
BOLD = SizingLimits(mode=SizingMode.KELLY, kelly_bps=10_000)
DYNAMIC = SizingLimits(mode=SizingMode.DYNAMIC)
CAPITAL = 100 * ETHER
ASKED = request(2 * ETHER, shrinks=True)


def results(*nets_wei: int, at_ns: int = NOON_NS, state: Sizing | None = None) -> Sizing:
    """Return the state after trades that came to so much each."""
    state = Sizing() if state is None else state
    for number, net in enumerate(nets_wei):
        event = settled(f"trade-{at_ns}-{number}", gross_wei=Wei(net), success=net > 0)
        state = step(state, LIMITS, event, at_ns)
    return state


def size(
    state: Sizing, limits: SizingLimits = LIMITS, asked: Request = ASKED, at_ns: int = NOON_NS
) -> int | str:
    """Return the proposed size in wei, or the rule that refuses."""
    proposed = propose(state, limits, asked, CAPITAL, at_ns)
    return proposed.rule if isinstance(proposed, Refusal) else proposed.spend_wei


@pytest.mark.parametrize(("trades", "expected"), [(9, 2 * ETHER), (10, "sizing.no-edge")])
def test_a_few_trades_tell_nothing(trades: int, expected: int | str) -> None:
    """PS3: below ten trades in the window the size stays as asked, whatever they came to."""
    assert size(results(*[-1] * trades)) == expected


@pytest.mark.parametrize(
    ("wins", "size_wei"), [(10, 3 * ETHER), (8, 26 * ETHER // 10), (5, 2 * ETHER), (2, 14 * ETHER // 10)]
)
def test_performance_scales_between_its_bounds(wins: int, size_wei: int) -> None:
    """PS3: from half of the size to one and a half, by the share of trades that won, if allowed."""
    assert size(results(*[100] * wins, *[-1] * (10 - wins)), BOLD) == size_wei


def test_nothing_grows_where_an_operator_does_not_want_it() -> None:
    """PS3: with a most of 100 % the best hour gets what was asked for."""
    assert size(results(*[100] * 10)) == 2 * ETHER


def test_dynamic_sizing_asks_no_edge_of_anyone() -> None:
    """PS3: by performance alone the worst hour halves a size, the best gives half more; one size stays."""
    assert size(results(*[-1] * 10), DYNAMIC) == ETHER
    assert size(results(*[1] * 10), DYNAMIC) == 3 * ETHER
    assert size(results(*[-1] * 10), DYNAMIC, request(2 * ETHER)) == 2 * ETHER


@pytest.mark.parametrize(
    ("wins", "gain", "losses", "loss", "bps"),
    [
        (6, 100, 4, 100, 2_000),
        (5, 200, 5, 100, 2_500),
        (10, 1, 0, 0, 10_000),
        (5, 100, 5, 100, 0),
        (0, 0, 9, 1, 0),
    ],
)
def test_the_kelly_fraction(wins: int, gain: int, losses: int, loss: int, bps: int) -> None:
    """PS3: p - (1 - p) / b: 20 % for 60:40 at even stakes, 25 % for 50:50 at two to one, 0 without edge."""
    performance = results(*[gain] * wins, *[-loss] * losses).strategies["strategy"]
    assert kelly(performance, CAPITAL, 10_000) == CAPITAL * bps // 10_000
    assert kelly(performance, CAPITAL, 2_500) == CAPITAL * bps // 40_000


@pytest.mark.parametrize(("capital", "bps"), [(0, 2_500), (-1, 2_500), (CAPITAL, 0), (CAPITAL, -1)])
def test_kelly_of_nothing_is_nothing(capital: int, bps: int) -> None:
    """PS3: without capital, or with none of it to be used, no stake."""
    assert (
        kelly(
            Performance(samples=results(1).strategies["strategy"].samples, wins=1, gain_wei=Wei(1)),
            capital,
            bps,
        )
        == 0
    )


def test_kelly_uses_a_quarter_and_never_more_than_all() -> None:
    """PS3: a quarter of the fraction by default, all of it at most, whatever is set."""
    performance = results(*[1] * 10).strategies["strategy"]
    assert kelly(performance, CAPITAL, LIMITS.kelly_bps) == CAPITAL // 4
    assert kelly(performance, CAPITAL, 99_999) == CAPITAL


@pytest.mark.parametrize("nets", [[100] * 5 + [-100] * 5, [100] * 4 + [-100] * 6, [0] * 10, [-1] * 10])
def test_without_an_edge_there_is_no_trade_until_the_window_has_passed(nets: list[int]) -> None:
    """PS3: an edge of zero or less refuses, as Kelly has it; an hour later it may try again."""
    state = results(*nets)
    assert size(state) == "sizing.no-edge"
    assert size(state, at_ns=NOON_NS + 3_600 * S - 1) == "sizing.no-edge"
    assert size(state, at_ns=NOON_NS + 3_600 * S) == 2 * ETHER


def test_a_small_edge_makes_a_small_trade() -> None:
    """PS3: the smaller of performance and Kelly wins, loss and profit go along."""
    state = results(*[100] * 51, *[-100] * 49)
    proposed = propose(state, LIMITS, request(2 * ETHER, shrinks=True, loss_wei=ETHER), CAPITAL, NOON_NS)
    assert proposed == resized(request(2 * ETHER, shrinks=True, loss_wei=ETHER), ETHER // 2)


@pytest.mark.parametrize(
    ("spend_wei", "expected"), [(ETHER // 2, ETHER // 2), (ETHER // 2 + 1, "sizing.kelly_percent")]
)
def test_a_request_of_one_size_is_taken_or_refused(spend_wei: int, expected: int | str) -> None:
    """PS3: what may not shrink passes up to Kelly's stake, and is refused one wei above."""
    state = results(*[100] * 51, *[-100] * 49)
    assert size(state, asked=request(spend_wei)) == expected


def test_the_window_is_one_hour_of_one_strategy() -> None:
    """PS3: what is older, or another's, has no say."""
    state = results(*[-1] * 9, at_ns=NOON_NS - 3_600 * S)
    state = results(*[100] * 10, state=state)
    assert state.strategies["strategy"].trades == 10
    assert size(state, asked=request(2 * ETHER, shrinks=True, strategy="other")) == 2 * ETHER
    assert step(state, LIMITS, Ticked(), NOON_NS + 3_600 * S) == Sizing()


def test_only_what_was_won_or_lost_counts() -> None:
    """PS3, CB3: approvals, cancels and openings tell nothing; a failed trade's gas is a loss."""
    silent: list[dict[str, Any]] = [{"kind": "approve"}, {"kind": "cancel"}, {"output_wei": Wei(0)}]
    for changes in silent:
        assert step(Sizing(), LIMITS, settled(**changes), NOON_NS) == Sizing()
    failed = step(Sizing(), LIMITS, settled(success=False, output_wei=Wei(0), gas_wei=Wei(9)), NOON_NS)
    assert (failed.strategies["strategy"].wins, failed.strategies["strategy"].loss_wei) == (0, 9)


def test_a_reorg_takes_a_result_back() -> None:
    """PS3, EX8: undone, it is as if it had never come; twice settled counts once."""
    before = results(5, -3)
    event = settled("new", gross_wei=Wei(7))
    counted = step(before, LIMITS, event, NOON_NS)
    assert step(counted, LIMITS, event, NOON_NS) == counted
    assert step(counted, LIMITS, Undone(trade("new", gross_wei=Wei(7))), NOON_NS) == before
    for unknown in (trade("never"), trade("new", strategy="other")):
        assert step(before, LIMITS, Undone(unknown), NOON_NS) == before


@pytest.mark.parametrize("changes", [{"action": Action.REDUCE}, {"action": Action.CANCEL}])
def test_exits_and_a_sizing_that_is_off_are_left_alone(changes: dict[str, Action]) -> None:
    """PS3, SL1: no result makes an exit smaller; switched off, nothing changes."""
    exit_ = request(ETHER, shrinks=True, **changes)
    assert propose(results(*[-1] * 10), LIMITS, exit_, CAPITAL, NOON_NS) is exit_
    assert propose(results(*[-1] * 10), SizingLimits(), ASKED, CAPITAL, NOON_NS) is ASKED


def test_a_multiplier_of_150_percent_cannot_pass_a_limit() -> None:
    """PS3's trap: a size that fits is made half as large again, and cut to the limit afterwards."""
    limits = TradeLimits(max_trade_micro_usd=None, max_exposure_micro_usd=None)
    means = Means(trading_wei=Wei(10 * ETHER), gas_wei=Wei(ETHER), equity_wei=Wei(11 * ETHER))
    now = effective(means, limits, 100, 0)
    assert check(now, ASKED, 0, 0, NOON_NS) is None
    proposed = propose(results(*[100] * 10), BOLD, ASKED, now.capital_wei, NOON_NS)
    assert isinstance(proposed, Request)
    assert proposed.spend_wei == 3 * ETHER
    refusal = check(now, proposed, 0, 0, NOON_NS)
    assert refusal is not None
    assert refusal.rule == "limits.max_trade_percent"
    assert largest(now, proposed, 0, 0, NOON_NS) == 2 * ETHER


def test_sizing_has_no_word_in_the_limits() -> None:
    """PS3's trap: by its making it can only ask: it returns a request, and calls no check itself."""
    assert inspect.signature(propose).return_annotation == "Request | Refusal"
    names = {node.id for node in ast.walk(ast.parse(inspect.getsource(sizing))) if isinstance(node, ast.Name)}
    assert not names & {"check", "largest", "Reserved", "Effective", "approved"}


def test_memory_is_bounded_and_outlives_a_restart() -> None:
    """PS3: 512 trades a strategy, 64 strategies, the newest; the same out of a snapshot."""
    state = results(*range(1, 600))
    assert (state.strategies["strategy"].trades, state.strategies["strategy"].wins) == (512, 512)
    for number in range(70):
        event: RiskEvent = settled(strategy=f"strategy-{number}", gross_wei=Wei(1))
        state = step(state, LIMITS, event, NOON_NS)
    assert len(state.strategies) == 64
    assert from_json(to_json(state), Sizing) == state
    assert step(state, LIMITS, Ticked(), NOON_NS) is state

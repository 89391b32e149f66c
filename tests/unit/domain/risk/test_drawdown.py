"""Drawdown and losses in a row: when nothing new is opened, and for how long."""

from __future__ import annotations

import pytest

from tests.unit.domain.risk.requests import ETHER, NOON_NS, S, request, settled, trade
from tests.unit.domain.risk.test_day import moved, read
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.drawdown import Drawdown, DrawdownLimits, check, drawdown_bps, step
from warden.domain.risk.events import BaselinesReset, Moved, RiskEvent, Ticked, Undone
from warden.domain.risk.findings import Finding, Noted, Weight
from warden.wire.codec import from_json, to_json

LIMITS = DrawdownLimits()


class Bench:
    """The rule, told events one after another."""

    def __init__(self, limits: DrawdownLimits = LIMITS) -> None:
        """Begin at noon with a peak of 100 ETH."""
        self.limits, self.now_ns, self.state = limits, NOON_NS, Drawdown()
        self.found: list[Finding] = []
        self.tell(read(100 * ETHER))

    def tell(self, *events: RiskEvent) -> Bench:
        """Tell events of this moment."""
        for event in events:
            self.state, found = step(self.state, self.limits, event, self.now_ns)
            self.found += found
        return self

    def lose(self, times: int = 1, net_wei: int = -1) -> Bench:
        """Let trades settle that lost."""
        for _ in range(times):
            self.tell(settled("lost", gross_wei=Wei(net_wei)))
        return self

    def rule(self, action: Action = Action.OPEN) -> str:
        """Return the rule that refuses a request now, empty for none."""
        refusal = check(self.state, self.limits, request(action=action), self.now_ns)
        return "" if refusal is None else refusal.rule

    def kinds(self) -> list[str]:
        """Return the kinds of all that was found."""
        return [found.kind for found in self.found if isinstance(found, Noted)]


@pytest.mark.parametrize(("equity", "rule"), [(85 * ETHER + 1, ""), (85 * ETHER, "drawdown.halt")])
def test_at_fifteen_percent_below_the_peak_nothing_is_opened(equity: int, rule: str) -> None:
    """SL2: exactly 15 % halts, a wei less does not: percentages are exact, and met early."""
    bench = Bench().tell(read(equity))
    assert bench.rule() == rule
    assert [bench.rule(action) for action in (Action.REDUCE, Action.CANCEL)] == ["", ""]


def test_the_halt_names_limit_and_drawdown() -> None:
    """SL2: an operator sees how far it fell and which setting halts."""
    bench = Bench().tell(read(84 * ETHER))
    refusal = check(bench.state, LIMITS, request(), NOON_NS)
    assert refusal is not None
    assert (refusal.limit, refusal.observed, refusal.unit) == ("15.00", "16.00", "%")
    assert refusal.setting == "drawdown.halt_percent"


def test_the_peak_follows_equity_up_and_never_down() -> None:
    """SL2: measured from the highest equity so far, which a restart does not forget."""
    bench = Bench().tell(read(120 * ETHER), read(103 * ETHER))
    assert (bench.state.peak_wei, bench.rule()) == (120 * ETHER, "")
    bench.state = from_json(to_json(bench.state), Drawdown)
    assert bench.tell(read(102 * ETHER)).rule() == "drawdown.halt"


@pytest.mark.parametrize(("wait_ns", "rule"), [(300 * S - 1, "drawdown.halt"), (300 * S, "")])
def test_after_the_halt_comes_a_cooldown(wait_ns: int, rule: str) -> None:
    """SL2: five minutes after equity was last at the limit trades may open again."""
    bench = Bench().tell(read(80 * ETHER))
    bench.now_ns += 1_000 * S
    assert bench.tell(read(85 * ETHER)).rule() == "drawdown.halt"
    bench.now_ns += wait_ns
    assert bench.tell(read(90 * ETHER)).rule() == rule


def test_the_halt_lasts_as_long_as_the_drawdown() -> None:
    """SL2: the cooldown alone does not end it."""
    bench = Bench().tell(read(85 * ETHER))
    bench.now_ns += 86_400 * S
    assert bench.tell(Ticked()).rule() == "drawdown.halt"


@pytest.mark.parametrize("equity", [0, -1])
def test_an_equity_of_zero_is_a_total_loss(equity: int) -> None:
    """ES2's trap: nothing left is not "no data", not even as the first that is known."""
    bench = Bench().tell(read(equity))
    assert bench.rule() == "drawdown.halt"
    state, _ = step(Drawdown(), LIMITS, read(equity), NOON_NS)
    refusal = check(state, LIMITS, request(), NOON_NS)
    assert refusal is not None
    assert refusal.observed == "100.00"


def test_while_equity_is_unknown_nothing_is_opened() -> None:
    """SL2: what is not known refuses, and so does a time of before 1970."""
    rules = [check(Drawdown(), LIMITS, request(), at_ns) for at_ns in (NOON_NS, -1)]
    assert [each.rule for each in rules if each is not None] == ["drawdown.unknown", "clock.negative"]


@pytest.mark.parametrize(("losses", "rule"), [(4, ""), (5, "drawdown.losses")])
def test_five_losses_in_a_row_begin_a_cooldown(losses: int, rule: str) -> None:
    """SL2: the fourth does not, the fifth does."""
    assert Bench().lose(losses).rule() == rule


def test_reverted_trades_are_losses_and_openings_are_not() -> None:
    """SL2, CB3: gas of a reverted trade is a loss; a position that was opened has lost nothing yet."""
    failed = settled("failed", success=False, gas_wei=Wei(1))
    opening = settled("opening", output_wei=Wei(0), gas_wei=Wei(1))
    approval = settled("approval", kind="approve", gas_wei=Wei(1))
    bench = Bench().lose(3).tell(failed, opening, approval)
    assert (bench.rule(), bench.state.losing.length) == ("", 4)
    assert bench.lose().rule() == "drawdown.losses"


def test_a_win_ends_the_row() -> None:
    """SL2: only losses in a row count."""
    assert Bench().lose(4).lose(net_wei=1).lose(4).rule() == ""


@pytest.mark.parametrize(("wait_ns", "rule"), [(300 * S - 1, "drawdown.losses"), (300 * S, "")])
def test_the_cooldown_lasts_five_minutes_and_the_row_begins_anew(wait_ns: int, rule: str) -> None:
    """SL2: after it four losses more are passed over, the fifth counts again."""
    bench = Bench().lose(5)
    bench.now_ns += wait_ns
    assert bench.rule() == rule
    if not rule:
        assert bench.lose(4).rule() == ""
        assert bench.lose().rule() == "drawdown.losses"


def test_a_reorg_takes_a_loss_back() -> None:
    """EX8: a loss that was undone is none; one that is unknown changes nothing."""
    bench = Bench().lose(3).tell(settled("gone", gross_wei=Wei(-1)))
    before = bench.lose().state.losing.length
    assert before == 0  # the fifth began the cooldown and a new row
    bench = Bench().lose(3).tell(settled("gone", gross_wei=Wei(-1)), Undone(trade("gone"))).lose()
    assert (bench.rule(), bench.state.losing.length) == ("", 4)
    state = bench.state
    assert bench.tell(Undone(trade("never"))).state is state


@pytest.mark.parametrize(("move", "equity"), [(Moved.DEPOSIT, 180), (Moved.WITHDRAWAL, 45), (Moved.COST, 45)])
def test_money_of_the_operators_makes_and_heals_no_drawdown(move: Moved, equity: int) -> None:
    """SL2, EX9: at a tenth below the peak, doubling or halving the capital leaves a tenth."""
    amount = 90 if move is Moved.DEPOSIT else 45
    bench = Bench().tell(read(90 * ETHER), moved(amount * ETHER, move), read(equity * ETHER))
    assert bench.state.equity_wei == equity * ETHER
    assert drawdown_bps(bench.state.peak_wei, equity * ETHER) == 1_000
    assert bench.rule() == ""


def test_money_that_moves_before_anything_is_known_moves_nothing() -> None:
    """EX9: the first equity that is read holds it already."""
    assert step(Drawdown(), LIMITS, moved(ETHER), NOON_NS) == (Drawdown(), ())


def test_a_reset_begins_at_the_present_equity() -> None:
    """ES5: peak, row and cooldown begin anew only when a recovery asks for it."""
    bench = Bench().lose(5).tell(read(50 * ETHER), BaselinesReset("ann", "why"))
    assert (bench.state.peak_wei, bench.rule()) == (50 * ETHER, "")
    assert bench.tell(read(42 * ETHER)).rule() == "drawdown.halt"


def test_each_turn_is_told_once() -> None:
    """ES1a: a warning at 90 % of the limit, an error at it, and no flapping around either."""
    bench = Bench()
    for equity in (87, 86, 87, 86, 85, 86, 85, 84, 86):
        bench.tell(read(equity * ETHER))
    assert bench.kinds() == ["drawdown.near-limit", "drawdown.halted"]
    bench.tell(read(87 * ETHER), read(86 * ETHER))
    assert bench.kinds()[2:] == ["drawdown.over"]
    bench.tell(read(90 * ETHER), read(86 * ETHER))
    assert bench.kinds()[3:] == ["drawdown.near-limit"]


@pytest.mark.parametrize(
    ("tenths", "kinds"), [(8_651, []), (8_650, ["drawdown.near-limit"]), (8_500, ["drawdown.halted"])]
)
def test_the_warning_comes_at_exactly_ninety_percent(tenths: int, kinds: list[str]) -> None:
    """ES1a: 13.5 % of 15 %; a fall beyond both is told as the halt alone."""
    assert Bench().tell(read(tenths * ETHER // 100)).kinds() == kinds


def test_losses_in_a_row_are_told() -> None:
    """SL2: with limit, count and setting."""
    (found,) = Bench().lose(5).found
    assert isinstance(found, Noted)
    assert (found.weight, found.kind, found.limit) == (Weight.WARNING, "drawdown.losses", "5")
    assert found.setting == "drawdown.consecutive_losses"


def test_limits_that_are_not_set_refuse_nothing() -> None:
    """SL2: None is no limit, and then nothing has to be known."""
    off = DrawdownLimits(halt_bps=None, consecutive_losses=None)
    bench = Bench(off).tell(read(0)).lose(9)
    assert (bench.rule(), bench.found) == ("", [])
    assert check(Drawdown(), off, request(), NOON_NS) is None


def test_what_does_not_concern_it_changes_nothing() -> None:
    """The same object comes back."""
    state = Bench().state
    assert step(state, LIMITS, Ticked(), NOON_NS)[0] is state
    assert step(state, LIMITS, settled("even"), NOON_NS)[0] is state

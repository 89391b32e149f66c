"""kill -9 of the real executor at every step of a sale of its own: sold once, to the wei, and told once (I6).

One system serves all; after each the book is held against the chain, and the strategy hears of one sale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.operator_at_work import let_trade
from tests.process.test_crash_matrix import SENDS, CrashSystem, check_what_is_left
from tests.process.test_exits import outcomes
from tests.process.test_position_turns import TOML, WINDOW_S, Turns
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, StopLevel
from warden.operator.stopping import order_stop
from warden.runtime.journal import verify
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

# Steps of one sale in their order; each is reached by the executor that was started after the one before,
# which by then may sign the same sale for more.
SALE = (
    "exit-before-row",
    "row-synced",
    "*before-first-leg",
    "*in-first-leg",
    "receipt-read",
    "outcome-unsynced",
)


class CrashTurns(Turns):
    """A stage whose executor dies where it is told to."""

    system: CrashSystem

    def crash_and_start(self, *points: str) -> None:
        """Let the executor die at each point in turn, look at what it left, and start it again."""
        for place in range(len(points)):
            self.system.wait_crashed()
            check_what_is_left(self.system)
            if place + 1 < len(points):
                self.system.crash_at(points[place + 1])
            self.system.latest.pop(ExecutorStatus, None)
            self.system.start(Role.EXECUTOR)

    def check_sold_once(self, position_id: str, amount: int, reason: str = "stop-loss") -> None:
        """Check that all of it went in one sale, that book and chain are one, and that it was told once."""
        self.wait_sold()
        self.agree()
        sold = [flow.sent for row in outcomes(self.system) if row.state == "mined" for flow in row.flows]
        assert [each for each in sold if each == amount] == [amount]
        self.system.wait(
            lambda _: self.heard("exit", position=position_id, state="mined"),
            "the strategy's news of the sale",
        )
        told = self.heard("exit", position=position_id, state="mined")
        assert [each["exit"] for each in told] == [reason]

    def rest(self) -> None:
        """Put it back to work at calm prices."""
        let_trade(self.system)
        self.system.pass_time(WINDOW_S)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashTurns]:
    """A system whose exits go on under OBSERVE_ONLY, where the executor's death leaves it."""
    wish = tmp_path_factory.mktemp("turns") / "wish"
    toml = TOML.replace("{wish}", str(wish)) + "[exits]\nwhile_observing = true\n"
    with CrashSystem(toml) as system:
        made = CrashTurns(system, wish)
        system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "a system that trades")
        yield made
        made.system.end(Role.TRADER)
        truth = ChainTruth(system)
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book")
        system.end(Role.EXECUTOR)
        truth.check_book_is_chain()
        assert verify(system.places.journal(Role.EXECUTOR))[1] == []


@fault("executor-killed")
def test_i6_killed_at_every_step_of_one_exit(stage: CrashTurns) -> None:
    """I6, EX2, SL1: six deaths in a row in one sale: it is sold once, and its strategy hears so once."""
    position_id, amount = stage.buy(), stage.held
    stage.system.crash_at(SALE[0])
    stage.node.move("GEM", -200_000)
    stage.crash_and_start(*SALE)
    stage.check_sold_once(position_id, amount)
    stage.rest()


@fault("executor-killed")
def test_i6_killed_as_an_exit_pays_more(stage: CrashTurns) -> None:
    """I6, EX3: no endpoint takes the sale, and it dies as it signs it for more: one of the two lands."""
    position_id, amount = stage.buy(), stage.held
    truth = ChainTruth(stage.system)
    truth.fault("errors", SENDS)
    stage.system.crash_at("exit-bump-in-first-leg")
    stage.node.move("GEM", -200_000)
    stage.crash_and_start("exit-bump-in-first-leg")
    stage.check_sold_once(position_id, amount)
    ours = [row for row in truth.signed().values() if row.position_id == position_id]
    sales = [row for row in ours if row.exit_reason]
    assert len(sales) > len({row.nonce for row in sales}) == 1
    stage.rest()


@fault("executor-killed")
def test_i6_killed_as_a_stop_flattens(stage: CrashTurns) -> None:
    """I6, ES6: signed and lost, then half way out: the stop's clean-up sells it, once."""
    position_id, amount = stage.buy(), stage.held
    points = ("exit-before-row", "*in-first-leg")
    stage.system.crash_at(points[0])
    result = order_stop(stage.system.home, message="out", operator="tester", policy=CleanUp.FLATTEN)
    assert result.level is StopLevel.CONFIRMED
    stage.system.events.clear()
    stage.crash_and_start(*points)
    stage.wait_sold()
    stage.system.wait(
        lambda each: any(event.kind == "cleanup.ended" for event in each.events), "the end of the clean-up"
    )
    stage.rest()
    stage.check_sold_once(position_id, amount, "flatten")

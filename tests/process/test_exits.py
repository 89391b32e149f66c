"""Positions on a real chain: bought by a strategy, sold by Warden's exits, whoever has died (SL1, ES6)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.faults import fault
from tests.instance import DEVNET_TOML, REPOSITORY, wait_until
from tests.process.market import Node
from tests.process.system import System
from tests.process.test_invariants import rows
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.executor.beginnings import fold
from warden.executor.books import position_book
from warden.executor.books.ledger import Ledger
from warden.executor.books.risk_terms import limits_of
from warden.operator.stopping import order_stop
from warden.runtime.latch import CLEARED
from warden.wire.rows import CleanupRow, OutcomeRow, Purpose, SignedRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS_WATCHED_S = 5.0


def toml(exits: str = "") -> str:
    """Return the settings of a devnet on which the documented example buys once."""
    return f"""{DEVNET_TOML}
[chain]
block_time_s = 0.5
[strategy]
use = "dip_buyer:DipBuyer"
path = "{REPOSITORY / "examples"}"
[strategy.parameters]
dip_bps = 0
[exits]
{exits}
# Only the one pool is moved here: the others, where nobody trades, would say otherwise for ever.
[price]
second_routes = false
"""


class Stage:
    """A quiet devnet with one strategy, and what of the token the wallet holds by chain and book."""

    def __init__(self, system: System) -> None:
        self.system = system
        system.start_all()
        system.wait(lambda each: each.places.devnet_manifest.exists(), "the devnet's manifest")
        self.node = Node(system)
        system._control("noise", {"running": False})
        self.gem = self.node.token("GEM")
        system.wait(lambda each: ExecutorStatus in each.latest, "the executor's status")
        self.wallet = str(system.latest[ExecutorStatus].wallet)

    @property
    def held(self) -> int:
        """What the wallet holds by the chain."""
        return self.node.balance(self.gem, self.wallet)

    def wait_bought(self) -> None:
        """Wait until a position is held, and the executor knows it."""
        self.system.wait(
            lambda _: self.held > 0 and bool(self.ledger().holdings.open), "a position on the chain"
        )

    def wait_sold(self) -> None:
        """Wait until nothing is held, and the executor knows it."""
        self.system.wait(
            lambda _: self.held == 0 and not position_book.standing(self.ledger().holdings),
            "the sale of the position",
        )

    def ledger(self) -> Ledger:
        """Return what the executor's journal tells now."""
        ledger = Ledger(limits_of(self.system.settings))
        fold(self.system.places.journal(Role.EXECUTOR), ledger)
        return ledger

    def exits(self) -> list[SignedRow]:
        """Return the exits that were signed, bumps apart."""
        signed = [row for row in rows(self.system) if isinstance(row, SignedRow)]
        return [row for row in signed if row.purpose is Purpose.EXIT and not row.replaces]

    def agree(self) -> None:
        """Hold the book against the chain, to the wei: tokens, wrapped and native coin, gas included."""

        def same() -> bool:
            ledger, node = self.ledger(), self.node
            capital = ledger.engine.state.capital
            coins = node.balance(node.manifest["weth"], self.wallet)
            coins += int(node.call("eth_getBalance", self.wallet, "latest"), 16)
            pools = sum(pool.wallet_wei for pool in capital.pools.values())
            booked = position_book.booked(ledger.holdings).get(self.gem.lower(), 0)
            return (pools + capital.unexplained_wei, booked) == (coins, self.held)

        self.system.wait(lambda _: same(), "a book that equals the chain")
        assert self.ledger().engine.state.capital.unexplained_wei == 0

    def kill(self, role: Role) -> None:
        """Kill a process at once."""
        self.system.signal(role, signal.SIGKILL)
        self.system.processes.pop(role).wait()


@fault("trader-killed", "trader-paused", "watchdog-killed")
def test_sl1_exits_go_on_whoever_has_died() -> None:
    """SL1, FS4, I6: a stop-loss with the trader killed, a gain with it hung, a fall without a watchdog."""
    with System(toml()) as system:
        stage = Stage(system)
        stage.wait_bought()
        stage.kill(Role.TRADER)
        system.wait(lambda each: each.mode is Mode.REDUCE_ONLY, "a lower mode after the trader's death")
        stage.node.move("GEM", -200_000)
        stage.wait_sold()
        stage.agree()
        assert [row.action for row in stage.exits()] == ["reduce"]
        # Another trader, which hangs: what its position gained is taken all the same.
        system.start(Role.TRADER)
        stage.wait_bought()
        system.signal(Role.TRADER, signal.SIGSTOP)
        stage.node.move("GEM", 400_000)
        stage.wait_sold()
        stage.agree()
        stage.kill(Role.TRADER)
        # And a third one, whose position is left without a watchdog after it had gained a little.
        system.start(Role.TRADER)
        stage.wait_bought()
        stage.node.move("GEM", 100_000)
        system.pass_time(2.0)
        stage.kill(Role.WATCHDOG)
        system.wait(lambda each: bool(each.latest[ExecutorStatus].gate), "a closed gate")
        stage.node.move("GEM", -100_000)
        stage.wait_sold()
        stage.agree()
        told = [each.data["reason"] for each in system.events if each.kind == "exit.decided"]
        assert told == ["stop-loss", "take-profit", "trailing-stop"]
        assert len(stage.exits()) == len([each for each in mined(system) if each == "exit"]) == 3


@fault("watchdog-killed")
def test_sl1_nothing_is_sold_beyond_the_leave_nor_under_a_stop_and_es6_flatten_sells() -> None:
    """SL1, I2, ES6: without a watchdog for too long it is UNPROTECTED; under a stop only flatten sells."""
    with System(toml("without_watchdog_s = 1")) as system:
        stage = Stage(system)
        stage.wait_bought()
        stage.kill(Role.WATCHDOG)
        stage.kill(Role.TRADER)
        system.wait(
            lambda each: any(event.kind == "position.unprotected" for event in each.events),
            "the alert that nothing protects the position",
        )
        stage.node.move("GEM", -150_000)
        system.pass_time(BLOCKS_WATCHED_S)
        assert stage.exits() == []
        # A watchdog that begins anew waits for an operator: under its OBSERVE_ONLY nothing is sold either.
        system.start(Role.WATCHDOG)
        system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "a watchdog that waits for an operator")
        system.pass_time(BLOCKS_WATCHED_S)
        assert stage.exits() == []
        held = order_stop(system.home, message="look", operator="tester", policy=CleanUp.HOLD)
        system.pass_time(BLOCKS_WATCHED_S)
        assert stage.exits() == []
        assert stage.held > 0
        # Only once that one is gone, a stop that flattens is the mildest of those that stand.
        (system.places.stop / held.stop_id).rename(system.places.stop / CLEARED / held.stop_id)
        system.pass_time(2.0)
        flat = order_stop(system.home, message="out", operator="tester", policy=CleanUp.FLATTEN)
        stage.wait_sold()
        wait_until(lambda: bool(reports(system)), "the clean-up's report")
        (report,) = reports(system)
        (position_id,) = {row.position_id for row in stage.exits()}
        assert (report.stop_ids, report.sold, report.held) == ((flat.stop_id,), (position_id,), ())
        stage.agree()


@fault("executor-killed")
def test_i6_killed_between_decision_and_sale_it_is_sold_once() -> None:
    """EX2, I6: the executor is killed again and again while it sells; the position goes exactly once.

    After such a death the mode is OBSERVE_ONLY: that exits go on then is what the setting says.
    """
    with System(toml("while_observing = true")) as system:
        stage = Stage(system)
        stage.wait_bought()
        bought = stage.held
        stage.node.move("GEM", -200_000)
        for wait_s in (0.0, 0.05, 0.1, 0.2, 0.4):
            stage.kill(Role.EXECUTOR)
            system.latest.pop(ExecutorStatus, None)
            system.start(Role.EXECUTOR)
            system.wait(lambda each: ExecutorStatus in each.latest, "an executor that is there again")
            system.pass_time(wait_s)
        stage.wait_sold()
        stage.agree()
        sold = [flow.sent for row in outcomes(system) if row.state == "mined" for flow in row.flows]
        assert [each for each in sold if each] == [bought]
        assert [each for each in mined(system) if each == "exit"] == ["exit"]


def reports(system: System) -> list[CleanupRow]:
    """Return what the clean-ups came to."""
    return [row for row in rows(system) if isinstance(row, CleanupRow)]


def outcomes(system: System) -> list[OutcomeRow]:
    """Return every state that was journalled."""
    return [row for row in rows(system) if isinstance(row, OutcomeRow)]


def mined(system: System) -> Iterator[str]:
    """Yield the purpose of every transaction that was mined."""
    purposes = {row.tx_hash: row.purpose.value for row in rows(system) if isinstance(row, SignedRow)}
    return (purposes[row.tx_hash] for row in outcomes(system) if row.state == "mined")

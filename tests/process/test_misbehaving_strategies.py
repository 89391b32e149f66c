"""Strategies that lie, flood, ask too much, loop, raise, babble, leak: capital untouched, the reason told.

One system serves all of them: its strategy is told by a file what to be.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.system import System
from warden.cli.arm import arm
from warden.cli.status import status
from warden.cli.why import why
from warden.domain.modes import Mode
from warden.domain.roles import PROCESSES, Role
from warden.trader.bounds import FILE_BYTES_MAX
from warden.wire.rows import Purpose
from warden.wire.telemetry import ExecutorStatus, TraderStatus, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from warden.wire.telemetry import Event

MAX_TRADE_WEI = 10**18
TOML = """\
environment = "devnet"
[gateway]
port = 0
[api]
port = 0
[chain]
block_time_s = 0.25
[limits]
max_trade_eth = "1"
min_profit_eth = "0"
[strategy]
use = "misbehaving:Chameleon"
path = "{path}"
memory_mb = 256
[strategy.parameters]
told = "{told}"
[watchdog]
lost_after_ms = {lost_after_ms}
"""
# A busy machine may hold a process up for longer than the usual 2 s; only the strategy's is to be lost.
LOST_AFTER_MS = 5_000
BLOCKS_WATCHED = 3
PATIENCE_S = 240.0
pytestmark = pytest.mark.timeout(900)  # of a machine that others use too
OTHERS = tuple(role for role in PROCESSES if role is not Role.TRADER)
RESTARTS = 3  # an hour on the devnet, of traders that were lost


class Stage:
    """A system whose strategy becomes what a test tells it."""

    def __init__(self, told: Path) -> None:
        self._told = told
        told.write_text("Silent", encoding="utf-8")
        path = REPOSITORY / "tests" / "strategies"
        self.system = System(TOML.format(path=path, told=told, lost_after_ms=LOST_AFTER_MS))

    def become(self, name: str) -> None:
        """Have the strategy behave so from its next block on."""
        fresh = self._told.with_suffix(".new")
        fresh.write_text(name, encoding="utf-8")
        fresh.replace(self._told)

    @property
    def chain(self) -> ChainTruth:
        """The chain's own view."""
        return ChainTruth(self.system)

    @property
    def trader_said(self) -> list[Event]:
        """The trader's events so far; some may have been lost."""
        self.system.listen()
        return [event for event in self.system.events if event.role is Role.TRADER]

    def settle(self) -> tuple[int, int]:
        """Silence the strategy, wait until nothing is under way; return what the wallet has moved by."""
        self.behave()
        self.watch_blocks()
        self.system.wait(lambda each: each.latest[ExecutorStatus].pending == 0, "an end of what is pending")
        return self.chain.moved()

    def behave(self) -> None:
        """Silence the strategy; one that was given up is started anew, as an operator would."""
        self.become("Silent")
        self.watch_blocks(2)  # the first may have been seen before
        if self.system.latest[TraderStatus].state == "failed":
            self.system.end(Role.TRADER)
            self.start_trader()
        self.wait_mode(Mode.AGGRESSIVE)
        self.chain.wait_nothing_pending()

    def watch_blocks(self, count: int = BLOCKS_WATCHED) -> None:
        """Let the trader see so many blocks."""
        self.system.listen()
        begin = self.system.latest[TraderStatus].block
        self.system.wait(
            lambda each: each.latest[TraderStatus].block >= begin + count, f"{count} more blocks seen"
        )

    def wait_told(self, *words: str) -> str:
        """Wait until an operator is told all these words by `warden why`; return what was said."""
        return self._wait_words(lambda: why(self.system.home, "", as_json=False), words)

    def wait_shown(self, *words: str) -> str:
        """Wait until `warden status --json` has all these words; return what was said."""
        return self._wait_words(lambda: status(self.system.home, as_json=True), words)

    def _wait_words(self, command: Callable[[], int], words: tuple[str, ...]) -> str:
        text = ""

        def is_told() -> bool:
            nonlocal text
            self.system.listen()
            self.arm_if_held_up()
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                command()
            text = out.getvalue()
            return all(word in text for word in words)

        try:
            wait_until(is_told, f"word of {words}", PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}; last told:\n{text}") from error
        return text

    def wait_mode(self, mode: Mode) -> None:
        """Wait for a mode; a failure says what stands in the way."""
        self._wait(lambda system: system.mode is mode, mode.name)

    def _wait(self, condition: Callable[[System], bool], what: str) -> None:
        def holds(system: System) -> bool:
            self.arm_if_held_up()
            return condition(system)

        try:
            self.system.wait(holds, what, PATIENCE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.system.latest.get(WatchdogStatus)}") from error

    def arm_if_held_up(self) -> None:
        """Arm where the machine has held up the watchdog or another process, as an operator would.

        Never after a lost trader: that is what the tests are about.
        """
        said = self.system.latest.get(WatchdogStatus)
        if said is not None and "warden arm" in said.why and "the trader" not in said.why:
            self.arm("the machine was busy")

    def arm(self, reason: str) -> int:
        """Arm as an operator does; return the exit code."""
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return arm(self.system.home, operator="ann", reason=reason, as_json=False)

    def wait_trading(self) -> None:
        """Wait until it trades by the rules again."""
        self.wait_mode(Mode.AGGRESSIVE)
        self.become("Honest")
        wanted = self.system.trades + 1
        self._wait(lambda system: system.trades >= wanted, "another trade")

    def wait_trader_ended(self) -> None:
        """Wait until the trader's process is gone."""
        process = self.system.processes[Role.TRADER]
        self.system.wait(lambda _: process.poll() is not None, "end of the trader")

    def start_trader(self) -> None:
        """Start another trader, as supervisord would; it behaves."""
        self.become("Silent")
        session = self.system.latest[TraderStatus].session
        self.system.start(Role.TRADER)
        self.system.wait(
            lambda each: (
                each.latest[TraderStatus].session != session and each.latest[TraderStatus].state == "running"
            ),
            "a new trader that runs its strategy",
        )

    def check_nothing_landed(self, before: tuple[int, int], signed: set[str]) -> None:
        """Check that not a wei has moved since, and that nothing of the strategy's own was signed.

        Whoever passes the rules has the router's allowance set before it is simulated: that alone costs gas.
        """
        moved = self.chain.moved()
        new = [row.purpose for tx_hash, row in self.chain.signed().items() if tx_hash not in signed]
        assert set(new) <= {Purpose.APPROVE}
        assert moved == before if not new else moved[0] == before[0]

    def check_others(self) -> None:
        """Check that every other process runs and that the executor answers still."""
        ended = [role for role in OTHERS if self.system.processes[role].poll() is not None]
        assert ended == []
        heard_ns = self.system.latest[ExecutorStatus].sent_ns
        self.system.wait(
            lambda each: each.latest[ExecutorStatus].sent_ns > heard_ns, "another word of the executor"
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A system that trades when its strategy is honest, and has done so once."""
    made = Stage(tmp_path_factory.mktemp("told") / "word")
    with made.system:
        made.system.start_all()
        made.system.wait(lambda each: TraderStatus in each.latest, "the trader")
        made.wait_trading()
        made.settle()
        yield made


@fault("strategy-misbehaves")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Liar", "intent.unprofitable"),
        ("LiarToTheWei", "simulation.reverts"),
        ("BreakEven", "limits.min_profit_eth"),
        ("Flooder", "more than 16 proposals on one block"),
        ("Greedy", "limits.max_trade_eth"),
        ("Mutator", "limits.max_trade_eth"),
        ("Raiser", "raised ValueError at misbehaving.py"),
        ("RaiserWhenTold", "Chameleon is failed: 10 times in a row Chameleon raised KeyError"),
        ("Interrupter", "raised KeyboardInterrupt at misbehaving.py"),
        ("Leaver", "raised SystemExit at misbehaving.py"),
        ("Printer", "raised OSError at misbehaving.py"),
    ],
)
def test_it_moves_nothing_and_the_reason_is_told(stage: Stage, name: str, words: str) -> None:
    """EX1, I8: whatever it says or raises, not a wei moves, the others live, `why` or `status` names it."""
    stage.behave()
    before, signed = stage.chain.moved(), set(stage.chain.signed())
    stage.become(name)
    stage.watch_blocks()
    text = stage.wait_told(words)
    assert "example.org/secret" not in text
    stage.check_others()
    stage.check_nothing_landed(before, signed)
    assert stage.system.processes[Role.TRADER].poll() is None


@fault("strategy-misbehaves")
def test_rubbish_of_every_kind_is_named_and_moves_nothing(stage: Stage) -> None:
    """What is no list, no proposal, or one with hostile fields is refused in words, and never sent."""
    stage.behave()
    before, signed = stage.chain.moved(), set(stage.chain.signed())
    stage.become("Rubbish")
    wanted = {
        "an int is not a list of proposals",
        "a Proposal is not a list of proposals",
        "a Nameless is not a list of proposals",
        "a Nameless is not a Proposal",
        "a str is not a Proposal",
        "a NoneType is not a Proposal",
        "a proposal that cannot be read: AttributeError",
        "amount_in: out of its range",
        "min_amount_out: out of its range",
        "path: 2 to 8 token addresses are wanted",
    }

    def heard() -> set[str]:
        return {each.data["why"] for each in stage.trader_said if each.kind == "strategy.rubbish"}

    wait_until(lambda: wanted <= heard(), "word of every kind of rubbish")
    wait_until(
        lambda: any(
            each.kind == "strategy.raised" and "LookupError" in each.message for each in stage.trader_said
        ),
        "word of the generator that raised midway",
    )
    stage.wait_shown("Chameleon said what is no proposal")
    stage.check_others()
    stage.check_nothing_landed(before, signed)


def test_output_is_bounded_on_disk(stage: Stage) -> None:
    """A strategy that prints without end fills no disk: its file is cut, and that is told."""
    stage.behave()
    stage.become("Printer")
    wait_until(
        lambda: any(each.kind == "strategy.output-cut" for each in stage.trader_said), "word of the cut"
    )
    stage.behave()
    stage.watch_blocks()
    out = stage.system.places.logs / f"{Role.TRADER}.out"
    assert out.stat().st_size <= FILE_BYTES_MAX


def test_the_greedy_who_would_take_less_gets_the_limit_and_a_profit(stage: Stage) -> None:
    """EX1: made smaller to the limit, told as reduced; what lands enforces its profit, to the wei."""
    before = stage.settle()
    stage.become("GreedyButSmaller")
    stage.wait_shown('"reduced"', "limits.max_trade_eth")
    after = stage.settle()
    swaps = [row for row in stage.chain.signed().values() if row.purpose is Purpose.SWAP]
    assert max(row.spend_wei for row in swaps) == MAX_TRADE_WEI
    assert sum(after) > sum(before)
    stage.chain.check_explained()


@fault("strategy-misbehaves", "leak", "crashed-again-and-again")
def test_who_kills_its_process_is_told_and_let_in_thrice_an_hour(stage: Stage) -> None:
    """HM4: a loop, a leak, a silent death, threads without end: no trade; then an operator arms."""
    before = stage.settle()
    deadly = {
        "Looper": "the trader is dead or hung",
        "Leaker": "used up the memory that strategy.memory_mb allows, 256 MB",
        "Dier": "the trader is dead or hung",
        "Threader": "used up the memory that strategy.memory_mb allows, 256 MB",
    }
    for number, (name, words) in enumerate(deadly.items(), 1):
        stage.become(name)
        stage.wait_trader_ended()
        stage.wait_mode(Mode.OBSERVE_ONLY)
        stage.wait_told(words, "the trader is silent")
        stage.check_others()
        stage.start_trader()
        if number <= RESTARTS:
            stage.wait_mode(Mode.AGGRESSIVE)
    stage.wait_told(f"{RESTARTS} restarts of the trader this hour are used up")
    assert stage.system.mode is Mode.OBSERVE_ONLY
    assert stage.chain.moved() == before
    assert stage.arm("strategy mended") == 0
    stage.wait_trading()
    after = stage.settle()
    assert sum(after) > sum(before)
    stage.chain.check_explained()

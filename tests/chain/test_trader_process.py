"""The trader as a process: real bus, real gateway, real chain; strategies that behave, and that do not."""

from __future__ import annotations

import shutil
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.chain.devnet import ETHER, DevnetProcess, call
from tests.chain.trader_peers import SESSION, WALLET, Peers, approve, push, strategy_file, trader_home
from tests.faults import fault
from tests.instance import REPOSITORY
from warden.devnet.faults import FaultKind
from warden.domain.roles import Role
from warden.wire.messages import ProcessState
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKS = """
class Asks(Strategy):
    def __init__(self, *, rule="none yet"):
        self.heard = rule
    def on_decision(self, decision, proposal):
        self.heard = f"{decision.outcome} {decision.rule} {decision.limit} {proposal.swap.amount_in}"
    def on_trade(self, update, proposal):
        self.heard = f"trade {update.state}"
    def on_block(self, market):
        yield swap([market.weth, market.token("USDX")], 10**16 + market.block, 1, note=self.heard)
"""

RAISES = """
class Raises(Strategy):
    def on_block(self, market):
        password = "hunter2"
        raise RuntimeError(password)
"""

RUBBISH = """
class Rubbish(Strategy):
    def on_block(self, market):
        good = swap([market.weth, market.token("GEM")], 10**17, 1, note="good")
        kinds = [
            ["not a proposal", None, 7, good],
            [swap([market.weth, "nonsense"], 1, 1)],
            [swap([market.weth, market.token("GEM")], -5, 1)],
            [good] * 17,
            3.5,
        ]
        return kinds[market.block % len(kinds)]
"""

HANGS = """
class Hangs(Strategy):
    def on_block(self, market):
        while True:
            pass
"""


@contextmanager
def trading(
    devnet: DevnetProcess, use: str, body: str = "", *, gateway: bool = True, timeout_ms: int = 500
) -> Iterator[Peers]:
    """Run a trader with the strategy `use`, written from `body`, behind a real gateway."""
    toml = f'[strategy]\nuse = "{use}"\npath = "mine"\n'
    with trader_home(devnet, toml, timeout_ms=timeout_ms) as instance:
        mine = instance.home / "mine"
        mine.mkdir()
        if body:
            strategy_file(mine, use.partition(":")[0], body)
        shutil.copy(REPOSITORY / "examples" / "my_strategy.py", mine)
        with Peers(instance) as peers:
            if gateway:
                instance.start(Role.GATEWAY)
            instance.start(Role.TRADER)
            yield peers
            for role in tuple(instance.processes):
                instance.signal(Role(role), signal.SIGKILL)


@pytest.fixture
def rich(devnet: DevnetProcess) -> DevnetProcess:
    """A devnet on which the wallet holds 50 WETH."""
    devnet.fund(WALLET, eth_wei=ETHER, weth_wei=50 * ETHER)
    return devnet


def test_nothing_is_proposed_without_the_watchdogs_leave(rich: DevnetProcess) -> None:
    """Blocks are observed, the process is READY, but only a leave that names it lets it trade."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.until(lambda: bool(peers.beats) and peers.beats[-1].state is ProcessState.READY, "READY")
        peers.until_blocks(4)
        peers.leave_for = "ab" * 16
        peers.until_blocks(4)
        assert (peers.intents, peers.listening) == ([], [])
        assert {each.state for each in peers.statuses} == {"waiting"}
        peers.leave_for = "sender"
        peers.until(lambda: len(peers.intents) >= 3, "three intents")
        assert {intent.trader_session for intent in peers.intents} == {SESSION}


def test_an_intent_says_what_the_gate_must_know(rich: DevnetProcess) -> None:
    """Random ids of its own, the block that it was made on, and deadlines on both clocks (I2)."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.leave_for = "sender"
        peers.until(lambda: len(peers.intents) >= 3, "three intents")
        ids = [each for intent in peers.intents for each in (intent.intent_id, intent.trace_id)]
        assert len(set(ids)) == len(ids)
        assert all(len(each) == 32 and int(each, 16) for each in ids)
        for intent in peers.intents:
            header = call(rich.manifest.node_url, "eth_getBlockByNumber", hex(intent.block), False)
            # Two blocks of a quarter of a second, rounded up to the chain's whole seconds.
            assert intent.not_after_s == int(header["timestamp"], 16) + 1
            assert intent.proposal.swap.amount_in == 10**16 + intent.block
            assert intent.strategy == "Asks"
        blocks = [intent.block for intent in peers.intents]
        assert blocks == sorted(set(blocks))


def test_a_strategy_hears_what_became_of_its_proposals(rich: DevnetProcess) -> None:
    """EX1: a refusal is a value with rule, limit and its proposal; news of a trade comes too."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.leave_for = "sender"
        peers.until(lambda: len(peers.intents) >= 2, "two intents")
        first, second = peers.intents[:2]
        amount = first.proposal.swap.amount_in
        assert second.proposal.note == f"refused limits.max_trade_eth 10 {amount}"
        peers.decide = approve
        peers.until(
            lambda: peers.intents[-1].proposal.note == "trade mined", "strategy that heard of its trade"
        )
        peers.until(lambda: peers.statuses[-1].approved > 0, "status that counts it")
        assert peers.statuses[-1].refused > 0


def test_an_executor_that_is_away_refuses_by_itself_and_comes_back(rich: DevnetProcess) -> None:
    """SL1: without an executor the strategy hears so and goes on; a new one hears of it, and gets intents."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.leave_for = "sender"
        peers.until(lambda: bool(peers.intents), "an intent")
        peers.stop_executor()
        peers.until_blocks(8)
        before = len(peers.intents)
        peers.listening.clear()
        peers.start_executor()
        peers.until(lambda: bool(peers.listening), "who listens, for an executor that knows nobody")
        assert (peers.listening[0].trader_session, peers.listening[0].strategy) == (SESSION, "Asks")
        peers.until(lambda: len(peers.intents) > before, "an intent for the new executor")
        assert peers.intents[before].proposal.note.startswith("refused executor.unreachable")


def test_a_gateway_that_dies_degrades_and_heals(rich: DevnetProcess) -> None:
    """The heartbeat goes on without a gateway and says so; with a new one all is well again."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.leave_for = "sender"
        peers.until(lambda: bool(peers.intents), "an intent")
        peers.instance.signal(Role.GATEWAY, signal.SIGKILL)
        peers.instance.processes.pop(Role.GATEWAY).wait()
        peers.until(lambda: peers.beats[-1].state is ProcessState.DEGRADED, "DEGRADED")
        assert peers.beats[-1].detail.startswith("gateway: ")
        beats, intents = len(peers.beats), len(peers.intents)
        peers.until(lambda: len(peers.beats) > beats + 8, "beats without a gateway")
        peers.instance.start(Role.GATEWAY)
        peers.until(lambda: peers.beats[-1].state is ProcessState.READY, "READY again")
        peers.until(lambda: len(peers.intents) > intents, "an intent after it")
        assert {"trader.blind", "trader.sees"} <= peers.kinds()


@fault("gateway-paused")
def test_the_beat_goes_on_while_the_gateway_hangs(rich: DevnetProcess) -> None:
    """Minutes of waiting for an answer hold up no heartbeat; when the answer comes all is well again."""
    with trading(rich, "asks:Asks", ASKS, timeout_ms=120_000) as peers:
        peers.until_blocks(2)
        peers.instance.signal(Role.GATEWAY, signal.SIGSTOP)
        peers.until(lambda: peers.beats[-1].state is ProcessState.DEGRADED, "DEGRADED")
        beats = len(peers.beats)
        peers.until(lambda: len(peers.beats) > beats + 8, "beats while it hangs")
        peers.instance.signal(Role.GATEWAY, signal.SIGCONT)
        peers.until(lambda: peers.beats[-1].state is ProcessState.READY, "READY again")


@fault("endpoints-gone")
def test_hung_endpoints_are_outlived(rich: DevnetProcess) -> None:
    """Every endpoint hangs: the trader says so; blocks come again when they answer."""
    with trading(rich, "asks:Asks", ASKS) as peers:
        peers.until_blocks(2)
        for name in rich.names:
            rich.set_fault(name, FaultKind.HUNG)
        peers.until(lambda: peers.beats[-1].state is ProcessState.DEGRADED, "DEGRADED")
        rich.reset()
        peers.until(lambda: peers.beats[-1].state is ProcessState.READY, "READY again")


def test_a_strategy_that_raises_is_counted_told_and_given_up(rich: DevnetProcess) -> None:
    """Ten in a row: not run any more, DEGRADED, alive. Type and place are told, values never."""
    with trading(rich, "raises:Raises", RAISES) as peers:
        # Telemetry is lost on whoever does not listen yet, and every event counts here.
        peers.until(lambda: bool(peers.statuses), "telemetry")
        peers.leave_for = "sender"
        peers.until(lambda: "strategy.failed" in peers.kinds(), "strategy given up")
        raised = [event for event in peers.events if event.kind == "strategy.raised"]
        assert [event.data["in_a_row"] for event in raised] == [str(n) for n in range(1, 11)]
        assert {event.severity for event in raised} == {Severity.ERROR}
        assert {(e.data["type"], e.data["place"]) for e in raised} == {("RuntimeError", "raises.py:6")}
        peers.until(lambda: peers.beats[-1].state is ProcessState.DEGRADED, "DEGRADED")
        peers.until(lambda: peers.statuses[-1].state == "failed", "failed on the screen")
        peers.until_blocks(3)
        assert len([event for event in peers.events if event.kind == "strategy.raised"]) == 10
        assert "hunter2" not in peers.instance.output(Role.TRADER)
        assert "hunter2" not in (peers.instance.places.logs / "trader.log").read_text()


def test_rubbish_is_refused_with_an_event_and_never_sent(rich: DevnetProcess) -> None:
    """Wrong types, addresses, amounts, floods, and what is no list; the one good proposal passes."""
    with trading(rich, "rubbish:Rubbish", RUBBISH) as peers:
        peers.leave_for = "sender"
        wanted = {
            "a str is not a Proposal",
            "path: a token address is 0x and 40 hex digits",
            "amount_in: out of its range",
            "more than 16 proposals on one block: none of them counts",
            "a float is not a list of proposals",
        }

        def reasons() -> set[str]:
            return {event.data["why"] for event in peers.events if event.kind == "strategy.rubbish"}

        peers.until(lambda: wanted <= reasons(), "every reason")
        peers.until(lambda: bool(peers.intents), "the good proposal")
        assert {intent.proposal.note for intent in peers.intents} == {"good"}
        assert all(intent.proposal.swap.amount_in == 10**17 for intent in peers.intents)
        assert peers.beats[-1].state is ProcessState.READY


@fault("thread-hung")
def test_a_hung_strategy_stops_the_beat(rich: DevnetProcess) -> None:
    """The heartbeat vouches for the loop in which the strategy runs: hung code is seen by its silence."""
    with trading(rich, "hangs:Hangs", HANGS) as peers:
        peers.until_blocks(3)
        peers.leave_for = "sender"
        lost_after_s = peers.instance.settings.watchdog.lost_after_ms / 1_000
        peers.until(lambda: time.monotonic() - peers.last_beat_s > lost_after_s, "silence")
        assert peers.instance.processes[Role.TRADER].poll() is None
        assert peers.intents == []


def test_processes_start_in_any_order(rich: DevnetProcess) -> None:
    """Without gateway and wallet the trader says what it waits for; it goes on when they are there."""
    with trader_home(rich, "") as instance, Peers(instance) as peers:
        wallet = instance.places.keys / "wallet.json"
        content = wallet.read_bytes()
        wallet.unlink()
        instance.start(Role.TRADER)
        peers.until(lambda: bool(peers.beats) and "wallet" in peers.beats[-1].detail, "word of the wallet")
        wallet.write_bytes(content)
        peers.until(lambda: "gateway" in peers.beats[-1].detail, "word of the gateway")
        assert peers.beats[-1].state is ProcessState.STARTING
        instance.start(Role.GATEWAY)
        peers.until(lambda: peers.beats[-1].state is ProcessState.READY, "READY")
        assert instance.end(Role.TRADER) == 0


def test_the_shipped_strategy_proposes_when_prices_differ(rich: DevnetProcess) -> None:
    """EX5: as noise traders move prices, a closed cycle with its profit as `amountOutMin` is proposed."""
    use = "warden.strategies.triangular:TriangularArbitrage"
    with trading(rich, use) as peers:
        peers.leave_for = "sender"
        peers.decide = approve
        rich.set_noise(running=True)
        peers.until(lambda: bool(peers.intents), "an arbitrage")
        trade = peers.intents[0].proposal.swap
        assert trade.path[0] == trade.path[-1] == rich.manifest.weth
        assert len(trade.path) == 4
        assert trade.min_amount_out > trade.amount_in


def test_the_documented_example_trades(rich: DevnetProcess) -> None:
    """EX5: the ten lines of docs/strategies.md propose when their triangle pays."""
    manifest = rich.manifest
    usdx = next(token.address for token in manifest.tokens if token.symbol == "USDX")
    toml = f'[strategy]\nuse = "my_strategy:MyStrategy"\npath = "{REPOSITORY / "examples"}"\n'
    with trader_home(rich, toml) as instance, Peers(instance) as peers:
        instance.start(Role.GATEWAY)
        instance.start(Role.TRADER)
        peers.leave_for = "sender"
        peers.until(lambda: bool(peers.statuses) and peers.statuses[-1].state == "running", "running")
        for _ in range(3):
            push(rich, usdx, manifest.weth, 3)
        peers.until(lambda: bool(peers.intents), "a proposal")
        trade = peers.intents[0].proposal.swap
        assert trade.path[:2] == (manifest.weth, usdx)
        assert trade.amount_in == ETHER
        assert trade.min_amount_out > ETHER


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ("nowhere_at_all:Nothing", "there is no module nowhere_at_all in "),
        ("my_strategy:Missing", "my_strategy has no class Missing; it has MyStrategy"),
    ],
)
def test_a_wrong_strategy_is_one_line_and_exit_code_2(devnet: DevnetProcess, use: str, says: str) -> None:
    """A configuration that names no strategy ends the process with what is wrong, without a traceback."""
    with trading(devnet, use, gateway=False) as peers:
        process = peers.instance.processes[Role.TRADER]
        peers.until(lambda: process.poll() is not None, "end of the trader")
        assert process.returncode == 2
        output = peers.instance.output(Role.TRADER)
        assert says in output
        assert "Traceback" not in output

"""Several strategies on the devnet: a process, a session and a pool each, one executor, one wallet."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import DEVNET_TOML, REPOSITORY, wait_until
from tests.process.chain_truth import BALANCE_OF, ChainTruth
from tests.process.system import System
from tests.unit.executor.scene import intent
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.operator.orders import risk_report
from warden.wire.addresses import INTENTS
from warden.wire.codec import decode, encode
from warden.wire.messages import Answer, Submit
from warden.wire.rows import Purpose
from warden.wire.telemetry import ProcessLine, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("arb", "mom", "sap")
TOML = (
    DEVNET_TOML
    + "[chain]\nblock_time_s = 0.3\n[capital.pools]\narb = 2\nmom = 1\nsap = 1\n"
    + "".join(
        f'[[strategies]]\nname = "{name}"\nuse = "nibbler:Nibbler"\npath = "{REPOSITORY}/tests/strategies"\n'
        for name in NAMES
    )
)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """Three strategies that have each traded once; the tests below go on from one another."""
    with System(TOML) as made:
        made.start_all().wait_trading(1)
        truth = ChainTruth(made)
        wait_until(lambda: all(swaps(truth).values()), f"trades of {NAMES}", 120)
        yield made


def swaps(truth: ChainTruth) -> dict[str, int]:
    """Return how many swaps of each strategy the journal holds."""
    signed = [row for row in truth.signed().values() if row.purpose is Purpose.SWAP]
    assert all(row.pool == row.strategy for row in signed)
    return {name: sum(row.strategy == name for row in signed) for name in NAMES}


def wait_more(system: System, *names: str) -> None:
    """Wait until each of these strategies has a trade more than now."""
    truth = ChainTruth(system)
    before = swaps(truth)

    def more() -> bool:
        system.listen()
        now = swaps(truth)
        return all(now[name] > before[name] for name in names)

    wait_until(more, f"more trades of {names}", 120)


def line_of(system: System, name: str) -> ProcessLine:
    """Return what the watchdog says of a process."""
    system.listen()
    status: WatchdogStatus = system.latest[WatchdogStatus]
    return next(line for line in status.processes if line.name == name)


def answer(system: System, name: str, strategy: str, session: str) -> str:
    """Submit an intent with the key of `name` and these claims; return the rule that refuses it."""
    order = msgspec.structs.replace(intent(1), strategy=strategy, trader_session=session)
    answers: list[str] = []
    with system.bus(name) as bus:
        client = bus.connect(INTENTS)
        wait_until(lambda: client.send(encode(Submit(intent=order))), "a connection to the executor")

        def answered() -> bool:
            data = client.receive()
            answers.extend([] if data is None else [decode(data, Answer).decision.rule])
            return bool(answers)

        wait_until(answered, "an answer")
    return answers[0]


def test_all_trade_from_pools_of_their_own(system: System) -> None:
    """PL5, EX1: each in its own process and pool; the pools' accounts sum to the pools, by their weights."""
    wait_more(system, *NAMES)
    report = risk_report(system.home)
    pools = {line.pool: line for line in report.pools}
    assert set(pools) == set(NAMES)
    assert all(sum(line.accounts.values()) == line.total_wei for line in pools.values())
    assert report.equity_wei == sum(line.total_wei for line in pools.values())
    assert pools["arb"].total_wei > pools["mom"].total_wei * 3 // 2


@fault("one-trader-of-several")
def test_a_killed_trader_keeps_nobody_else_from_trading(system: System) -> None:
    """HM4, PL5: kill -9; the mode stays; its name and its session are of no use to another's key."""
    system.kill("trader-arb")
    system.wait(lambda _: line_of(system, "trader-arb").state == "LOST", "the loss of trader-arb")
    assert system.mode is Mode.AGGRESSIVE
    wait_more(system, "mom", "sap")
    assert answer(system, "trader-arb", "mom", "mom:0") == "strategy"
    assert answer(system, "trader-arb", "arb", "mom:0") == "session"
    assert answer(system, "trader-arb", "arb", "arb:0") == "session"
    system.start("trader-arb")
    wait_more(system, "arb", "mom")
    assert line_of(system, "trader-arb").restarts == 1
    assert system.mode is Mode.AGGRESSIVE


@fault("one-trader-of-several")
def test_a_hung_trader_is_ended_alone(system: System) -> None:
    """HM4, PL5: SIGSTOP; it is found hung and killed, with its own restart; the others trade on."""
    system.signal("trader-mom", signal.SIGSTOP)
    assert system.processes["trader-mom"].wait(60) == -signal.SIGKILL
    wait_more(system, "arb", "sap")
    assert system.mode is Mode.AGGRESSIVE
    system.start("trader-mom")
    wait_more(system, "mom")
    assert {name: line_of(system, f"trader-{name}").restarts for name in NAMES} == {
        "arb": 1,
        "mom": 1,
        "sap": 0,
    }


@fault("one-trader-of-several", "queue-full")
def test_a_flood_of_one_strategy_does_not_stop_the_others(system: System) -> None:
    """PL5: hundreds of intents a second with its key; the others' come through, and the executor beats on."""
    before = swaps(ChainTruth(system))
    order = msgspec.structs.replace(intent(1), strategy="sap", trader_session="sap:0")
    told: set[str] = set()
    sent = 0
    with system.bus("trader-sap") as bus:
        clients = [bus.connect(INTENTS) for _ in range(4)]

        def traded() -> bool:
            nonlocal sent
            for client in clients:
                for _ in range(100):
                    sent += client.send(encode(Submit(intent=order)))
                while (data := client.receive()) is not None:
                    told.add(decode(data, Answer).decision.rule)
            now = swaps(ChainTruth(system))
            return sent > 5_000 and all(now[name] > before[name] for name in ("arb", "mom"))

        wait_until(traded, "trades of the others under the flood", 120)
    assert "session" in told
    assert system.mode is Mode.AGGRESSIVE
    assert line_of(system, Role.EXECUTOR).state == "ready"


def test_every_wei_and_every_nonce_of_all_is_explained(system: System) -> None:
    """PL5, EX2, I5: one wallet, nonces without a gap, the pools together what the chain says."""
    for name in NAMES:
        system.end(f"trader-{name}")
    truth = ChainTruth(system)
    truth.wait_nothing_pending()

    def settled() -> bool:
        system.listen()
        return truth.disagreements(set(truth.signed())) == []

    wait_until(settled, "the book to agree with the chain", 120)
    nonces = sorted({row.nonce for row in truth.signed().values()})
    assert nonces == list(range(nonces[0], nonces[0] + len(nonces)))
    assert truth.nonce() == nonces[-1] + 1
    data = BALANCE_OF + truth.wallet.lower().removeprefix("0x").rjust(64, "0")
    weth_wei = int(truth.node("eth_call", {"to": truth.manifest.weth, "data": data}, "latest"), 16)
    ether_wei = int(truth.node("eth_getBalance", truth.wallet, "latest"), 16)
    report = risk_report(system.home)
    assert sum(line.total_wei for line in report.pools) == weth_wei + ether_wei
    system.end(Role.EXECUTOR)
    truth.check_book_is_chain()

"""Several transactions on a real chain at once: stuck, paid for more, taken back, lost; book equals chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from tests.process.chain_truth import ON_THE_CHAIN, ChainTruth
from tests.process.losing import ORDER_FILE as LOSE_FILE
from tests.process.operator_at_work import let_trade
from tests.process.race import displace
from tests.process.test_crash_matrix import CrashSystem
from warden.devnet.manifest import read_manifest
from warden.domain.intents import TradeState
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.runtime.journal import verify
from warden.wire.rows import Purpose, SignedRow
from warden.wire.telemetry import ExecutorStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

GWEI = 10**9
# A strategy whose cycle pays far more than any gas, and one whose profit covers no dearer gas.
TOML = f"""
environment = "devnet"
[gateway]
port = 0
[api]
port = 0
[chain]
block_time_s = 0.5
[strategy]
use = "grabber:Grabber"
path = "{REPOSITORY / "tests" / "strategies"}"
[strategy.parameters]
bite_eth = "0.1"
profit_eth = "PROFIT"
[limits]
max_positions_per_market = 20
max_fees_per_day_eth = "none"
[breaker]
enabled = false
[emergency]
enabled = false
[drawdown]
consecutive_losses = "none"
[assessment]
enabled = false
[execution]
max_in_flight = 3
[devnet]
noise = false
"""
# Far above what a trade of ours was signed for, far below what its profit pays.
DEAR_WEI = 3 * GWEI
PROVOKED_MAX = 8
PROVOKED_LOOKS = 20


class FlightSystem(CrashSystem):
    """A system that has several transactions on their way, and can lose one of them."""

    module = "tests.process.losing"

    def __init__(self, profit_eth: str) -> None:
        super().__init__(TOML.replace("PROFIT", profit_eth))

    def begin(self) -> FlightSystem:
        """Start everything, and displace a price for thousands of trades."""
        self.start_all()
        wait_until(lambda: read_manifest(self.places.role(Role.DEVNET)) is not None, "devnet", 120)
        self.feed()
        self.wait_trading(2)
        return self

    def feed(self) -> None:
        """Displace a price, so that the cycle pays again."""
        manifest = read_manifest(self.places.role(Role.DEVNET))
        assert manifest is not None
        displace(manifest)


def settle(system: FlightSystem) -> None:
    """Let the trader end, and hold the whole book against the chain, to the wei."""
    system.end(Role.TRADER)
    system.wait(lambda each: each.mode is not Mode.AGGRESSIVE, "a lower mode once the trader has ended")
    truth = ChainTruth(system)
    wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book", 120)
    system.end(Role.EXECUTOR)
    truth.check_book_is_chain()
    assert verify(system.places.journal(Role.EXECUTOR))[1] == []


@pytest.fixture(scope="module")
def rich() -> Iterator[FlightSystem]:
    """A system whose trades are worth dearer gas."""
    with FlightSystem("0.006") as made:
        made.begin()
        yield made
        settle(made)


def bumps(truth: ChainTruth) -> dict[str, SignedRow]:
    """Return what was signed again for more, by hash."""
    return {
        tx_hash: row
        for tx_hash, row in truth.signed().items()
        if row.purpose is Purpose.SWAP and row.replaces
    }


def fills(truth: ChainTruth) -> dict[str, SignedRow]:
    """Return what filled a gap."""
    return {
        tx_hash: row
        for tx_hash, row in truth.signed().items()
        if row.purpose is Purpose.CANCEL and not row.replaces
    }


def price_out(system: FlightSystem) -> None:
    """Raise the base fee above what is on its way, which the next block then leaves out."""
    truth = ChainTruth(system)
    system.feed()
    system.hold_one()
    truth.node("anvil_setNextBlockBaseFeePerGas", hex(DEAR_WEI))
    system.mining(running=True)


def test_as_many_as_allowed_are_on_their_way_at_once(rich: FlightSystem) -> None:
    """EX3: up to the limit and never beyond, at nonces without gaps."""
    seen: set[int] = set()

    def full() -> bool:
        seen.add(rich.latest[ExecutorStatus].pending)
        return 3 in seen

    rich.wait(lambda _: full(), "three in flight")
    assert max(seen) == 3


def test_what_is_priced_out_pays_more_and_lands_once(rich: FlightSystem) -> None:
    """EX3, EX6, I6: the base fee rises by far; the same call lands for more, the first one is superseded."""
    price_out(rich)
    truth = ChainTruth(rich)

    def landed() -> bool:
        outcomes = truth.outcomes()
        return any(
            outcomes[tx_hash].state in ON_THE_CHAIN
            and row.replaces in outcomes
            and outcomes[row.replaces].state is TradeState.SUPERSEDED
            for tx_hash, row in bumps(truth).items()
            if tx_hash in outcomes
        )

    rich.wait(lambda _: landed(), "a dearer one that landed in the first one's place")
    assert {row.intent_id for row in bumps(truth).values()} <= {
        row.intent_id for row in truth.signed().values() if not row.replaces
    }


def test_a_gap_is_filled_and_the_later_ones_land(rich: FlightSystem) -> None:
    """EX3: of several one never leaves, with later ones signed already; its nonce is used up by nothing."""
    truth = ChainTruth(rich)
    rich.feed()
    before = set(fills(truth))
    (rich.home / LOSE_FILE).touch()

    def later_landed() -> bool:
        outcomes, signed = truth.outcomes(), truth.signed()
        return any(
            outcomes.get(tx_hash) is not None
            and outcomes[tx_hash].state in ON_THE_CHAIN
            and any(
                each.nonce > row.nonce and outcomes.get(key) and outcomes[key].state in ON_THE_CHAIN
                for key, each in signed.items()
            )
            for tx_hash, row in fills(truth).items()
            if tx_hash not in before
        )

    rich.wait(lambda _: later_landed(), "a filled gap and a later trade on the chain")


@fault("executor-killed")
@pytest.mark.parametrize(
    "point",
    [
        "bump-before-row",
        "bump-before-first-leg",
        "bump-in-first-leg",
        "fill-before-row",
        "fill-before-first-leg",
        "fill-in-first-leg",
    ],
)
def test_i6_killed_in_the_middle_of_it(rich: FlightSystem, point: str) -> None:
    """I5, I6, EX2: kill -9 as it pays more, or fills a gap: book and chain are one, nothing lands twice."""
    truth = ChainTruth(rich)
    rich.crash_at(point)
    process = rich.processes[Role.EXECUTOR]
    for _ in range(PROVOKED_MAX):
        # On a busy machine a deadline may pass before it comes to that: once more.
        if point.startswith("bump"):
            price_out(rich)
        else:
            rich.feed()
            (rich.home / LOSE_FILE).touch()
        for _ in range(PROVOKED_LOOKS):
            rich.pass_time(0.5)
            if process.poll() is not None:
                break
        else:
            continue
        break
    rich.wait_crashed()
    (rich.home / LOSE_FILE).unlink(missing_ok=True)
    truth.mining(running=True)
    before = set(truth.signed())
    rich.start(Role.EXECUTOR)
    rich.wait_lowered()
    let_trade(rich)
    wait_until(lambda: truth.disagreements(before) == [], "the book as the chain is", 120)
    intents = [
        row.intent_id
        for key, row in truth.signed().items()
        if key in before and truth.landed(key) is not None
    ]
    assert len(set(intents)) == len(intents)


def test_what_is_not_worth_it_is_taken_back() -> None:
    """EX3, EX6: a profit below the dearer gas: nothing is signed for more, the nonce is freed by a cancel."""
    with FlightSystem("0.000001") as poor:
        poor.begin()
        truth = ChainTruth(poor)
        poor.hold_one()
        pending = {row.tx_hash for row in truth.signed().values() if row.tx_hash not in truth.outcomes()}
        assert pending
        # Block after block: the chain lets it fall again by an eighth each.
        truth.node("anvil_setNextBlockBaseFeePerGas", hex(40 * DEAR_WEI))
        poor.mining(running=True)

        def freed() -> bool:
            outcomes = truth.outcomes()
            return any(
                row.replaces in pending and tx_hash in outcomes and outcomes[tx_hash].state in ON_THE_CHAIN
                for tx_hash, row in truth.signed().items()
                if row.purpose is Purpose.CANCEL
            )

        poor.wait(lambda _: freed(), "a cancel on the chain")
        assert bumps(truth) == {}
        settle(poor)

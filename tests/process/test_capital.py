"""The capital past the executor, in the whole system: lies, disputes, withdrawals, a total loss (ES2)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from eth_utils.crypto import keccak

from tests.chain.devnet import call, quantity
from tests.faults import fault
from tests.instance import wait_until
from tests.process.system import BUSY_TOML, System
from warden.cli.main import main as warden
from warden.devnet.manifest import read_manifest
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import StopReason
from warden.runtime.wallet import wallet_address
from warden.wire.telemetry import CapitalLine, GatewayStatus, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

TOML = (
    BUSY_TOML
    + """
[wallet]
unknown_after_s = 2
"""
)
# Of WETH9: `mapping (address => uint) balanceOf` stands fourth.
BALANCES_SLOT = 3
WITHDRAWN_PERCENT = 30


class Chain:
    """The devnet's chain, past every endpoint: a thief, or an operator's other wallet."""

    def __init__(self, system: System) -> None:
        manifest = read_manifest(system.places.role(Role.DEVNET))
        assert manifest is not None
        self.url, self.weth = manifest.node_url, manifest.weth
        self.wallet = wallet_address(system.settings, system.places)

    def take(self, amount_wei: int | None = None) -> None:
        """Take so much of the wrapped coin, or everything."""
        key = bytes.fromhex(self.wallet[2:]).rjust(32, b"\0") + BALANCES_SLOT.to_bytes(32, "big")
        slot = "0x" + keccak(key).hex()
        held = quantity(self.url, "eth_getStorageAt", self.weth, slot, "latest")
        left = 0 if amount_wei is None else held - amount_wei
        call(self.url, "anvil_setStorageAt", self.weth, slot, f"0x{left:064x}")
        if amount_wei is None:
            call(self.url, "anvil_setBalance", self.wallet, "0x0")


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The whole system, trading."""
    with System(TOML) as made:
        made.start_all()
        made.wait_trading()
        yield made


def capital(system: System) -> CapitalLine:
    """Return what the watchdog knows of the wallet."""
    status: WatchdogStatus = system.latest[WatchdogStatus]
    assert status.capital is not None
    return status.capital


def _agreed(system: System) -> CapitalLine:
    system.wait(lambda made: capital(made).state == "AGREED", "capital that is agreed on")
    return capital(system)


@fault("endpoint-lying")
def test_es2_one_lying_endpoint_of_three_neither_stops_it_nor_feeds_it(system: System) -> None:
    """ES2: ten times everything, from the first endpoint: named, not believed, and trades go on."""
    before = _agreed(system)
    assert before.equity_wei is not None
    system.fault(_names(system)[0], "lying", lie_percent=1_000)
    system.wait(
        lambda made: any(each.kind == "gateway.endpoint.lying" for each in made.events), "the liar's name"
    )
    trades = system.trades
    system.wait(lambda made: made.trades > trades + 1, "more trades")
    line = capital(system)
    assert line.equity_wei is not None
    assert line.equity_wei < 2 * before.equity_wei
    assert (line.state, system.mode) == ("AGREED", Mode.AGGRESSIVE)
    assert system.latch.is_clear()
    system.fault(_names(system)[0], "healthy")
    # It is believed again once it has agreed with the others three times.
    system.wait(lambda made: {each.state for each in made.latest[GatewayStatus].endpoints} == {"ok"}, "peace")


@fault("endpoint-lying")
def test_es2_two_that_differ_observe_until_they_agree_again(system: System) -> None:
    """ES2: with the third dead nobody is believed: OBSERVE_ONLY, by name, healed by itself."""
    first, second, third = _names(system)
    system.fault(third, "dead")
    system.fault(second, "lying", lie_percent=0)
    system.wait(
        lambda made: made.mode is Mode.OBSERVE_ONLY and capital(made).state == "DISPUTED", "a dispute"
    )
    assert first in capital(system).detail
    assert second in capital(system).detail
    assert system.latch.is_clear()
    for name in (second, third):
        system.fault(name, "healthy")
    system.wait(lambda made: made.mode is Mode.AGGRESSIVE, "trading again")


def test_ex9_a_withdrawal_that_was_told_does_not_stop_it(system: System) -> None:
    """EX9: `warden capital withdraw` moves the watchdog's baseline as well as the executor's books."""
    chain, before = Chain(system), _agreed(system)
    assert before.equity_wei is not None
    assert before.baseline_wei is not None
    amount_wei = before.equity_wei * WITHDRAWN_PERCENT // 100
    words = ["capital", "withdraw", f"{amount_wei // 10**15 / 1000:.3f}", "--operator", "ann"]
    assert warden([*words, "--reason", "rent", "--home", str(system.home)]) == 0
    system.mining(running=False)
    chain.take(amount_wei)
    system.mining(running=True)
    system.wait(
        lambda made: (capital(made).equity_wei or 0) < (before.equity_wei or 0) * 80 // 100,
        "the smaller wallet",
    )
    system.pass_time(6)
    assert system.latch.is_clear()
    after = capital(system)
    assert after.baseline_wei is not None
    assert after.baseline_wei < before.baseline_wei * 75 // 100


@fault("executor-paused", "watchdog-killed")
def test_es2_a_total_loss_stops_while_the_executor_hangs_and_after_a_restart(system: System) -> None:
    """ES2, ES4: zero is a loss; the stop is the watchdog's own, durable, and the baseline outlives it."""
    baseline_wei = _agreed(system).baseline_wei
    system.signal(Role.EXECUTOR, signal.SIGSTOP)
    Chain(system).take()
    stop = system.written_stop("a stop")
    assert (stop.reason, stop.operator) == (StopReason.CAPITAL_LOSS, "watchdog")
    watchdog = system.processes.pop(Role.WATCHDOG)
    watchdog.kill()
    watchdog.wait()
    system.latest.pop(WatchdogStatus)
    system.start(Role.WATCHDOG)
    wait_until(lambda: _heard(system), "the next watchdog's word")
    assert capital(system).baseline_wei == baseline_wei
    assert [each.stop_id for each in system.latch.read().stops] == [stop.stop_id]


def _heard(system: System) -> bool:
    system.listen()
    status = system.latest.get(WatchdogStatus)
    return status is not None and status.capital is not None and status.capital.state == "AGREED"


def _names(system: System) -> list[str]:
    manifest = read_manifest(system.places.role(Role.DEVNET))
    assert manifest is not None
    return [each.name for each in manifest.endpoints]

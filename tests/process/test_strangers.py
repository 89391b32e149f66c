"""Transactions of the wallet that no row explains, on a real chain: another key holder, a rollback."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.instance import wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.cli_runs import warden
from tests.process.system import System
from tests.unit.executor.scene import GWEI
from warden.domain.modes import Mode
from warden.domain.roles import PROCESSES, Role
from warden.domain.stops import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMED = ("--operator", "ann", "--reason", "looked into")


@pytest.fixture
def system() -> Iterator[System]:
    """A system that trades."""
    with System() as made:
        made.start_all()
        made.wait_trading(2)
        yield made


def breaches(system: System) -> list[Stop]:
    """Return the standing stops that blame a stranger."""
    return [stop for stop in system.latch.read().stops if stop.stop_id.startswith("foreign-transaction-")]


def send_as_the_wallet(truth: ChainTruth) -> None:
    """Have somebody else who holds the key send a transfer of nothing, past Warden and its endpoints."""
    truth.node("anvil_impersonateAccount", truth.wallet)
    truth.mining(running=False)
    try:
        # So dear that it takes the place of what of Warden's waits there, and nothing takes its own.
        order = {"from": truth.wallet, "to": truth.wallet, "value": "0x0", "nonce": hex(truth.nonce())}
        # It costs less than what the wallet may lack: a dearer one would have to be booked first.
        order |= {"maxFeePerGas": hex(40 * GWEI), "maxPriorityFeePerGas": hex(20 * GWEI)}
        truth.node("eth_sendTransaction", order)
    finally:
        truth.mining(running=True)


def keep(state: Path, aside: Path) -> None:
    """Copy the state of every process but the chain's."""
    shutil.copytree(state, aside, ignore=shutil.ignore_patterns("devnet*"))


@fault("foreign-transaction")
def test_ex9_a_foreign_transaction_stops_everything_until_somebody_looked_into_it(system: System) -> None:
    """EX9, ES5: a nonce that no row explains is a SECURITY_BREACH: a durable stop, cleared by name."""
    truth = ChainTruth(system)
    send_as_the_wallet(truth)
    system.wait(lambda _: breaches(system), "a stop for the foreign transaction")
    (stop,) = breaches(system)
    assert stop.reason == StopReason.SECURITY_BREACH
    assert stop.operator == "executor"
    system.wait(lambda each: each.mode is Mode.OBSERVE_ONLY, "OBSERVE_ONLY")
    # It outlives the executor, and is not told again under another name.
    system.kill(Role.EXECUTOR)
    system.start(Role.EXECUTOR)
    home = ("--home", str(system.home))
    wait_until(
        lambda: "SECURITY_BREACH" in warden("recover", *NAMED, "--json", *home).out, "a refused recovery"
    )
    assert breaches(system) == [stop]
    assert warden("clear-incident", "--stop", stop.stop_id, *NAMED, *home).code == 0
    wait_until(lambda: warden("recover", *NAMED, *home).code == 0, "a recovery", timeout_s=90)
    system.wait(lambda each: each.mode is Mode.AGGRESSIVE, "trading")
    trades = system.trades
    system.wait_trading(trades + 2)
    assert breaches(system) == []


@fault("host-rolled-back")
def test_i9_a_host_that_was_rolled_back_sends_nothing(system: System) -> None:
    """I9: every journal and witness is of yesterday and agrees; the wallet's nonce on the chain does not."""
    others = [role for role in PROCESSES if role is not Role.DEVNET]
    yesterday = system.home / "yesterday"
    for role in others:
        system.end(role)
    keep(system.places.state, yesterday)
    for role in others:
        system.start(role)
    truth = ChainTruth(system)
    before = truth.nonce()
    wait_until(lambda: truth.nonce() >= before + 3, "trades of today")
    for role in others:
        system.end(role)
    for path in system.places.state.iterdir():
        if path.is_file() and not path.name.startswith("devnet"):
            path.unlink()
    shutil.copytree(yesterday, system.places.state, dirs_exist_ok=True)
    rolled_back_ns = system.now_ns()
    for role in others:
        system.start(role)
    system.wait(lambda _: breaches(system), "a stop for the rollback")
    assert breaches(system)[0].reason == StopReason.SECURITY_BREACH
    assert system.received_after(rolled_back_ns) == []

"""A price that vanishes while everything runs: nothing opens without it, and it heals with it (ES2, PS1)."""

from __future__ import annotations

from tests.chain.devnet import post
from tests.faults import fault
from tests.process.chain_truth import ChainTruth
from tests.process.cli_runs import warden
from tests.process.system import BUSY_TOML, System
from warden.wire.telemetry import ExecutorStatus

TOML = BUSY_TOML + '[price]\nusd_token = "USDX"\nmax_age_s = 1\n'


def price_of(system: System) -> str:
    """Return the price in USD as the executor last said, empty where it has none."""
    status = system.latest.get(ExecutorStatus)
    assert isinstance(status, ExecutorStatus)
    return status.price_usd


@fault("price-vanished")
def test_es2_without_a_price_nothing_opens_and_with_it_trading_goes_on() -> None:
    """ES2, PS1: the pool that told it is gone: no more trades, `warden why` says so; it heals with it."""
    with System(TOML) as system:
        system.start_all()
        system.wait_trading(2)
        system.wait(price_of, "a price")
        truth = ChainTruth(system)
        token = next(each.address for each in truth.manifest.tokens if each.symbol == "USDX")
        both = {token, truth.manifest.weth}
        pair = next(each.address for each in truth.manifest.pairs if {each.token0, each.token1} == both)
        code = truth.node("eth_getCode", pair, "latest")
        noise = f"{truth.manifest.control_url}/noise"
        assert post(noise, {"running": False}).status == 200
        truth.node("anvil_setCode", pair, "0x")
        system.wait(lambda each: not price_of(each), "a price that is unknown")
        truth.wait_nothing_pending()
        settled = truth.nonce()
        system.pass_time(3.0)
        assert truth.nonce() == settled
        told = warden("why", "--home", str(system.home)).out
        assert "price.unknown" in told, told
        truth.node("anvil_setCode", pair, code)
        assert post(noise, {"running": True}).status == 200
        before = system.trades
        system.wait(lambda each: price_of(each) and each.trades > before, "trades at a price that is back")

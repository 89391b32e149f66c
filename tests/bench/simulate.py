"""Simulate: what looking at a transaction's asset changes costs beside asking for its gas alone.

A devnet of its own behind a real gateway. `gas` is the request that there would
be anyway: eth_estimateGas and the reserves of the path. `judged` is the same request with eth_simulateV1 in
it, read and judged. `trip` is a purchase with the trial of its sale: two requests more. `witnessed` is each
of the two by two endpoints, one after the other. All in turns, in one run.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.bench._figures import percentile, show, spread
from tests.bench._machine import machine
from tests.chain.devnet import ETHER, DevnetProcess, call
from tests.chain.gateway import GatewayProcess
from tests.chain.tokens import Issuer
from tests.chain.uniswap import encoded
from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.scene import TERMS, intent
from warden.domain.errors import InvariantBroken
from warden.domain.money import Wei
from warden.executor.intents import judging
from warden.executor.protocol.events import Simulated
from warden.executor.reads import trial
from warden.executor.reads.pools import Pools
from warden.executor.sends.drafts import Moment
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.executor.protocol.commands import Simulate
    from warden.executor.protocol.terms import Terms

AMOUNT = ETHER // 10
WARM_UP = 20


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench simulate", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--rounds", type=int, default=300, help="how many of each")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="warden-simulate-"))
    devnet = None
    try:
        devnet = DevnetProcess(base / "net", "--block-time", "1", "--no-noise", "--history-blocks", "500")
        figures = measure(devnet, options.rounds)
    finally:
        if devnet is not None:
            devnet.stop()
        shutil.rmtree(base)
    show(figures, only_json=options.json)
    return 0


def measure(devnet: DevnetProcess, rounds: int) -> dict[str, object]:
    """Return the figures of so many rounds."""
    manifest = devnet.manifest
    issuer = Issuer(devnet, pools=1)
    wallet = devnet.account(eth_wei=10 * ETHER, weth_wei=10 * ETHER)
    issuer.send(
        manifest.weth, encoded("approve(address,uint256)", manifest.router, 5 * ETHER), account=wallet
    )
    issuer.settle()
    terms = msgspec.structs.replace(
        TERMS,
        wallet=wallet.address,
        router=manifest.router,
        weth=manifest.weth,
        factory=manifest.factory,
    )
    first, second = (each.address for each in manifest.tokens[:2])
    at = _moment(devnet, terms)
    cycle = _intent((manifest.weth, first, second, manifest.weth), at)
    buy = _intent((manifest.weth, first), at)
    asked = judging.simulation_of(cycle, at)
    orders = {
        "gas": (cycle, msgspec.structs.replace(asked, judged=False)),
        "judged": (cycle, asked),
        "trip": (buy, judging.simulation_of(buy, at)),
        "witnessed": (cycle, msgspec.structs.replace(asked, witnessed=True)),
        "witnessed_trip": (buy, msgspec.structs.replace(judging.simulation_of(buy, at), witnessed=True)),
    }
    with GatewayProcess() as gateway:
        gateway.introduce(devnet)
        rpc = JsonRpc(gateway.url, timeout_s=30)
        taken = _taken(rpc, Pools(manifest.factory, manifest.weth), orders, terms, rounds)
        rpc.close()
    middle = {name: percentile(each, 0.5) or 0.0 for name, each in taken.items()}
    return {
        "rounds": rounds,
        **{key: value for name in orders for key, value in spread(taken[name], f"{name}_", "ms").items()},
        "extra_p50_ms": round(middle["judged"] - middle["gas"], 3),
        "ratio": round(middle["judged"] / middle["gas"], 2),
        "trip_ratio": round(middle["trip"] / middle["gas"], 2),
        "witness_extra_p50_ms": round(middle["witnessed"] - middle["judged"], 3),
        "witness_trip_extra_p50_ms": round(middle["witnessed_trip"] - middle["trip"], 3),
        "machine": machine(),
    }


def _taken(
    rpc: JsonRpc, pools: Pools, orders: dict[str, tuple[Intent, Simulate]], terms: Terms, rounds: int
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in orders}
    for turn in range(WARM_UP + rounds):
        for name, (order, simulate) in orders.items():
            began = time.perf_counter()
            _pass(rpc, pools, order, simulate, terms)
            if turn >= WARM_UP:
                taken[name].append((time.perf_counter() - began) * 1_000)
    return taken


def _moment(devnet: DevnetProcess, terms: Terms) -> Moment:
    block = call(devnet.manifest.node_url, "eth_getBlockByNumber", "latest", False)
    head = msgspec.structs.replace(
        HEAD, timestamp_s=int(block["timestamp"], 16), base_fee_wei=int(block["baseFeePerGas"], 16)
    )
    return Moment(head, terms, NOW)


def _intent(path: tuple[str, ...], at: Moment) -> Intent:
    until_s = at.head.timestamp_s + 3_600
    return intent(1, path=path, amount_in=Wei(AMOUNT), min_amount_out=Wei(1), not_after_s=until_s)


def _pass(rpc: JsonRpc, pools: Pools, order: Intent, simulate: Simulate, terms: Terms) -> None:
    found = trial.simulate(rpc, simulate, terms.wallet, pools)
    if not isinstance(found, Simulated):
        raise InvariantBroken(f"it should pass: {found.text}")
    if simulate.judged and (refusal := judging.refusal(order, found, terms)) is not None:
        raise InvariantBroken(f"it should pass: {refusal.rule}")


if __name__ == "__main__":
    raise SystemExit(main())

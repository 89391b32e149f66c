"""Simulations on paper, on a real chain that knows no paper wallet (EX4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from eth_utils.address import to_checksum_address

from tests.chain.devnet import ETHER, GWEI, call
from tests.chain.gateway import GatewayProcess
from tests.chain.uniswap import amounts_out, balance
from tests.unit.executor.paper_scene import PAPER_TERMS
from warden.domain.fills import FillModel
from warden.executor.paper.paper_reads import PaperTried, try_swap
from warden.executor.protocol.commands import Simulate
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.reads import calldata
from warden.executor.reads.pools import Pools
from warden.runtime.rpc import JsonRpc
from warden.runtime.wallet import PAPER_WALLET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.devnet import DevnetProcess
    from warden.executor.protocol.terms import Terms

MODEL = FillModel()
NO_DEADLINE = 2**255


@pytest.fixture
def terms(devnet: DevnetProcess) -> Terms:
    """The devnet's venue, and the paper wallet, of which the chain knows nothing."""
    made = devnet.manifest
    return msgspec.structs.replace(
        PAPER_TERMS,
        wallet=to_checksum_address(PAPER_WALLET),
        router=made.router,
        factory=made.factory,
        weth=made.weth,
    )


@pytest.fixture(scope="module")
def gateway(shared_devnet: DevnetProcess) -> Iterator[GatewayProcess]:
    """A gateway before the devnet: what it is asked, endpoints must agree on."""
    with GatewayProcess() as made:
        made.introduce(shared_devnet)
        yield made


@pytest.fixture
def rpc(gateway: GatewayProcess) -> Iterator[JsonRpc]:
    """A connection to the gateway."""
    made = JsonRpc(gateway.url, timeout_s=10)
    yield made
    made.close()


def tried(
    rpc: JsonRpc, terms: Terms, path: tuple[str, ...], least: int = 1, *, sold_again: bool = False
) -> PaperTried:
    """Return what came of trying a swap of 0.1 ETH."""
    data = calldata.swap(ETHER // 10, least, path, terms.wallet, NO_DEADLINE)
    order = Simulate(
        intent_id="1" * 32,
        to=terms.router,
        data=data,
        path=path,
        gas_limit=600_000,
        gas_price_wei=3 * GWEI,
        base_fee_wei=GWEI,
        required=sold_again,
        round_trip=sold_again,
    )
    return try_swap(rpc, Pools(terms.factory, terms.weth), order, terms, MODEL)


def test_a_swap_is_simulated_with_money_that_is_not_there(
    devnet: DevnetProcess, rpc: JsonRpc, terms: Terms
) -> None:
    """EX4: the chain itself tells what would leave and what would come; the wallet owns nothing."""
    token = devnet.manifest.tokens[0].address
    seen = tried(rpc, terms, (terms.weth, token)).seen
    assert isinstance(seen, Simulated)
    assert seen.changes is not None
    url = devnet.manifest.endpoints[0].url
    pays = amounts_out(url, terms.router, ETHER // 10, (terms.weth, token))[-1]
    moved = {each.token: (each.went, each.came, each.counted) for each in seen.changes.assets}
    assert moved[terms.weth.lower()] == (ETHER // 10, 0, -ETHER // 10)
    assert moved[token.lower()] == (0, pays, pays)
    assert seen.gas == MODEL.gas(1)
    assert balance(url, terms.weth, terms.wallet) == 0
    assert call(url, "eth_getBalance", terms.wallet, "latest") == "0x0"


def test_what_opens_a_position_is_sold_again_in_the_simulation(
    devnet: DevnetProcess, rpc: JsonRpc, terms: Terms
) -> None:
    """EX4: the way out is tried on paper as it is live."""
    token = devnet.manifest.tokens[0].address
    seen = tried(rpc, terms, (terms.weth, token), sold_again=True).seen
    assert isinstance(seen, Simulated)
    assert seen.trip is not None
    assert (seen.trip.failed, seen.trip.kept) == ("", 0)
    assert 0 < seen.trip.sold_wei == seen.trip.quoted_wei < ETHER // 10


def test_a_swap_that_the_chain_refuses_is_refused(devnet: DevnetProcess, rpc: JsonRpc, terms: Terms) -> None:
    """EX4: too much asked for: the router's own answer, for nothing."""
    token = devnet.manifest.tokens[0].address
    seen = tried(rpc, terms, (terms.weth, token), least=10**40).seen
    assert isinstance(seen, SimulationFailed)
    assert seen.refused


def test_a_sale_is_computed_alone(devnet: DevnetProcess, rpc: JsonRpc, terms: Terms) -> None:
    """EX4: tokens that are in the journal alone can't be given in a simulation: reserves tell."""
    token = devnet.manifest.tokens[0].address
    found = tried(rpc, terms, (token, terms.weth))
    assert found.seen is None
    assert all(found.pools)

"""The contracts of the devnet are the real ones: code on the chain, a swap that pays what the router says."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from tests.chain.devnet import ETHER, DevnetProcess, call, post, quantity
from tests.chain.uniswap import NO_DEADLINE, amounts_out, balance, encoded, send
from tests.instance import wait_until

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

PAIR_FEE_PERCENT_MAX = 2


def test_everything_in_the_manifest_is_on_the_chain(devnet: DevnetProcess) -> None:
    """Router, factory, WETH, tokens and pairs have code, and the router knows its factory and WETH."""
    manifest = devnet.manifest
    contracts = [manifest.router, manifest.factory, manifest.weth]
    contracts += [token.address for token in manifest.tokens] + [pair.address for pair in manifest.pairs]
    for address in contracts:
        assert len(call(devnet.url("devnet-a"), "eth_getCode", address, "latest")) > 100
    for name, expected in (("factory()", manifest.factory), ("WETH()", manifest.weth)):
        raw = call(
            devnet.url("devnet-a"), "eth_call", {"to": manifest.router, "data": encoded(name)}, "latest"
        )
        assert raw[-40:] == expected[2:].lower()


def test_pairs_form_triangles_with_weth(devnet: DevnetProcess) -> None:
    """Every two of WETH and the three tokens have a pool, in the contract's own order, with reserves."""
    manifest = devnet.manifest
    coins = [manifest.weth, *(token.address for token in manifest.tokens)]
    assert {frozenset((pair.token0, pair.token1)) for pair in manifest.pairs} == {
        frozenset(both) for both in combinations(coins, 2)
    }
    for pair in manifest.pairs:
        for name, expected in (("token0()", pair.token0), ("token1()", pair.token1)):
            raw = call(
                devnet.manifest.node_url, "eth_call", {"to": pair.address, "data": encoded(name)}, "latest"
            )
            assert raw[-40:] == expected[2:].lower()
        assert balance(manifest.node_url, pair.token0, pair.address) > 0


def test_a_swap_pays_what_the_router_says(devnet: DevnetProcess) -> None:
    """A wallet with play money approves the router and goes around a triangle; it gets the quoted amount."""
    manifest = devnet.manifest
    account: LocalAccount = devnet.account(eth_wei=ETHER, weth_wei=ETHER)
    approve = encoded("approve(address,uint256)", manifest.router, ETHER)
    assert send(devnet, "devnet-a", account, to=manifest.weth, data=approve)["status"] == "0x1"
    path = [manifest.weth, manifest.tokens[0].address, manifest.tokens[1].address, manifest.weth]
    quoted = amounts_out(devnet.url("devnet-b"), manifest.router, ETHER, path)[-1]
    assert quoted > ETHER * (100 - PAIR_FEE_PERCENT_MAX * 3) // 100
    swap = encoded(
        "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)",
        *(ETHER, quoted, path, account.address, NO_DEADLINE),
    )
    receipt = send(devnet, "devnet-c", account, nonce=1, to=manifest.router, data=swap)
    assert receipt["status"] == "0x1"
    assert balance(devnet.url("devnet-a"), manifest.weth, account.address) == quoted


def test_funding_gives_exactly_what_is_asked(devnet: DevnetProcess) -> None:
    """Ether and WETH arrive by transactions; what is no address is refused in one line."""
    account = devnet.account(eth_wei=3 * ETHER, weth_wei=2 * ETHER)
    url = devnet.url("devnet-a")
    assert quantity(url, "eth_getBalance", account.address, "latest") == 3 * ETHER
    assert balance(url, devnet.manifest.weth, account.address) == 2 * ETHER
    answer = post(f"{devnet.manifest.control_url}/fund", {"address": "0x12", "eth_wei": "1"})
    assert answer.status == 400
    assert "20-byte hex address" in answer.json()["error"]


def test_blocks_can_be_held(devnet: DevnetProcess) -> None:
    """While blocks are held a transaction stays pending; one block by hand mines it; then they come again."""
    account = devnet.account(eth_wei=ETHER)
    devnet.set_mining(running=False)
    tx_hash, raw = devnet.signed(account)
    call(devnet.url("devnet-a"), "eth_sendRawTransaction", raw)
    head = quantity(devnet.manifest.node_url, "eth_blockNumber")
    assert call(devnet.url("devnet-a"), "eth_getTransactionReceipt", tx_hash) is None
    assert quantity(devnet.manifest.node_url, "eth_getTransactionCount", account.address, "pending") == 1
    devnet.mine()
    assert quantity(devnet.manifest.node_url, "eth_blockNumber") == head + 1
    assert call(devnet.url("devnet-a"), "eth_getTransactionReceipt", tx_hash)["status"] == "0x1"
    devnet.set_mining(running=True)
    wait_until(lambda: quantity(devnet.manifest.node_url, "eth_blockNumber") > head + 1, "blocks again")

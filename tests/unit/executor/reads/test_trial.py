"""A trial of a transaction: what a node that can simulate says, and what is left of one that cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.unit.executor.reads.test_asset_logs import APPROVAL, TRANSFER, log, word
from tests.unit.executor.reads.test_chain import NOT_FOUND, PAIR, Node, node
from tests.unit.executor.scene import ROUTER, TERMS, TOKEN_A, WALLET, WETH
from warden.domain.risk.asset_changes import NATIVE, Allowance, Change
from warden.executor.protocol.commands import Simulate
from warden.executor.protocol.events import Simulated, SimulationFailed
from warden.executor.reads import trial
from warden.executor.reads.pools import Pools
from warden.runtime.rpc import JsonRpc

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["node"]

BUY = Simulate("intent", ROUTER, b"\x01", (WETH, TOKEN_A), gas_limit=600_000, gas_price_wei=2)


@pytest.fixture
def rpc(node: Node) -> Iterator[JsonRpc]:
    """A client of that node."""
    made = JsonRpc(node.url, timeout_s=20)
    yield made
    made.close()


def tried(rpc: JsonRpc, order: Simulate) -> Simulated | SimulationFailed:
    """Try it as the reader's thread does."""
    return trial.simulate(rpc, order, WALLET, Pools(TERMS.factory, WETH))


def made(answer: str = "0x", logs: list[Any] | None = None, *, status: int = 1) -> dict[str, Any]:
    """Return a simulated call's result."""
    return {"status": hex(status), "returnData": answer, "gasUsed": "0x64", "logs": logs or []}


def node_that_says(before: list[int], after: list[int], logs: list[Any]) -> Any:  # noqa: ANN401 - JSON
    """Return an answer: one call between readings, each reading in the order that was asked for."""

    def answer(parameters: list[Any]) -> dict[str, Any]:
        calls = parameters[0]["blockStateCalls"][0]["calls"]
        count = (len(calls) - 1) // 2
        known = [[*each, *[0] * count][:count] for each in (before, after)]
        first, last = ([made(word(value)) for value in each] for each in known)
        return {"result": [{"number": "0x10", "calls": [*first, made("0x", logs), *last]}]}

    return answer


def test_changes_are_read_from_logs_and_balances(node: Node, rpc: JsonRpc) -> None:
    """EX11: native coin, both tokens and the allowance, before and after, beside what the logs say."""
    logs = [
        log(WETH, TRANSFER, WALLET, PAIR, data=word(5)),
        log(TOKEN_A, TRANSFER, PAIR, WALLET, data=word(8)),
    ]
    node.simulates = node_that_says([100, 50, 0, 30], [100, 45, 8, 25], logs)
    found = tried(rpc, BUY)
    assert isinstance(found, Simulated)
    assert found.changes is not None
    assert found.changes.assets == (Change(NATIVE, 0, 0, 0), Change(WETH, 5, 0, -5), Change(TOKEN_A, 0, 8, 8))
    assert found.changes.allowances == (Allowance(WETH, ROUTER, 30, 25),)


def test_a_node_that_takes_the_gas_and_one_that_does_not_say_the_same(node: Node, rpc: JsonRpc) -> None:
    """EX11: 100 units at 2 wei, taken from the balance or not; anything else that is gone is a lie."""
    for after, counted in ((1_000, 0), (800, 0), (799, -201)):
        node.simulates = node_that_says([1_000], [after], [])
        found = tried(rpc, BUY)
        assert isinstance(found, Simulated)
        assert found.changes is not None
        assert found.changes.assets[0] == Change(NATIVE, 0, 0, counted)


@pytest.mark.parametrize(("told", "read"), [(4, 7), (7, 4)])
def test_what_the_logs_name_is_looked_at_too(node: Node, rpc: JsonRpc, told: int, read: int) -> None:
    """EX11: another token that leaves, and who gets an allowance, in a second look; the larger counts."""
    odd, stranger = "0x" + "0d" * 20, "0x" + "57" * 20
    logs = [
        log(odd, TRANSFER, WALLET, PAIR, data=word(3)),
        log(odd, APPROVAL, WALLET, stranger, data=word(told)),
    ]
    # native, WETH, TOKEN_A, odd; then what router and stranger may take
    node.simulates = node_that_says([0, 0, 0, 9, 30, 0], [0, 0, 0, 6, 30, read], logs)
    found = tried(rpc, BUY)
    assert isinstance(found, Simulated)
    assert found.changes is not None
    assert Change(odd, 3, 0, -3) in found.changes.assets
    assert Allowance(odd, stranger, 0, 7) in found.changes.allowances


@pytest.mark.parametrize(
    "error",
    [
        NOT_FOUND["error"],
        {"code": -32004, "message": "unsupported"},
        {"code": -32603, "message": "method handler crashed"},
        {"code": -32000, "message": "the method eth_simulateV1 does not exist/is not available"},
    ],
)
def test_without_the_method_the_next_best_counts(node: Node, rpc: JsonRpc, error: dict[str, Any]) -> None:
    """EX11: gas and reserves for a known router; another contract, or a purchase to be held, is refused."""
    node.simulates = lambda _: {"error": error}
    node.answers["eth_blockNumber"] = "0x10"
    found = tried(rpc, BUY)
    assert isinstance(found, Simulated)
    assert (found.gas, found.changes, found.trip) == (21_000, None, None)
    for changed in ({"required": True}, {"round_trip": True}):
        refused = tried(rpc, msgspec.structs.replace(BUY, **changed))
        assert isinstance(refused, SimulationFailed)
        assert (refused.refused, refused.rule) == (True, "simulation.impossible")


def test_a_node_that_fails_lets_nothing_pass(node: Node, rpc: JsonRpc) -> None:
    """EX11: an error that is no missing method is no answer, even for a known router."""
    node.simulates = lambda _: {"error": {"code": -32000, "message": "out of memory"}}
    found = tried(rpc, BUY)
    assert isinstance(found, SimulationFailed)
    assert (found.refused, found.rule) == (False, "")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"calls": []},
        [{"number": "0x1", "calls": []}],
        [{"number": "0x1", "calls": [made()] * 3}],
        [{"number": "0x1", "calls": [{}] * 9}],
        [{"number": "0x1"}],
    ],
)
def test_rubbish_is_refused(node: Node, rpc: JsonRpc, answer: object) -> None:
    """RP4: an answer of another form is read as none."""
    node.simulates = lambda _: {"result": answer}
    found = tried(rpc, BUY)
    assert isinstance(found, SimulationFailed)
    assert (found.refused, found.rule) == (True, "simulation.unreadable")


def test_what_reverts_in_the_simulation_says_why(node: Node, rpc: JsonRpc) -> None:
    """EX11: the node estimated it, and yet it reverts as it would be signed: its reason is told."""
    reason = "0x08c379a0" + word(32)[2:] + word(2)[2:] + b"no".hex().ljust(64, "0")
    node.simulates = lambda parameters: {
        "result": [
            {
                "number": "0x1",
                "calls": [made(reason, status=0)] * len(parameters[0]["blockStateCalls"][0]["calls"]),
            }
        ]
    }
    found = tried(rpc, BUY)
    assert isinstance(found, SimulationFailed)
    assert (found.refused, found.rule, found.text) == (True, "", "eth_simulateV1: no")


def test_it_is_tried_as_it_would_be_signed(node: Node, rpc: JsonRpc) -> None:
    """EX11: from the wallet, with its gas limit and price, at its deadline, on the newest block."""
    node.simulates = node_that_says([], [], [])
    tried(rpc, msgspec.structs.replace(BUY, at_s=77, base_fee_wei=1, value_wei=9))
    (asked,) = (call["params"] for call in node.asked if call["method"] == "eth_simulateV1")
    block = asked[0]["blockStateCalls"][0]
    call = block["calls"][len(block["calls"]) // 2]
    assert block["blockOverrides"] == {"time": "0x4d", "baseFeePerGas": "0x1"}
    assert call == {
        "from": WALLET,
        "to": ROUTER,
        "data": "0x01",
        "value": "0x9",
        "gas": hex(600_000),
        "gasPrice": "0x2",
    }
    assert (asked[0]["traceTransfers"], asked[0]["validation"], asked[1]) == (True, False, "latest")

"""Reads of the chain: from a real HTTP server, on a thread of their own, and never a crash."""

from __future__ import annotations

import http.server
import json
import select
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.instance import wait_until
from tests.unit.executor.scene import GENESIS, ROUTER, TERMS, TOKEN_A, TOKEN_B, WALLET, WETH
from warden.domain.amm import Hop
from warden.executor.protocol.commands import Simulate
from warden.executor.protocol.events import Event, HeadRead, Identified, Receipt, Simulated, SimulationFailed
from warden.executor.reads.chain import ChainReader, ReadFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
PAIR = "0x" + "ab" * 20
GET_PAIR = "0xe6a43905"
GET_RESERVES = "0x0902f1ac"
HASH = "0x" + "11" * 32
MISSING = "0x" + "22" * 32
OWNER = "0x" + WALLET[2:].rjust(64, "0")
ELSEWHERE = "0x" + ROUTER[2:].rjust(64, "0")

BLOCK = {"number": "0x10", "hash": "0xb10", "timestamp": "0x64", "baseFeePerGas": "0x7"}
RECEIPT = {
    "transactionHash": HASH,
    "blockNumber": "0xf",
    "blockHash": "0xbf",
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x9",
    "logs": [{"address": WETH, "topics": [TRANSFER, ELSEWHERE, OWNER], "data": f"0x{70:064x}"}],
}
ANSWERS: dict[str, Any] = {
    "eth_getBlockByNumber": BLOCK,
    "eth_maxPriorityFeePerGas": "0x3",
    "eth_getTransactionCount": "0x5",
    "eth_getBalance": "0x6f",
    "eth_call": f"0x{1234:064x}",
    "eth_chainId": "0x7a69",
    "eth_estimateGas": "0x5208",
}

NOT_FOUND = {"error": {"code": -32601, "message": "Method not found"}}


def is_call(call: dict[str, Any], selector: str) -> bool:
    """Tell whether this is an eth_call of one of a contract's functions."""
    return call["method"] == "eth_call" and str(call["params"][0]["data"]).startswith(selector)


def order(
    data: bytes = b"", *, intent_id: str = "intent", path: tuple[str, ...] = (WETH, TOKEN_A, TOKEN_B, WETH)
) -> Simulate:
    """Return what a simulation is asked for with."""
    return Simulate(intent_id=intent_id, to=ROUTER, data=data, path=path)


class Node(http.server.ThreadingHTTPServer):
    """A node whose answers a test sets; `asked` is what came in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = dict(ANSWERS)
        self.receipts: dict[str, Any] = {HASH: RECEIPT}
        self.refuses: dict[str, str] = {}
        # As a node of before there was one.
        self.simulates: Callable[[list[Any]], dict[str, Any]] = lambda _: NOT_FOUND
        self.pair = PAIR
        self.reserves: object = f"0x{5:064x}{9:064x}{1:064x}"
        self.asked: list[dict[str, Any]] = []
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def agreed(self, calls: list[Any]) -> dict[str, Any]:
        """Return what endpoints agree on as the gateway does: the block, and each call's answer."""
        block = self.answers["eth_getBlockByNumber"]
        answers = [self.answer({"id": 0, "method": method, "params": given}) for method, given in calls]
        results = [{key: each[key] for key in each if key != "id"} for each in answers]
        found: dict[str, Any] = block if isinstance(block, dict) else {}
        names = {"number": "block", "hash": "blockHash"}
        named: dict[str, Any] = {names.get(key, key): value for key, value in found.items()}
        return named | {"endpoints": ["a", "b"], "results": results}

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return what one call is answered with."""
        self.asked.append(call)
        method = call["method"]
        if method in self.refuses:
            return {"id": call["id"], "error": {"code": 3, "message": self.refuses[method]}}
        if method == "eth_simulateV1":
            return {"id": call["id"], **self.simulates(call["params"])}
        if method == "eth_getTransactionReceipt":
            return {"id": call["id"], "result": self.receipts.get(call["params"][0])}
        if is_call(call, GET_PAIR):
            return {"id": call["id"], "result": "0x" + self.pair[2:].rjust(64, "0")}
        if is_call(call, GET_RESERVES):
            return {"id": call["id"], "result": self.reserves}
        found = self.agreed(call["params"][0]) if method == "warden_agreed" else self.answers[method]
        return {"id": call["id"], "result": found}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Node

    def do_POST(self) -> None:
        """Answer one request or batch, once the node is open."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.open.wait(30)
        if isinstance(asked, list):
            body = json.dumps([self.server.answer(call) for call in asked]).encode()
        else:
            body = json.dumps(self.server.answer(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def node() -> Iterator[Node]:
    """A node that serves."""
    with Node() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.open.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def reader(node: Node) -> Iterator[ChainReader]:
    """A reader of that node."""
    made = ChainReader(lambda: node.url, TERMS)
    yield made
    made.close()
    if made._rpc is not None:
        made._rpc.close()


def take(reader: ChainReader) -> Event | ReadFailed:
    """Return the next result, once `wake` has said that it is there."""
    assert select.select([reader.wake], [], [], 60)[0]
    (result,) = reader.take()
    return result


def test_the_head_is_read_at_one_block(reader: ChainReader) -> None:
    """I6, ES2: nonce, balances, allowance and receipts are what endpoints agree on, each in its place."""
    reader.read_head((HASH, MISSING))
    assert take(reader) == HeadRead(
        block=16,
        block_hash="0xb10",
        timestamp_s=100,
        base_fee_wei=7,
        tip_wei=3,
        nonce=5,
        gas_balance_wei=111,
        trading_balance_wei=1234,
        allowance_wei=1234,
        receipts={
            HASH: Receipt(
                tx_hash=HASH,
                block=15,
                block_hash="0xbf",
                success=True,
                gain_wei=70,
                gas_wei=21_000 * 9,
                bought_wei=70,
            ),
            MISSING: None,
        },
        price_usd=TERMS.fixed_usd,
    )


def test_who_and_what_is_asked_about(reader: ChainReader, node: Node) -> None:
    """ES2: nonce and balances are the wallet's, mined ones only: what is pending is no fact."""
    reader.read_head(())
    take(reader)
    asked = {call["method"]: call["params"] for call in node.asked}
    assert asked["eth_getTransactionCount"] == [WALLET, "latest"]
    assert asked["eth_getBalance"] == [WALLET, "latest"]
    calls = [call["params"] for call in node.asked if call["method"] == "eth_call"]
    assert [(params[0]["to"], params[1]) for params in calls] == [(WETH, "latest")] * 2


def test_a_reverted_receipt_and_a_pending_one(reader: ChainReader, node: Node) -> None:
    """EX3: status 0 is a revert; a receipt without a block is none yet."""
    node.receipts = {HASH: RECEIPT | {"status": "0x0", "logs": []}, MISSING: RECEIPT | {"blockNumber": None}}
    reader.read_head((HASH, MISSING))
    head = take(reader)
    assert isinstance(head, HeadRead)
    found = head.receipts[HASH]
    assert found is not None
    assert (found.success, found.gain_wei, found.gas_wei) == (False, 0, 189_000)
    assert head.receipts[MISSING] is None


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_getBlockByNumber", None),
        ("eth_getBlockByNumber", {"number": "0x10"}),
        ("eth_getBlockByNumber", "0x10"),
        ("eth_getTransactionCount", None),
        ("eth_getTransactionCount", 5),
        ("eth_call", "0x"),
        ("eth_getBalance", {"a": 1}),
        ("eth_maxPriorityFeePerGas", []),
    ],
)
def test_an_answer_of_no_use_is_no_head(reader: ChainReader, node: Node, method: str, answer: object) -> None:
    """Fails closed: part of a head is no head, and the reader goes on."""
    node.answers[method] = answer
    reader.read_head(())
    assert isinstance(take(reader), ReadFailed)
    node.answers = dict(ANSWERS)
    reader.read_head(())
    assert isinstance(take(reader), HeadRead)


@pytest.mark.parametrize(
    "broken",
    [{"logs": None}, {"status": None}, {"gasUsed": "x"}, {"logs": [{"address": WETH, "topics": [TRANSFER]}]}],
)
def test_a_receipt_that_cannot_be_read_settles_nothing(
    reader: ChainReader, node: Node, broken: dict[str, Any]
) -> None:
    """PL1: a figure that cannot be read is never taken for zero."""
    node.receipts[HASH] = RECEIPT | broken
    reader.read_head((HASH,))
    assert isinstance(take(reader), ReadFailed)


def test_an_error_of_one_call_is_no_head(reader: ChainReader, node: Node) -> None:
    """Fails closed: an endpoint that refuses one part has told nothing."""
    node.refuses["eth_call"] = "missing trie node"
    reader.read_head(())
    result = take(reader)
    assert isinstance(result, ReadFailed)
    assert "missing trie node" in result.text


def test_without_a_gateway_it_says_so() -> None:
    """A gateway that has not said yet where it serves is no reason to end."""
    reader = ChainReader(lambda: None, TERMS)
    try:
        reader.read_head(())
        result = take(reader)
        assert isinstance(result, ReadFailed)
        assert "the gateway has not said yet" in result.text
    finally:
        reader.close()


def test_one_head_at_a_time(reader: ChainReader, node: Node) -> None:
    """Bounded: while a read is under way another is passed over; after its end one may be asked again."""
    node.open.clear()
    for _ in range(100):
        reader.read_head(())
    node.open.set()
    assert isinstance(take(reader), HeadRead)
    reader.read_head(())
    assert isinstance(take(reader), HeadRead)
    assert sum(call["method"] == "eth_maxPriorityFeePerGas" for call in node.asked) == 2


def test_which_chain_it_is(reader: ChainReader, node: Node) -> None:
    """EX8: id and genesis, by block 0."""
    node.answers["eth_getBlockByNumber"] = {"hash": GENESIS}
    reader.identify()
    assert take(reader) == Identified(chain_id=31337, genesis=GENESIS)
    assert node.asked[1]["params"] == ["0x0", False]


def test_a_simulation_is_of_the_wallets_own_call(reader: ChainReader, node: Node) -> None:
    """EX1: from the wallet, on the latest state; the gas is what the node estimates."""
    assert reader.simulate(order(b"\x12\x34"))
    found = take(reader)
    assert isinstance(found, Simulated)
    assert (found.intent_id, found.gas) == ("intent", 21_000)
    assert [call["params"] for call in node.asked if call["method"] == "eth_estimateGas"] == [
        [{"from": WALLET, "to": ROUTER, "data": "0x1234"}, "latest"]
    ]


def test_a_simulation_brings_the_reserves_of_its_pools_in_its_direction(
    reader: ChainReader, node: Node
) -> None:
    """RK1: pools are found by the factory, once, and read with the simulation, in one request."""
    for _ in range(2):
        reader.simulate(order(path=(WETH, TOKEN_A, WETH)))
        found = take(reader)
        assert isinstance(found, Simulated)
        assert found.pools == (PAIR, PAIR)
        # TOKEN_A's address is the lower one: its reserve comes first.
        assert found.hops == (Hop(9, 5), Hop(5, 9))
    assert sum(is_call(call, GET_PAIR) for call in node.asked) == 1


def test_a_path_without_a_pool_has_none(reader: ChainReader, node: Node) -> None:
    """RK1: what is not there is not made up, and is looked for again."""
    node.pair = "0x" + "00" * 20
    reader.simulate(order(path=(WETH, TOKEN_A, WETH)))
    found = take(reader)
    assert isinstance(found, Simulated)
    assert found.hops == (None, None)
    node.pair = PAIR
    reader.simulate(order(path=(WETH, TOKEN_A, WETH)))
    again = take(reader)
    assert isinstance(again, Simulated)
    assert None not in again.hops


@pytest.mark.parametrize("answer", ["0x", "0x" + "11" * 95, "0x" + "ff" * 96, None, 5])
def test_reserves_that_are_none_make_the_simulation_fail(
    reader: ChainReader, node: Node, answer: object
) -> None:
    """RK1: a pool that answers nonsense refuses the trade; it is no crash and no pool without impact."""
    node.reserves = answer
    reader.simulate(order(path=(WETH, TOKEN_A, WETH)))
    failed = take(reader)
    assert isinstance(failed, SimulationFailed)
    assert not failed.refused


def test_a_revert_is_told_apart_from_no_answer(reader: ChainReader, node: Node) -> None:
    """EX3, RP4: a refused simulation is final; one that nobody could make is not."""
    node.refuses["eth_estimateGas"] = "execution reverted: K"
    reader.simulate(order())
    reverted = take(reader)
    assert isinstance(reverted, SimulationFailed)
    assert (reverted.refused, "execution reverted: K" in reverted.text) == (True, True)
    node.refuses.clear()
    node.answers["eth_estimateGas"] = None
    reader.simulate(order())
    unknown = take(reader)
    assert isinstance(unknown, SimulationFailed)
    assert not unknown.refused


def test_too_many_simulations_are_refused_not_queued(reader: ChainReader, node: Node) -> None:
    """Bounded: a flood of intents fills no memory; what is refused is said at once."""
    node.open.clear()
    taken = [reader.simulate(order(intent_id=f"intent-{number}")) for number in range(200)]
    assert 64 <= sum(taken) <= 66
    node.open.set()
    done: list[Event | ReadFailed] = []

    def all_done() -> bool:
        done.extend(reader.take())
        return len(done) >= sum(taken)

    wait_until(all_done, "end of what was taken")
    assert len(done) == sum(taken)

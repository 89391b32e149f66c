"""Any ordinary JSON-RPC client works against the gateway unchanged for reads, and none can send."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from eth_typing import BlockNumber
from web3 import AsyncWeb3, Web3
from web3.exceptions import ContractLogicError, Web3RPCError

from tests.chain.devnet import ETHER, call, post, request
from tests.chain.gateway import DEAD, GatewayProcess
from tests.instance import wait_until
from warden.devnet.faults import Fault, FaultKind
from warden.gateway.server import REQUEST_BYTES_MAX, REQUESTS_AT_ONCE_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.devnet import DevnetProcess

PAIR_ABI: list[dict[str, Any]] = [
    {
        "name": "getReserves",
        "type": "function",
        "stateMutability": "view",
        "inputs": [],
        "outputs": [
            {"name": "reserve0", "type": "uint112"},
            {"name": "reserve1", "type": "uint112"},
            {"name": "time", "type": "uint32"},
        ],
    },
    {
        "name": "mint",
        "type": "function",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}],
        "outputs": [{"name": "liquidity", "type": "uint256"}],
    },
]


@pytest.fixture(scope="module")
def gateway(shared_devnet: DevnetProcess) -> Iterator[GatewayProcess]:
    """One gateway before the healthy devnet; no test of this module leaves a fault."""
    shared_devnet.reset()
    with GatewayProcess() as running:
        running.introduce(shared_devnet)
        yield running


@pytest.fixture
def web3(gateway: GatewayProcess) -> Web3:
    """A plain web3.py client of the gateway."""
    return Web3(Web3.HTTPProvider(gateway.url))


def raw_post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send bytes with headers of the test's own; give status and body."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_web3_reads_as_from_the_node(web3: Web3, devnet: DevnetProcess) -> None:
    """Blocks, balances, code, fees, logs and contract calls are what the node itself says (RP7)."""
    direct = Web3(Web3.HTTPProvider(devnet.manifest.node_url))
    assert web3.is_connected()
    assert web3.eth.chain_id == devnet.manifest.chain_id
    assert web3.eth.get_block(1, full_transactions=True) == direct.eth.get_block(1, full_transactions=True)
    pair = Web3.to_checksum_address(devnet.manifest.pairs[0].address)
    assert web3.eth.get_code(pair) == direct.eth.get_code(pair)
    assert web3.eth.get_balance(pair) == direct.eth.get_balance(pair)
    assert web3.eth.get_logs({"fromBlock": 0, "toBlock": 3}) == direct.eth.get_logs(
        {"fromBlock": 0, "toBlock": 3}
    )
    assert web3.eth.fee_history(2, BlockNumber(3)) == direct.eth.fee_history(2, BlockNumber(3))
    reserves = web3.eth.contract(address=pair, abi=PAIR_ABI).functions.getReserves().call()
    assert reserves == direct.eth.contract(address=pair, abi=PAIR_ABI).functions.getReserves().call()
    assert len(web3.eth.accounts) == 0  # there is no wallet yet in this instance


def test_web3_sees_a_revert_as_a_revert(web3: Web3, devnet: DevnetProcess) -> None:
    """A final error goes back unchanged, so that the client knows it for what it is (RP4)."""
    pair = Web3.to_checksum_address(devnet.manifest.pairs[0].address)
    with pytest.raises(ContractLogicError, match="INSUFFICIENT_LIQUIDITY_MINTED"):
        web3.eth.contract(address=pair, abi=PAIR_ABI).functions.mint(DEAD).call()


def test_final_errors_are_the_nodes_own(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Code, message and data of a final error are byte for byte the endpoint's (RP4)."""
    for body in (
        request("eth_getBalance", "0x12", "latest"),
        request("eth_call", {"to": devnet.manifest.pairs[0].address, "data": "0x6a627842"}, "latest"),
        request("eth_getBlockByNumber"),
    ):
        direct = post(devnet.url(devnet.names[0]), body)
        assert "error" in direct.json()
        assert gateway.post(body).body == direct.body


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("eth_getBlockByNumber", ("0x2", True)),
        ("eth_getLogs", ({"fromBlock": "0x0", "toBlock": "0x3"},)),
        ("eth_getTransactionReceipt", ("0x" + "00" * 32,)),
    ],
)
def test_results_are_byte_identical(
    gateway: GatewayProcess, devnet: DevnetProcess, method: str, parameters: tuple[object, ...]
) -> None:
    """A result is not parsed and written anew on its way; a null result stays one."""
    body = request(method, *parameters)
    assert gateway.post(body).body == post(devnet.url(devnet.names[0]), body).body


def test_web3_cannot_send(web3: Web3, devnet: DevnetProcess) -> None:
    """A signed transaction reaches no endpoint; the client sees why (RP7)."""
    account = devnet.account(eth_wei=ETHER)
    before = len(devnet.received())
    tx_hash, raw = devnet.signed(account)
    with pytest.raises(Web3RPCError, match="only reads"):
        web3.eth.send_raw_transaction(raw)  # type: ignore[arg-type] # HexStr is a str
    with pytest.raises(Web3RPCError, match="sends from"):
        web3.eth.send_transaction({"from": account.address, "to": DEAD, "value": 1})  # type: ignore[typeddict-item] # as above
    with pytest.raises(Web3RPCError, match="only reads"):
        web3.eth.sign(account.address, text="x")
    assert len(devnet.received()) == before
    assert call(devnet.manifest.node_url, "eth_getTransactionByHash", tx_hash) is None


@pytest.mark.parametrize(
    "method",
    [
        "eth_sendRawTransaction",
        "eth_sendBundle",
        "anvil_mine",
        "evm_mine",
        "personal_sign",
        "engine_newPayloadV4",
    ],
)
def test_sends_are_refused_counted_and_told(gateway: GatewayProcess, method: str) -> None:
    """In a batch too, beside reads that are answered (RP7)."""
    gateway.listen()
    before = 0 if gateway.status is None else gateway.status.refused_sends
    answers = gateway.post([request("eth_chainId", id_=1), request(method, "0x00", id_=2)]).json()
    assert answers[0]["result"]
    assert answers[1]["id"] == 2
    assert answers[1]["error"]["code"] == -32004

    def counted() -> bool:
        gateway.listen()
        return gateway.status is not None and gateway.status.refused_sends > before

    wait_until(counted, "refused send in the status")
    wait_until(lambda: gateway.told("gateway.send_refused"), "event about it")


def test_no_raw_transaction_passes_in_any_form(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Notifications, doubled keys, odd spelling and batches: nothing signed leaves (RP7)."""
    _, raw = devnet.signed(devnet.account(eth_wei=ETHER))
    before = len(devnet.received())
    call_text = b'"params":["%s"],"jsonrpc":"2.0"' % raw.encode()
    for body in (
        b'{"method":"eth_sendRawTransaction",%b}' % call_text,
        b'{"method":"eth_chainId","method":"eth_sendRawTransaction","id":1,%b}' % call_text,
        b'{"method":"eth_sendRawTransaction","method":"eth_chainId","id":1,%b}' % call_text,
        b'{"method":"eth_sendRaw\\u0054ransaction","id":1,%b}' % call_text,
        b'{"method":" eth_sendRawTransaction","id":1,%b}' % call_text,
        b'{"method":"ETH_sendRawTransaction","id":1,%b}' % call_text,
        b'{"method":"eth_sendRawTransaction\\u0000","id":1,%b}' % call_text,
        b'[{"method":"eth_sendRawTransaction","id":1,%b},[{"method":"eth_sendRawTransaction","id":1,%b}]]'
        % (call_text, call_text),
        b'{"method":"eth_chainId","id":{"method":"eth_sendRawTransaction"},%b}' % call_text,
    ):
        raw_post(gateway.url, body, {"Content-Type": "application/json"})
    assert len(devnet.received()) == before


def test_an_unknown_method_is_said_to_be_unknown(gateway: GatewayProcess) -> None:
    """In the words by which ethers knows that a node has no filters."""
    error = gateway.ask("eth_newFilter", {})["error"]
    assert error["code"] == -32601
    assert "the method eth_newFilter does not exist" in error["message"]


@pytest.mark.parametrize("id_", [1, 0, -5, 2**80, 1.5, "a", "", None, [1], {"x": 1}, True])
def test_ids_of_any_type_come_back(gateway: GatewayProcess, id_: object) -> None:
    """Results and errors both carry the client's own id (RP7)."""
    for method, member in (("eth_chainId", "result"), ("eth_sign", "error"), ("nothing", "error")):
        answer = gateway.post({"jsonrpc": "2.0", "id": id_, "method": method, "params": []}).json()
        assert answer["id"] == id_
        assert member in answer


def test_notifications_are_not_answered(gateway: GatewayProcess) -> None:
    """Alone: no content. In a batch: left out; a batch of nothing else has no content either."""
    note = {"jsonrpc": "2.0", "method": "eth_chainId"}
    assert (gateway.post(note).status, gateway.post(note).body) == (204, b"")
    assert gateway.post([note, note]).status == 204
    answers = gateway.post([note, request("eth_chainId", id_=3)]).json()
    assert [each["id"] for each in answers] == [3]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"", -32700),
        (b"[", -32700),
        (b"\xff\xfe", -32700),
        (b"{}", -32600),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":1}', -32600),
    ],
)
def test_bad_requests_have_the_standards_codes(gateway: GatewayProcess, body: bytes, code: int) -> None:
    """Parse errors and invalid requests are told apart, as JSON-RPC 2.0 has them."""
    status, content = raw_post(gateway.url, body, {})
    assert status == 200
    answer = json.loads(content)
    assert (answer["id"] if b'"id"' not in body else None) is None
    assert answer["error"]["code"] == code


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
    ],
)
def test_content_types_are_taken_as_clients_send_them(gateway: GatewayProcess, content_type: str) -> None:
    """A plain curl sends a form's type by default; the body is JSON all the same."""
    headers = {"Content-Type": content_type} if content_type else {}
    status, content = raw_post(gateway.url, json.dumps(request("eth_chainId")).encode(), headers)
    assert status == 200
    assert "result" in json.loads(content)


def test_what_is_no_post_is_not_taken(gateway: GatewayProcess) -> None:
    """GET and OPTIONS get HTTP's own answer."""
    for method in ("GET", "OPTIONS", "PUT"):
        answer = post(gateway.url, b"", method=method)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_web_page_is_refused(gateway: GatewayProcess) -> None:
    """A page that finds the port by chance or by rebinding a name reads nothing."""
    body = json.dumps(request("eth_chainId")).encode()
    status, content = raw_post(gateway.url, body, {"Origin": "https://example.org"})
    assert status == 403
    assert "error" in json.loads(content)


def test_a_body_past_the_bound_is_refused(gateway: GatewayProcess) -> None:
    """Both sides of the bound; the next request is answered as ever."""
    whole = json.dumps(request("web3_sha3", "0x")).encode()
    status, _ = raw_post(gateway.url, whole + b" " * (REQUEST_BYTES_MAX - len(whole)), {})
    assert status == 200
    try:
        status, content = raw_post(gateway.url, b" " * (REQUEST_BYTES_MAX + 1), {})
    except (ConnectionResetError, BrokenPipeError):
        pass  # the gateway had already answered and closed before all of it was sent
    else:
        assert status == 413
        assert json.loads(content)["error"]["code"] == -32600
    assert "result" in gateway.ask("eth_chainId")


def test_an_answer_says_whose_it_is_and_how_old(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Every answer carries its endpoint and age, a batch too; one of our own carries none (RP5)."""
    for body in (request("eth_chainId"), [request("eth_chainId", id_=n) for n in range(3)]):
        answer = gateway.post(body)
        assert answer.headers["X-Warden-Endpoint"] == devnet.names[0]
        assert int(answer.headers["X-Warden-Age-Ms"]) >= 0
    assert gateway.post(request("eth_sign")).headers["X-Warden-Endpoint"] is None


def test_a_large_batch_is_answered_in_order(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Each under its id, though ids repeat and are of many types."""
    ids: list[object] = [number % 7 if number % 2 else f"id-{number}" for number in range(300)]
    batch = [{"jsonrpc": "2.0", "id": each, "method": "eth_chainId", "params": []} for each in ids]
    answers = gateway.post(batch).json()
    assert [each["id"] for each in answers] == ids
    assert {each["result"] for each in answers} == {hex(devnet.manifest.chain_id)}


async def test_many_clients_at_once(gateway: GatewayProcess, devnet: DevnetProcess) -> None:
    """Async web3.py with a hundred reads in flight gets each answer to its own question."""
    client = AsyncWeb3(AsyncWeb3.AsyncHTTPProvider(gateway.url))
    blocks = await asyncio.gather(*(client.eth.get_block(number % 4) for number in range(100)))
    assert [block["number"] for block in blocks] == [number % 4 for number in range(100)]
    await client.provider.disconnect()
    assert devnet.manifest.chain_id == 31337


async def test_when_full_it_says_so_at_once_under_the_clients_id(devnet: DevnetProcess) -> None:
    """Past the bound of requests at once a client hears -32005; those under way are answered."""
    with GatewayProcess() as gateway:
        gateway.introduce(devnet)
        for name in devnet.names:
            devnet.set_fault(name, Fault(FaultKind.HUNG, methods=("eth_gasPrice",)))
        hanging = json.dumps(request("eth_gasPrice", id_=5)).encode()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def ask() -> dict[str, Any]:
                async with session.post(gateway.url, data=hanging) as response:
                    answer: dict[str, Any] = await response.json()
                    return answer

            answers = await asyncio.gather(*(ask() for _ in range(REQUESTS_AT_ONCE_MAX + 50)))
        codes = [answer["error"]["code"] for answer in answers]
        assert {answer["id"] for answer in answers} == {5}
        assert codes.count(-32005) >= 50
        assert codes.count(-32001) >= REQUESTS_AT_ONCE_MAX
        assert "result" in gateway.ask("eth_chainId")


def test_connections_are_kept(gateway: GatewayProcess) -> None:
    """Many requests go over one connection, and one that hangs up early harms nobody."""
    parts = urlsplit(gateway.url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    local: set[Any] = set()
    for _ in range(5):
        connection.request("POST", "/", json.dumps(request("eth_chainId")))
        assert connection.getresponse().read()
        assert isinstance(connection.sock, socket.socket)
        local.add(connection.sock.getsockname())
    connection.close()
    assert len(local) == 1
    with socket.create_connection((parts.hostname, parts.port or 0)) as torn:
        torn.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert "result" in gateway.ask("eth_chainId")

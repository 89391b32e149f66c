"""An RPC endpoint before the chain: answers like a provider's node, and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from warden.devnet.distortions import (
    Answer,
    Call,
    lying_answer,
    refusal,
    result,
    stale_answer,
    stale_call,
    wrong_chain_answer,
    wrong_chain_call,
)
from warden.devnet.faults import HEALTHY, Fault, FaultKind
from warden.devnet.received import ReceiveLog, boottime_ns
from warden.devnet.relay import RELAY_METHODS, relayed
from warden.devnet.sockets import LOOPBACK, bound_socket, port_of
from warden.devnet.transactions import raw_of_send
from warden.domain.errors import EndpointFailed, WardenError

if TYPE_CHECKING:
    import socket

    from warden.devnet.node import NodeClient
    from warden.devnet.replacements import PendingFees
    from warden.devnet.transactions import SignedTransaction

BACKLOG: Final = 512
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
HUNG_POLL_S: Final = 0.5
SHUTDOWN_S: Final = 1.0

# No provider lets a client steer its node or sign with its accounts; anvil would.
REFUSED_PREFIXES: Final = ("anvil_", "evm_", "hardhat_", "personal_", "admin_", "miner_")
REFUSED_METHODS: Final = frozenset(
    {
        "eth_sendTransaction",
        "eth_sendUnsignedTransaction",
        "eth_sign",
        "eth_signTransaction",
        "eth_signTypedData_v4",
    }
)
REWRITING: Final = frozenset({FaultKind.STALE, FaultKind.WRONG_CHAIN, FaultKind.LYING})


class Endpoint:
    """One faultable HTTP JSON-RPC server on a loopback port of its own."""

    def __init__(
        self, name: str, node: NodeClient, log: ReceiveLog, pending: PendingFees, *, chain_id: int
    ) -> None:
        """Prepare; `start` makes it listen.

        Args:
            name: as it stands in the manifest and the receive log.
            node: client to the chain behind it.
            log: where transactions that arrive are written down.
            pending: fees of transactions seen by any endpoint, for replacements.
            chain_id: of the chain behind it.
        """
        self.name = name
        self.fault = HEALTHY
        self._node = node
        self._log = log
        self._pending = pending
        self._chain_id = chain_id
        self._stale_head = 0
        self._changed = asyncio.Event()
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._web = web.Server(self._handle, access_log=None)

    @property
    def port(self) -> int:
        """The loopback port, from `start` on."""
        if self._held is None:
            raise WardenError(f"endpoint {self.name} is not started: start it first")
        return port_of(self._held)

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Take the port and listen.

        Raises:
            ConfigurationInvalid: the port is in use.
        """
        self._held = bound_socket(port, f"endpoint {self.name}")
        await self._listen()

    async def stop(self) -> None:
        """Stop listening, drop what is under way, give the port back."""
        self._refuse_connections()
        self._changed.set()
        await self._web.shutdown(SHUTDOWN_S)
        if self._held is not None:
            self._held.close()
            self._held = None

    async def set_fault(self, fault: Fault) -> None:
        """Behave so from now on; requests that hang are dropped.

        Raises:
            EndpointFailed: the chain does not say its height, which `stale` needs.
        """
        if fault.kind is FaultKind.STALE:
            self._stale_head = max(0, await self._node.call_int("eth_blockNumber") - fault.blocks_behind)
        self.fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault.kind is FaultKind.DEAD:
            self._refuse_connections()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = bound_socket(self.port, f"endpoint {self.name}")
        self._server = await loop.create_server(self._web, sock=listener, backlog=BACKLOG)

    def _refuse_connections(self) -> None:
        """Close the listening socket and every connection; the port stays held."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._web.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        began_ns = boottime_ns()
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        body = await request.read()
        received_ns = boottime_ns()
        calls = _decode_calls(body)
        if calls is None:
            error = refusal(Call(method=""), -32700, "parse error")
            return _json_response(msgspec.json.encode(error), status=400)
        fault = self.fault
        # Before any fault: what arrived has arrived, even where nothing is done with it.
        sends = {
            at: self._log.received(
                self.name, raw, began_ns=began_ns, received_ns=received_ns, fault=fault.kind.value
            )
            for at, call in enumerate(calls)
            if (raw := raw_of_send(call.method, call.params)) is not None
        }
        if not any(fault.meets(call.method) for call in calls):
            fault = HEALTHY
        refused = await self._refuse_whole(request, fault)
        if refused is not None:
            self._note_answers(sends, [f"HTTP {refused.status} ({fault.kind})"] * len(calls))
            return refused
        try:
            answers = await self._answer_all(calls, body, fault, sends)
        except EndpointFailed as error:
            failed = msgspec.json.encode(refusal(calls[0], -32000, str(error)))
            return _json_response(failed, status=502)
        if fault.kind is FaultKind.HALF_ANSWER:
            return await _half(request, answers)
        return _json_response(answers)

    async def _refuse_whole(self, request: web.BaseRequest, fault: Fault) -> web.Response | None:
        """Act out the faults that concern a request as a whole; None where it is to be answered after all."""
        if fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_ms / 1000)
        elif fault.kind is FaultKind.HUNG:
            await self._hang(request)
        elif fault.kind is FaultKind.RATE_LIMITED:
            text = msgspec.json.encode(refusal(Call(method=""), -32005, "daily request count exceeded"))
            return _json_response(text, status=429, headers={"Retry-After": str(fault.retry_after_s)})
        elif fault.kind is FaultKind.ERRORS:
            text = msgspec.json.encode(refusal(Call(method=""), -32603, "internal error"))
            return _json_response(text, status=fault.http_status)
        elif fault.kind is FaultKind.GARBAGE:
            return _json_response(b'{"jsonrpc": "2.0", "id": 1, "result": "0x')
        return None

    async def _hang(self, request: web.BaseRequest) -> None:
        """Hold a request until the endpoint is told otherwise or the client goes; then drop it unanswered."""
        changed = self._changed
        while not changed.is_set() and request.transport is not None and not request.transport.is_closing():
            with contextlib.suppress(TimeoutError):  # only to look at the client again
                await asyncio.wait_for(changed.wait(), HUNG_POLL_S)
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError

    async def _answer_all(
        self, calls: list[Call], body: bytes, fault: Fault, sends: dict[int, tuple[int, SignedTransaction]]
    ) -> bytes:
        """Give the answer's body; sends are noted with what they were answered."""
        plans = [await self._plan(call, fault, sends.get(at)) for at, call in enumerate(calls)]
        rewrites = fault.kind in REWRITING or any(isinstance(plan, dict) for plan in plans)
        rewrites = rewrites or any(call.method in RELAY_METHODS for call in calls)
        if not rewrites and not sends:
            return await self._node.exchange(body)
        answers = []
        for call, plan in zip(calls, plans, strict=True):
            answer = plan if isinstance(plan, dict) else await self._ask_node(plan)
            answers.append(self._distort(call, answer, fault) if fault.meets(call.method) else answer)
        texts = [str(each.get("result") or each.get("error")) for each in answers]
        for at, (_, transaction) in sends.items():
            if isinstance(answers[at].get("result"), str):
                self._pending.accepted(transaction)
        self._note_answers(sends, texts)
        is_batch = body.lstrip()[:1] == b"["
        return msgspec.json.encode(answers if is_batch else answers[0])

    async def _plan(
        self, call: Call, fault: Fault, send: tuple[int, SignedTransaction] | None
    ) -> Call | Answer:
        """Decide what the node is asked, or what is answered in its place."""
        refused = _refused_by_providers(call)
        if refused is not None or not fault.meets(call.method):
            return refused or await relayed(call, self._node)
        if fault.kind is FaultKind.STALE:
            return stale_call(call, self._stale_head)
        if fault.kind is FaultKind.WRONG_CHAIN:
            return wrong_chain_call(call, fault.chain_id, self._chain_id)
        if (
            fault.kind is FaultKind.REFUSE_UNDERPRICED_REPLACEMENT
            and send is not None
            and await self._pending.underprices(send[1], fault.bump_percent, self._node)
        ):
            return refusal(call, -32000, "replacement transaction underpriced")
        return await relayed(call, self._node)

    def _distort(self, call: Call, answer: Answer, fault: Fault) -> Answer:
        if fault.kind is FaultKind.STALE:
            return stale_answer(call, answer, self._stale_head)
        if fault.kind is FaultKind.WRONG_CHAIN:
            return wrong_chain_answer(call, answer)
        if fault.kind is FaultKind.LYING:
            return lying_answer(call, answer, fault.lie_percent)
        return answer

    async def _ask_node(self, call: Call) -> Answer:
        raw = await self._node.exchange(msgspec.json.encode(call))
        answer: Any = msgspec.json.decode(raw)
        if not isinstance(answer, dict):
            raise EndpointFailed(f"the node answered {call.method} with no object")
        return answer

    def _note_answers(self, sends: dict[int, tuple[int, SignedTransaction]], answers: list[str]) -> None:
        for at, (seq, _) in sends.items():
            self._log.answered(seq, answers[at])


def _refused_by_providers(call: Call) -> Answer | None:
    """Answer what would steer the node or use its accounts; None for the rest."""
    if call.method == "eth_accounts":
        return result(call, [])
    if call.method in REFUSED_METHODS or call.method.startswith(REFUSED_PREFIXES):
        return refusal(call, -32601, f"the method {call.method} does not exist/is not available")
    return None


def _decode_calls(body: bytes) -> list[Call] | None:
    """Read a request or a batch; None for what is neither."""
    try:
        decoded = msgspec.json.decode(body, type=Call | list[Call])
    except msgspec.MsgspecError:
        return None
    calls = decoded if isinstance(decoded, list) else [decoded]
    return calls or None


def _json_response(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def _half(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Promise the whole answer, give half of it, hang up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response

"""JSON-RPC 2.0 as bytes: ids, parameters and results pass through untouched, never as Python numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import msgspec
from msgspec import Raw

CALLS_PER_BATCH_MAX: Final = 1_000
ABSENT: Final = Raw(b"")
NULL: Final = b"null"
_METHOD_CHARACTERS_SHOWN: Final = 80


class Code(IntEnum):
    """Error codes of our own answers: JSON-RPC 2.0's, then EIP-1474's range as docs/gateway.md lists it."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    NO_ENDPOINT = -32001
    ONLY_READS = -32004
    FULL = -32005
    UNDECIDED = -32006
    NOT_AGREED = -32010


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request. `id` and `params` are JSON as the client wrote it; an empty `id` is a notification."""

    method: str
    jsonrpc: str = ""
    id: Raw = ABSENT
    params: Raw = ABSENT

    @property
    def notification(self) -> bool:
        """Tell whether no answer is wanted."""
        return not bytes(self.id)


class _Loose(msgspec.Struct, gc=False):
    id: Raw = ABSENT


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One answer of an endpoint; `result` and `error` are JSON as the endpoint wrote it."""

    id: Raw = ABSENT
    result: Raw = ABSENT
    error: Raw = ABSENT


class NotJson(ValueError):
    """A body that is no JSON at all, or more of it than is taken."""


class Invalid(msgspec.Struct, frozen=True):
    """Something in a request that is JSON but no call; `id` where one can be told, else null."""

    id: bytes
    why: str


_call: Final = msgspec.json.Decoder(Call)
_loose: Final = msgspec.json.Decoder(_Loose)
_items: Final = msgspec.json.Decoder(list[Raw])
_answer: Final = msgspec.json.Decoder(Answer)
_answers: Final = msgspec.json.Decoder(list[Answer])
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_request(body: bytes) -> tuple[list[Call | Invalid], bool]:
    """Return a request's calls in order, and whether it is a batch.

    Raises:
        NotJson: it is no JSON.
    """
    try:
        # Strings inside parameters are passed on unread, so an endpoint would be the first to stumble.
        body.decode()
        if body.lstrip(b" \t\r\n")[:1] != b"[":
            return [_read_call(body)], False
        items = _items.decode(body)
    except _UNREADABLE as error:
        raise NotJson(str(error)) from error
    if not items:
        return [Invalid(NULL, "an empty batch")], False
    if len(items) > CALLS_PER_BATCH_MAX:
        return [
            Invalid(NULL, f"{len(items)} calls in a batch, at most {CALLS_PER_BATCH_MAX} are taken")
        ], False
    return [_read_call(bytes(item)) for item in items], True


def _read_call(item: bytes) -> Call | Invalid:
    """Return the call in `item`, which is the whole body or JSON already."""
    try:
        call = _call.decode(item)
    except msgspec.ValidationError as error:
        return Invalid(_id_of(item), str(error))
    if call.jsonrpc != "2.0":
        return Invalid(bytes(call.id) or NULL, 'jsonrpc must be "2.0"')
    if call.params and bytes(call.params)[:1] not in b"[{n":
        return Invalid(bytes(call.id) or NULL, "params must be an array or an object")
    return call


def _id_of(item: bytes) -> bytes:
    try:
        return bytes(_loose.decode(item).id) or NULL
    except msgspec.ValidationError:
        return NULL


def write_call(number: int, call: Call) -> bytes:
    """Return `call` as an endpoint is asked it, with an id of our own."""
    return b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":%b}' % (
        number,
        msgspec.json.encode(call.method),
        b"[]" if not call.params or bytes(call.params) == NULL else bytes(call.params),
    )


def read_answers(body: bytes) -> list[Answer]:
    """Return an endpoint's answers, one where it is no batch.

    Raises:
        NotJson: it is neither an answer nor a list of them.
    """
    try:
        return _answers.decode(body) if body.lstrip(b" \t\r\n")[:1] == b"[" else [_answer.decode(body)]
    except _UNREADABLE as error:
        raise NotJson(str(error)) from error


def write_result(call_id: bytes, result: bytes) -> bytes:
    """Return an answer with a result."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (call_id, result)


def write_error(call_id: bytes, error: bytes) -> bytes:
    """Return an answer with an error that is JSON already."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (call_id, error)


def error_of(code: Code, message: str, data: object = None) -> bytes:
    """Return an error of our own as JSON."""
    error: dict[str, object] = {"code": int(code), "message": message}
    if data is not None:
        error["data"] = data
    return msgspec.json.encode(error)


def shown(method: str) -> str:
    """Return a method's name cut to what fits a line."""
    return method if len(method) <= _METHOD_CHARACTERS_SHOWN else method[:_METHOD_CHARACTERS_SHOWN] + "…"

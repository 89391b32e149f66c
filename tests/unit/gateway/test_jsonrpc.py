"""JSON-RPC 2.0 as bytes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.gateway.jsonrpc import (
    CALLS_PER_BATCH_MAX,
    Call,
    Code,
    Invalid,
    NotJson,
    error_of,
    read_answers,
    read_request,
    write_call,
    write_error,
    write_result,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def only(body: bytes) -> Call | Invalid:
    """Read a request that is no batch."""
    (item,), is_batch = read_request(body)
    assert not is_batch
    return item


def only_call(body: bytes) -> Call:
    """Read a request that is one good call."""
    item = only(body)
    assert isinstance(item, Call)
    return item


@pytest.mark.parametrize(
    "written", [b"1", b"-7", b"1.0", b"1e3", b'"a"', b"null", b"9" * 60, b'{"a": [1]}', b"[1, 2]", b"true"]
)
def test_an_id_comes_back_as_it_was_written(written: bytes) -> None:
    """An id of any JSON type, and of any size, goes back byte for byte (RP7)."""
    call = only_call(b'{"jsonrpc":"2.0","method":"eth_chainId","id": %b }' % written)
    assert write_result(bytes(call.id), b"1") == b'{"jsonrpc":"2.0","id":%b,"result":1}' % written
    assert not call.notification


@given(params=st.lists(JSON, max_size=4), indent=st.sampled_from([None, 2]))
def test_parameters_reach_the_endpoint_byte_for_byte(params: list[object], indent: int | None) -> None:
    """What a client wrote as parameters is not parsed and written anew on its way."""
    written = json.dumps(params, indent=indent).encode()
    call = only_call(b'{"params": %b, "id": 1, "jsonrpc": "2.0", "method": "eth_call"}' % written)
    asked = write_call(5, call)
    assert asked == b'{"jsonrpc":"2.0","id":5,"method":"eth_call","params":%b}' % written
    assert json.loads(asked)["params"] == params


@pytest.mark.parametrize(
    "body", [b'{"jsonrpc":"2.0","id":1,"method":"x"}', b'{"jsonrpc":"2.0","id":1,"method":"x","params":null}']
)
def test_no_parameters_are_an_empty_list_for_the_endpoint(body: bytes) -> None:
    """Absent parameters and null are the same to nodes; an array is what all of them take."""
    assert write_call(0, only_call(body)) == b'{"jsonrpc":"2.0","id":0,"method":"x","params":[]}'


def test_a_call_without_an_id_is_a_notification() -> None:
    """Only a missing id makes a notification; null is an id."""
    assert only_call(b'{"jsonrpc":"2.0","method":"x"}').notification
    assert not only_call(b'{"jsonrpc":"2.0","method":"x","id":null}').notification


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"jsonrpc":"2.0","method":"x","id":1}}',
        b'{"jsonrpc":"2.0","method":"x","params":[1]],"id":1}',
        b'{"jsonrpc":"2.0","method":"x","params":["\xff"],"id":1}',
        b'{"jsonrpc":"2.0","method":"x","params":[NaN],"id":1}',
        b"[1,",
        b'[{"jsonrpc":"2.0","method":"x","id":1}',
        b'{"jsonrpc":"2.0","method":"x","id":1,"params":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    """Broken, truncated, badly encoded and absurdly nested bodies are told from bad requests."""
    with pytest.raises(NotJson):
        read_request(body)


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        (b"1", b"null"),
        (b'"x"', b"null"),
        (b"{}", b"null"),
        (b'{"jsonrpc":"2.0","id":4}', b"4"),
        (b'{"jsonrpc":"2.0","id":"a","method":5}', b'"a"'),
        (b'{"jsonrpc":"1.0","id":6,"method":"x"}', b"6"),
        (b'{"id":7,"method":"x"}', b"7"),
        (b'{"jsonrpc":"2.0","id":8,"method":"x","params":"y"}', b"8"),
        (b'{"jsonrpc":"2.0","id":9,"method":"x","params":3}', b"9"),
        (b"[]", b"null"),
    ],
)
def test_json_that_is_no_call_is_refused_under_its_id(body: bytes, id_: bytes) -> None:
    """A bad request keeps its id where one can be told."""
    item = only(body)
    assert isinstance(item, Invalid)
    assert item.id == id_
    assert item.why


def test_a_batch_keeps_its_order_and_its_bad_items() -> None:
    """One bad item spoils only itself."""
    items, is_batch = read_request(
        b'[{"jsonrpc":"2.0","id":1,"method":"a"},2,{"jsonrpc":"2.0","id":3,"method":"b"}]'
    )
    assert is_batch
    assert [type(item) for item in items] == [Call, Invalid, Call]


def test_a_batch_is_bounded() -> None:
    """A batch past the bound is refused as a whole, with the bound in the text."""
    one = b'{"jsonrpc":"2.0","id":1,"method":"a"}'
    items, _ = read_request(b"[" + b",".join([one] * CALLS_PER_BATCH_MAX) + b"]")
    assert len(items) == CALLS_PER_BATCH_MAX
    item = only(b"[" + b",".join([one] * (CALLS_PER_BATCH_MAX + 1)) + b"]")
    assert isinstance(item, Invalid)
    assert str(CALLS_PER_BATCH_MAX) in item.why


def test_a_method_named_twice_is_judged_and_asked_as_the_same() -> None:
    """What was judged is what is asked: a second key of the same name can't slip a send past (RP7)."""
    call = only_call(b'{"jsonrpc":"2.0","id":1,"method":"eth_call","method":"eth_sendRawTransaction"}')
    assert json.loads(write_call(1, call))["method"] == call.method


def test_an_endpoints_result_is_kept_as_it_is() -> None:
    """Numbers past 64 bits, floats and spacing of a result pass through."""
    raw = b'{"big": 123456789012345678901234567890, "float": 1.10, "text": "\\u00e9"}'
    (answer,) = read_answers(b' {"jsonrpc":"2.0","id":1,"result":%b}' % raw)
    assert bytes(answer.result) == raw


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"jsonrpc":"2.0","id":1,"result":"0x', b"1", b'["a"]'])
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    """HTML, torn JSON and other JSON are no answers."""
    with pytest.raises(NotJson):
        read_answers(body)


def test_errors_of_our_own_are_json_rpc() -> None:
    """Code, message and data stand where clients look for them."""
    error = json.loads(write_error(b"1", error_of(Code.NO_ENDPOINT, "why", {"endpoints": []})))
    assert error == {
        "jsonrpc": "2.0",
        "id": 1,
        "error": {"code": -32001, "message": "why", "data": {"endpoints": []}},
    }


@given(JSON)
def test_any_json_is_a_call_or_refused(value: object) -> None:
    """Nothing that is JSON breaks the reader."""
    items, _ = read_request(msgspec.json.encode(value))
    assert items

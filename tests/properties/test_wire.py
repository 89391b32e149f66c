"""Over every message: what is sent is what is received, and nothing else is."""

from __future__ import annotations

import types
import typing
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.money import Wei
from warden.wire import messages, telemetry
from warden.wire.codec import MESSAGE_BYTES_MAX, Undecodable, decode, encode, from_json, to_json

MESSAGES = [
    each
    for each in {**vars(messages), **vars(telemetry)}.values()
    if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct
]
UNIONS = [
    messages.WatchdogToProcess,
    messages.ExecutorToTrader,
    messages.OperatorRequest,
    telemetry.Telemetry,
]


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    Wei: st.integers(-(2**256), 2**256).map(Wei),
    str: st.text(max_size=40),
    int: st.integers(-(2**63), 2**64 - 1),
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 # any annotation of a message
    """Make values of any type that a message's field may have."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of([values(each) for each in arguments])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if kind in SIMPLE:
        return SIMPLE[kind]
    return st.sampled_from(kind) if issubclass(kind, Enum) else structs(kind)


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Make messages of a kind."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values(hints[name]) for name in kind.__struct_fields__})


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_message_comes_back_as_it_was(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    """On the wire and in JSON, every field of every message, wei beyond 64 bits included."""
    message = data.draw(structs(kind))
    assert decode(encode(message), kind) == message
    assert from_json(to_json(message), kind) == message


@pytest.mark.parametrize("union", UNIONS, ids=["watchdog", "executor", "operator", "telemetry"])
@given(data=st.data())
def test_a_reader_of_several_kinds_tells_them_apart(union: Any, data: st.DataObject) -> None:  # noqa: ANN401 # a union has no type
    """By the tag alone."""
    message = data.draw(st.one_of([structs(each) for each in typing.get_args(union)]))
    decoded: Any = decode(encode(message), union)
    assert type(decoded) is type(message)
    assert decoded == message


@pytest.mark.parametrize("union", UNIONS, ids=["watchdog", "executor", "operator", "telemetry"])
@given(data=st.binary(max_size=300))
def test_no_bytes_break_a_reader(union: Any, data: bytes) -> None:  # noqa: ANN401 # as above
    """They are a message or undecodable; nothing else comes out."""
    try:
        decode(data, union)
    except Undecodable:
        return


@given(data=st.data())
def test_a_changed_byte_is_another_message_or_none(data: st.DataObject) -> None:
    """A damaged message never raises anything but Undecodable."""
    encoded = bytearray(encode(data.draw(structs(messages.Beat))))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert isinstance(decode(bytes(encoded), messages.Beat), messages.Beat)
    except Undecodable:
        return


@given(data=st.data(), name=st.text(min_size=1, max_size=20))
def test_one_field_too_many_is_refused(data: st.DataObject, name: str) -> None:
    """Whatever its name: a message of another version is not half understood."""
    kinds: list[type[msgspec.Struct]] = [messages.Beat, messages.Permit, messages.Arm, telemetry.Event]
    kind = data.draw(st.sampled_from(kinds))
    fields = msgspec.msgpack.decode(encode(data.draw(structs(kind))))
    if name not in fields:
        with pytest.raises(Undecodable):
            decode(msgspec.msgpack.encode({**fields, name: 1}), kind)


@given(data=st.data())
def test_one_field_too_few_is_refused_unless_it_has_a_default(data: st.DataObject) -> None:
    """A permit without its expiry is no permit."""
    fields = msgspec.msgpack.decode(encode(data.draw(structs(messages.Permit))))
    del fields[data.draw(st.sampled_from(sorted(set(fields) - {"type"})))]
    with pytest.raises(Undecodable):
        decode(msgspec.msgpack.encode(fields), messages.Permit)


@given(st.integers(0, 2 * MESSAGE_BYTES_MAX))
def test_what_is_sent_is_never_larger_than_what_is_taken(size: int) -> None:
    """Either it is encoded within the bound, or its sender hears at once."""
    message = messages.OperatorReply(exit_code=0, message="x" * size)
    try:
        assert len(encode(message)) <= MESSAGE_BYTES_MAX
    except ValueError:
        assert size > MESSAGE_BYTES_MAX - 100

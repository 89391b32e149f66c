"""What crosses a socket, by hand; over all messages see tests/properties/test_wire.py."""

from __future__ import annotations

import msgspec
import pytest

from warden.domain.intents import Decision, Outcome, Swap
from warden.domain.money import Wei
from warden.wire.codec import MESSAGE_BYTES_MAX, Undecodable, decode, encode, from_json, to_json
from warden.wire.messages import Answer, Arm, OperatorReply, OperatorRequest, Recover, SetMode

SWAP = Swap(path=("0xa", "0xb"), amount_in=Wei(2**200), min_amount_out=Wei(0))


def packed(**fields: object) -> bytes:
    """Msgpack of any map."""
    return msgspec.msgpack.encode(fields)


def test_wei_travel_as_decimal_strings() -> None:
    """Amounts beyond 64 bits pass, and nothing of them is a float."""
    raw = msgspec.msgpack.decode(encode(SWAP))
    assert raw["amount_in"] == str(2**200)
    decoded: Swap = decode(encode(SWAP), Swap)
    assert decoded == SWAP
    assert type(decoded.amount_in) is Wei


@pytest.mark.parametrize(
    "amount", [5, 5.0, "", "-", "0x10", "1e3", "1.0", "+1", " 1", "1_000", "9" * 81, None, "--1"]
)
def test_what_is_no_amount_in_wei_is_refused(amount: object) -> None:
    """Numbers, floats, hex, signs and spaces: one form only, of bounded length."""
    with pytest.raises(Undecodable):
        decode(packed(path=["a", "b"], amount_in=amount, min_amount_out="0"), Swap)


def test_an_unknown_field_is_refused() -> None:
    """A message from another version is dropped, never half understood."""
    good = msgspec.msgpack.decode(encode(Arm(operator="a", reason="b")))
    assert decode(packed(**good), OperatorRequest) == Arm(operator="a", reason="b")
    with pytest.raises(Undecodable, match="unknown field"):
        decode(packed(**good, more=1), OperatorRequest)


@pytest.mark.parametrize("tag", ["arm.2", "arm", "stop.1", "", None])
def test_an_unknown_version_is_refused(tag: object) -> None:
    """The tag carries the version."""
    with pytest.raises(Undecodable):
        decode(packed(type=tag, operator="a", reason="b"), OperatorRequest)


def test_a_message_of_another_channel_is_refused() -> None:
    """An answer is no operator's request, however well formed."""
    answer = encode(Answer(decision=Decision(intent_id="i", outcome=Outcome.APPROVED)))
    with pytest.raises(Undecodable):
        decode(answer, OperatorRequest)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x81", b"garbage", b"\x91" * 100_000, b"\xdf\xff\xff\xff\xff", b"\xa2\xff\xfe", b"{}"],
)
def test_bytes_that_are_no_message_are_undecodable(data: bytes) -> None:
    """Torn, absurdly nested or announcing more than they hold: one kind of error, nothing else."""
    with pytest.raises(Undecodable):
        decode(data, OperatorRequest)


def test_an_oversized_message_is_refused_before_it_is_sent() -> None:
    """Both sides of the bound: a peer would drop it, and its sender would not know."""
    room = MESSAGE_BYTES_MAX - len(encode(OperatorReply(exit_code=0, message="x" * 60_000))) + 60_000
    assert len(encode(OperatorReply(exit_code=0, message="x" * room))) == MESSAGE_BYTES_MAX
    with pytest.raises(ValueError, match=f"{MESSAGE_BYTES_MAX + 1} bytes"):
        encode(OperatorReply(exit_code=0, message="x" * (room + 1)))


def test_what_does_not_travel_is_a_type_error() -> None:
    """A field of a type without a form on the wire is a defect of ours."""

    class Odd(msgspec.Struct):
        value: object

    with pytest.raises(TypeError, match="does not travel"):
        encode(Odd(value=1j))


def test_json_holds_the_same_as_the_wire() -> None:
    """Journals and logs keep wei exact too."""
    assert b'"amount_in":"%d"' % 2**200 in to_json(SWAP)
    assert from_json(to_json(SWAP), Swap) == SWAP
    assert from_json(to_json(SWAP).decode(), Swap) == SWAP
    for broken in (b"", b"{", b"\xff", b'{"path":["a"],"amount_in":5,"min_amount_out":"0"}', b"[" * 100_000):
        with pytest.raises(Undecodable):
            from_json(broken, Swap)


def test_a_mode_is_a_number_on_the_wire() -> None:
    """Requests of an operator keep their types."""
    for request in (
        Recover(operator="a", reason="b", stop_ids=("x",)),
        SetMode(operator="a", reason="b", mode=1),
    ):
        assert decode(encode(request), OperatorRequest) == request

"""msgpack of frozen structs: tagged, versioned, unknown fields refused; wei travel as decimal strings."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from warden.domain.money import Wei

MESSAGE_BYTES_MAX: Final = 64 * 1024
_WEI_DIGITS_MAX: Final = 80

Message = TypeVar("Message")


class Undecodable(ValueError):
    """Bytes that are not a message of the expected kind; they are counted and dropped."""


def _to_wire(value: object) -> str:
    if isinstance(value, Wei):
        return str(int(value))
    raise TypeError(f"{type(value).__name__} does not travel on the wire")


def _from_wire(kind: type, value: object) -> object:
    if kind is Wei:
        if isinstance(value, str) and len(value) <= _WEI_DIGITS_MAX and value.removeprefix("-").isdecimal():
            return Wei(value)
        raise ValueError("not an amount in wei")
    raise TypeError(f"{kind.__name__} does not travel on the wire")


_encoder: Final = msgspec.msgpack.Encoder(enc_hook=_to_wire)
_json_encoder: Final = msgspec.json.Encoder(enc_hook=_to_wire)
_decoders: Final[dict[Any, msgspec.msgpack.Decoder[Any]]] = {}


def encode(message: msgspec.Struct) -> bytes:
    """Return the message's bytes.

    Raises:
        ValueError: it would be larger than a peer accepts.
    """
    data = _encoder.encode(message)
    if len(data) > MESSAGE_BYTES_MAX:
        raise ValueError(f"{type(message).__name__} of {len(data)} bytes is over {MESSAGE_BYTES_MAX}")
    return data


def decode(data: bytes, kind: type[Message] | Any) -> Message:  # noqa: ANN401 - unions of structs have no type of their own
    """Return the message in `data`, which must be a `kind` (a struct or a union of tagged structs).

    Raises:
        Undecodable: anything else.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind, dec_hook=_from_wire)
    try:
        message: Message = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error
    return message


def to_json(value: object) -> bytes:
    """Return any message as JSON, for journals, logs and people; wei as decimal strings."""
    return _json_encoder.encode(value)


def to_plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return any message as plain values that JSON holds; wei as decimal strings."""
    return msgspec.to_builtins(value, enc_hook=_to_wire)


def from_plain(value: object, kind: type[Message] | Any) -> Message:  # noqa: ANN401 - as for decode
    """Return the `kind` in plain values made by `to_plain`.

    Raises:
        msgspec.ValidationError: anything else.
    """
    message: Message = msgspec.convert(value, kind, dec_hook=_from_wire)
    return message


def from_json(data: bytes | str, kind: type[Message] | Any) -> Message:  # noqa: ANN401 - as for decode
    """Return the `kind` in JSON made by `to_json`.

    Raises:
        Undecodable: anything else.
    """
    try:
        message: Message = msgspec.json.decode(data, type=kind, dec_hook=_from_wire)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error
    return message

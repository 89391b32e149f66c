"""Tells errors apart: what another endpoint could answer, and what is final (RP4).

Codes alone do not tell: nodes and providers use -32000 for nearly everything, -32603 for reverts, -32005 for
a spent quota and for a question that is too large. So words are looked at before codes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from warden.runtime.logs import redact

_TEXT_CHARACTERS_MAX: Final = 120


class Kind(StrEnum):
    """What an endpoint's lack of a result means."""

    FINAL = "final"
    METHOD_NOT_FOUND = "method not found"
    MISSING_DATA = "missing data"
    TOO_LARGE = "too large a question"
    RATE_LIMIT = "rate limit"
    CAPACITY = "capacity"
    INTERNAL = "internal error"
    # without any answer
    REFUSED = "connection refused"
    DISCONNECTED = "connection broken"
    TIMEOUT = "timeout"
    HTTP_STATUS = "HTTP status"
    NOT_AN_ANSWER = "not a JSON-RPC answer"
    WRONG_CHAIN = "another chain"


RETURNED_WHEN_ALL_SAY_SO: Final = frozenset({Kind.METHOD_NOT_FOUND, Kind.MISSING_DATA, Kind.TOO_LARGE})
"""Another endpoint may know better; if none does, the first one's own words go back unchanged."""

HELD_AGAINST_ENDPOINT: Final = frozenset(
    {
        Kind.RATE_LIMIT,
        Kind.CAPACITY,
        Kind.REFUSED,
        Kind.DISCONNECTED,
        Kind.TIMEOUT,
        Kind.HTTP_STATUS,
        Kind.NOT_AN_ANSWER,
        Kind.WRONG_CHAIN,
    }
)
"""An internal error is not: one odd question would put every endpoint aside. The probe finds a broken one."""


class Failure(msgspec.Struct, frozen=True):
    """Why an endpoint gave no result.

    Attributes:
        text: for people, without any URL.
        retry_after_s: how long the endpoint asked not to be asked again; 0 when it did not.
    """

    kind: Kind
    text: str
    retry_after_s: float = 0.0


class NoAnswer(Exception):
    """An endpoint gave no usable answer to a whole request; it stays inside the gateway."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


# The order matters: the first that fits wins.
_WORDS: Final[tuple[tuple[Kind, tuple[str, ...]], ...]] = (
    (
        Kind.FINAL,
        (
            "revert",
            "evm error",
            "out of gas",
            "invalid opcode",
            "stack underflow",
            "gas required exceeds",
            "intrinsic gas",
            "insufficient funds",
            "nonce too low",
            "nonce too high",
            "already known",
            "underpriced",
        ),
    ),
    (
        Kind.TOO_LARGE,
        (
            "query returned more than",
            "block range",
            "range is too large",
            "range too large",
            "response size",
            "response is too big",
            "too many results",
            "batch too large",
            "batch limit",
            "exceed maximum block range",
        ),
    ),
    (
        Kind.RATE_LIMIT,
        (
            "rate limit",
            "rate-limit",
            "ratelimit",
            "too many requests",
            "request limit",
            "request count exceeded",
            "requests per second",
            "quota",
            "compute units",
            "credits",
            "throttl",
            "limit exceeded",
        ),
    ),
    (
        Kind.MISSING_DATA,
        (
            "header not found",
            "missing trie node",
            "unknown block",
            "block not found",
            "block does not exist",
            "blockoutofrange",
            "unfinalized",
            "transaction not found",
            "historical state",
            "state not available",
            "state is not available",
            "state unavailable",
            "pruned",
            "archive",
            "not yet available",
            "after last accepted block",
            "resource not found",
            "genesis is not traceable",
        ),
    ),
    (
        Kind.METHOD_NOT_FOUND,
        (
            "method not found",
            "method not supported",
            "not whitelisted",
            "is not available",
            "unsupported method",
        ),
    ),
    (
        Kind.CAPACITY,
        (
            "capacity",
            "overloaded",
            "server busy",
            "too busy",
            "temporarily unavailable",
            "service unavailable",
            "timeout",
            "timed out",
            "deadline exceeded",
            "try again",
            "no available",
            "bad gateway",
        ),
    ),
)

_CODES: Final[dict[int, Kind]] = {
    3: Kind.FINAL,
    429: Kind.RATE_LIMIT,
    -32001: Kind.MISSING_DATA,
    -32002: Kind.CAPACITY,
    -32004: Kind.METHOD_NOT_FOUND,
    -32005: Kind.RATE_LIMIT,
    -32029: Kind.RATE_LIMIT,
    -32603: Kind.INTERNAL,
    -32700: Kind.INTERNAL,  # what we sent was JSON
}
# Whatever their words, these are about the question; a block past a lagging head is also -32602 for some.
_FINAL_CODES: Final = frozenset({3, -32602, -32003})
_INVALID_PARAMETERS: Final = -32602
_METHOD_NOT_FOUND: Final = -32601  # its text holds the method's name, which may be any words


class _Error(msgspec.Struct):
    code: Any = None
    message: Any = ""


_decoder: Final = msgspec.json.Decoder(_Error)


def judge(error: bytes) -> Failure:
    """Return what a JSON-RPC error object means; one of an unknown kind is final, as the rules of RP4 are."""
    try:
        decoded = _decoder.decode(error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Failure(Kind.NOT_AN_ANSWER, Kind.NOT_AN_ANSWER.value)
    message = decoded.message if isinstance(decoded.message, str) else ""
    code = decoded.code if isinstance(decoded.code, int) else 0
    kind = _kind_of(code, message.lower())
    text = redact(" ".join(message.split()))[:_TEXT_CHARACTERS_MAX]
    return Failure(kind, f"{kind.value}: {text}" if text and text.lower() != kind.value else kind.value)


def _kind_of(code: int, message: str) -> Kind:
    if code == _METHOD_NOT_FOUND:
        return Kind.METHOD_NOT_FOUND
    by_words = next((kind for kind, words in _WORDS if any(word in message for word in words)), None)
    if code in _FINAL_CODES:
        missing = code == _INVALID_PARAMETERS and by_words is Kind.MISSING_DATA
        return Kind.MISSING_DATA if missing else Kind.FINAL
    return by_words or _CODES.get(code, Kind.FINAL)

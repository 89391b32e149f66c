"""The stop: who, when, why, and what clean-up it allows. Its format is frozen for ever (DESIGN: Wire)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

STOP_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class StopReason(StrEnum):
    """Why everything stops (ES1)."""

    MANUAL = "MANUAL"
    CIRCUIT_BREAKER = "CIRCUIT_BREAKER"
    CAPITAL_LOSS = "CAPITAL_LOSS"
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    SYSTEM_ERROR = "SYSTEM_ERROR"
    HEALTH = "HEALTH"
    NETWORK_FAILURE = "NETWORK_FAILURE"
    SECURITY_BREACH = "SECURITY_BREACH"
    DATA_INTEGRITY = "DATA_INTEGRITY"
    HEARTBEAT_LOST = "HEARTBEAT_LOST"
    STARTUP_CHECK = "STARTUP_CHECK"
    REGULATORY = "REGULATORY"


class CleanUp(StrEnum):
    """What may happen to what is on the chain once stopped (ES6)."""

    HOLD = "hold"
    CANCEL = "cancel"
    FLATTEN = "flatten"


class StopLevel(StrEnum):
    """How far a stop is known to hold, best last except for UNCONFIRMED (DESIGN: Acknowledgement)."""

    UNCONFIRMED = "UNCONFIRMED"
    RECORDED = "RECORDED"
    NOT_RUNNING = "NOT_RUNNING"
    FENCED = "FENCED"
    CONFIRMED = "CONFIRMED"


class Stop(msgspec.Struct, frozen=True):
    """One stop, as its latch file holds it and as the stop socket carries it.

    Unknown fields are passed over on purpose and every field but the id has a default: a console of any
    age can stop a system of any age.

    Attributes:
        stop_id: the file's name too.
        reason: a `StopReason`; text here, so that a later version's reason still stops an older system.
        time: UTC, ISO 8601, for people.
    """

    stop_id: str
    reason: str = StopReason.MANUAL.value
    message: str = ""
    operator: str = ""
    policy: str = CleanUp.HOLD.value
    time: str = ""


def encode_stop(stop: Stop) -> bytes:
    """Return the stop as one line of JSON with a newline."""
    return msgspec.json.encode(stop) + b"\n"


def decode_stop(name: str, content: bytes) -> Stop:
    """Return the stop that a file called `name` stands for, whatever it holds.

    An empty, torn or foreign file is a stop all the same: its content only says more about it.
    """
    try:
        stop = msgspec.json.decode(content, type=Stop)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = content[:200].decode("utf-8", "replace").strip()
        return Stop(stop_id=name, message=text or "a bare file in the stop directory")
    return msgspec.structs.replace(stop, stop_id=name)

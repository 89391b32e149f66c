"""What the core is told, and what it says in return."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from warden.gateway.errors import Failure


class State(StrEnum):
    """An endpoint's state, as status and console show it."""

    OK = "ok"
    SLOW = "slow"
    FAILING = "failing"
    WRONG_CHAIN = "wrong-chain"
    STALE = "stale"
    LYING = "lying"
    UNKNOWN = "unknown"


class Probed(msgspec.Struct, frozen=True):
    """A probe was answered; `chain_id` and `genesis` are None where they were not asked for."""

    name: str
    latency_ms: float
    head: int
    chain_id: int | None = None
    genesis: str | None = None


class ProbeFailed(msgspec.Struct, frozen=True):
    """A probe was not answered."""

    name: str
    failure: Failure


class ReadFailed(msgspec.Struct, frozen=True):
    """A client's read was not answered."""

    name: str
    failure: Failure


class Outvoted(msgspec.Struct, frozen=True):
    """Others agree at one block hash on something else than this endpoint says; `text` has both figures."""

    name: str
    text: str


class Agreed(msgspec.Struct, frozen=True):
    """It said the same as another one at one block hash."""

    name: str


Event: TypeAlias = Probed | ProbeFailed | ReadFailed | Outvoted | Agreed


class Changed(msgspec.Struct, frozen=True):
    """Command: tell people that an endpoint's state is another one now."""

    name: str
    before: State
    after: State
    detail: str


class ProbeNow(msgspec.Struct, frozen=True):
    """Command: do not wait for the next probe's time."""

    name: str


Command: TypeAlias = Changed | ProbeNow

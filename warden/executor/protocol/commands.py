"""What the executor's core asks for."""

from __future__ import annotations

from typing import Any

import msgspec

from warden.domain.stops import Stop
from warden.executor.protocol.terms import Ticket
from warden.wire.messages import ExecutorToTrader
from warden.wire.orders import OrderReply
from warden.wire.rows import ExecutorRow, SignedRow
from warden.wire.telemetry import Severity


class Reply(msgspec.Struct, frozen=True):
    """Tell a trader; one that is gone misses it."""

    identity: bytes
    message: ExecutorToTrader


class Respond(msgspec.Struct, frozen=True):
    """Answer an operator's order."""

    identity: bytes
    reply: OrderReply


class Simulate(msgspec.Struct, frozen=True):
    """Try a call of the wallet's on the current state; answered by Simulated or SimulationFailed.

    Attributes:
        path: tokens whose pools' reserves are wanted, too; their balances are compared.
        tokens: more tokens whose balances are compared.
        pairs: tokens and spenders whose allowances are compared, lower case; those of the path are anyway.
        judged: tell the asset changes as well as the gas.
        required: without the asset changes it fails; else its gas alone may be told.
        round_trip: sell again, in the next block, all that came of the path's last token.
        sell_at: the router that it is sold at, where that is not `to`.
        witnessed: two endpoints must say the same of it.
        gas_limit, gas_price_wei, base_fee_wei: as it will be signed, at most.
        at_s: chain time that it is tried at: its deadline; 0: the node's own.
    """

    intent_id: str
    to: str
    data: bytes
    path: tuple[str, ...]
    value_wei: int = 0
    tokens: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    judged: bool = True
    required: bool = False
    round_trip: bool = False
    gas_limit: int = 0
    gas_price_wei: int = 0
    base_fee_wei: int = 0
    at_s: int = 0
    sell_at: str = ""
    witnessed: bool = False


class Sign(msgspec.Struct, frozen=True):
    """Sign the draft, whose `raw` and `tx_hash` are empty; answered by Signed."""

    draft: SignedRow
    data: bytes
    value_wei: int


class Send(msgspec.Struct, frozen=True):
    """Write the bytes to every endpoint of the routes, each behind the gate; answered by a LegDone each.

    Attributes:
        max_block: a relay that can be told is to forget it after this block; 0: no such block.
        withdraws: hashes that a relay which can do that is to take back first.
    """

    tx_hash: str
    raw: str
    ticket: Ticket
    routes: tuple[str, ...]
    max_block: int = 0
    withdraws: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """Append a row; carry out `then` only once it is durable."""

    row: ExecutorRow
    then: tuple[Reply | Send | Respond, ...] = ()


class Tell(msgspec.Struct, frozen=True):
    """Say what happened."""

    severity: Severity
    kind: str
    message: str
    trace_id: str = ""
    runbook: str = ""
    data: dict[str, Any] = {}


class DemandStop(msgspec.Struct, frozen=True):
    """Close the gate at once and have this stop written down: an operator recovers (ES1).

    Answered by `StopCleared` at once, and not told, if a recovery has cleared a stop of this id before.
    """

    stop: Stop
    tell: Tell


Command = Reply | Respond | Simulate | Sign | Send | Record | Tell | DemandStop

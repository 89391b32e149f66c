"""What the executor's core is told."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from warden.domain.amm import Hop
from warden.domain.intents import Intent
from warden.domain.risk.asset_changes import Changes
from warden.domain.risk.events import MarketPrice
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.round_trip import RoundTrip
from warden.executor.protocol.price_terms import SecondPrices
from warden.wire.orders import OrderRequest
from warden.wire.rows import SignedRow, TokenFlow


class Submitted(msgspec.Struct, frozen=True):
    """An intent came.

    Attributes:
        gate: what the gate said at that moment of opening, None when it is open; `reduce_gate` of reducing.
        size_percent: how much of every size limit counts now.
        by_bot: it came from the gateway, which knows no chain time: its last moment is the core's to say.
    """

    intent: Intent
    identity: bytes
    gate: Refusal | None
    size_percent: int = 0
    reduce_gate: Refusal | None = None
    by_bot: bool = False


class Simulated(msgspec.Struct, frozen=True):
    """The intent's transaction would succeed on the current state, with `gas` units.

    Attributes:
        pools: of each step of its path, lower case.
        hops: their reserves in the path's direction, None where there is no pool.
        changes: what it would do to the wallet; None: only its gas could be, or was to be, told.
        trip: what came of selling again what it buys, where that was asked for.
    """

    intent_id: str
    gas: int
    pools: tuple[str, ...] = ()
    hops: tuple[Hop | None, ...] = ()
    changes: Changes | None = None
    trip: RoundTrip | None = None


class SimulationFailed(msgspec.Struct, frozen=True):
    """It would revert, or nobody could tell (`refused` False); `rule` names any other reason to refuse."""

    intent_id: str
    refused: bool
    text: str
    rule: str = ""


class Signed(msgspec.Struct, frozen=True):
    """A draft with its bytes and hash."""

    row: SignedRow


class LegDone(msgspec.Struct, frozen=True):
    """What came of sending to one endpoint: accepted, rejected, unknown, not-begun."""

    tx_hash: str
    endpoint: str
    result: str
    text: str


class Receipt(msgspec.Struct, frozen=True):
    """A receipt; `gain_wei` is what came of the wrapped native token less what went, `gas_wei` was burnt.

    Attributes:
        flows: of the other tokens that were asked for, those that moved.
        l1_fee_wei: the part of `gas_wei` that paid for data on another chain.
    """

    tx_hash: str
    block: int
    block_hash: str
    success: bool
    gain_wei: int
    gas_wei: int
    sold_wei: int = 0
    bought_wei: int = 0
    flows: tuple[TokenFlow, ...] = ()
    l1_fee_wei: int = 0


class Watch(msgspec.Struct, frozen=True):
    """What a read of the head brings besides the wallet itself.

    Attributes:
        tokens: whose balances and flows count, lower case; the wrapped native token is none of them.
        routes: ways on which positions are sold, as token addresses: the reserves along each are read.
    """

    tokens: tuple[str, ...] = ()
    routes: tuple[tuple[str, ...], ...] = ()


class HeadRead(msgspec.Struct, frozen=True):
    """The chain as one read found it.

    Attributes:
        receipts: None for a hash without one.
        price_usd: of one whole native coin, where a pool tells it.
        l1_fee_wei: what one of our transactions pays for its data on the chain below, at most; 0: nothing.
        prices: of pools, in reads that were asked for them.
        tokens: the wallet's balances by token, in smallest units, of those that were asked for.
        routes: reserves along the ways that were asked for; None where there is no pool.
        allowances: what the router may take of those tokens, as far as they answered.
        second: what other sources say of prices.
    """

    block: int
    block_hash: str
    timestamp_s: int
    base_fee_wei: int
    tip_wei: int
    nonce: int
    gas_balance_wei: int
    trading_balance_wei: int
    allowance_wei: int
    receipts: dict[str, Receipt | None]
    price_usd: Decimal | None = None
    l1_fee_wei: int = 0
    prices: tuple[MarketPrice, ...] = ()
    tokens: dict[str, int] = {}
    routes: dict[tuple[str, ...], tuple[Hop | None, ...]] = {}
    allowances: dict[str, int] = {}
    second: SecondPrices = SecondPrices()


class Identified(msgspec.Struct, frozen=True):
    """The chain that the gateway serves."""

    chain_id: int
    genesis: str


class UsageRead(msgspec.Struct, frozen=True):
    """How many calls the gateway has asked of endpoints since it started."""

    asked: int


class CleanupAllowed(msgspec.Struct, frozen=True):
    """The watchdog allows to clean up after these stops, at these nonces, and to sell these positions."""

    stop_ids: tuple[str, ...]
    nonces: tuple[int, ...]
    positions: tuple[str, ...] = ()


class CleanupOver(msgspec.Struct, frozen=True):
    """The leave to clean up has run out."""


class Ordered(msgspec.Struct, frozen=True):
    """An operator's order about money, or a question (ORDERS channel)."""

    identity: bytes
    request: OrderRequest


class StopCleared(msgspec.Struct, frozen=True):
    """An operator's recovery has cleared a stop."""

    stop_id: str


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


Event = (
    Submitted
    | Simulated
    | SimulationFailed
    | Signed
    | LegDone
    | HeadRead
    | Identified
    | UsageRead
    | CleanupAllowed
    | CleanupOver
    | StopCleared
    | Ordered
    | Tick
)

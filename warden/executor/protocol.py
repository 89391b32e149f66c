"""What the executor's core is told, and what it asks for: events in, commands out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from warden.domain.amm import Hop
from warden.domain.intents import Intent
from warden.domain.risk.asset_changes import Changes
from warden.domain.risk.engine import RiskLimits
from warden.domain.risk.events import MarketPrice
from warden.domain.risk.refusal import Refusal
from warden.domain.risk.round_trip import RoundTrip
from warden.domain.stops import Stop
from warden.executor.bot_terms import BotTerms
from warden.executor.gate import Ticket
from warden.executor.price_terms import PricePair, PriceTerms, SecondPrices
from warden.executor.simulating import Simulating
from warden.wire.messages import ExecutorToTrader
from warden.wire.orders import OrderReply, OrderRequest
from warden.wire.rows import ExecutorRow, SignedRow, TokenFlow
from warden.wire.telemetry import Severity


class Terms(msgspec.Struct, frozen=True):
    """What is fixed while this executor runs.

    Attributes:
        sends: False on paper, where nothing is signed or sent and the wallet is the journal's.
        pool: whose capital an only strategy's intents spend; of several the first's, which bears the gas
            of what none of them has caused.
        strategies: of several, their names, each with a pool of its own that is called so.
        factory: of the venue's pairs.
        prices: how far what pools say of prices is believed, and who else may tell them.
        fixed_usd: a price that never changes; `priced_by` where the chain tells it instead; neither: unknown.
        observe_s: between two observations of the pools' prices.
        allowance_wei: what the router may be allowed to spend (EX7).
        max_fee_wei: highest fee per gas.
        route: where strategies' transactions go: `public`, or a relay's name.
        legs: how many endpoints each route has.
        simulating: what is simulated before it is signed (EX11).
        witnessed_from_wei: trades of this size on are simulated by two endpoints; None: by one.
        max_token_tax_bps: how much of what moves a token may keep for itself, in basis points.
        decimals: of the tokens that the venue names, by lower-case address.
        max_in_flight: nonces that may be open at once before nothing more is opened; exits and cancels pass.
        replaceable: False where no transaction can take another's place (domain/chains.py).
        min_tip_wei: least priority fee per gas, whatever nodes suggest.
        l1_fee_oracle: who tells what a transaction's data costs on the chain below; None: nothing to ask.
        withdrawing: relays that can be asked to take a transaction back.
        base_fee_step_bps: by how much a block may raise the base fee at most.
        exit_slippage_bps: how much less than its exit value an exit takes; it doubles with each failure.
    """

    sends: bool
    wallet: str
    chain_id: int
    genesis: str
    router: str
    weth: str
    pool: str
    factory: str
    fixed_usd: Decimal | None
    priced_by: PricePair | None
    observe_s: int
    allowance_wei: int
    max_fee_wei: int
    route: str
    legs: dict[str, int]
    block_time_s: float
    finality_depth: int
    bump_percent: int
    risk: RiskLimits
    simulating: Simulating = Simulating.ALWAYS
    witnessed_from_wei: int | None = None
    max_token_tax_bps: int = 0
    decimals: dict[str, int] = {}
    max_in_flight: int = 1
    replaceable: bool = True
    min_tip_wei: int = 0
    l1_fee_oracle: str | None = None
    base_fee_step_bps: int = 1_250
    exit_slippage_bps: int = 300
    exit_slippage_bps_max: int = 2_000
    withdrawing: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    bot: BotTerms = BotTerms()
    prices: PriceTerms = PriceTerms()

    def pool_of(self, strategy: str) -> str:
        """Return the pool that a strategy's intents spend."""
        return strategy if strategy in self.strategies else self.pool


class Now(msgspec.Struct, frozen=True):
    """The moment.

    Attributes:
        boot_ns: CLOCK_BOOTTIME in nanoseconds.
        wall: UTC text for people.
        utc_ns: UTC in nanoseconds by a clock that never goes back, restarts included: the risk rules' time.
    """

    boot_ns: int
    wall: str
    utc_ns: int


# --- events ----------------------------------------------------------------------------------------


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


# --- commands --------------------------------------------------------------------------------------


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

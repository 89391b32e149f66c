"""What is fixed while an executor runs, and the values that events and commands share."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from warden.domain.modes import Action
from warden.domain.risk.engine import RiskLimits
from warden.executor.protocol.price_terms import PricePair, PriceTerms
from warden.executor.protocol.simulating import Simulating


class Ticket(msgspec.Struct, frozen=True):
    """What one send asks for.

    Attributes:
        trader_session: whose intent it is; empty for Warden's own.
        not_after_boot_ns: CLOCK_BOOTTIME in nanoseconds after which nothing of it leaves.
        cleanup_nonce: the nonce that a stop's clean-up takes back; None for everything else.
        protective: an exit of Warden's own, which a permit lets go on for a while after it has run out.
        cleanup_position: the position that a stop's clean-up sells; empty for everything else.
    """

    action: Action
    trader_session: str
    not_after_boot_ns: int
    cleanup_nonce: int | None = None
    protective: bool = False
    cleanup_position: str = ""


class BotTerms(msgspec.Struct, frozen=True):
    """What holds for calls of unknown contracts.

    Attributes:
        spenders: who may be given an allowance besides the router, lower case.
        max_loss_bps: how much less may come than leaves, in basis points.
        valid_blocks: how long a call of the gateway's may still be mined.
    """

    spenders: tuple[str, ...] = ()
    max_loss_bps: int = 300
    valid_blocks: int = 5


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

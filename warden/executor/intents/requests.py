"""What an intent asks of the risk rules, worked out from its swap: never from what the trader claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Action
from warden.domain.money import BPS_ONE, Wei
from warden.domain.risk.assessment import Opportunity
from warden.domain.risk.events import NS_PER_S, Request, Reserved
from warden.executor.sends import drafts
from warden.executor.sends.leg import PUBLIC
from warden.executor.sends.trade_kinds import TradeKind, kind_of

if TYPE_CHECKING:
    from warden.domain.amm import Hop
    from warden.domain.intents import Intent
    from warden.domain.risk.engine import Engine
    from warden.executor.protocol.events import Simulated
    from warden.executor.sends.drafts import Moment

# Until it is simulated: more than a cycle of five swaps has been seen to use.
GAS_GUESS: Final = 600_000


def request_of(intent: Intent, pool: str, at: Moment, gas: int | None = None) -> Request:
    """Return the request of an intent, by what its path does (trade_kinds.py).

    A closed cycle may lose the gas of its failure; a purchase that and what its stop-loss lets go; a sale
    from a position takes nothing of any limit but that gas.

    Args:
        intent: its path begins or ends in the wrapped native token (rules.py).
        pool: whose capital it spends.
        at: the head that fees are reckoned at.
        gas: units that it may use at most; None before it is simulated: then a generous guess is reserved,
            and its profit is judged once more when they are known.
    """
    swap = intent.proposal.swap
    max_fee_wei, _ = drafts.fees(at, intent.not_after_s)
    gas_wei = drafts.cost_wei(GAS_GUESS if gas is None else gas, max_fee_wei, at)
    kind = kind_of(swap.path, at.terms.weth)
    cycle, sells = kind is TradeKind.CYCLE, kind is TradeKind.REDUCES
    profit_wei = int(swap.min_amount_out) - int(swap.amount_in) if cycle else 0
    return Request(
        intent_id=intent.intent_id,
        strategy=pool,
        action=Action.REDUCE if sells else Action.OPEN,
        spend_wei=0 if sells else int(swap.amount_in),
        loss_wei=gas_wei + (_stop_loss_wei(intent, at) if kind is TradeKind.OPENS else 0),
        profit_wei=profit_wei - (0 if gas is None else gas_wei),
        fee_per_gas_wei=at.head.base_fee_wei + at.head.tip_wei,
        tokens=tuple(dict.fromkeys(token.lower() for token in swap.path)),
        router=at.terms.router.lower(),
        market=drafts.market_of(swap.path),
        whale=intent.proposal.whale.lower(),
        shrinks=intent.proposal.shrinks,
        gas_wei=gas_wei,
        cycle=cycle,
    )


def _stop_loss_wei(intent: Intent, at: Moment) -> int:
    """Return what a position may lose until its stop-loss sells it, rounded up."""
    own = intent.proposal.stop_loss_bps
    bps = at.terms.risk.exits.triggers.stop_loss_bps if own is None else own
    return -(-int(intent.proposal.swap.amount_in) * bps // BPS_ONE)


def reserved(request: Request) -> Reserved:
    """Return the event by which a request holds its share of every limit (PS2)."""
    return Reserved(
        intent_id=request.intent_id,
        strategy=request.strategy,
        market=request.market,
        whale=request.whale,
        spend_wei=Wei(request.spend_wei),
        loss_wei=Wei(request.loss_wei),
        gas_wei=Wei(request.gas_wei),
        action=request.action,
    )


def resized(intent: Intent, amount_in: int) -> Intent:
    """Return the intent at another size. The profit that the chain enforces stays as it was asked for.

    What opens a position keeps the price that it was asked at instead, rounded up.
    A smaller cycle that would earn less than its strategy demands then reverts in its simulation, for the gas
    that this profit covers costs the same at any size.
    """
    swap = intent.proposal.swap
    if swap.path[0].lower() == swap.path[-1].lower():
        least = amount_in + int(swap.min_amount_out) - int(swap.amount_in)
    else:
        least = -(-int(swap.min_amount_out) * amount_in // int(swap.amount_in))
    smaller = msgspec.structs.replace(swap, amount_in=Wei(amount_in), min_amount_out=Wei(least))
    proposal = msgspec.structs.replace(intent.proposal, swap=smaller)
    return msgspec.structs.replace(intent, proposal=proposal)


def opportunity_of(
    intent: Intent, request: Request, found: Simulated, engine: Engine, at: Moment
) -> Opportunity:
    """Return what the risk of a simulated cycle is told from (RK1); it holds its own share already."""
    swap = intent.proposal.swap
    hops: tuple[Hop, ...] | None = None if None in found.hops or not found.hops else found.hops  # type: ignore[assignment] # none is None
    left_s = max(1, intent.not_after_s - at.head.timestamp_s)
    return Opportunity(
        request=msgspec.structs.replace(request, pools=tuple(dict.fromkeys(found.pools))),
        amount_in=int(swap.amount_in),
        min_amount_out=int(swap.min_amount_out),
        hops=hops,
        reserves_ns=at.now.utc_ns,
        capital_wei=engine.effective.capital_wei or None,
        exposure_wei=max(0, engine.exposure_wei - request.spend_wei),
        horizon_ns=left_s * NS_PER_S,
        private=at.terms.route != PUBLIC,
        smallest=engine.effective.min_wei,
    )

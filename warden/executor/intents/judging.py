"""What is asked of a simulation before an intent is signed, and how its answer is judged (EX11, EX7).

The asset changes count, not the strategy's word: what leaves is at most what was reserved, what comes is at
least what the router enforces, and nobody gets an allowance. What opens a position must be sellable at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.risk import asset_changes, round_trip
from warden.domain.risk.asset_changes import Declared
from warden.domain.risk.findings import Noted, Weight
from warden.domain.risk.refusal import Refusal
from warden.executor.intents.requests import GAS_GUESS
from warden.executor.protocol.commands import Simulate, Tell
from warden.executor.protocol.simulating import Simulating
from warden.executor.sends import drafts
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.intents import Intent, Swap
    from warden.domain.risk.events import Request
    from warden.executor.protocol.events import Simulated
    from warden.executor.protocol.terms import Terms
    from warden.executor.sends.drafts import Moment

_RUNBOOK: Final = "manual-intervention"


def switched_off(terms: Terms) -> Noted | None:
    """Return what must be said loudly at every start while not everything is simulated, or None."""
    if terms.simulating is Simulating.ALWAYS or not terms.sends:
        return None
    what = "nothing is" if terms.simulating is Simulating.NEVER else "trades through the known router are not"
    message = f"{what} simulated before it is signed: what a transaction would do is believed, not looked at"
    return Noted(
        Weight.ERROR,
        "simulation.switched-off",
        message,
        observed=terms.simulating.value,
        setting="execution.simulate",
        runbook=_RUNBOOK,
    )


def simulation_of(intent: Intent, at: Moment) -> Simulate:
    """Return what is tried before the intent's swap is signed."""
    terms, order = at.terms, intent.proposal.swap
    return Simulate(
        intent_id=intent.intent_id,
        to=terms.router,
        data=drafts.swap_calldata(intent, terms),
        path=order.path,
        judged=terms.simulating is Simulating.ALWAYS or _tries_exit(order, terms),
        required=_tries_exit(order, terms),
        round_trip=_tries_exit(order, terms),
        gas_limit=GAS_GUESS,
        gas_price_wei=drafts.fees(at)[0],
        base_fee_wei=at.head.base_fee_wei,
        at_s=intent.not_after_s,
        witnessed=_is_witnessed(order, terms),
    )


def _is_witnessed(swap: Swap, terms: Terms) -> bool:
    """Tell whether one endpoint's word is too little for what this spends; a sale needs no second one."""
    least, spends = terms.witnessed_from_wei, swap.path[0].lower() == terms.weth.lower()
    return least is not None and spends and int(swap.amount_in) >= least


def refusal(intent: Intent, found: Simulated, terms: Terms) -> Refusal | None:
    """Return why an intent may not be signed for what its transaction would do, or None."""
    return next(_refusals(intent, found, terms), None)


def _refusals(intent: Intent, found: Simulated, terms: Terms) -> Iterator[Refusal]:
    swap = intent.proposal.swap
    if found.changes is not None:
        declared = Declared(
            gives=swap.path[0].lower(),
            gives_max=int(swap.amount_in),
            takes=swap.path[-1].lower(),
            takes_min=int(swap.min_amount_out),
            spender=terms.router.lower(),
        )
        if unsaid := asset_changes.judge(found.changes, declared):
            yield unsaid
    if not _tries_exit(swap, terms):
        return
    if found.trip is None:
        yield Refusal("simulation.impossible", "nobody could tell whether what it buys can be sold again")
        return
    decimals = terms.decimals.get(found.trip.token)
    if unsellable := round_trip.judge(found.trip, terms.max_token_tax_bps, decimals):
        yield unsellable


def next_best(found: Simulated, terms: Terms) -> Tell | None:
    """Return what to say where a trade was to be judged by its changes and only its gas could be told."""
    if found.changes is not None or terms.simulating is not Simulating.ALWAYS or not terms.sends:
        return None
    text = "no endpoint has eth_simulateV1: only cycles through the known router go on, by their least output"
    return Tell(Severity.WARNING, "simulation.next-best", text, runbook=_RUNBOOK)


def observed(request: Request, found: Simulated, terms: Terms) -> Request:
    """Return the request with what would leave of the wrapped native token as it was seen."""
    if found.changes is None:
        return request
    spend_wei = asset_changes.went(found.changes, terms.weth.lower()) or request.spend_wei
    return msgspec.structs.replace(request, spend_wei=spend_wei)


def _tries_exit(swap: Swap, terms: Terms) -> bool:
    """Tell whether the swap opens a position whose sale is tried before it is bought.

    Not on paper: its fills come from reserves, and no token's own code runs.
    """
    first, last = swap.path[0].lower(), swap.path[-1].lower()
    opens = first == terms.weth.lower() and last != first
    return opens and terms.sends and terms.simulating is not Simulating.NEVER

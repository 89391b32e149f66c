"""Gas that must be left for every cancel and every exit that may be wanted at once (EX6).

Beside the fixed reserve of the limits, which may be too small for what is open: what opens is refused while
the wallet could not pay, at today's fees, for all that is on its way, a cancel at each of its nonces, and the
sale of each position. What reduces or cancels is never held back by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.thresholds import refusal_eth
from warden.executor.books import position_book
from warden.executor.sends import drafts

if TYPE_CHECKING:
    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.ledger import Ledger
    from warden.executor.sends.drafts import Moment

# More than a sale over one or two pools, its approval with it, has been seen to use.
EXIT_GAS: Final = 400_000


def needed_wei(ledger: Ledger, at: Moment, gas_wei: int = 0, *, opens: bool = False) -> int:
    """Return what the wallet must hold, in wei.

    Args:
        ledger: what is on its way and what is held.
        at: the head that fees are reckoned at.
        gas_wei: what one transaction more burns at most; 0 for none more.
        opens: it leaves a position behind, which must be sold some day.
    """
    burning = {
        entry.signed.nonce: drafts.cost_wei(entry.signed.gas, int(entry.signed.max_fee_wei), at)
        for entry in ledger.book.open()
    }
    nonces = len(burning) + (gas_wei > 0)
    exits = len(position_book.standing(ledger.holdings)) + opens
    return sum(burning.values()) + gas_wei + nonces * _cancel_wei(at) + exits * _exit_wei(at)


def refusal(ledger: Ledger, gas_wei: int, at: Moment, *, opens: bool = False) -> Refusal | None:
    """Return why nothing may be opened that burns so much, or None."""
    needed, held = needed_wei(ledger, at, gas_wei, opens=opens), at.head.gas_balance_wei
    if held >= needed:
        return None
    message = "too little gas for this and for every cancel and exit that may be wanted"
    return refusal_eth("limits.gas_reserve_eth", message, needed, held)


def _cancel_wei(at: Moment) -> int:
    return drafts.cost_wei(drafts.CANCEL_GAS, drafts.freeing(at)[0], at)


def _exit_wei(at: Moment) -> int:
    return drafts.cost_wei(EXIT_GAS, drafts.fees(at)[0], at)

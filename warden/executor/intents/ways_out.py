"""Before anything is bought or sold: can the router take it back, and whose is it (EX7, PS5).

Nothing is opened before the router may take what would be bought; the round trip that tries the sale itself
is the simulation's (judging.py). What is sold is a position of the same pool's, and never more than it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.position_limits import check_close
from warden.domain.risk.refusal import Refusal
from warden.executor.books import position_book

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.position_book import Holding
    from warden.executor.positions.closing import Closing
    from warden.executor.positions.positions import Positions
    from warden.executor.protocol.terms import Terms
    from warden.executor.sends.allowances import Allowances
    from warden.executor.sends.drafts import Moment

_UNREAD: Final = Refusal("allowance.unread", "the token is looked at for the first time: propose again")
_LEAVING: Final = Refusal("position.leaving", "the position is being sold already")
_NOTHING: Final = Refusal("position.unknown", "there is no position of this strategy's in that token")


class WaysOut:
    """What an intent's position needs before it is opened, or sold; `allowances` are the router's."""

    def __init__(
        self,
        terms: Terms,
        ledger: Ledger,
        positions: Positions,
        closing: Closing,
        allowances: Allowances,
    ) -> None:
        self.allowances = allowances
        self._weth = terms.weth.lower()
        self._ledger = ledger
        self._positions = positions
        self._closing = closing

    def opening(self, intent: Intent, at: Moment) -> Refusal | None:
        """Return why an intent's token is not bought, or None; one that the reads did not bring is asked for.

        What the router must be allowed of it is told by its simulation (allowances.py).
        """
        path = intent.proposal.swap.path
        token = path[-1].lower()
        if token == self._weth:
            return None
        refusal = self._positions.distrust(token)
        if refusal is not None:
            return refusal
        way_out = tuple(reversed(path))
        self._positions.ask(token, way_out)
        return self._positions.doubts.opening(way_out) if token in at.head.allowances else _UNREAD

    def sale(self, intent: Intent, pool: str) -> Refusal | Holding:
        """Return the position that an intent sells from, or why it may not (PS5)."""
        proposal = intent.proposal
        token = proposal.swap.path[0].lower()
        mine = [
            held
            for held in position_book.standing(self._ledger.holdings)
            if held.token == token and held.strategy == pool and proposal.position in {"", held.position_id}
        ]
        if not mine:
            wrong = check_close(self._ledger.engine.state.positions, proposal.position, 1)
            return wrong if proposal.position and wrong is not None else _NOTHING
        held = mine[0]
        wrong = check_close(
            self._ledger.engine.state.positions, held.position_id, int(proposal.swap.amount_in)
        )
        if wrong is not None:
            return wrong
        return _LEAVING if self.is_being_sold(held.position_id) else held

    def is_being_sold(self, position_id: str) -> bool:
        """Tell whether something sells from a position, or is about to: one at a time."""
        return self._closing.is_leaving(position_id) or self._closing.sells(position_id) is not None

"""Who may have how many transactions on their way: each of several strategies is sure of one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warden.executor.protocol.terms import Terms

_SETTING: Final = "execution.max_in_flight"


def refusal(terms: Terms, pool: str, taken: int, under_way: Sequence[str]) -> Refusal | None:
    """Return why a strategy may open nothing more now, or None.

    Whoever has one on its way leaves a place for each other strategy that has none.

    Args:
        terms: the most that may be in flight, and which strategies there are.
        pool: the strategy's.
        taken: nonces that are taken or will be.
        under_way: the pool of each transaction that is in flight or being prepared.
    """
    most = terms.max_in_flight
    if taken >= most:
        message = "as many transactions as allowed are in flight"
        return Refusal("pending", message, str(most), str(taken), "transactions", _SETTING)
    kept = sum(each not in under_way for each in terms.strategies if each != pool)
    if pool not in under_way or taken + kept < most:
        return None
    message = f"the {kept} left are kept for strategies that have none in flight"
    own = sum(each == pool for each in under_way)
    return Refusal("pending.share", message, str(own), str(own), "transactions", _SETTING)

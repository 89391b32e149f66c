"""What a simulated transaction would do to the wallet, and whether that is what its intent declared (EX11).

An asset's change is told twice: by the logs that contracts write, and by the wallet's balances before and
after in the same simulated block. A contract can write any log, so where the two differ nobody knows what it
would do: it is refused. What the rules of the engine are then asked about is what was seen, never what was
claimed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NATIVE: Final = "native"
"""Stands for the chain's own coin where a token's address would stand."""


class Change(msgspec.Struct, frozen=True):
    """What one asset did.

    Attributes:
        token: lower-case address, or NATIVE.
        went, came: sums of what transfers took from the wallet and brought to it, in the smallest unit.
        counted: the wallet's balance after less the one before, gas apart; None where it was not read.
    """

    token: str
    went: int
    came: int
    counted: int | None


class Allowance(msgspec.Struct, frozen=True):
    """What a spender may take of the wallet's tokens afterwards.

    Attributes:
        before, after: in the token's smallest unit; None: everything, as an operator of all its tokens.
    """

    token: str
    spender: str
    before: int | None
    after: int | None


class Changes(msgspec.Struct, frozen=True):
    """All that one transaction would change of the wallet; tokens that have no amounts stand apart.

    Attributes:
        uniques_went: contracts whose non-fungible tokens, or tokens by id, would leave.
    """

    assets: tuple[Change, ...]
    allowances: tuple[Allowance, ...]
    uniques_went: tuple[str, ...] = ()


class Declared(msgspec.Struct, frozen=True):
    """What an intent says that its transaction does; everything else is refused.

    Attributes:
        gives, gives_max: what leaves, and how much at most; an empty token: nothing.
        takes, takes_min: what comes, and how much at least; an empty token: nothing.
        spender: whose allowance the transaction may use up or set.
        allows: exactly what `allows_token` lets `spender` take afterwards; None: no allowance is set.
    """

    gives: str = ""
    gives_max: int = 0
    takes: str = ""
    takes_min: int = 0
    spender: str = ""
    allows_token: str = ""
    allows: int | None = None


def judge(changes: Changes, declared: Declared) -> Refusal | None:
    """Return why a transaction may not be signed for what it would do, or None."""
    return next(_refusals(changes, declared), None)


def _refusals(changes: Changes, declared: Declared) -> Iterator[Refusal]:
    for change in changes.assets:
        if refusal := _lie(change, declared):
            yield refusal
    for contract in changes.uniques_went:
        yield _unsaid(contract, 1, "a token by id")
    for change in changes.assets:
        limit = declared.gives_max if change.token == declared.gives else 0
        if change.went > limit:
            yield _unsaid(change.token, change.went, "more than was said", limit)
    if declared.takes:
        came = sum(change.came for change in changes.assets if change.token == declared.takes)
        if came < declared.takes_min:
            yield Refusal(
                "simulation.brings-too-little",
                f"it would bring less of {declared.takes} than the intent enforces",
                limit=str(declared.takes_min),
                observed=str(came),
                unit="smallest unit",
            )
    yield from _allowance_refusals(changes, declared)


def _lie(change: Change, declared: Declared) -> Refusal | None:
    """Return that transfers and balances disagree; of what leaves unseen, too."""
    told = change.came - change.went
    if change.counted is None:
        if change.went or change.token in {declared.gives, declared.takes}:
            return Refusal(
                "simulation.balance-unknown", f"{change.token}: the wallet's balance could not be read"
            )
        return None
    if change.counted == told:
        return None
    return Refusal(
        "simulation.token-lies",
        f"{change.token}: its transfers and the wallet's balance disagree",
        limit=str(told),
        observed=str(change.counted),
        unit="smallest unit",
    )


def _allowance_refusals(changes: Changes, declared: Declared) -> Iterator[Refusal]:
    expected = (declared.allows_token, declared.spender)
    found = False
    for each in changes.allowances:
        if declared.allows is not None and (each.token, each.spender) == expected:
            found = True
            if each.after != declared.allows:
                yield _allowance(each, declared.allows)
        elif raised(each):
            yield _allowance(each, each.before or 0)
    if declared.allows is not None and not found:
        nothing = Allowance(declared.allows_token, declared.spender, 0, 0)
        yield _allowance(nothing, declared.allows)


def raised(each: Allowance) -> bool:
    """Tell whether a spender may take more afterwards than before."""
    if each.after is None:
        return each.before is not None
    return each.before is not None and each.after > each.before


def _allowance(each: Allowance, limit: int) -> Refusal:
    observed = "all" if each.after is None else str(each.after)
    return Refusal(
        "simulation.allowance",
        f"it would leave {each.spender} another allowance of {each.token} than was said",
        limit=str(limit),
        observed=observed,
        unit="smallest unit",
    )


def _unsaid(token: str, observed: int, what: str, limit: int = 0) -> Refusal:
    return Refusal(
        "simulation.takes-too-much",
        f"{token}: {what} would leave the wallet",
        limit=str(limit),
        observed=str(observed),
        unit="smallest unit",
    )


def went(changes: Changes, token: str) -> int:
    """Return how much of a token would leave, in its smallest unit, by transfer or balance, the worse."""
    return max(
        (
            max(each.went, each.came - each.counted if each.counted is not None else 0)
            for each in changes.assets
            if each.token == token
        ),
        default=0,
    )


def came(changes: Changes, token: str) -> int:
    """Return how much of a token would come, by transfer or balance, the worse."""
    return min(
        (
            each.came if each.counted is None else min(each.came, each.counted + each.went)
            for each in changes.assets
            if each.token == token
        ),
        default=0,
    )


def spend_wei(changes: Changes, worth: Callable[[str, int], int | None]) -> int | Refusal:
    """Return what all that would leave is worth, in wei; a refusal where a token cannot be valued.

    Args:
        changes: of a transaction to any contract.
        worth: of a token and an amount, the wei that selling it would bring; None: nobody can tell.
    """
    total_wei = 0
    for each in changes.assets:
        amount = went(changes, each.token)
        if not amount:
            continue
        value_wei = worth(each.token, amount)
        if value_wei is None:
            return Refusal(
                "simulation.unvalued",
                f"{each.token}: nobody can tell what it is worth, and it would leave the wallet",
                observed=str(amount),
                unit="smallest unit",
            )
        total_wei += value_wei
    return total_wei

"""How a proposal is made, and how one that comes out of a strategy is checked before anything is done."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from warden.domain.amm import RESERVE_MAX, Token
from warden.domain.intents import Proposal, Swap
from warden.domain.modes import Action
from warden.domain.money import Wei

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH_TOKENS_MAX: Final = 8
VALID_BLOCKS_MAX: Final = 100
NOTE_CHARACTERS_MAX: Final = 200
_TOKENS_MIN: Final = 2
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class ProposalInvalid(ValueError):
    """What a strategy said is not a proposal; the text says why in one line, without values."""


def swap(
    path: Sequence[Token | str],
    amount_in: int,
    min_amount_out: int,
    *,
    action: Action = Action.OPEN,
    valid_blocks: int = 2,
    expected_profit_wei: int = 0,
    note: str = "",
) -> Proposal:
    """Return the proposal to swap along `path`.

    Args:
        path: tokens or their addresses, first sold, last bought.
        amount_in: of the first, in its smallest unit.
        min_amount_out: of the last; the chain undoes the trade below it.
        action: what it does to the exposure.
        valid_blocks: how many blocks after this one it may still be mined, 1 to 100.
        expected_profit_wei: what you expect; Warden records it and never believes it.
        note: one line for the operator.
    """
    addresses = tuple(each.address if isinstance(each, Token) else each for each in path)
    return Proposal(
        swap=Swap(path=addresses, amount_in=Wei(amount_in), min_amount_out=Wei(min_amount_out)),
        action=action,
        valid_blocks=valid_blocks,
        expected_profit_wei=Wei(expected_profit_wei),
        note=note,
    )


def checked(said: object) -> Proposal:
    """Return what a strategy said as a proposal of our own making, every field of the right type and range.

    Raises:
        ProposalInvalid: it is not one.
    """
    if type(said) is not Proposal:
        raise ProposalInvalid(f"a {type(said).__name__} is not a Proposal")
    trade = said.swap
    if type(trade) is not Swap:
        raise ProposalInvalid(f"swap: a {type(trade).__name__} is not a Swap")
    if not isinstance(said.action, Action):
        raise ProposalInvalid(f"action: a {type(said.action).__name__} is not an Action")
    if not isinstance(said.note, str) or len(said.note) > NOTE_CHARACTERS_MAX:
        raise ProposalInvalid(f"note: text of at most {NOTE_CHARACTERS_MAX} characters is wanted")
    return Proposal(
        swap=Swap(
            path=_path(trade.path),
            amount_in=Wei(_whole("amount_in", trade.amount_in, 1, RESERVE_MAX)),
            min_amount_out=Wei(_whole("min_amount_out", trade.min_amount_out, 1, RESERVE_MAX)),
        ),
        action=said.action,
        valid_blocks=_whole("valid_blocks", said.valid_blocks, 1, VALID_BLOCKS_MAX),
        expected_profit_wei=Wei(
            _whole("expected_profit_wei", said.expected_profit_wei, -RESERVE_MAX, RESERVE_MAX)
        ),
        note=" ".join(said.note.split()),
    )


def _path(said: object) -> tuple[str, ...]:
    if not isinstance(said, tuple | list) or not _TOKENS_MIN <= len(said) <= PATH_TOKENS_MAX:
        raise ProposalInvalid(f"path: {_TOKENS_MIN} to {PATH_TOKENS_MAX} token addresses are wanted")
    for each in said:
        if not isinstance(each, str) or not _ADDRESS.fullmatch(each):
            raise ProposalInvalid("path: a token address is 0x and 40 hex digits")
    if any(one.lower() == other.lower() for one, other in pairwise(said)):
        raise ProposalInvalid("path: a token follows itself")
    return tuple(str(each) for each in said)


def _whole(field: str, said: object, least: int, most: int) -> int:
    """Return a whole number within its range; a bool or a float is none."""
    if not isinstance(said, int) or isinstance(said, bool):
        raise ProposalInvalid(f"{field}: a {type(said).__name__} is not a whole number")
    if not least <= said <= most:
        raise ProposalInvalid(f"{field}: out of its range")
    return int(said)

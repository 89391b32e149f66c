"""How a proposal is made, and how one that comes out of a strategy is checked before anything is done."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from warden.domain.amm import RESERVE_MAX, Token
from warden.domain.intents import Proposal, Swap
from warden.domain.modes import Action
from warden.domain.money import BPS_ONE, Wei

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH_TOKENS_MAX: Final = 8
VALID_BLOCKS_MAX: Final = 100
NOTE_CHARACTERS_MAX: Final = 200
_TOKENS_MIN: Final = 2
STOP_LOSS_BPS_MAX: Final = 5_000
TAKE_PROFIT_BPS_MAX: Final = 10_000_000
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_WHALE: Final = _ADDRESS
_POSITION: Final = re.compile(r"[0-9a-f]{32}")
_KIND_CHARACTERS_MAX: Final = 80
# Not `type(x).__name__`, which a metaclass of the user's may answer.
_NAME: Final = type.__dict__["__name__"]


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
    shrinks: bool = False,
    whale: str = "",
    position: str = "",
    stop_loss_bps: int | None = None,
    take_profit_bps: int | None = None,
    trailing_bps: int | None = None,
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
        shrinks: a smaller size would do, with the same profit enforced; else a limit refuses it as a whole.
        whale: address of the wallet that it follows, if any.
        position: of a sale, the position that it is taken from; empty: your oldest in that token.
        stop_loss_bps: of the position that it opens, 1 to 5,000; None: as for all positions.
        take_profit_bps: the same, from 1.
        trailing_bps: the same, 1 to 10,000.
    """
    addresses = tuple(each.address if isinstance(each, Token) else each for each in path)
    return Proposal(
        swap=Swap(path=addresses, amount_in=Wei(amount_in), min_amount_out=Wei(min_amount_out)),
        action=action,
        valid_blocks=valid_blocks,
        expected_profit_wei=Wei(expected_profit_wei),
        note=note,
        shrinks=shrinks,
        whale=whale,
        position=position,
        stop_loss_bps=stop_loss_bps,
        take_profit_bps=take_profit_bps,
        trailing_bps=trailing_bps,
    )


def checked(said: object) -> Proposal:
    """Return what a strategy said as a proposal of our own making, every field of the right type and range.

    Nothing of the user's is called: a class derived from int or str may answer every question as it likes,
    so the plain value within is taken.

    Raises:
        ProposalInvalid: it is not one.
    """
    if type(said) is not Proposal:
        raise ProposalInvalid(f"{an(said)} is not a Proposal")
    trade = said.swap
    if type(trade) is not Swap:
        raise ProposalInvalid(f"swap: {an(trade)} is not a Swap")
    if type(said.action) is not Action:
        raise ProposalInvalid(f"action: {an(said.action)} is not an Action")
    note = _plain(said.note)
    if note is None or len(note) > NOTE_CHARACTERS_MAX:
        raise ProposalInvalid(f"note: text of at most {NOTE_CHARACTERS_MAX} characters is wanted")
    if type(said.shrinks) is not bool:
        raise ProposalInvalid(f"shrinks: {an(said.shrinks)} is neither True nor False")
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
        note=" ".join(_printable(note).split()),
        shrinks=said.shrinks,
        whale=_matching("whale", said.whale, _WHALE),
        position=_matching("position", said.position, _POSITION),
        stop_loss_bps=_share("stop_loss_bps", said.stop_loss_bps, STOP_LOSS_BPS_MAX),
        take_profit_bps=_share("take_profit_bps", said.take_profit_bps, TAKE_PROFIT_BPS_MAX),
        trailing_bps=_share("trailing_bps", said.trailing_bps, BPS_ONE),
    )


def an(said: object) -> str:
    """Return what kind of thing something is, in words; its class is the user's own and may lie or raise."""
    name: str = _NAME.__get__(type(said))
    return f"{'an' if name[:1].lower() in set('aeiou') else 'a'} {_printable(name[:_KIND_CHARACTERS_MAX])}"


def _printable(text: str) -> str:
    """Return text without control characters and lone surrogates, which no line of a log can hold."""
    return "".join(each if each.isprintable() else " " for each in text)


def _path(said: object) -> tuple[str, ...]:
    if (type(said) is not tuple and type(said) is not list) or not _TOKENS_MIN <= len(
        said
    ) <= PATH_TOKENS_MAX:
        raise ProposalInvalid(f"path: {_TOKENS_MIN} to {PATH_TOKENS_MAX} token addresses are wanted")
    path = tuple(text for text in map(_plain, said) if text is not None and _ADDRESS.fullmatch(text))
    if len(path) < len(said):
        raise ProposalInvalid("path: a token address is 0x and 40 hex digits")
    if any(one.lower() == other.lower() for one, other in pairwise(path)):
        raise ProposalInvalid("path: a token follows itself")
    return path


def _whole(field: str, said: object, least: int, most: int) -> int:
    """Return a whole number within its range; a bool or a float is none."""
    if not issubclass(type(said), int) or type(said) is bool:
        raise ProposalInvalid(f"{field}: {an(said)} is not a whole number")
    number = int.__int__(said)  # type: ignore[arg-type] # it was just seen to be one
    if not least <= number <= most:
        raise ProposalInvalid(f"{field}: out of its range")
    return number


def _matching(field: str, said: object, form: re.Pattern[str]) -> str:
    text = _plain(said)
    if text is None or (text and not form.fullmatch(text)):
        raise ProposalInvalid(f"{field}: not of the form that it has")
    return text


def _share(field: str, said: object, most: int) -> int | None:
    return None if said is None else _whole(field, said, 1, most)


def _plain(said: object) -> str | None:
    """Return text as plain text, None when it is none."""
    return str.__str__(said) if issubclass(type(said), str) else None

"""How many bad outcomes came in a row, in a form from which a reorg can take any recent one back.

Only what is remembered can be taken back: the last `REMEMBERED` outcomes, far more than a reorg reaches.
A limit on a row must stay below that number.
"""

from __future__ import annotations

from typing import Final

import msgspec

REMEMBERED: Final = 64


class Streak(msgspec.Struct, frozen=True):
    """The row that goes on now; `recent` has the last outcomes as (key, bad), oldest first."""

    length: int = 0
    recent: tuple[tuple[str, bool], ...] = ()


EMPTY: Final = Streak()


def add(streak: Streak, key: str, *, bad: bool) -> Streak:
    """Return the streak after one more outcome: a bad one lengthens the row, a good one ends it."""
    recent = (*streak.recent, (key, bad))[-REMEMBERED:]
    return Streak(streak.length + 1 if bad else 0, recent)


def without(streak: Streak, key: str) -> Streak:
    """Return the streak as if an outcome had not been; itself when it is not remembered."""
    index = next((at for at, (held, _) in enumerate(streak.recent) if held == key), None)
    if index is None:
        return streak
    recent = streak.recent[:index] + streak.recent[index + 1 :]
    # What the row had before everything that is remembered.
    older = streak.length - _trailing(streak.recent)
    row = _trailing(recent)
    return Streak(row + older if row == len(recent) else row, recent)


def _trailing(recent: tuple[tuple[str, bool], ...]) -> int:
    row = 0
    for _, bad in reversed(recent):
        if not bad:
            break
        row += 1
    return row

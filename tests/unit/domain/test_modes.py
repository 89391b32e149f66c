"""What each mode allows."""

from __future__ import annotations

import itertools

import pytest

from warden.domain.modes import ALLOWED, SCREEN_WORD, Action, Mode, allows


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [
        (Mode.AGGRESSIVE, {Action.OPEN, Action.REDUCE, Action.CANCEL}),
        (Mode.REDUCE_ONLY, {Action.REDUCE, Action.CANCEL}),
        (Mode.OBSERVE_ONLY, {Action.CANCEL}),
        (Mode.SHUTDOWN, set()),
    ],
)
def test_the_table_of_modes(mode: Mode, allowed: set[Action]) -> None:
    """Each mode, written out by hand (FS4)."""
    assert {action for action in Action if allows(mode, action)} == allowed


def test_a_lower_mode_never_allows_more() -> None:
    """So `min` is the safer of two modes (FS4)."""
    for low, high in itertools.pairwise(sorted(Mode)):
        assert ALLOWED[low] < ALLOWED[high]


def test_every_mode_has_a_word_of_its_own() -> None:
    """The screen can't show two modes alike (CO3)."""
    assert len(set(SCREEN_WORD.values())) == len(Mode) == len(SCREEN_WORD)

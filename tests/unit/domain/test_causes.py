"""The table of causes: whole, honest, and the same in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from warden.domain import causes
from warden.domain.causes import RULES, Cause, LiftedBy
from warden.domain.modes import Mode

_PAGE = Path(__file__).parents[3] / "docs" / "modes.md"


def test_every_cause_has_a_rule() -> None:
    """No cause stands without saying what it does and who lifts it."""
    assert set(RULES) == set(Cause)


def test_the_page_is_what_the_table_says() -> None:
    """docs/modes.md is made from the table; `python -m warden.domain.causes > docs/modes.md` renews it."""
    assert _PAGE.read_text(encoding="utf-8") == causes.markdown()


def test_a_stop_an_unreadable_directory_and_a_broken_journal_leave_no_permit() -> None:
    """I5, I7: these are not modes with less leave, they are no leave."""
    without = {cause for cause, rule in RULES.items() if not rule.permits}
    assert without == {
        Cause.STOP,
        Cause.STOP_DIRECTORY,
        Cause.JOURNAL_BROKEN,
        Cause.ORDERED_SHUTDOWN,
        Cause.FAILSAFE,
    }


@pytest.mark.parametrize("cause", [Cause.TRADER_LOST, Cause.TRADER_LIVELOCKED, Cause.TRADER_ENDED])
def test_without_a_trader_positions_may_still_be_reduced(cause: Cause) -> None:
    """HM4: a dead trader leaves REDUCE_ONLY with positions open, OBSERVE_ONLY without."""
    assert RULES[cause].ceiling(positions=1) is Mode.REDUCE_ONLY
    assert RULES[cause].ceiling(positions=0) is Mode.OBSERVE_ONLY


def test_only_what_lowers_nothing_lifts_without_a_bound() -> None:
    """I7: a death lifts within a budget or by an operator, unless it lowered nothing."""
    free = {cause for cause, rule in RULES.items() if rule.lifted_by is LiftedBy.ITSELF}
    deaths = {cause for cause in free if cause.endswith(("lost", "livelocked", "unclean"))}
    assert all(RULES[cause].flat is Mode.AGGRESSIVE for cause in deaths)

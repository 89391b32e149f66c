"""One table of stop steps for code and page."""

from __future__ import annotations

from pathlib import Path

from warden.domain.stop_steps import CLEANUP, OWN_FIRST, OWN_LAST, STEPS, markdown

_PAGE = Path(__file__).parents[3] / "docs" / "stop-steps.md"


def test_the_page_is_the_table() -> None:
    """docs/stop-steps.md is made from it: `python -m warden.domain.stop_steps > docs/stop-steps.md`."""
    assert _PAGE.read_text(encoding="utf-8") == markdown()


def test_nothing_of_an_operators_own_comes_before_the_stop_itself() -> None:
    """ES3: record and tell-executor stand before every number that an own step may have, the report after."""
    by_name = {each.name: each.priority for each in STEPS}
    assert max(by_name["record"], by_name["tell-executor"]) < OWN_FIRST
    assert OWN_FIRST < CLEANUP == by_name["cancel"] < by_name["flatten"] < OWN_LAST < by_name["report"]
    assert [each.priority for each in STEPS] == sorted(each.priority for each in STEPS)

"""The table of kinds."""

from __future__ import annotations

from pathlib import Path

from tests.unit.notifier.samples import event
from warden.notifier.rules import GENERIC, RULES, markdown, recommended_action, rule_for, runbook_for

PAGE = Path(__file__).parents[3] / "docs" / "alerts.md"


def test_the_page_is_made_from_the_table() -> None:
    """docs/alerts.md and the code say the same."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_a_family_of_kinds_shares_a_rule() -> None:
    """`lapse.` stands for every kind that begins so, and nothing else does."""
    assert rule_for("lapse.healed") is RULES["lapse."]
    assert rule_for("lapse") is RULES["lapse."]
    assert rule_for("lapsed.x") is GENERIC


def test_an_event_may_name_its_own_runbook() -> None:
    """What an event names goes before the table, unless it is no reference at all."""
    assert runbook_for(event("endpoint.failing", runbook="key-rotation")) == "key-rotation"
    assert runbook_for(event("stop.seen", runbook="../../etc/passwd")) == "emergency-stop"


def test_a_lost_process_has_a_section_of_its_own() -> None:
    """The runbook opens where the lost process is treated; one that is not named opens at the top."""
    assert runbook_for(event("process.lost", process="gateway")) == "process-lost#gateway"
    assert runbook_for(event("process.lost", process="<script>")) == "process-lost"


def test_the_action_names_file_and_section() -> None:
    """AL2: the recommended action can be followed without knowing Warden."""
    assert recommended_action("startup") == "open runbooks/startup.md"
    assert recommended_action("a-b#c-d") == "open runbooks/a-b.md, section 'c d'"

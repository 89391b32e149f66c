"""The table of kinds."""

from __future__ import annotations

from pathlib import Path

from tests.unit.notifier.samples import event
from warden.notifier.meanings import GENERIC, RULES
from warden.notifier.rules import (
    is_routine,
    lost_process,
    markdown,
    recommended_action,
    rule_for,
    runbook_for,
)

PAGE = Path(__file__).parents[3] / "docs" / "alerts.md"


def test_the_page_is_made_from_the_table() -> None:
    """docs/alerts.md and the code say the same."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_a_family_of_kinds_shares_a_rule() -> None:
    """A kind is found by itself, by its last word for any process, then by its first."""
    assert rule_for("trade.reverted") is RULES["trade.reverted"]
    assert rule_for("trade.odd") is RULES["trade.*"]
    assert rule_for("gateway.lost") is RULES["*.lost"]
    assert rule_for("lapsed.x") is GENERIC


def test_the_gateways_own_name_adds_nothing() -> None:
    """Its events are found with their origin before them, and with underscores."""
    assert rule_for("gateway.endpoint.failing") is RULES["endpoint.failing"]
    assert rule_for("gateway.no_endpoint") is RULES["no-endpoint"]


def test_routine_is_told_by_kind() -> None:
    """AL6: blocked trades, ordered ends and the mode that follows from a cause alert nobody."""
    routine = [kind for kind in ("decision.refused", "mode.lowered", "logger.ended") if is_routine(kind)]
    alarming = [kind for kind in ("mode.tripped", "logger.lost", "trade.reverted") if is_routine(kind)]
    assert (len(routine), alarming) == (3, [])


def test_an_event_may_name_its_own_section() -> None:
    """A section goes before the table; a whole page only where the table has nothing; no reference, never."""
    assert runbook_for(event("stop.seen", runbook="startup#checks")) == "startup#checks"
    assert runbook_for(event("endpoint.failing", runbook="startup")) == RULES["endpoint.failing"].runbook
    assert runbook_for(event("never.heard-of", runbook="key-rotation")) == "key-rotation"
    assert runbook_for(event("never.heard-of", runbook="../../etc/passwd")) == GENERIC.runbook


def test_a_lost_process_has_a_section_of_its_own() -> None:
    """The runbook opens where the lost process is treated; one that is not named opens at the top."""
    assert runbook_for(event("trader.lost")) == "process-lost#trader"
    assert runbook_for(event("process.lost", process="gateway")) == "process-lost#gateway"
    assert runbook_for(event("process.lost", process="<script>")) == "process-lost"
    assert lost_process(event("trader.returned")) == ""


def test_the_action_names_file_and_section() -> None:
    """AL2: the recommended action can be followed without knowing Warden."""
    assert recommended_action("startup") == "open runbooks/startup.md"
    assert recommended_action("a-b#c-d") == "open runbooks/a-b.md, section 'c d'"

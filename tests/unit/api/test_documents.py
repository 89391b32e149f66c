"""The JSON answers."""

from __future__ import annotations

import json

from tests.unit.api.samples import NOW, S, state
from warden.api import documents
from warden.wire.codec import to_json


def test_health_answers_with_its_code() -> None:
    """OB5, HM2: 200 when healthy, 503 when not, with the reason; the score beside it."""
    code, document = documents.health(state(), NOW)
    assert (code, document["health"], document["health_score"]) == (200, "HEALTHY", 0.9625)
    code, document = documents.health(state(), NOW + 9 * S)
    assert code == 503
    assert document["problems"] == ("the watchdog is not heard",)
    assert (document["environment"], document["health"], document["health_score"]) == (None, None, None)


def test_status_lists_processes_stops_and_ages() -> None:
    """OB5: everything current, and the age of what was heard; null for what was never heard."""
    document = json.loads(to_json(documents.status(state(), NOW + S)))
    assert [each["name"] for each in document["processes"]][:2] == ["executor", "gateway"]
    assert document["stops"] == []
    assert [each["status"] for each in document["components"]] == ["HEALTHY", "DEGRADED"]
    assert document["telemetry_age_ms"]["trader"] == 1_000
    assert document["telemetry_age_ms"]["devnet"] is None


def test_stale_lists_are_null() -> None:
    """I10: without a current watchdog there is no list of processes, and not an empty one either."""
    document = documents.status(state(), NOW + 9 * S)
    assert (document["processes"], document["stops"], document["components"]) == (None, None, None)


def test_uptime_is_the_apis_own_and_each_sessions() -> None:
    """OB5: seconds since the api began; since a session was first heard; null when it is not heard."""
    document = documents.uptime(state(), NOW + S)
    assert document["uptime_s"] == 51
    assert document["sessions_heard_for_s"]["watchdog"] == 1
    assert documents.uptime(state(), NOW + 9 * S)["sessions_heard_for_s"]["watchdog"] is None


def test_last_snapshot_is_honest_about_having_none() -> None:
    """OB5: no snapshot is taken yet: null, beside the heads of the journals."""
    document = json.loads(to_json(documents.last_snapshot(state(), NOW)))
    assert (document["snapshot"], document["taken_at"]) == (None, None)
    assert document["journals"] == [
        {"journal": "executor", "rows": 9, "hash": "cd"},
        {"journal": "watchdog", "rows": 3, "hash": "ab"},
    ]
    assert documents.last_snapshot(state(), NOW + 9 * S)["journals"] is None

"""Which path answers what."""

from __future__ import annotations

import json

import pytest

from tests.unit.api.samples import NOW, state
from warden.api.pages import PAGES, answer


def test_every_promised_path_answers() -> None:
    """OB5: six paths, each 200 on a healthy system."""
    codes = {path: answer(state(), "GET", path, 1, NOW).status for path in PAGES}
    assert codes == dict.fromkeys(
        [
            "/health",
            "/metrics",
            "/api/health",
            "/api/health/status",
            "/api/health/uptime",
            "/api/health/last_snapshot",
        ],
        200,
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
def test_only_get_is_answered(method: str) -> None:
    """OB5: GET-only, on known and unknown paths alike."""
    for path in ("/health", "/nowhere"):
        found = answer(state(), method, path, 1, NOW)
        assert (found.status, found.allow) == (405, "GET")


@pytest.mark.parametrize("path", ["/", "/health/", "/api", "/../etc/passwd", "/metrics%00", ""])
def test_an_unknown_path_is_404_in_json(path: str) -> None:
    """What is not there is said in JSON, with what is."""
    found = answer(state(), "GET", path, 1, NOW)
    assert found.status == 404
    assert json.loads(found.body)["paths"] == sorted(PAGES)

"""A component of health as plain values, the same for `--json`, the api and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warden.domain.money import BPS_ONE

if TYPE_CHECKING:
    from warden.domain.health import CheckLine


def component_json(line: CheckLine) -> dict[str, Any]:
    """Return name, status, what was found, its limit, the mend, and its share of the score (0 to 1)."""
    return {
        "name": line.name,
        "status": line.status.value,
        "found": line.found,
        "limit": line.limit,
        "mend": line.mend,
        "leaves": line.leaves_bps / BPS_ONE,
        "age_ms": line.age_ms,
        "latency_us": line.latency_us,
    }

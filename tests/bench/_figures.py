"""Percentiles of measured times, and how a benchmark prints its figures."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that `share` (0 to 1) of them do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1)], 3)


def spread(values: Sequence[float], name: str, unit: str) -> dict[str, float | None]:
    """Return p50, p99 and max as `<name>p50_<unit>` and so on; `name` ends with "_" or is empty."""
    return {
        f"{name}p50_{unit}": percentile(values, 0.5),
        f"{name}p99_{unit}": percentile(values, 0.99),
        f"{name}max_{unit}": percentile(values, 1.0),
    }


def show(figures: Mapping[str, object], *, only_json: bool) -> None:
    """Print a line for each figure, then all of them as one JSON object on the last line."""
    if not only_json:
        for name, value in figures.items():
            sys.stdout.write(f"{name:28s} {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")

"""Of which transactions it is simulated what they would do: `execution.simulate` (EX11)."""

from __future__ import annotations

from enum import StrEnum


class Simulating(StrEnum):
    """Of which transactions the asset changes are simulated and judged."""

    ALWAYS = "always"
    UNKNOWN = "unknown"
    NEVER = "never"

"""The mark of a test that shows what comes of a fault: `@fault("trader-killed")` (docs/faults.toml)."""

from __future__ import annotations

import pytest


def fault(*names: str) -> pytest.MarkDecorator:
    """Return the mark that says which faults of docs/faults.toml a test brings about.

    docs/faults.md is made from these. The names are written out: they are read without running anything.
    """
    return pytest.mark.fault(*names)

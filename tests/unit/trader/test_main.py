"""What the trader's process carries."""

from __future__ import annotations

import subprocess
import sys

from tests.instance import REPOSITORY

HEAVY = ("web3", "eth_account", "eth_abi", "pydantic", "aiohttp", "coincurve", "apsw")


def test_the_trader_imports_nothing_that_signs_or_weighs() -> None:
    """I8: nothing of keys, sends or journals is even loaded where a strategy runs."""
    code = f"import sys, warden.trader.main; print([m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert out.stdout.strip() == "[]"

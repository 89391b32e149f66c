"""What a test needs of the machine. What is lacking fails, by name: nothing is skipped in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.check.debian import PACKAGE_OF, where

ANVIL = (
    Path(__file__).resolve().parents[1] / ".setup/npm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
)


def need_tool(name: str) -> str:
    """The path of a program of the system; fails the test, naming the Debian package, without it."""
    found = where(name)
    if found is None:
        pytest.fail(f"this test needs {name}: apt-get install {PACKAGE_OF.get(name, name)}", pytrace=False)
    return found


def need_root() -> None:
    """Fail the test unless it runs as root."""
    if os.geteuid() != 0:
        pytest.fail("this test needs root: sudo scripts/test --system", pytrace=False)


def need_anvil() -> str:
    """The path of the chain node; fails the test when set-up has not fetched it."""
    if not os.access(ANVIL, os.X_OK):
        pytest.fail("this test needs the chain node: scripts/setup dev fetches it", pytrace=False)
    return str(ANVIL)

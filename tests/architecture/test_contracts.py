"""The import contracts: they hold, every package has its place in them, and each finds what breaks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT

# For each contract one import that breaks it: the file that it is added to, and the line.
VIOLATIONS = {
    "imports go one way, and processes are independent of one another": (
        "warden/trader/core.py",
        "import warden.executor",
    ),
    "nothing below the command line knows the console": ("warden/operator/view.py", "import console.model"),
    "within the executor each floor stands on those below": (
        "warden/executor/books/book.py",
        "import warden.executor.sends.gate",
    ),
    "the console sees only wire, domain and operator": ("console/model.py", "import warden.runtime.latch"),
    "the console reaches no process and no command": ("console/model.py", "import warden.watchdog"),
    "the command line makes the keystore, and reaches no process otherwise": (
        "warden/cli/up.py",
        "import warden.executor.core",
    ),
    "only executor, gateway and devnet may sign or encode transactions": (
        "warden/runtime/wallet.py",
        "import eth_account",
    ),
    "the command line has the key made, it does not touch it": ("warden/cli/up.py", "import eth_account"),
    "the api imports nothing that can trade or act": (
        "warden/api/pages.py",
        "import warden.operator.stopping",
    ),
    "the api writes neither stops nor journals": ("warden/api/pages.py", "import warden.runtime.latch"),
    "the domain is pure: no I/O, no clock, no chance": ("warden/domain/money.py", "import time"),
    "a strategy sees the domain only, and nothing that acts": (
        "warden/strategies/market.py",
        "import warden.wire.codec",
    ),
    "no process checks the configuration: each reads the frozen copy": (
        "warden/gateway/core.py",
        "import warden.runtime.settings_load",
    ),
    "the watchdog stays small": ("warden/watchdog/core.py", "import aiohttp"),
}


def configuration() -> dict[str, Any]:
    """Return the contracts as pyproject.toml has them."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["tool"]["importlinter"]
    return found


def broken_contracts(copy: Path) -> list[str]:
    """Run the linter over a copy of the code and return the contracts that do not hold there."""
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", result.stdout, re.MULTILINE))
    assert set(verdicts) == set(VIOLATIONS), result.stdout + result.stderr
    return [contract for contract, verdict in verdicts.items() if verdict == "BROKEN"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code that may be broken, and is mended after each test."""
    made = tmp_path_factory.mktemp("copy")
    for top in ("warden", "console"):
        shutil.copytree(ROOT / top, made / top, ignore=shutil.ignore_patterns("__pycache__", "npm"))
    shutil.copy(ROOT / "pyproject.toml", made)
    return made


def test_the_contracts_hold(copy: Path) -> None:
    """DESIGN, Layout: imports go one way, and nothing reaches what it must not."""
    assert broken_contracts(copy) == []


def test_each_contract_has_a_proof() -> None:
    """A contract without a violation that it finds may be one that finds nothing."""
    assert [each["name"] for each in configuration()["contracts"]] == list(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_broken_contract_is_found(copy: Path, contract: str) -> None:
    """Each contract finds the import that breaks it."""
    file, line = VIOLATIONS[contract]
    whole = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(f"{whole}\n{line}\n", encoding="utf-8")
    try:
        assert contract in broken_contracts(copy)
    finally:
        (copy / file).write_text(whole, encoding="utf-8")


def test_every_package_has_its_place() -> None:
    """The layers name every package below warden/, so that none escapes; and they say that they do."""
    (layers,) = [each for each in configuration()["contracts"] if "exhaustive" in each]
    named = {word for layer in layers["layers"] for word in re.split(r"\s*\|\s*", layer)}
    assert layers["type"] == "layers"
    packages = {path.parent.name for path in (ROOT / "warden").glob("*/__init__.py")}
    assert packages - named == set()
    assert layers["exhaustive"] is True

"""What decides is pure: it reads no clock, draws no lots, and touches nothing outside."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.architecture.source import calls, name, python_files, tree, where

if TYPE_CHECKING:
    from pathlib import Path

CLOCKS: Final = frozenset(
    f"time.{word}{unit}"
    for word in ("time", "monotonic", "perf_counter", "process_time", "clock_gettime", "sleep")
    for unit in ("", "_ns")
) | {
    f"{prefix}{word}"
    for prefix in ("datetime.", "datetime.datetime.", "date.", "datetime.date.")
    for word in ("now", "utcnow", "today")
}
# A seeded `random.Random` is as good as an argument; the module's own generator is not.
LOTS: Final = frozenset(
    {"random.random", "random.randint", "random.choice", "random.uniform", "random.shuffle"}
)
OUTSIDE: Final = frozenset(
    {
        "aiohttp",
        "apsw",
        "asyncio",
        "os",
        "secrets",
        "select",
        "signal",
        "socket",
        "subprocess",
        "threading",
        "time",
        "uvloop",
        "zmq",
    }
)


def pure_files() -> list[Path]:
    """Return the domain, every core.py, and every module whose docstring says that it is pure."""
    found = []
    for path in python_files("warden", "console"):
        text = ast.get_docstring(tree(path)) or ""
        if name(path).startswith("warden/domain/") or path.name == "core.py" or "Pure." in text:
            found.append(path)
    return found


def test_what_decides_reads_no_clock_and_draws_no_lots() -> None:
    """Time and chance come in as arguments, so that a test and a backtest can set them."""
    offences = [
        where(path, node) for path in pure_files() for node, called in calls(path) if called in CLOCKS | LOTS
    ]
    assert offences == []


def test_what_decides_imports_nothing_that_acts() -> None:
    """No socket, thread, file, process or lot within `(state, event, now) -> commands`."""
    offences = []
    for path in pure_files():
        for node in ast.walk(tree(path)):
            modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            offences += [where(path, node) for each in modules if each.partition(".")[0] in OUTSIDE]
    assert offences == []


def test_every_process_has_a_pure_core() -> None:
    """The rule above has something to hold on to."""
    found = {name(path) for path in pure_files() if path.name == "core.py"}
    assert {
        f"warden/{each}/core.py"
        for each in ("api", "executor", "gateway", "logger", "notifier", "trader", "watchdog")
    } <= found

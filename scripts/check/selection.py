"""pytest plugin of `scripts/test`: leaves system tests out unless asked, and carries failed stages along.

A plain `pytest` runs every test. `scripts/test` promises to pass as an ordinary user on a bare machine, so it
leaves out what needs more, and says how many that were: nothing is skipped in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

# Options, not environment variables: those would reach the processes under test.
FAILED_STAGES = "--failed-stages"
WITH_SYSTEM = "--with-system"
left_out = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the two options that `scripts/test` gives."""
    group = parser.getgroup("scripts/test")
    group.addoption(WITH_SYSTEM, action="store_true", help="run tests marked system too")
    group.addoption(FAILED_STAGES, default="", help="names of stages that failed before")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `system`, unless `WITH_SYSTEM` is set."""
    if config.getoption(WITH_SYSTEM):
        return
    dropped = [item for item in items if item.get_closest_marker("system")]
    items[:] = [item for item in items if item not in set(dropped)]
    config.stash[left_out] = len(dropped)
    if dropped:
        config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session whose tests passed when an earlier stage failed."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        # One of several processes that share the tests: the one that started it counts and judges.
        output["left_out"] = session.config.stash.get(left_out, 0)
        return
    if session.config.getoption(FAILED_STAGES) and session.exitstatus in (pytest.ExitCode.OK, 0):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist ships no types for it
    """Take over how many tests a worker left out: each of them has seen all tests."""
    told = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[left_out] = max(told, node.config.stash.get(left_out, 0))


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Say before the last line what else belongs to the result."""
    count = config.stash.get(left_out, 0)
    if count:
        terminalreporter.write_line(
            f"{count} tests marked system were not run: they need root or a tool of the system "
            "(scripts/test --system runs them)"
        )
    if failed := config.getoption(FAILED_STAGES):
        terminalreporter.write_line(f"FAILED before the tests: {failed} (their output is above)", red=True)

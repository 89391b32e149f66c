"""The table of log files."""

from __future__ import annotations

from warden.logger.files import POLICY, LogFile


def test_sizes_and_counts_are_those_promised() -> None:
    """OB1: main 100 MB x 10, error 50 MB x 10, trade_audit 100 MB x 10, performance 50 MB x 5."""
    assert {
        file.value: (POLICY[file].rotate_at_bytes // 10**6, POLICY[file].files)
        for file in (LogFile.MAIN, LogFile.ERROR, LogFile.TRADE_AUDIT, LogFile.PERFORMANCE)
    } == {
        "main.log": (100, 10),
        "error.log": (50, 10),
        "trade_audit.log": (100, 10),
        "performance.log": (50, 5),
    }


def test_every_file_has_a_policy() -> None:
    """No file grows without a bound."""
    assert set(POLICY) == set(LogFile)

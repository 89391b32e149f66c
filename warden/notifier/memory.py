"""Alerts survive a restart of the notifier: rows of its own journal, `state/notifier.db`.

It goes on alerting without it: a full disk is exactly when alerts are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.errors import JournalBroken
from warden.notifier.alerts import Alert
from warden.runtime import journal
from warden.wire.codec import Undecodable, from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.clock import Clock

_KIND: Final = "alert"
# An alert takes some ten rows at most (one per doubling of its count): enough for the thousand that are kept.
_ROWS_READ_MAX: Final = 5_000


class Memory:
    """The notifier's state on disk; `error` says why nothing is remembered, empty while all is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._journal: journal.Journal | None = None
        self._error = ""
        self.alerts: list[Alert] = []
        try:
            self._journal = journal.Journal(path, clock)
            first = max(0, self._journal.head.rows - _ROWS_READ_MAX)
            self.alerts = [
                from_json(row.body, Alert) for row in journal.read(path, first) if row.kind == _KIND
            ]
        except (JournalBroken, Undecodable) as error:
            self._error = str(error)

    @property
    def error(self) -> str:
        """Why nothing is remembered."""
        return self._error or (self._journal.error if self._journal is not None else None) or ""

    def remember(self, alert: Alert) -> None:
        """Hand in one alert; it never waits, and `error` tells when it is in vain."""
        if self._journal is None or self.error:
            return
        try:
            self._journal.append(_KIND, to_json(alert))
        except JournalBroken as error:
            self._error = str(error)

    def close(self) -> None:
        """Write what waits; what cannot be written has been said by `error`."""
        if self._journal is None:
            return
        try:
            self._journal.close(timeout_s=5.0)
        except JournalBroken as error:
            self._error = str(error)

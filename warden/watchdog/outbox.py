"""The commands of one step, in order; rows are numbered here, so that the core can wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warden.watchdog.commands import Command, Notice, WriteRow

if TYPE_CHECKING:
    from warden.wire.telemetry import Severity


class Outbox:
    """Collects commands.

    Args:
        rows: how many rows the journal holds already.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.synced = rows
        self.failed = ""
        self._commands: list[Command] = []

    def put(self, command: Command) -> None:
        """Add a command."""
        self._commands.append(command)

    def row(self, kind: str, **body: Any) -> int:  # noqa: ANN401 - a row's body is whatever its kind says
        """Add a journal row and return its number; on a broken journal it is lost, and never synced."""
        if self.failed:
            return self.rows + 1
        self.rows += 1
        self._commands.append(WriteRow(row=self.rows, kind=kind, body=body))
        return self.rows

    def notice(self, severity: Severity, kind: str, message: str, runbook: str = "", **data: str) -> None:
        """Add a line for logs and alerts."""
        self._commands.append(
            Notice(severity=severity, kind=kind, message=message, runbook=runbook, data=data)
        )

    def take(self) -> list[Command]:
        """Return what was collected and start anew."""
        commands, self._commands = self._commands, []
        return commands

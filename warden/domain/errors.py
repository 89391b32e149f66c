"""Errors, named by who must act. Each carries the exit code that a command ends with."""

from __future__ import annotations

from typing import ClassVar, Final

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_NOT_RUNNING: Final = 3
EXIT_REFUSED: Final = 4


class WardenError(Exception):
    """An error that a person reads: its text is one line that says what is wrong and the mend."""

    exit_code: ClassVar[int] = EXIT_FAILED


class ConfigurationInvalid(WardenError):
    """The operator must change the configuration, the command's words, or the machine."""

    exit_code = EXIT_USAGE


class NotRunning(WardenError):
    """The operator must start Warden first."""

    exit_code = EXIT_NOT_RUNNING


class RefusedForSafety(WardenError):
    """Warden will not do this now; the text says what must hold first."""

    exit_code = EXIT_REFUSED


class OperatorMustRecover(RefusedForSafety):
    """A stop or a trip stands; only a named operator with a reason lifts it."""


class EndpointRefused(WardenError):
    """An endpoint's own definite answer: asking it again would not change it; `code` as it said, or 0."""

    def __init__(self, text: str, *, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class EndpointFailed(WardenError):
    """An endpoint gave no usable answer; another one may."""


class JournalBroken(WardenError):
    """A commit or a sync failed, or the chain of rows does not hold: nothing may be sent on it."""


class InvariantBroken(WardenError):
    """Warden contradicts itself; the process must not go on."""

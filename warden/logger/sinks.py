"""The files themselves, through loguru: one that cannot be written costs lines, counted, never time.

The process's own loguru handlers (`runtime.logs`) begin at INFO; these lines go out below that level, each
with the name of its file, so that neither set of handlers sees what is meant for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from warden.logger.files import POLICY, LogFile
from warden.runtime.clock import NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from warden.logger.core import Write
    from warden.logger.files import Keep

_BELOW_INFO: Final = 5
# After a failure nothing is tried for so long: each try on a failing disk may take its own time.
_PAUSE_NS: Final = 500 * NS_PER_MS


class Sinks:
    """The log files of one directory.

    Attributes:
        lines: written so far.
        dropped: lost so far, because a file could not be written.
        trouble: why, by file, for as long as it lasts.
    """

    def __init__(
        self,
        directory: Path,
        compress: Callable[[str], None],
        policy: Mapping[LogFile, Keep] = POLICY,
    ) -> None:
        self.lines = 0
        self.dropped = 0
        self.trouble: dict[LogFile, str] = {}
        self._paused_until_ns: dict[LogFile, int] = {}
        self._writers = {file: logger.bind(file=file.value) for file in policy}
        self._handlers = [
            logger.add(
                directory / file.value,
                level=_BELOW_INFO,
                format="{message}",
                filter=_only(file),
                rotation=keep.rotate_at_bytes,
                retention=keep.files,
                compression=compress,
                delay=True,  # a directory that is not there now may be there later
                enqueue=False,
                backtrace=False,
                diagnose=False,
                catch=False,  # we count what fails
            )
            for file, keep in policy.items()
        ]

    def write(self, order: Write, now_ns: int) -> bool:
        """Append one line; tell whether it was written. `now_ns` is BOOTTIME in nanoseconds."""
        if now_ns < self._paused_until_ns.get(order.file, 0):
            self.dropped += 1
            return False
        try:
            self._writers[order.file].log(_BELOW_INFO, "{}", order.line)
        except (OSError, ValueError) as error:  # ValueError: loguru lost its file in a failed rotation
            self.dropped += 1
            why = error.strerror if isinstance(error, OSError) else None
            self.trouble[order.file] = why or str(error)
            self._paused_until_ns[order.file] = now_ns + _PAUSE_NS
            return False
        self.lines += 1
        self.trouble.pop(order.file, None)
        return True

    def detail(self) -> str:
        """Return one line on what cannot be written, empty when everything can."""
        return "; ".join(f"{file}: {why}" for file, why in sorted(self.trouble.items()))

    def close(self) -> None:
        """Close every file; what a full disk still holds back is lost, and counted already."""
        for handler in self._handlers:
            try:
                logger.remove(handler)
            except OSError as error:
                logger.bind(kind="logger.close").warning("a log file did not close: {}", error.strerror)


def _only(file: LogFile) -> Any:  # noqa: ANN401 - loguru's filter type exists only in its stubs
    name = file.value

    def wanted(record: Any) -> bool:  # noqa: ANN401 - loguru's Record exists only in its stubs
        found: bool = record["extra"].get("file") == name
        return found

    return wanted

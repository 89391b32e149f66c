"""The log files by name, how large each grows, and how many older ones are kept (OB1). One table."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_MB: Final = 1_000_000


class LogFile(StrEnum):
    """A file that the logger writes; the value is its name below `logs/`."""

    MAIN = "main.log"
    ERROR = "error.log"
    TRADE_AUDIT = "trade_audit.log"
    PERFORMANCE = "performance.log"
    WITNESS = "witness.log"


class Keep(msgspec.Struct, frozen=True):
    """When a file is rotated, and how many rotated ones stay."""

    rotate_at_bytes: int
    files: int


POLICY: Final[Mapping[LogFile, Keep]] = MappingProxyType(
    {
        LogFile.MAIN: Keep(100 * _MB, 10),
        LogFile.ERROR: Keep(50 * _MB, 10),
        LogFile.TRADE_AUDIT: Keep(100 * _MB, 10),
        LogFile.PERFORMANCE: Keep(50 * _MB, 5),
        # A head is 200 bytes, at most six a minute and journal: this holds more than a year.
        LogFile.WITNESS: Keep(50 * _MB, 10),
    }
)

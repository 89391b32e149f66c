"""`warden console`: becomes the console, so that nothing stands between the keys and the stop."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def console(home: Path, *, readonly: bool) -> int:
    """Replace this process by the console; never returns."""
    os.execv(sys.executable, console_command(home, readonly=readonly))  # noqa: S606 - no shell wanted


def console_command(home: Path, *, readonly: bool = False) -> list[str]:
    """Return the console's command line."""
    words = [sys.executable, "-P", "-m", "console", "--home", str(home)]
    return [*words, "--readonly"] if readonly else words

"""What a command says: results to standard output, everything else as one line to standard error."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write a line for whoever asked."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Write one line for people to standard error, whatever line ends `text` holds."""
    sys.stderr.write("warden: " + " ".join(text.split()) + "\n")
    sys.stderr.flush()

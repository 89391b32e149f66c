"""When a journal has been silent so long that a row must show that it can still be written (HM3). Pure."""

from __future__ import annotations


class SignOfLife:
    """Tells when to write a row of no other consequence: only a sick ledger then grows old.

    Args:
        every_ns: how long the journal may be silent, well below the age that counts as too old.
    """

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._rows = -1
        self._since_ns = 0

    def due(self, rows: int, now_ns: int) -> bool:
        """Tell whether nothing was written for too long; `rows` are those handed in so far."""
        if rows != self._rows:
            self._rows, self._since_ns = rows, now_ns
            return False
        return now_ns - self._since_ns >= self._every_ns

"""So many an hour: what heals by itself does so a bounded number of times."""

from __future__ import annotations

from collections import deque
from typing import Final

from warden.domain.causes import HOUR_S

_HOUR_NS: Final = HOUR_S * 1_000_000_000


class Budget:
    """At most `limit` takings in any hour."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken_ns: deque[int] = deque()

    def used(self, now_ns: int) -> int:
        """Return how many were taken in the hour before `now_ns`."""
        while self._taken_ns and now_ns - self._taken_ns[0] >= _HOUR_NS:
            self._taken_ns.popleft()
        return len(self._taken_ns)

    def take(self, now_ns: int) -> bool:
        """Take one; False when the hour's are used up."""
        if self.used(now_ns) >= self.limit:
            return False
        self._taken_ns.append(now_ns)
        return True

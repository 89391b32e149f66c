"""How many alerts may go out: so many of one kind and so many in all, in sliding windows (AL3)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from warden.runtime.clock import NS_PER_S

KIND_MAX: Final = 10
KIND_SPAN_NS: Final = 60 * NS_PER_S
ALL_MAX: Final = 10
ALL_SPAN_NS: Final = 15 * 60 * NS_PER_S


@dataclass
class Throttle:
    """When recent alerts went out; times are BOOTTIME in nanoseconds.

    No more than `ALL_MAX` kinds are ever remembered: each went out within the longer window.
    """

    _all_ns: deque[int] = field(default_factory=deque)
    _by_kind_ns: dict[str, deque[int]] = field(default_factory=dict)

    def has_room(self, now_ns: int) -> bool:
        """Tell whether an alert of a kind that has been quiet could go out."""
        _forget(self._all_ns, now_ns - ALL_SPAN_NS)
        return len(self._all_ns) < ALL_MAX

    def admit(self, kind: str, now_ns: int) -> bool:
        """Tell whether an alert of this kind may go out now, and count it if so."""
        self._by_kind_ns = {
            name: times for name, times in self._by_kind_ns.items() if _forget(times, now_ns - KIND_SPAN_NS)
        }
        of_kind = self._by_kind_ns.get(kind, deque())
        if not self.has_room(now_ns) or len(of_kind) >= KIND_MAX:
            return False
        of_kind.append(now_ns)
        self._by_kind_ns[kind] = of_kind
        self._all_ns.append(now_ns)
        return True


def _forget(times_ns: deque[int], until_ns: int) -> deque[int]:
    while times_ns and times_ns[0] <= until_ns:
        times_ns.popleft()
    return times_ns

"""Whose turn it is: of all who send, one message each in turn, so that a flood waits behind itself. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

Item = TypeVar("Item")


class Rounds(Generic[Item]):
    """A queue for each sender, served in turn.

    Args:
        each_max: how many of one sender may wait.
    """

    def __init__(self, each_max: int) -> None:
        self._each_max = each_max
        self._queues: dict[Hashable, deque[Item]] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._queues.values()))

    def put(self, sender: Hashable, item: Item) -> bool:
        """Let one wait; False when too many of this sender do already."""
        queue = self._queues.setdefault(sender, deque())
        if len(queue) >= self._each_max:
            return False
        queue.append(item)
        return True

    def take(self, limit: int) -> Iterator[Item]:
        """Yield up to `limit`, one of each sender after the other; the next call goes on where this ended."""
        for _ in range(limit):
            sender = next(iter(self._queues), None)
            if sender is None:
                return
            queue = self._queues.pop(sender)
            item = queue.popleft()
            if queue:
                self._queues[sender] = queue  # behind all others
            yield item

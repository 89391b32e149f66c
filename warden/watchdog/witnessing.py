"""Writes down how far other authorities' journals have come, and what the next run must know (I9). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from warden.domain.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox

_EVERY_NS: Final = 60_000_000_000


class Witnessing:
    """One row a minute, while the executor's journal moves.

    Args:
        carried: returns what must outlive this run, as a row's body.
    """

    def __init__(
        self, liveness: Liveness, out: Outbox, carried: Callable[[], dict[str, Any]], now_ns: int
    ) -> None:
        self._liveness = liveness
        self._out = out
        self._carried = carried
        self._rows: dict[str, int] = {}
        self._due_ns = now_ns + _EVERY_NS

    def heads(self) -> list[list[str | int]]:
        """Return the heads of the executor as a row's body names them, as it last told them."""
        return [[head.journal, head.rows, head.hash] for head in self._liveness.peers[Role.EXECUTOR].heads]

    def step(self, now_ns: int) -> None:
        """Write down the heads that have advanced, and what stands."""
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + _EVERY_NS
        heads = [
            head
            for head in self._liveness.peers[Role.EXECUTOR].heads
            if head.rows > self._rows.get(head.journal, -1)
        ]
        if not heads:
            return
        self._rows.update({head.journal: head.rows for head in heads})
        named = [[head.journal, head.rows, head.hash] for head in heads]
        self._out.row("witness", heads=named, **self._carried())

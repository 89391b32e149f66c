"""A strategy that proposes nothing: what is traded beside it is somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.strategies import Strategy

if TYPE_CHECKING:
    from warden.strategies import Market, Proposal


class Idle(Strategy):
    """Looks on."""

    def on_block(self, market: Market) -> list[Proposal]:  # noqa: ARG002 - the interface has it
        """Return nothing."""
        return []

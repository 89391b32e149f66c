"""What an endpoint can be told to do wrong, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

DELAY_MS_MAX: Final = 600_000


class FaultKind(StrEnum):
    """How an endpoint misbehaves."""

    HEALTHY = "healthy"
    SLOW = "slow"
    DEAD = "dead"
    HUNG = "hung"
    RATE_LIMITED = "rate_limited"
    STALE = "stale"
    WRONG_CHAIN = "wrong_chain"
    LYING = "lying"
    REFUSE_UNDERPRICED_REPLACEMENT = "refuse_underpriced_replacement"
    ERRORS = "errors"
    GARBAGE = "garbage"
    HALF_ANSWER = "half_answer"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind with its figures; those that the kind does not use are ignored.

    Attributes:
        kind: what goes wrong.
        methods: only calls of these methods meet it; empty means all. Not for `dead`, which has no calls.
        delay_ms: `slow`: how long each answer is held back.
        retry_after_s: `rate_limited`: the answer's Retry-After.
        blocks_behind: `stale`: how far behind the present head the endpoint's own head stands still.
        chain_id: `wrong_chain`: what it answers.
        lie_percent: `lying`: balances, reserves and nonces are this much of the truth.
        bump_percent: `refuse_underpriced_replacement`: how much both fees of a replacement must rise.
        http_status: `errors`: the answer's status; 200 makes it a JSON-RPC error alone.
    """

    kind: FaultKind = FaultKind.HEALTHY
    methods: tuple[str, ...] = ()
    delay_ms: int = 1_000
    retry_after_s: int = 1
    blocks_behind: int = 20
    chain_id: int = 31338
    lie_percent: int = 200
    bump_percent: int = 10
    http_status: int = 500

    def __post_init__(self) -> None:
        """Refuse figures that make no sense."""
        if not 0 <= self.delay_ms <= DELAY_MS_MAX:
            raise ValueError(f"delay_ms {self.delay_ms}: give 0 to {DELAY_MS_MAX}")
        if self.blocks_behind < 0 or self.retry_after_s < 0 or self.bump_percent < 0 or self.lie_percent < 0:
            raise ValueError("blocks_behind, retry_after_s, bump_percent and lie_percent cannot be negative")
        if not 200 <= self.http_status <= 599:  # noqa: PLR2004 # HTTP's own range for final answers
            raise ValueError(f"http_status {self.http_status}: give 200 to 599")

    def meets(self, method: str) -> bool:
        """Whether a call of `method` meets this fault."""
        return not self.methods or method in self.methods


HEALTHY: Final = Fault()

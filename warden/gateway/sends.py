"""What is not a read and not for the executor to decide: refused. Nothing that is signed ever passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.gateway.jsonrpc import Code, error_of, shown
from warden.gateway.reads import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.gateway.jsonrpc import Call

TOLD_EVERY_NS: Final = 10 * 1_000_000_000


class Sends:
    """Refuses sends and counts them; `warn` is told every 10 s at most, with how many there were since."""

    def __init__(self, warn: Callable[[str, int], None]) -> None:
        self.refused = 0
        self._warn = warn
        self._told = 0
        self._told_ns = 0

    def refuse(self, call: Call, now_ns: int) -> Reply:
        """Return the refusal of one send."""
        self.refused += 1
        if not self._told_ns or now_ns - self._told_ns >= TOLD_EVERY_NS:
            self._warn(shown(call.method), self.refused - self._told)
            self._told, self._told_ns = self.refused, now_ns
        message = (
            f"{shown(call.method)} is refused: Warden's gateway only reads, and hands eth_sendTransaction "
            "to the executor, which signs; nothing that is signed elsewhere passes"
        )
        return Reply(error_of(Code.ONLY_READS, message), error=True)

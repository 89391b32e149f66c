"""Answers to operators, with the mode in force. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.domain.errors import EXIT_USAGE
from warden.watchdog.commands import Reply
from warden.wire.messages import OperatorReply

if TYPE_CHECKING:
    from warden.watchdog.authority import Authority
    from warden.watchdog.outbox import Outbox
    from warden.wire.messages import OperatorRequest


class Answers:
    """Answers whoever asked; an empty identity is nobody."""

    def __init__(self, authority: Authority, out: Outbox) -> None:
        self._authority = authority
        self._out = out

    def give(self, identity: bytes, exit_code: int, message: str) -> None:
        """Answer an operator, if one waits."""
        if identity:
            mode = int(self._authority.mode)
            self._out.put(Reply(identity, OperatorReply(exit_code=exit_code, message=message, mode=mode)))

    def nameless(self, identity: bytes, request: OperatorRequest) -> bool:
        """Refuse a request without a name or a reason; True when it was one (I7)."""
        if request.operator.strip() and request.reason.strip():
            return False
        self.give(identity, EXIT_USAGE, "--operator and --reason must both say something")
        return True

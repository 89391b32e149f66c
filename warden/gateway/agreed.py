"""`warden_agreed`: reads for whoever must not be fed by one endpoint's lie; JSON-RPC, of the gateway's own.

One parameter, a list of pairs of method and parameters. The block that each names is put in: all are answered
at one block hash, on which enough endpoints agree word for word (docs/gateway.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.gateway.agreement import read_asked
from warden.gateway.jsonrpc import Code, error_of
from warden.gateway.reads import NOT_DEPLOYED, Reply
from warden.gateway.rounds import Settled, TooFew

if TYPE_CHECKING:
    from warden.gateway.jsonrpc import Call
    from warden.gateway.rounds import Rounds

AT_ONCE_MAX: Final = 8


class AgreedReads:
    """Answers `warden_agreed`; `rounds` is None until there is a chain, and may be exchanged."""

    def __init__(self) -> None:
        self.rounds: Rounds | None = None
        self._under_way = 0

    async def answer(self, call: Call) -> Reply:
        """Return what enough endpoints agree on, or an error that names each one's state and no URL."""
        try:
            asked = read_asked(bytes(call.params))
        except ValueError as error:
            return Reply(error_of(Code.INVALID_PARAMS, f"warden_agreed: {error}"), error=True)
        if self.rounds is None:
            return Reply(error_of(Code.NOT_AGREED, f"nothing is agreed on: {NOT_DEPLOYED}"), error=True)
        if self._under_way >= AT_ONCE_MAX:
            text = f"{AT_ONCE_MAX} agreed reads are under way: ask again in a moment"
            return Reply(error_of(Code.FULL, text), error=True)
        self._under_way += 1
        try:
            outcome = await self.rounds.settle(asked)
        finally:
            self._under_way -= 1
        if isinstance(outcome, Settled):
            return Reply(msgspec.json.encode(outcome.body(asked)), endpoint="+".join(outcome.endpoints))
        what = "nothing is agreed on" if isinstance(outcome, TooFew) else "endpoints differ"
        return Reply(error_of(Code.NOT_AGREED, f"{what}: {outcome.text}"), error=True)

"""The calls of a private relay: how it takes a transaction, until when, and how it gives one back.

`eth_sendPrivateTransaction` and `eth_cancelPrivateTransaction` as Flashbots documents them and others took
them over: https://docs.flashbots.net/flashbots-auction/advanced/rpc-endpoint
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Send

_PRIVATE: Final = "eth_sendPrivateTransaction"


class RelayMethods(msgspec.Struct, frozen=True):
    """The names of one endpoint's methods; an empty `cancel_method`: it takes nothing back."""

    send_method: str
    cancel_method: str

    def sending(self, order: Send) -> dict[str, Any]:
        """Return the call that sends; a private one names the last block that it may be mined in."""
        if self.send_method != _PRIVATE:
            return {"method": self.send_method, "params": [order.raw]}
        private = {"tx": order.raw}
        if order.max_block:
            private["maxBlockNumber"] = hex(order.max_block)
        return {"method": self.send_method, "params": [private]}

    def withdrawing(self, tx_hash: str) -> dict[str, Any] | None:
        """Return the call that takes one back; None where there is none."""
        if not self.cancel_method:
            return None
        return {"method": self.cancel_method, "params": [{"txHash": tx_hash}]}


def withdrawn(answer: object) -> str:
    """Return what a relay's answer means, for people: it is never relied on."""
    if not isinstance(answer, dict):
        return "no answer"
    if "result" in answer:
        return "yes" if answer["result"] is True else "no"
    error = answer.get("error")
    return str(error.get("message", error) if isinstance(error, dict) else error)[:100]

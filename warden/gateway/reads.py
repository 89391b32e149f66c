"""A read on its way: asked of one endpoint after another until one gives what is final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.gateway.errors import RETURNED_WHEN_ALL_SAY_SO, Failure, Kind, NoAnswer, judge
from warden.gateway.events import ReadFailed
from warden.gateway.jsonrpc import Call, Code, error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from warden.gateway.core import Core
    from warden.gateway.endpoint import EndpointClient
    from warden.gateway.events import Event
    from warden.gateway.jsonrpc import Answer
    from warden.runtime.clock import Clock

NOT_DEPLOYED: Final = "the chain is not known yet: it is being set up"


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a call is answered with. `body` is JSON: the result, or the error.

    Attributes:
        endpoint: whose words these are; empty when they are the gateway's own.
        age_ms: since that endpoint's head was last seen to advance.
    """

    body: bytes
    error: bool = False
    endpoint: str = ""
    age_ms: int = 0


class Reads:
    """Puts reads to the endpoints in the order that `core` says; `tell` hands an event to it."""

    def __init__(
        self, core: Core, clients: dict[str, EndpointClient], clock: Clock, tell: Callable[[Event], None]
    ) -> None:
        self._core = core
        self._clients = clients
        self._clock = clock
        self._tell = tell
        self._chain_answers = {
            "eth_chainId": b'"%s"' % hex(core.rules.chain_id).encode(),
            "net_version": b'"%d"' % core.rules.chain_id,
        }

    @property
    def asked(self) -> int:
        """How many calls the endpoints were asked since these reads began, probes too."""
        return sum(client.asked for client in self._clients.values())

    async def answer(self, calls: Sequence[Call], avoid: Container[str] = ()) -> list[Reply]:
        """Return a reply for each call, in order; an endpoint is asked once at most, those to avoid never."""
        replies: dict[int, Reply] = {}
        open_errors: dict[int, Reply] = {}
        said: dict[str, str] = {}
        for name in self._core.route(self._clock.boot_ns()):
            waiting = [place for place in range(len(calls)) if place not in replies]
            if not waiting:
                break
            if name in avoid:
                continue
            try:
                answers = await self._clients[name].ask([calls[place] for place in waiting])
            except NoAnswer as error:
                said[name] = error.failure.text
                self._tell(ReadFailed(name, error.failure))
                continue
            age_ms = self._core.age_ms(name, self._clock.boot_ns())
            for place, answer in zip(waiting, answers, strict=True):
                failure = self._failure(calls[place], answer)
                if answer is not None and (failure is None or failure.kind is Kind.FINAL):
                    body = bytes(answer.error) if failure else bytes(answer.result)
                    replies[place] = Reply(body, failure is not None, name, age_ms)
                    continue
                failure = failure or _LEFT_OUT
                said[name] = failure.text
                self._tell(ReadFailed(name, failure))
                if answer is not None and failure.kind in RETURNED_WHEN_ALL_SAY_SO:
                    open_errors.setdefault(place, Reply(bytes(answer.error), True, name, age_ms))
        missing = [place for place in range(len(calls)) if place not in replies and place not in open_errors]
        if missing:
            nobody = Reply(self._nobody(said), error=True)
            replies |= dict.fromkeys(missing, nobody)
        return [replies.get(place) or open_errors[place] for place in range(len(calls))]

    def _failure(self, call: Call, answer: Answer | None) -> Failure | None:
        """Return why an answer is not a result; None when it is one."""
        if answer is None:
            return _LEFT_OUT
        if not answer.result:
            return judge(bytes(answer.error))
        expected = self._chain_answers.get(call.method)
        if expected is not None and bytes(answer.result).lower() != expected:
            return Failure(Kind.WRONG_CHAIN, f"it answered {call.method} for another chain")
        return None

    def _nobody(self, said: dict[str, str]) -> bytes:
        """Return the error for a read that no endpoint can answer, naming each one's state and no URL."""
        lines = self._core.lines(self._clock.boot_ns())
        texts = [
            f"{line.name}: {line.state}"
            + (f" ({text})" if (text := said.get(line.name) or line.detail) else "")
            for line in lines
        ]
        data = {
            "endpoints": [
                {
                    "name": line.name,
                    "state": line.state,
                    "detail": said.get(line.name) or line.detail,
                    "asked": line.name in said,
                    "lag_blocks": line.lag_blocks,
                }
                for line in lines
            ]
        }
        return error_of(Code.NO_ENDPOINT, f"no endpoint can answer: {'; '.join(texts)}", data)


_LEFT_OUT: Final = Failure(Kind.NOT_AN_ANSWER, "it left out an answer")


class NoChain:
    """Stands in for `Reads` until there is a chain."""

    asked = 0

    async def answer(self, calls: Sequence[Call], avoid: Container[str] = ()) -> list[Reply]:  # noqa: ARG002 - there is none to avoid
        """Refuse each call, saying why."""
        error = error_of(Code.NO_ENDPOINT, f"no endpoint can answer: {NOT_DEPLOYED}", {"endpoints": []})
        return [Reply(error, error=True)] * len(calls)

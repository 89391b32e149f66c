"""Wires the trader: the feed's thread, the bus, and the strategy, which runs in the loop that beats.

A strategy that hangs stops the heartbeat, and the watchdog sees it: that is what the beat vouches for.
"""

from __future__ import annotations

import secrets
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import zmq

from warden.runtime.clock import NS_PER_MS
from warden.runtime.logs import redact
from warden.strategies.load import load_strategy, raised_at
from warden.trader.core import PROPOSALS_MAX, Command, Core, Note, Run, Send, TellDecision, TellTrade
from warden.trader.feed import Feed
from warden.wire.addresses import INTENTS
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Answer, ExecutorToTrader, ProcessState, Submit, TraderLeave
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warden.runtime.process import Frame
    from warden.strategies.strategy import Strategy

_STATUS_NS: Final = 500 * NS_PER_MS
_ANSWERS_MAX: Final = 64


def main(frame: Frame) -> None:
    """Run the configured strategy until the frame ends.

    Raises:
        ConfigurationInvalid: the strategy, the venue or the wallet is not there as configured.
    """
    frame.beat(ProcessState.STARTING, detail="loading the strategy")
    settings = frame.settings
    path = settings.strategy.path
    strategy = load_strategy(
        settings.strategy.use,
        frame.places.home / path if path is not None else None,
        settings.strategy.parameters,
    )
    with Feed(settings, frame.places, frame.clock) as feed:
        Trader(frame, strategy, feed).run()


class Trader:
    """The main thread: bus, strategy and heartbeat in one loop."""

    def __init__(self, frame: Frame, strategy: Strategy, feed: Feed) -> None:
        self._frame = frame
        self._strategy = strategy
        self._feed = feed
        self._client = frame.bus.connect(INTENTS)
        self._status_due_ns = 0
        self._core = Core(
            session=frame.session,
            strategy=strategy.name,
            block_time_s=frame.settings.chain.block_time_s,
            new_id=lambda: secrets.token_hex(16),
        )
        self._poller: Any = (
            zmq.Poller()
        )  # takes sockets and file descriptors; its stubs know only one of them
        for each in (self._client.socket, frame.beat_socket, frame.signalled, feed.woken):
            self._poller.register(each, zmq.POLLIN)

    def run(self) -> None:
        """Loop until the frame ends."""
        frame, core, feed = self._frame, self._core, self._feed
        while not frame.ending:
            for leave in frame.leaves():
                if isinstance(leave, TraderLeave):
                    self._do(core.grant(leave))
            self._take_answers()
            seen = feed.take()
            if seen is not None:
                self._do(core.see(seen, frame.clock.boot_ns()))
            contact = feed.contact
            if contact.broken is not None:
                raise contact.broken
            now_ns = frame.clock.boot_ns()
            self._do(core.tick(contact, now_ns))
            state, detail = core.state(contact, now_ns)
            frame.beat(
                state,
                progress=core.handled,
                offered=contact.offered,
                handled=core.handled,
                detail=redact(detail),
            )
            if now_ns >= self._status_due_ns:
                self._status_due_ns = now_ns + _STATUS_NS
                frame.publish(core.status(contact, now_ns))
            self._poller.poll(frame.beat_due_ms())

    def _take_answers(self) -> None:
        for _ in range(_ANSWERS_MAX):
            data = self._client.receive()
            if data is None:
                return
            try:
                message: ExecutorToTrader = decode(data, ExecutorToTrader)
            except Undecodable as error:
                self._frame.event(Severity.WARNING, "bus.undecodable", f"from the executor: {error}")
                continue
            if isinstance(message, Answer):
                self._do(self._core.answer(message.decision))
            else:
                self._do(self._core.progress(message.update))

    def _do(self, commands: list[Command]) -> None:
        """Carry out commands in order; what they lead to comes after them.

        It ends: a market leads to at most 16 intents, an intent to one answer, an answer to nothing more.
        """
        waiting = deque(commands)
        while waiting:
            waiting.extend(self._done(waiting.popleft()))

    def _done(self, command: Command) -> list[Command]:
        match command:
            case Run(market):
                return self._run(lambda: self._strategy.on_block(market), answers=True)
            case TellDecision(decision, proposal):
                return self._run(lambda: self._strategy.on_decision(decision, proposal))
            case TellTrade(update, proposal):
                return self._run(lambda: self._strategy.on_trade(update, proposal))
            case Send(intent):
                return [] if self._client.send(encode(Submit(intent))) else self._core.undelivered(intent)
            case Note(severity, kind, message, data, trace_id, runbook):
                self._frame.event(severity, kind, message, trace_id=trace_id, runbook=runbook, **data)
                return []

    def _run(
        self, strategy_code: Callable[[], Iterable[object] | None], *, answers: bool = False
    ) -> list[Command]:
        """Run the strategy's code: the one place where what it raises is caught."""
        try:
            result = strategy_code()
            # It may be a generator, so its code runs here too; an endless one is cut off.
            said = list(islice(result, PROPOSALS_MAX + 1)) if answers and result is not None else []
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is not our code: it is counted and told
            return self._core.blame(type(error).__name__, raised_at(error, type(self._strategy).__module__))
        return self._core.say(said, self._frame.clock.boot_ns()) if answers else []

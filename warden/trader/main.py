"""Wires the trader: the feed's thread, the bus, and the strategy, which runs in the loop that beats.

A strategy that hangs stops the heartbeat, and the watchdog sees it: that is what the beat vouches for.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import zmq

from warden.domain.roles import strategy_of
from warden.runtime.clock import NS_PER_MS
from warden.runtime.logs import redact
from warden.runtime.settings_strategies import run_by
from warden.strategies.load import load_strategy, raised_at
from warden.strategies.propose import an
from warden.trader import bounds
from warden.trader.bot import Keeper
from warden.trader.bounds import MemoryUsedUp
from warden.trader.core import (
    PROPOSALS_MAX,
    Command,
    Core,
    Note,
    Run,
    Send,
    TellDecision,
    TellExit,
    TellTrade,
)
from warden.trader.feed import Feed
from warden.wire.addresses import INTENTS
from warden.wire.codec import Undecodable, decode, encode
from warden.wire.messages import Answer, ExecutorToTrader, Listen, ProcessState, Submit, TraderLeave
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warden.runtime.process import Frame
    from warden.strategies.strategy import Strategy

_STATUS_NS: Final = 500 * NS_PER_MS
_LISTEN_NS: Final = 1_000 * NS_PER_MS
_ANSWERS_MAX: Final = 64
_LAST_WORDS_S: Final = 0.2


def main(frame: Frame) -> None:
    """Run the configured strategy until the frame ends.

    Raises:
        ConfigurationInvalid: the strategy, the venue or the wallet is not there as configured.
        MemoryUsedUp: it has, but for a rest, or was refused more.
        BotLost: it is a program of its own that has ended, or hangs.
    """
    frame.beat(ProcessState.STARTING, detail="loading the strategy")
    settings = frame.settings
    wanted = run_by(settings, frame.name)
    bounds.bound(wanted.memory_mb)
    if wanted.command:
        Keeper(frame, wanted).run()
        return
    strategy = load_strategy(
        wanted.use,
        frame.places.home / wanted.path if wanted.path is not None else None,
        wanted.parameters,
    )
    with Feed(settings, frame.places, frame.clock) as feed:
        trader = Trader(frame, strategy, feed, memory_mb=wanted.memory_mb)
        try:
            trader.run()
        except MemoryError as error:
            bounds.allow_last_words()
            raise trader.used_up() from error


class Trader:
    """The main thread: bus, strategy and heartbeat in one loop."""

    def __init__(self, frame: Frame, strategy: Strategy, feed: Feed, *, memory_mb: int) -> None:
        self._frame = frame
        self._strategy = strategy
        self._feed = feed
        self._client = frame.bus.connect(INTENTS)
        self._status_due_ns = 0
        self._listen_due_ns = 0
        self._memory_mb = memory_mb
        # One of several goes by the name that the configuration gives it, as its pool and process do.
        self._strategy_name = strategy_of(frame.name) or strategy.name
        self._core = Core(
            session=frame.session,
            strategy=self._strategy_name,
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
            self._listen(now_ns)
            if now_ns >= self._status_due_ns:
                self._status_due_ns = now_ns + _STATUS_NS
                frame.publish(core.status(contact, now_ns))
            self._poller.poll(frame.beat_due_ms())

    def _listen(self, now_ns: int) -> None:
        """Say where the strategy hears: an executor that was started again knows nobody yet."""
        session = self._core.trader_session
        if session and now_ns >= self._listen_due_ns:
            told = encode(Listen(trader_session=session, strategy=self._strategy_name))
            # Without a connection it is said as soon as there is one.
            self._listen_due_ns = now_ns + (_LISTEN_NS if self._client.send(told) else 0)

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
            case TellExit(update):
                return self._run(lambda: self._strategy.on_exit(update))
            case Send(intent):
                return [] if self._client.send(encode(Submit(intent))) else self._core.undelivered(intent)
            case Note(severity, kind, message, data, trace_id, runbook):
                self._frame.event(severity, kind, message, trace_id=trace_id, runbook=runbook, **data)
                return []

    def _run(
        self, strategy_code: Callable[[], Iterable[object] | None], *, answers: bool = False
    ) -> list[Command]:
        """Run the strategy's code: the one place where what it raises is caught."""
        result: object = None
        said: list[object] | None = []
        blamed: tuple[str, str] | None = None
        try:
            result = strategy_code()
            # It may be a generator, so its code runs here too; an endless one is cut off.
            said = listed(result) if answers else []
        except MemoryError:
            raise  # not an error of this call alone: what was taken stays taken
        except BaseException as error:  # noqa: BLE001 - it is not our code: whatever it raises is counted and told
            blamed = type(error).__name__, raised_at(error, type(self._strategy).__module__)
        now_ns = self._frame.clock.boot_ns()
        # First of all: what there is to say goes through that same output.
        cut = bounds.cut_output()
        commands = self._core.printed(cut, now_ns) if cut else []
        if bounds.memory_is_used_up(self._memory_mb):
            raise self.used_up()
        if blamed is not None:
            return [*commands, *self._core.blame(*blamed, now_ns, told=not answers)]
        if not answers:
            self._core.heard()
            return commands
        if said is None:
            return [*commands, *self._core.babble(f"{an(result)} is not a list of proposals", now_ns)]
        return [*commands, *self._core.say(said, now_ns)]

    def used_up(self) -> MemoryUsedUp:
        """Tell everybody that the process ends for want of memory; return the error to end with."""
        name = self._strategy_name
        message = f"{name} has used up the memory that strategy.memory_mb allows, {self._memory_mb} MB"
        self._frame.event(Severity.ERROR, "strategy.memory", message, runbook="strategy-raised")
        # Not "stopping": an orderly end would let the next process in without counting it.
        self._frame.beat(ProcessState.DEGRADED, detail=message, now=True)
        time.sleep(_LAST_WORDS_S)  # closing the bus drops what has not left yet
        return MemoryUsedUp(f"{message}: mend it, or allow it more")


def listed(result: object) -> list[object] | None:
    """Return what a strategy answered as a list, 17 at most; None when it is no list of any kind."""
    if result is None:
        return []
    try:
        each = iter(result)  # type: ignore[call-overload] # that is the question
    except TypeError:
        return None
    return list(islice(each, PROPOSALS_MAX + 1))

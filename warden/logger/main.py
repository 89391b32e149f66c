"""The logger's loop: listen, write, beat. Writes are made here, a bounded number between two beats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import zmq

from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.logger.compressor import Compressor
from warden.logger.core import Heard, Order, RolledBack, State, Witness, decide
from warden.logger.sinks import Sinks
from warden.logger.witness import WitnessJournal
from warden.runtime.clock import NS_PER_MS, wall_text
from warden.wire.messages import ProcessState
from warden.wire.telemetry import LoggerStatus, Severity

if TYPE_CHECKING:
    from warden.runtime.bus import Subscriber
    from warden.runtime.process import Frame

# In order of importance, the trader last: it is the one that may flood.
_ORDER: Final = (
    Role.WATCHDOG,
    Role.EXECUTOR,
    Role.GATEWAY,
    Role.NOTIFIER,
    Role.API,
    Role.LOGGER,
    Role.DEVNET,
    Role.TRADER,
)
_MESSAGES_A_TURN: Final = 32
_TURN_NS: Final = 100 * NS_PER_MS
_STATUS_EVERY_NS: Final = 500 * NS_PER_MS


class Logger:
    """The process: one `turn` after another until it is told to end."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._witness = WitnessJournal(frame.places.journal(Role.LOGGER), frame.clock)
        self._state = State(seen=dict(self._witness.seen))
        self._compressor = Compressor()
        self._sinks = Sinks(frame.places.logs, self._compressor.submit)
        self._ears = {name: frame.bus.subscribe([name]) for name in _speakers(frame)}
        self._handled = 0
        self._status_due_ns = 0
        self._in_trouble = False

    def run(self) -> None:
        """Loop until the frame is told to end, then write down what is still there."""
        frame = self._frame
        poller = zmq.Poller()
        poller.register(frame.signalled, zmq.POLLIN)
        for ear in self._ears.values():
            for socket in ear.sockets.values():
                poller.register(socket, zmq.POLLIN)
        while not frame.ending:
            poller.poll(min(frame.beat_due_ms(), 250))
            self.turn()
        self.turn()
        self._sinks.close()
        self._compressor.close()
        self._witness.close()

    def turn(self) -> None:
        """Hear a bounded number of messages from each process in turn, write, beat, and say how it goes."""
        until_ns = self._frame.clock.boot_ns() + _TURN_NS
        for name, ear in self._ears.items():
            self._hear(name, ear)
            self._beat()
            if self._frame.clock.boot_ns() > until_ns:
                break  # a slow disk: beat first; the queues are bounded and wait
        self._report_trouble()
        self._publish()

    def _hear(self, name: str, ear: Subscriber) -> None:
        frame = self._frame
        for _, message in ear.drain(_MESSAGES_A_TURN):
            heard = Heard(name, message, wall_text(frame.clock))
            for order in decide(self._state, heard, frame.clock.boot_ns()):
                self._carry_out(order)
                self._beat()
            self._handled += 1

    def _carry_out(self, order: Order) -> None:
        match order:
            case Witness():
                self._witness.write(order.head)
            case RolledBack():
                self._tell_rolled_back(order)
            case _:
                self._sinks.write(order, self._frame.clock.boot_ns())

    def _tell_rolled_back(self, order: RolledBack) -> None:
        before, now = order.before, order.now
        self._frame.event(
            Severity.CRITICAL,
            "journal.rolled-back",
            f"journal {now.journal} was seen at row {before.rows} and is at row {now.rows} now: "
            "truncated, rolled back or rewritten; run 'warden verify'",
            runbook="recovery-after-crash",
            journal=now.journal,
            rows_before=before.rows,
            rows=now.rows,
        )

    def _beat(self) -> None:
        detail = self._detail()
        self._frame.beat(
            ProcessState.DEGRADED if detail else ProcessState.READY,
            progress=self._handled,
            offered=self._handled,
            handled=self._handled,
            heads=self._witness.heads,
            detail=detail,
        )

    def _detail(self) -> str:
        return "; ".join(each for each in (self._sinks.detail(), self._witness.error) if each)

    def _report_trouble(self) -> None:
        """Say once that lines are lost, and once that they are written again: an event is a line itself."""
        detail = self._detail()
        if bool(detail) == self._in_trouble:
            return
        self._in_trouble = bool(detail)
        if detail:
            self._frame.event(
                Severity.ERROR,
                "logger.cannot-write",
                f"log lines are being lost: {detail}",
                runbook="degraded-health",
                dropped=self._sinks.dropped,
            )
        else:
            self._frame.event(
                Severity.INFO,
                "logger.writes-again",
                f"log lines are written again; {self._sinks.dropped} were lost so far",
                dropped=self._sinks.dropped,
            )

    def _publish(self) -> None:
        frame = self._frame
        frame.leaves()  # read and dropped: the watchdog grants a logger nothing
        now_ns = frame.clock.boot_ns()
        if now_ns < self._status_due_ns:
            return
        self._status_due_ns = now_ns + _STATUS_EVERY_NS
        undecodable = sum(ear.dropped for ear in self._ears.values())
        frame.publish(
            LoggerStatus(
                sent_ns=now_ns,
                session=frame.session,
                lines=self._sinks.lines,
                dropped=self._sinks.dropped + undecodable,
            )
        )


def _speakers(frame: Frame) -> list[str]:
    """Return whom to listen to: there is a devnet only in its own environment."""
    devnet = frame.settings.environment is Environment.DEVNET
    return frame.bus.named(role for role in _ORDER if devnet or role is not Role.DEVNET)


def main(frame: Frame) -> None:
    """Write down what every process says until told to end."""
    Logger(frame).run()

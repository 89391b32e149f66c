"""The stop, as console and command line order it (DESIGN §3). Nothing here reports, draws or waits unbounded.

The file comes first and is what counts. Then the executor is asked; one that does not answer is killed and
its death proven by its lock. Everything works with any subset of the system dead or hung.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Final

import msgspec
import zmq

from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop, StopLevel, StopReason, encode_stop
from warden.operator import fence
from warden.runtime.bus import Bus, Client
from warden.runtime.clock import NS_PER_MS, Clock, SystemClock, wall_text
from warden.runtime.latch import Latch
from warden.runtime.places import Places, places
from warden.wire.addresses import STOP
from warden.wire.messages import StopSeen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER_WITHIN_MS: Final = 250
GIVE_UP_AFTER_MS: Final = 2_000
_ASK_AGAIN_MS: Final = 50
_KILL_WAIT_MS: Final = 1_000
_TAIL_ROWS: Final = 1_200


class StopResult(msgspec.Struct, frozen=True):
    """How far the stop is known to hold.

    Attributes:
        recorded: the file is synced and holds through every restart.
        elapsed_ms: from the order to this level.
        in_flight: hashes that may still land on the chain.
        cleanup: what happens to them.
        message: one line for people; when UNCONFIRMED, what is not known.
    """

    stop_id: str
    level: StopLevel
    recorded: bool
    elapsed_ms: float
    in_flight: tuple[str, ...]
    cleanup: str
    message: str


def order_stop(
    home: Path,
    *,
    message: str,
    operator: str,
    reason: StopReason = StopReason.MANUAL,
    policy: CleanUp = CleanUp.CANCEL,
    on_level: Callable[[StopResult], None] | None = None,
    stop_id: str | None = None,
    clock: Clock | None = None,
) -> StopResult:
    """Stop everything and return how far it is known to hold, after 2.5 s at most.

    Args:
        home: the instance's home directory.
        message: why, for people; journalled.
        operator: who.
        reason: the enumerated cause.
        policy: what clean-up the stop allows.
        on_level: called in this thread when RECORDED is reached; must not raise or block.
        stop_id: to order the same stop again; a new one otherwise.
        clock: for tests.
    """
    return _Order(
        places(home),
        clock or SystemClock(),
        on_level,
        Stop(
            stop_id=stop_id or f"stop-{secrets.token_hex(8)}",
            reason=reason.value,
            message=message,
            operator=operator,
            policy=policy.value,
            time=wall_text(clock or SystemClock()),
        ),
    ).carry_out()


class _Order:
    """One stop on its way."""

    def __init__(
        self, where: Places, clock: Clock, on_level: Callable[[StopResult], None] | None, stop: Stop
    ) -> None:
        self._where = where
        self._clock = clock
        self._on_level = on_level
        self._stop = stop
        self._began_ns = clock.boot_ns()
        self._recorded = threading.Event()
        self._record_error = ""
        self._told = False

    def carry_out(self) -> StopResult:
        """File, executor, fence; in this order, each bounded."""
        writer = threading.Thread(target=self._record, name="stop-file", daemon=True)
        writer.start()
        # The file's name counts as soon as it stands, which takes microseconds; the sync may take seconds
        # on a bad disk, and the executor must hear of the stop meanwhile.
        seen = self._ask_executor()
        if seen is not None:
            return self._finish(StopLevel.CONFIRMED, seen.in_flight, seen.cleanup, "nothing is sent any more")
        level, message = self._fence()
        return self._finish(level, (), "", message)

    def _record(self) -> None:
        try:
            Latch(self._where.stop).write(self._stop)
        except (OSError, ValueError) as error:
            self._record_error = f"the stop file could not be made durable: {error}"
        self._recorded.set()

    def _ask_executor(self) -> StopSeen | None:
        """Ask over the stop socket until it answers or its time is up."""
        try:
            bus = Bus(Role.OPERATOR, self._where)
        except Exception as error:  # noqa: BLE001 - no key, no socket: whatever it is, the fence comes next
            self._record_error = self._record_error or f"the bus is unusable: {error}"
            return None
        with bus:
            client = bus.connect(STOP)
            try:
                return self._converse(client)
            finally:
                client.close()

    def _converse(self, client: Client) -> StopSeen | None:
        request = encode_stop(self._stop)
        ask_at_ms = 0.0
        while (elapsed := self._elapsed_ms()) < ANSWER_WITHIN_MS:
            self._tell_recorded()
            if elapsed >= ask_at_ms and client.send(request):
                ask_at_ms = elapsed + _ASK_AGAIN_MS
            elif elapsed >= ask_at_ms and self._nobody_there():
                return None
            if client.socket.poll(2, zmq.POLLIN) and (data := client.receive()) is not None:
                try:
                    seen = msgspec.json.decode(data, type=StopSeen)
                except msgspec.DecodeError:
                    continue
                if seen.stop_id == self._stop.stop_id:
                    return seen
        return None

    def _nobody_there(self) -> bool:
        """Tell whether the lock proves at once that no executor lives; a doubt means keep asking."""
        try:
            return fence.executor_is_dead(self._where)
        except OSError:
            return False

    def _fence(self) -> tuple[StopLevel, str]:
        try:
            if fence.executor_is_dead(self._where):
                return (
                    StopLevel.NOT_RUNNING,
                    "no executor runs; the stop file keeps it from sending when it starts",
                )
            if fence.kill_executor(self._where, _KILL_WAIT_MS):
                return StopLevel.FENCED, "the executor did not answer and was killed; its lock proves it dead"
        except OSError as error:
            return StopLevel.UNCONFIRMED, f"the executor neither answered nor could be killed: {error}"
        return StopLevel.UNCONFIRMED, "the executor neither answered nor died"

    def _finish(self, level: StopLevel, in_flight: tuple[str, ...], cleanup: str, message: str) -> StopResult:
        """Wait for the file's sync within the bound; without it no level above UNCONFIRMED is claimed."""
        self._recorded.wait(max(0.0, (GIVE_UP_AFTER_MS - self._elapsed_ms()) / 1_000))
        self._tell_recorded()
        recorded = self._recorded.is_set() and not self._is_unrecorded()
        if not recorded:
            doubt = self._record_error or f"the disk did not sync the stop file within {GIVE_UP_AFTER_MS} ms"
            level, message = StopLevel.UNCONFIRMED, f"{doubt} ({message})"
        if level in {StopLevel.FENCED, StopLevel.NOT_RUNNING}:
            in_flight, doubt = _journalled_in_flight(self._where)
            message = f"{message}; {doubt}" if doubt else message
        return self._result(level, in_flight, cleanup or CleanUp.HOLD.value, message, recorded=recorded)

    def _is_unrecorded(self) -> bool:
        return self._record_error.startswith("the stop file")

    def _tell_recorded(self) -> None:
        if not self._told and self._recorded.is_set() and not self._is_unrecorded():
            self._told = True
            if self._on_level is not None:
                self._on_level(
                    self._result(StopLevel.RECORDED, (), "", "the stop file is synced", recorded=True)
                )

    def _result(
        self, level: StopLevel, in_flight: tuple[str, ...], cleanup: str, message: str, *, recorded: bool
    ) -> StopResult:
        return StopResult(
            stop_id=self._stop.stop_id,
            level=level,
            recorded=recorded,
            elapsed_ms=round(self._elapsed_ms(), 3),
            in_flight=in_flight,
            cleanup=cleanup,
            message=message,
        )

    def _elapsed_ms(self) -> float:
        return (self._clock.boot_ns() - self._began_ns) / NS_PER_MS


def _journalled_in_flight(where: Places) -> tuple[tuple[str, ...], str]:
    """Return the hashes in flight as the executor's journal has them, and a doubt about them if any."""
    # Imported here: SQLite is not needed on the way to the stop itself.
    from warden.domain.errors import JournalBroken  # noqa: PLC0415
    from warden.runtime.journal import read  # noqa: PLC0415
    from warden.runtime.journal_search import tail  # noqa: PLC0415 - as above
    from warden.wire.codec import Undecodable, from_json  # noqa: PLC0415
    from warden.wire.rows import ExecutorRow, OpenRow, in_flight  # noqa: PLC0415 - as above

    try:
        path = where.journal(Role.EXECUTOR)
        # The executor writes its open transactions down often enough for the tail to tell them all.
        rows: list[ExecutorRow] = [from_json(row.body, ExecutorRow) for row in tail(path, _TAIL_ROWS)]
        if len(rows) == _TAIL_ROWS and not any(isinstance(row, OpenRow) for row in rows):
            rows = [from_json(row.body, ExecutorRow) for row in read(path)]
        return in_flight(rows), ""
    except (JournalBroken, Undecodable) as error:
        return (), f"what is in flight could not be read: {error}"

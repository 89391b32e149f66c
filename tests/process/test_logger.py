"""The logger as a process: real sockets, real files, a disk that is full."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from tests.faults import fault
from tests.instance import Instance, wait_until
from tests.process.speaker import Speaker
from tests.unit.logger.samples import executor_status, watchdog_status
from warden.domain.roles import Role
from warden.runtime.journal import read
from warden.runtime.witnesses import heads_of
from warden.wire.addresses import BEATS
from warden.wire.codec import decode
from warden.wire.messages import Beat, Head, ProcessState
from warden.wire.telemetry import LoggerStatus, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.bus import Server, Subscriber


def lines(path: Path) -> list[dict[str, Any]]:
    """Return a log's lines, none while it is not there."""
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def kinds(path: Path) -> list[str]:
    """Return the kinds on a log's lines."""
    return [line["kind"] for line in lines(path)]


def say_until_written(speaker: Speaker, path: Path) -> None:
    """Telemetry may be lost while the listener connects: speak until it is heard."""

    def heard() -> bool:
        speaker.event(Severity.INFO, "test.hello")
        return any(line["role"] == speaker.role for line in lines(path))

    wait_until(heard, f"line of {speaker.role} in {path.name}")


def last_beat(server: Server) -> Beat | None:
    """Return the newest beat that waits, None when there is none."""
    beat: Beat | None = None
    while (incoming := server.receive()) is not None:
        beat = decode(incoming.data, Beat)
    return beat


def test_every_process_is_written_down() -> None:
    """OB1: main, error and trade_audit hold what they promise, the logger's own lines among them."""
    with Instance() as instance:
        main_log = instance.places.logs / "main.log"
        instance.start(Role.LOGGER)
        for role in (Role.EXECUTOR, Role.TRADER, Role.DEVNET, Role.API):
            with Speaker(instance, role) as speaker:
                say_until_written(speaker, main_log)
                speaker.event(Severity.INFO, "trade.mined", "of " + role.value)
                speaker.event(Severity.CRITICAL, "test.critical", "of " + role.value)
                wait_until(lambda: kinds(main_log)[-1:] == ["test.critical"], "critical line")
        error_log, audit = instance.places.logs / "error.log", instance.places.logs / "trade_audit.log"
        assert kinds(error_log) == ["test.critical"] * 4
        assert kinds(audit) == ["trade.mined"] * 4
        assert [line["role"] for line in lines(audit)] == ["executor", "trader", "devnet", "api"]
        assert instance.end(Role.LOGGER) == 0
        assert "process.ended" in kinds(instance.places.logs / "logger.log")


def test_heads_are_witnessed_and_figures_written() -> None:
    """I9: heads in statuses end in witness.log; OB1: figures in performance.log."""
    with Instance() as instance, Speaker(instance, Role.WATCHDOG) as watchdog:
        head = Head(journal="watchdog", rows=3, hash="ab" * 32)
        with Speaker(instance, Role.EXECUTOR) as executor:
            instance.start(Role.LOGGER)
            logs = instance.places.logs

            def witnessed() -> bool:
                watchdog.say(watchdog_status(heads=(head,)))
                executor.say(executor_status(heads=(Head(journal="executor", rows=9, hash="cd" * 32),)))
                return len(lines(logs / "witness.log")) == 2

            wait_until(witnessed, "two heads in witness.log")
            found = {
                line["journal"]: (line["from"], line["rows"], line["hash"])
                for line in lines(logs / "witness.log")
            }
            assert found == {"watchdog": ("watchdog", 3, "ab" * 32), "executor": ("executor", 9, "cd" * 32)}
            processes = [line.get("process") for line in lines(logs / "performance.log")]
            assert {"trader", "executor"} <= set(processes)
            assert instance.end(Role.LOGGER) == 0
            witnessed_rows = [heads_of(row) for row in read(instance.places.journal(Role.LOGGER))]
            assert sorted(witnessed_rows) == [(("executor", 9, "cd" * 32),), (("watchdog", 3, "ab" * 32),)]


@fault("rolled-back")
def test_a_journal_that_went_back_while_nobody_looked_is_told() -> None:
    """I9: what an earlier run of the logger saw is read back, and a head below it is a CRITICAL event."""
    with Instance() as instance, Speaker(instance, Role.EXECUTOR) as executor:
        main_log = instance.places.logs / "main.log"
        for rows in (9, 7):
            instance.start(Role.LOGGER)

            def heard(rows: int = rows) -> bool:
                executor.say(executor_status(heads=(Head(journal="executor", rows=rows, hash="cd" * 32),)))
                return f'"rows":{rows},' in witness_text(instance)

            wait_until(heard, "head in witness.log")
            if rows == 7:
                wait_until(lambda: "journal.rolled-back" in kinds(main_log), "line on the rollback")
            assert instance.end(Role.LOGGER) == 0
        assert kinds(instance.places.logs / "error.log").count("journal.rolled-back") == 1


def witness_text(instance: Instance) -> str:
    """Return witness.log, empty while it is not there."""
    path = instance.places.logs / "witness.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


@fault("disk-full-of-others")
def test_a_full_disk_is_said_in_the_beat_and_counted() -> None:
    """A file that cannot be written makes the logger DEGRADED, with a count of what was lost; it beats on."""
    with Instance() as instance, instance.bus(Role.WATCHDOG) as watchdog, instance.bus(Role.API) as listener:
        (instance.places.logs / "main.log").symlink_to("/dev/full")
        beats, ear = watchdog.serve(BEATS), listener.subscribe([Role.LOGGER])
        with Speaker(instance, Role.EXECUTOR) as speaker:
            instance.start(Role.LOGGER)
            beat: list[Beat] = []

            def degraded() -> bool:
                speaker.event(Severity.ERROR, "test.error")
                newest = last_beat(beats)
                beat[:] = beat if newest is None else [newest]
                return bool(beat) and beat[0].state is ProcessState.DEGRADED

            wait_until(degraded, "degraded beat")
            assert beat[0].detail == "main.log: No space left on device"
            wait_until(lambda: dropped(ear) > 0, "count of dropped lines")
            wait_until(lambda: kinds(instance.places.logs / "error.log") != [], "line in error.log")


def dropped(ear: Subscriber) -> int:
    """Return the newest count of dropped lines that waits."""
    counts = [message.dropped for _, message in ear.drain() if isinstance(message, LoggerStatus)]
    return max(counts, default=0)


@fault("logger-slow")
def test_a_listener_that_was_paused_writes_what_waited() -> None:
    """Frozen and let go on, the logger writes what its queue held; who spoke meanwhile was not held up."""
    with Instance() as instance, Speaker(instance, Role.EXECUTOR) as speaker:
        main_log = instance.places.logs / "main.log"
        instance.start(Role.LOGGER)
        say_until_written(speaker, main_log)
        instance.signal(Role.LOGGER, signal.SIGSTOP)
        for number in range(200):
            speaker.event(Severity.INFO, "test.waiting", number=str(number))
        instance.signal(Role.LOGGER, signal.SIGCONT)
        wait_until(lambda: kinds(main_log).count("test.waiting") == 200, "200 lines")
        numbers = [line["data"]["number"] for line in lines(main_log) if line["kind"] == "test.waiting"]
        assert numbers == [str(number) for number in range(200)]


@fault("second-instance")
def test_a_second_logger_is_refused() -> None:
    """Two loggers would write over each other: the second ends with one line and code 2."""
    with Instance() as instance, Speaker(instance, Role.LOGGER):
        assert instance.start(Role.LOGGER).wait(60) == 2
        assert "runs already" in instance.output(Role.LOGGER)
        assert "Traceback" not in instance.output(Role.LOGGER)

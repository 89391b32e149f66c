"""The notifier as a process: what it hears becomes alerts in the file and on the screen, across restarts."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from tests.faults import fault
from tests.instance import Instance, wait_until
from tests.process.speaker import Speaker
from tests.unit.logger.samples import watchdog_status
from warden.domain.roles import Role
from warden.runtime.clock import SystemClock
from warden.wire.addresses import BEATS
from warden.wire.codec import decode
from warden.wire.messages import Beat, ProcessState
from warden.wire.telemetry import NotifierStatus, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.bus import Server, Subscriber


def of_kind(instance: Instance, *kinds: str) -> list[dict[str, Any]]:
    """Return the lines of alerts.log of some kinds, none while it is not there.

    Others may be among them: most tests run no watchdog, and on a slow machine its silence is noticed.
    """
    path: Path = instance.places.logs / "alerts.log"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [each for each in map(json.loads, lines) if each["kind"] in kinds]


def newest(ear: Subscriber) -> NotifierStatus | None:
    """Return the newest status that waits."""
    found = [message for _, message in ear.drain() if isinstance(message, NotifierStatus)]
    return found[-1] if found else None


def shows(ear: Subscriber, title: str) -> bool:
    """Tell whether the newest status that waits shows an alert of that title."""
    status = newest(ear)
    return status is not None and any(line.title == title for line in status.recent)


def ring(instance: Instance, speaker: Speaker, kind: str) -> None:
    """Telemetry may be lost while the listener connects: speak until the alert is in the file."""

    def arrived() -> bool:
        speaker.event(Severity.WARNING, kind, "it happened")
        return bool(of_kind(instance, kind))

    wait_until(arrived, f"alert of kind {kind}")


def test_an_event_becomes_an_alert_on_every_channel() -> None:
    """AL1, AL2: alerts.log and the console's list tell the same, with a cause and a runbook."""
    with Instance() as instance, instance.bus(Role.OPERATOR) as operator:
        ear = operator.subscribe([Role.NOTIFIER])
        instance.start(Role.NOTIFIER)
        with Speaker(instance, Role.GATEWAY) as gateway:
            ring(instance, gateway, "endpoint.wrong-chain")
            gateway.event(Severity.INFO, "endpoint.returned")
            gateway.event(Severity.CRITICAL, "test.last")
            wait_until(lambda: bool(of_kind(instance, "test.last")), "last alert")
        first = of_kind(instance, "endpoint.wrong-chain")[0]
        assert first["runbook"] == "network-failure#an-endpoint-is-on-the-wrong-chain"
        assert first["source"] == "gateway"
        assert of_kind(instance, "endpoint.returned") == []
        shown: list[NotifierStatus] = []
        wanted = ["Something needs a look", "An RPC endpoint is on another chain"]

        def complete() -> bool:
            status = newest(ear)
            shown[:] = shown if status is None else [status]
            return bool(shown) and set(wanted) <= {line.title for line in shown[0].recent}

        wait_until(complete, "two alerts in the status")
        assert [line.title for line in shown[0].recent if line.title in wanted] == wanted
        assert shown[0].total == shown[0].unacknowledged == len(shown[0].recent)


@fault("watchers-killed")
def test_alerts_survive_a_kill() -> None:
    """AL5: killed and started again, the notifier knows its alerts and goes on counting."""
    with Instance() as instance, instance.bus(Role.OPERATOR) as operator:
        ear = operator.subscribe([Role.NOTIFIER])
        instance.start(Role.NOTIFIER)
        with Speaker(instance, Role.EXECUTOR) as executor:
            ring(instance, executor, "breaker.opened")
            wait_until(lambda: shows(ear, "The circuit breaker opened"), "first alert shown")
            instance.signal(Role.NOTIFIER, signal.SIGKILL)
            assert instance.processes[Role.NOTIFIER].wait(60) == -signal.SIGKILL
            instance.start(Role.NOTIFIER)
            wait_until(lambda: shows(ear, "The circuit breaker opened"), "remembered alert")
            ring(instance, executor, "trade.unknown")
        before, after = of_kind(instance, "breaker.opened", "trade.unknown")
        assert (before["kind"], after["kind"]) == ("breaker.opened", "trade.unknown")
        assert before["alert_id"] < after["alert_id"]
        assert instance.end(Role.NOTIFIER) == 0


@fault("watchdog-paused")
def test_a_silent_watchdog_is_noticed_and_its_return() -> None:
    """Who watches the watchdog: its silence is CRITICAL, and its return an INFO."""
    with Instance() as instance, instance.bus(Role.OPERATOR) as operator:
        ear = operator.subscribe([Role.NOTIFIER])
        instance.start(Role.NOTIFIER)
        wait_until(lambda: newest(ear) is not None, "status of the notifier")
        with Speaker(instance, Role.WATCHDOG) as watchdog:
            speak(watchdog, ear)
        wait_until(lambda: bool(of_kind(instance, "watchdog.silent")), "alert of the watchdog's silence")
        silent = of_kind(instance, "watchdog.silent")[0]
        assert silent["severity"] == "critical"
        assert silent["runbook"] == "process-lost#watchdog"
        with Speaker(instance, Role.WATCHDOG) as watchdog:

            def returned() -> bool:
                watchdog.say(watchdog_status(sent_ns=SystemClock().boot_ns()))
                return bool(of_kind(instance, "watchdog.returned"))

            wait_until(returned, "alert of the watchdog's return")
        assert of_kind(instance, "watchdog.returned")[0]["severity"] == "info"


def speak(watchdog: Speaker, ear: Subscriber) -> None:
    """Speak as the watchdog for two of the notifier's statuses, so that it has heard one for certain."""
    seen: set[int] = set()

    def enough() -> bool:
        watchdog.say(watchdog_status(sent_ns=SystemClock().boot_ns()))
        status = newest(ear)
        if status is not None:
            seen.add(status.sent_ns)
        return len(seen) >= 4

    wait_until(enough, "four statuses of the notifier")


def last_beat(server: Server) -> Beat | None:
    """Return the newest beat that waits, None when there is none."""
    beat: Beat | None = None
    while (incoming := server.receive()) is not None:
        beat = decode(incoming.data, Beat)
    return beat


@fault("disk-full-of-others")
def test_a_full_disk_degrades_and_is_said_but_alerts_go_on() -> None:
    """AL5: a channel that fails is itself reported, on the screen; the beat says DEGRADED and why."""
    with (
        Instance() as instance,
        instance.bus(Role.OPERATOR) as operator,
        instance.bus(Role.WATCHDOG) as watchdog,
    ):
        (instance.places.logs / "alerts.log").symlink_to("/dev/full")
        ear, beats = operator.subscribe([Role.NOTIFIER]), watchdog.serve(BEATS)
        instance.start(Role.NOTIFIER)
        with Speaker(instance, Role.EXECUTOR) as executor:
            beat: list[Beat] = []

            def degraded() -> bool:
                executor.event(Severity.ERROR, "breaker.opened")
                last = last_beat(beats)
                beat[:] = beat if last is None else [last]
                return bool(beat) and beat[0].state is ProcessState.DEGRADED

            wait_until(degraded, "degraded beat")
            assert "No space left on device" in beat[0].detail
            titles: set[str] = set()

            def shown() -> bool:
                status = newest(ear)
                titles.update(line.title for line in (status.recent if status else ()))
                return {"The circuit breaker opened", "An alert channel fails"} <= titles

            wait_until(shown, "both alerts on the screen")


@fault("second-instance")
def test_a_second_notifier_is_refused() -> None:
    """Two notifiers would send everything twice: the second ends with one line and code 2."""
    with Instance() as instance, Speaker(instance, Role.NOTIFIER):
        assert instance.start(Role.NOTIFIER).wait(60) == 2
        assert "runs already" in instance.output(Role.NOTIFIER)

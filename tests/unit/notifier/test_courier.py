"""One channel's thread: order, retries, bounds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.instance import wait_until
from tests.unit.notifier.samples import alert
from warden.notifier.alerts import number_of
from warden.notifier.courier import WAITING_MAX, Courier
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from warden.notifier.alerts import Alert


class Recorder:
    """A channel that keeps what it gets, fails when told to, and waits for `gate`."""

    name = "recorder"

    def __init__(self, minimum: Severity = Severity.INFO, failures: int = 0) -> None:
        self.minimum = minimum
        self.failures = failures
        self.got: list[int] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def send(self, what: Alert) -> None:
        """Take an alert."""
        self.entered.set()
        self.gate.wait(60)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no route to Slack")
        self.got.append(number_of(what.alert_id))


def test_alerts_arrive_in_order() -> None:
    """What is offered is delivered, oldest first, and an orderly end delivers what waits."""
    channel = Recorder()
    courier = Courier(channel)
    for number in range(50):
        courier.offer(alert(number))
    courier.close(60)
    assert channel.got == list(range(50))
    assert (courier.delivered, courier.dropped) == (50, 0)


def test_a_channel_takes_only_its_severities() -> None:
    """AL3: minimum severity per channel."""
    channel = Recorder(minimum=Severity.ERROR)
    courier = Courier(channel)
    for number, severity in enumerate(Severity):
        courier.offer(alert(number, severity))
    courier.close(60)
    assert channel.got == [3, 4]


def test_a_channel_that_is_down_is_tried_again() -> None:
    """AL5: nothing is lost or reordered while it fails, and its trouble is named."""
    channel = Recorder(failures=3)
    courier = Courier(channel, backoff_s=0.2)
    courier.offer(alert(1))
    courier.offer(alert(2))
    wait_until(lambda: courier.trouble != "", "trouble")
    assert courier.trouble == "ConnectionError: no route to Slack"
    wait_until(lambda: channel.got == [1, 2], "both alerts")
    wait_until(lambda: courier.trouble == "", "end of the trouble")
    courier.close(60)


def test_a_stuck_channel_holds_nobody_up_and_keeps_the_critical() -> None:
    """The queue is bounded: the oldest that is not CRITICAL goes first, and dropping is counted."""
    channel = Recorder()
    channel.gate.clear()
    courier = Courier(channel)
    courier.offer(alert(0))
    assert channel.entered.wait(60)
    for number in range(1, WAITING_MAX + 11):
        courier.offer(alert(number, Severity.CRITICAL if number <= 5 else Severity.WARNING))
    assert courier.dropped == 10
    channel.gate.set()
    courier.close(60)
    assert channel.got == [*range(6), *range(16, WAITING_MAX + 11)]


def test_a_dead_channel_does_not_hold_up_the_end() -> None:
    """At the end what waits is tried once; what fails then is counted as dropped."""
    channel = Recorder(failures=100)
    courier = Courier(channel, backoff_s=60)
    for number in range(3):
        courier.offer(alert(number))
    wait_until(lambda: courier.trouble != "", "first failure")
    courier.close(60)
    assert (courier.delivered, courier.dropped) == (0, 3)

"""Ways to reach people. A channel is a class with a name, the least severity it takes, and `send`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from warden.notifier.alerts import Alert
    from warden.wire.telemetry import Severity


class Channel(Protocol):
    """One way. Its `send` runs on a thread of its own, so it may wait, for 30 s at the most."""

    name: str
    minimum: Severity

    def send(self, alert: Alert) -> None:
        """Deliver one alert; whatever is raised means that it did not arrive and is tried again."""
        ...

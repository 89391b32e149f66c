"""Another process's voice: a test speaks in a role, on real sockets, to a real listener."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from warden.runtime.clock import SystemClock, wall_text
from warden.wire.telemetry import Event, Severity

if TYPE_CHECKING:
    import msgspec

    from tests.instance import Instance
    from warden.domain.roles import Role


class Speaker:
    """One role's telemetry; `keep_saying` repeats a status, as every process does at 2 Hz."""

    def __init__(self, instance: Instance, role: Role) -> None:
        self.role = role
        self._bus = instance.bus(role)
        self._publisher = self._bus.publisher()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def say(self, message: msgspec.Struct) -> None:
        """Publish one message."""
        with self._lock:
            self._publisher.publish(message)

    def event(self, severity: Severity, kind: str, message: str = "something", **data: str) -> None:
        """Publish an event."""
        now = wall_text(SystemClock())
        self.say(Event(time=now, role=self.role, severity=severity, kind=kind, message=message, data=data))

    def close(self) -> None:
        """Fall silent."""
        self._bus.close()

"""What comes on the channel of the heartbeats, for a test that plays the watchdog."""

from __future__ import annotations

from warden.wire.checks import CheckReport, ProcessBroke
from warden.wire.codec import decode
from warden.wire.messages import Beat


def beat_in(data: bytes) -> Beat | None:
    """Return the heartbeat in a message; None where a process says something else there.

    Raises:
        Undecodable: it is nothing that a process says to the watchdog.
    """
    said: Beat | CheckReport | ProcessBroke = decode(data, Beat | CheckReport | ProcessBroke)
    return said if isinstance(said, Beat) else None

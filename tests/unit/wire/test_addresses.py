"""The one table of sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role
from warden.wire.addresses import (
    BEATS,
    CHANNELS,
    CONTROL,
    INTENTS,
    SOCKET_PATH_BYTES_MAX,
    STOP,
    TELEMETRY,
    Pattern,
    endpoint,
    socket_path,
)


def test_who_may_connect_where() -> None:
    """The table, written out by hand: a right that is added here is added on purpose (I8)."""
    assert BEATS.clients == set(PROCESSES)
    assert CONTROL.clients == {Role.OPERATOR}
    assert STOP.clients == {Role.OPERATOR, Role.WATCHDOG}
    assert INTENTS.clients == {Role.TRADER, Role.GATEWAY}
    for channel in TELEMETRY.values():
        assert channel.clients == {Role.LOGGER, Role.NOTIFIER, Role.API, Role.OPERATOR}
    assert [each.server for each in (BEATS, CONTROL, STOP, INTENTS)] == [
        Role.WATCHDOG,
        Role.WATCHDOG,
        Role.EXECUTOR,
        Role.EXECUTOR,
    ]


def test_a_trader_reaches_only_beats_and_intents() -> None:
    """The untrusted process can neither stop, control nor listen (I8)."""
    assert {each.name for each in CHANNELS if Role.TRADER in each.clients} == {"beats", "intents"}


def test_every_process_has_telemetry_and_names_are_unique() -> None:
    """A name is a file and a ZAP domain: two channels of one name would share their keys."""
    assert set(TELEMETRY) == set(PROCESSES)
    assert len({each.name for each in CHANNELS}) == len(CHANNELS)
    assert all(channel.pattern is Pattern.TELL for channel in TELEMETRY.values())
    assert all(channel.server is role for role, channel in TELEMETRY.items())


def test_a_socket_stands_in_its_servers_directory() -> None:
    """So that rights of a directory are rights of a role."""
    assert socket_path(Path("/run/w"), STOP) == Path("/run/w/executor/stop.ipc")
    assert endpoint(Path("/run/w"), STOP) == "ipc:///run/w/executor/stop.ipc"


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_path_that_is_too_long_is_refused_with_the_mend(letter: str) -> None:
    """Both sides of the kernel's bound, counted in bytes (I4 would fail in silence else)."""
    tail = len("/executor/stop.ipc")
    room = SOCKET_PATH_BYTES_MAX - tail - 1
    fits = Path("/" + letter * (room // len(letter.encode())))
    assert len(str(socket_path(fits, STOP)).encode()) <= SOCKET_PATH_BYTES_MAX
    with pytest.raises(ConfigurationInvalid, match="run_dir") as caught:
        socket_path(Path(f"{fits}{letter}x"), STOP)
    assert "\n" not in str(caught.value)

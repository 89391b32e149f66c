"""The alert and its line on the screen."""

from __future__ import annotations

import msgspec

from tests.unit.notifier.samples import alert
from warden.domain.roles import Role
from warden.notifier.alerts import Alert, id_of, number_of, recent
from warden.wire.codec import MESSAGE_BYTES_MAX, encode
from warden.wire.telemetry import AlertLine, NotifierStatus


def test_the_newest_come_first_and_are_bounded() -> None:
    """The screen shows the latest twenty, newest first."""
    lines = recent([alert(number) for number in range(1, 31)])
    assert [number_of(each.alert_id) for each in lines] == list(range(30, 10, -1))
    assert recent([]) == ()


def test_the_status_always_fits_a_message() -> None:
    """Twenty alerts whose every text is long and of four-byte characters still fit 64 KiB."""
    long = "\N{LOCK}" * 5_000
    texts = {
        name: long for name in AlertLine.__struct_fields__ if name not in {"severity", "source", "count"}
    }
    lines = recent([msgspec.structs.replace(alert(1), **(texts | {"alert_id": id_of(10**9)}))] * 40)
    status = NotifierStatus(sent_ns=2**62, session="f" * 32, total=2**62, unacknowledged=9, recent=lines)
    assert len(lines) == 20
    assert len(encode(status)) <= MESSAGE_BYTES_MAX


def test_ids_count_up() -> None:
    """An id holds its number, however large."""
    assert [number_of(id_of(number)) for number in (1, 999_999, 10**9)] == [1, 999_999, 10**9]
    assert Alert.__struct_fields__[0] == "alert_id"
    assert alert().source is Role.GATEWAY

"""What the api takes for current."""

from __future__ import annotations

import msgspec

from tests.unit.api.samples import NOW, S, state, trading
from warden.api.core import STALE_NS, State, age_ns, fresh, hear
from warden.domain.roles import Role
from warden.wire.telemetry import TraderStatus, WatchdogStatus


def test_a_status_is_current_for_three_seconds() -> None:
    """I10: counted from its sending; after that it is there no more."""
    known = state()
    assert fresh(known, Role.TRADER, TraderStatus, NOW + STALE_NS) is not None
    assert fresh(known, Role.TRADER, TraderStatus, NOW + STALE_NS + 1) is None
    assert age_ns(known, Role.TRADER, NOW + 7 * S) == 7 * S


def test_nothing_heard_is_nothing_known() -> None:
    """Before the first word there is neither a status nor an age."""
    known = State(started_ns=0)
    assert fresh(known, Role.TRADER, TraderStatus, NOW) is None
    assert age_ns(known, Role.TRADER, NOW) is None


def test_a_status_of_another_kind_is_passed_over() -> None:
    """A trader that sends the watchdog's status is not believed: its key says who it is."""
    known = state({})
    hear(known, Role.TRADER, trading()[Role.WATCHDOG], NOW)
    assert known.told == {}
    assert fresh(known, Role.WATCHDOG, WatchdogStatus, NOW) is None


def test_a_status_from_the_future_is_as_old_as_its_arrival() -> None:
    """No sender can make its words last longer."""
    known = state({})
    hear(known, Role.TRADER, msgspec.structs.replace(trading()[Role.TRADER], sent_ns=NOW + 60 * S), NOW)
    assert age_ns(known, Role.TRADER, NOW + 4 * S) == 4 * S


def test_a_session_is_timed_from_its_first_word() -> None:
    """A restart begins a new session; later words of the same one do not."""
    known = state()
    again = msgspec.structs.replace(trading()[Role.TRADER], sent_ns=NOW + S)
    hear(known, Role.TRADER, again, NOW + S)
    assert known.told[Role.TRADER].session_since_ns == NOW
    hear(known, Role.TRADER, msgspec.structs.replace(again, session="new"), NOW + S)
    assert known.told[Role.TRADER].session_since_ns == NOW + S

"""The stop's words; the stop itself is shown in tests/process/test_cli_stop.py."""

from __future__ import annotations

from pathlib import Path

import msgspec

from warden.cli.emergency_stop import by_hand
from warden.domain.stops import StopLevel
from warden.operator.stopping import StopResult

UNCONFIRMED = StopResult(
    stop_id="stop-1",
    level=StopLevel.UNCONFIRMED,
    recorded=False,
    elapsed_ms=2_000.0,
    in_flight=(),
    cleanup="hold",
    message="the disk did not sync",
)


def test_what_to_do_by_hand_is_complete_and_can_be_pasted() -> None:
    """DESIGN §3: without a confirmation file, kill and last resort are said, quoted for a shell."""
    file = "'/srv/my warden/stop/stop-1'"
    lines = by_hand(Path("/srv/my warden"), UNCONFIRMED, [41, 42])
    assert lines == [
        "NOT CONFIRMED: the disk did not sync",
        "do this now by hand:",
        f"1. mkdir -p '/srv/my warden/stop' && touch {file} && sync {file}",
        "2. kill -KILL 41 42",
        "3. warden status --home '/srv/my warden'",
        "4. if that fails: switch this machine off",
    ]


def test_a_recorded_stop_needs_no_file_by_hand() -> None:
    """Where the file is synced and no executor runs, there is neither to write nor to kill."""
    lines = by_hand(Path("/srv/w"), msgspec.structs.replace(UNCONFIRMED, recorded=True), [])
    assert not [line for line in lines if "touch" in line or "kill" in line]

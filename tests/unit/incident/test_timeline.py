"""The merged timeline: every journal and log, in order, each thing once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from warden.domain.roles import Role
from warden.incident.timeline import gather, nearest, utc_ns, utc_text
from warden.runtime.clock import NS_PER_S, SystemClock
from warden.runtime.journal import Journal
from warden.runtime.places import Places, create

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The places of an instance."""
    return create(tmp_path / "home")


def _line(time_ns: int, role: str, kind: str, message: str, level: str = "INFO") -> str:
    """Return a log's line."""
    said = {"time": utc_text(time_ns), "level": level, "role": role, "kind": kind, "message": message}
    return json.dumps(said) + "\n"


def test_times_are_told_and_read_alike() -> None:
    """To the millisecond, whatever the zone; a time without one is no time."""
    assert utc_text(1_790_000_000_123_000_000) == "2026-09-21T14:13:20.123Z"
    assert utc_ns("2026-09-21T14:13:20.123Z") == 1_790_000_000_123_000_000
    assert utc_ns("2026-09-21T16:13:20.123+02:00") == 1_790_000_000_123_000_000
    for wrong in ("2026-09-21T14:13:20", "yesterday", ""):
        with pytest.raises(ValueError, match=r"."):
            utc_ns(wrong)


def test_rows_and_lines_are_merged_in_order(where: Places) -> None:
    """Issue 6: the timeline runs over journals and logs, each entry with its source."""
    clock = SystemClock()
    journal = Journal(where.journal(Role.WATCHDOG), clock)
    row = journal.append("stop.seen", b'{"stop_id":"s1","policy":"hold"}')
    journal.close()
    now_ns = int(clock.wall().timestamp() * NS_PER_S)
    (where.logs / "trader.log").write_text(_line(now_ns - NS_PER_S, "trader", "a", "before"), "utf-8")
    (where.logs / "gateway.log").write_text(_line(now_ns + 2 * NS_PER_S, "gateway", "b", "after"), "utf-8")
    found = gather(where, ("trader", "gateway"), now_ns - 5 * NS_PER_S, now_ns + 5 * NS_PER_S)
    assert [(each.source, each.kind) for each in found.entries] == [
        ("log trader.log", "a"),
        (f"journal watchdog {row}", "stop.seen"),
        ("log gateway.log", "b"),
    ]
    assert found.entries[1].text == "stop_id=s1 policy=hold"
    assert found.missing == ()


def test_what_two_logs_have_is_told_once(where: Places) -> None:
    """A process's own log and main.log say the same; what only main.log has is told, too."""
    own = _line(NS_PER_S * 100, "gateway", "endpoint.failing", "devnet-a fails", "ERROR")
    (where.logs / "gateway.log").write_text(own, "utf-8")
    shared = _line(NS_PER_S * 101, "gateway", "endpoint.failing", "devnet-a fails", "ERROR")
    other = _line(NS_PER_S * 102, "executor", "trade.mined", "mined")
    later = _line(NS_PER_S * 110, "gateway", "endpoint.failing", "devnet-a fails", "ERROR")
    (where.logs / "main.log").write_text(shared + other + later, "utf-8")
    found = gather(where, ("gateway", "executor"), 0, NS_PER_S * 200)
    assert [(each.source, each.time_ns // NS_PER_S) for each in found.entries] == [
        ("log gateway.log", 100),
        ("log main.log", 102),
        ("log main.log", 110),
    ]


def test_supervisords_own_words_are_in_it(where: Places) -> None:
    """What crashed and was started again stands there only."""
    (where.logs / "supervisord.log").write_text(
        "2026-11-20 10:00:00,250 WARN exited: gateway (exit status 1; not expected)\nrubbish\n", "utf-8"
    )
    (only,) = gather(where, (), 0, 2**62).entries
    assert (only.role, only.severity) == ("supervisord", "warning")
    assert only.text == "exited: gateway (exit status 1; not expected)"
    assert only.time_ns % NS_PER_S == 250_000_000


def test_signed_bytes_and_long_values_stay_out(where: Places) -> None:
    """Signed bytes could be sent by whoever reads them."""
    journal = Journal(where.journal(Role.EXECUTOR), SystemClock())
    body = {"type": "signed.1", "raw": "0xf86bdead", "tx_hash": "0x12", "error": "y" * 900, "book": {"a": 1}}
    journal.append("signed.1", json.dumps(body).encode())
    journal.close()
    (entry,) = gather(where, (), 0, 2**62).entries
    assert set(entry.data) == {"tx_hash", "error"}
    assert len(entry.data["error"]) <= 101
    assert "dead" not in entry.text


def test_rubbish_and_what_cannot_be_read_is_named(where: Places) -> None:
    """A torn line is passed over; a damaged journal and a strange log are said, and cost no other."""
    (where.logs / "trader.log").write_bytes(b'\xff\x00\n{"time": "x"}\n[1]\n{"time":')
    (where.logs / "gateway.log").mkdir()
    where.journal(Role.EXECUTOR).write_bytes(b"no database")
    (where.logs / "main.log").write_text(_line(NS_PER_S, "api", "x", "y"), "utf-8")
    found = gather(where, ("trader", "gateway"), 0, 2**62)
    assert [each.source for each in found.entries] == ["log main.log"]
    assert [each.partition(":")[0] for each in found.missing] == ["executor.db", "gateway.log"]


def test_only_the_window_counts_both_ends_included(where: Places) -> None:
    """Seconds 10 to 20 of a log from 1 to 30."""
    lines = "".join(_line(NS_PER_S * second, "api", "x", str(second)) for second in range(1, 31))
    (where.logs / "api.log").write_text(lines, "utf-8")
    found = gather(where, ("api",), 10 * NS_PER_S, 20 * NS_PER_S)
    assert [int(each.text) for each in found.entries] == list(range(10, 21))
    assert [int(each.text) for each in nearest(found.entries, 13 * NS_PER_S, 3)] == [12, 13, 14]

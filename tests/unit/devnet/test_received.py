"""The receive log on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.devnet.received import ReceiveLog, boottime_ns, read_received

if TYPE_CHECKING:
    from pathlib import Path


def _receive(log: ReceiveLog, endpoint: str, raw: bytes) -> int:
    now_ns = boottime_ns()
    return log.received(endpoint, raw, began_ns=now_ns, received_ns=now_ns, fault="healthy")[0]


def test_lines_are_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    """No buffer stands between an arrival and the file; answers join their arrivals."""
    log = ReceiveLog(tmp_path)
    first = _receive(log, "a", b"one")
    assert [each.answer for each in read_received(log.path)] == [None]
    second = _receive(log, "b", b"two")
    log.answered(second, "0xbb")
    log.answered(first, "0xaa")
    assert [(each.endpoint, each.answer) for each in read_received(log.path)] == [
        ("a", "0xaa"),
        ("b", "0xbb"),
    ]
    log.close()


def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Lines of two runs do not mix up, though both count from 0."""
    for answer in ("0x01", "0x02"):
        log = ReceiveLog(tmp_path)
        log.answered(_receive(log, "a", answer.encode()), answer)
        log.close()
    assert [each.answer for each in read_received(tmp_path / "received.jsonl")] == ["0x01", "0x02"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """A reader that comes in the middle of a write, or after a crash, gets the whole lines."""
    log = ReceiveLog(tmp_path)
    _receive(log, "a", b"one")
    log.close()
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + whole[:-20])
    assert len(read_received(log.path)) == 1
    assert read_received(tmp_path / "none.jsonl") == []

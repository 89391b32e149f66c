"""Over any damage to a journal's files: it is found, or what is read is a true beginning; never worse."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults import fault
from tests.instance import wait_until
from warden.domain.errors import JournalBroken
from warden.runtime.chain import Place
from warden.runtime.checkpoints import save
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, Row, read, verify

ROWS = 120
RUNS = settings(max_examples=60, deadline=None)
Files = dict[str, bytes]


def made() -> tuple[list[Row], Files, Files]:
    """A journal's rows, its file after an orderly end, and its file and log as a crash leaves them."""
    with tempfile.TemporaryDirectory(prefix="warden-journal-") as directory:
        path = Path(directory) / "j.db"
        journal = Journal(path, SystemClock())
        for number in range(ROWS):
            journal.append("kind", b"%d " % number * 50)
        wait_until(lambda: journal.synced == ROWS, "durable rows")
        # It drops SQLite's locks in this process, which nobody else needs any more.
        crashed = {each: path.with_name(each).read_bytes() for each in (path.name, "j.db-wal")}
        journal.close()
        return list(read(path)), {path.name: path.read_bytes()}, crashed


HELD, ORDERLY, CRASHED = made()


def found_or_true(files: Files, *, witnessed: bool) -> None:
    """Lay out the files: `verify` finds it, or the rows are a beginning of the true ones.

    With a checkpoint at the last row, the beginning must be all of them.
    """
    with tempfile.TemporaryDirectory(prefix="warden-journal-") as directory:
        path = Path(directory) / "j.db"
        for name, content in files.items():
            path.with_name(name).write_bytes(content)
        if witnessed:
            save(path, Place(ROWS, bytes.fromhex(HELD[-1].hash), HELD[-1].time_ns))
        rows, problems = verify(path)
        if problems:
            assert all("\n" not in problem for problem in problems)
            return
        assert list(read(path)) == HELD[:rows]
        assert rows == ROWS or not witnessed
        try:
            journal = Journal(path, SystemClock())
        except JournalBroken:
            return  # a start sees more than a reader: it writes
        assert journal.synced == rows
        journal.close()


@fault("bit-flipped")
@RUNS
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), witnessed=st.booleans())
def test_a_flipped_bit_of_the_file_is_found_or_means_nothing(at: float, bit: int, *, witnessed: bool) -> None:
    """I9: one bit anywhere in a closed journal."""
    content = bytearray(ORDERLY["j.db"])
    content[int(at * len(content))] ^= 1 << bit
    found_or_true({"j.db": bytes(content)}, witnessed=witnessed)


@fault("truncated")
@RUNS
@given(at=st.floats(0, 1), witnessed=st.booleans())
def test_a_truncated_file_is_found(at: float, *, witnessed: bool) -> None:
    """I9: the file cut anywhere, after an orderly end."""
    found_or_true({"j.db": ORDERLY["j.db"][: int(at * len(ORDERLY["j.db"]))]}, witnessed=witnessed)


@fault("torn-tail")
@RUNS
@given(at=st.floats(0, 1), witnessed=st.booleans())
def test_a_torn_log_leaves_a_beginning_or_is_found(at: float, *, witnessed: bool) -> None:
    """I9: the log cut anywhere, as a short write or a lost sync leaves it: whole commits, or it is found."""
    log = CRASHED["j.db-wal"]
    found_or_true({**CRASHED, "j.db-wal": log[: int(at * len(log))]}, witnessed=witnessed)


@fault("bit-flipped")
@RUNS
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), witnessed=st.booleans())
def test_a_flipped_bit_of_the_log_leaves_a_beginning_or_is_found(
    at: float, bit: int, *, witnessed: bool
) -> None:
    """I9: SQLite drops the log from there on without a word; the checkpoint tells."""
    log = bytearray(CRASHED["j.db-wal"])
    log[int(at * len(log))] ^= 1 << bit
    found_or_true({**CRASHED, "j.db-wal": bytes(log)}, witnessed=witnessed)

"""What waits for a row waits for its sync; of a broken journal nothing is ever let go (I5)."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import pytest

from tests.instance import wait_until
from tests.unit.executor.rows import leg, signed
from warden.domain.errors import EXIT_DONE
from warden.domain.modes import Mode
from warden.executor.books.book import Book
from warden.executor.books.recorder import Recorder
from warden.executor.protocol.commands import Record, Respond
from warden.runtime.clock import SystemClock
from warden.runtime.journal import read
from warden.wire.codec import from_json
from warden.wire.messages import OperatorReply
from warden.wire.rows import ExecutorRow, OpenRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER = Respond(b"o", OperatorReply(exit_code=EXIT_DONE, message="done", mode=int(Mode.OBSERVE_ONLY)))


@pytest.fixture
def book() -> Book:
    """Return a book with one transaction that may still land."""
    book = Book()
    book.apply(signed(1))
    return book


@pytest.fixture
def halts() -> list[str]:
    """Return where it is kept why the gate was closed."""
    return []


@pytest.fixture
def recorder(tmp_path: Path, book: Book, halts: list[str]) -> Iterator[Recorder]:
    """Return a recorder of a new journal."""

    def halt(why: str, tampered: bool) -> None:  # noqa: FBT001 - a callback's form
        halts.append(f"tampered: {why}" if tampered else why)

    recorder = Recorder(tmp_path / "executor.db", SystemClock(), book, halt)
    yield recorder
    if not halts:
        recorder.close()


def test_an_answer_comes_once_its_row_is_durable(recorder: Recorder) -> None:
    """I5: the row is read back from the disk when the answer is let go, and it is let go once."""
    recorder.record(Record(row=leg(1, "accepted"), then=(ANSWER,)))
    found: list[object] = []

    def comes() -> bool:
        select.select([recorder.wake], [], [], 0.1)
        found.extend(recorder.due())
        return bool(found)

    wait_until(comes, "the answer after the sync")
    assert found == [ANSWER]
    assert recorder.head.rows == recorder.rows == 1
    assert recorder.due() == []


def test_what_may_still_land_is_written_down_now_and_then(recorder: Recorder, tmp_path: Path) -> None:
    """I3: with every five hundredth row, so that the tail of an old journal is enough to tell."""
    for _ in range(500):
        recorder.record(Record(row=leg(1, "accepted")))
    wait_until(lambda: not recorder.due() and recorder.head.rows == 501, "all rows on the disk")
    rows: list[ExecutorRow] = [from_json(row.body, ExecutorRow) for row in read(tmp_path / "executor.db")]
    assert [at for at, row in enumerate(rows, 1) if isinstance(row, OpenRow)] == [501]
    assert rows[-1] == OpenRow(hashes=(signed(1).tx_hash,))


def test_after_an_error_nothing_that_waits_is_let_go(
    recorder: Recorder, tmp_path: Path, halts: list[str]
) -> None:
    """I5: the file is another one suddenly; the gate closes for good and says why."""
    recorder.record(Record(row=leg(1, "accepted")))
    wait_until(lambda: not recorder.due() and recorder.head.rows == 1, "the first row on the disk")
    (tmp_path / "executor.db").replace(tmp_path / "elsewhere.db")
    recorder.record(Record(row=leg(1, "accepted"), then=(ANSWER,)))
    wait_until(lambda: recorder.due() == [] and bool(halts), "the gate closed")
    recorder.record(Record(row=leg(1, "accepted"), then=(ANSWER,)))
    assert recorder.due() == []
    assert halts[0].startswith("tampered: ")

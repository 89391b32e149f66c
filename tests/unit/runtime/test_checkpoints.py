"""Checkpoints on real files: they make the start short, they bear witness, and they hide nothing."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import apsw
import pytest

from tests.faults import fault
from warden.domain.errors import JournalBroken
from warden.runtime.chain import START, Place, link
from warden.runtime.checkpoints import checkpoint_path, load, save
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, read, verify

# More than a start looks at again.
MANY = 3_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal stands."""
    return tmp_path / "executor.db"


def fill(path: Path, rows: int) -> None:
    """Open, write so many rows more, and close in order."""
    journal = Journal(path, SystemClock())
    for number in range(rows):
        journal.append("kind", b"body %d" % number)
    journal.close()


def change(path: Path, statement: str, *values: int) -> None:
    """Do to the file what no program of ours does."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute(statement, values)


def rewrite(path: Path, first: int) -> None:
    """Change a row and chain every row from it on anew, as someone would who knows how."""
    rows = list(read(path))
    previous = rows[first - 2].hash if first > 1 else "0" * 64
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        for row in rows[first - 1 :]:
            digest = link(bytes.fromhex(previous), row.row, row.time_ns, row.kind.encode(), b"forged")
            connection.execute(
                "UPDATE journal SET body = ?, hash = ? WHERE row = ?", (b"forged", digest, row.row)
            )
            previous = digest.hex()


def test_an_orderly_end_leaves_it_at_the_last_row(path: Path) -> None:
    """The next start has nothing to catch up with, and goes on from it."""
    fill(path, 10)
    last = list(read(path))[-1]
    assert load(path) == (Place(10, bytes.fromhex(last.hash), last.time_ns), "")
    fill(path, 5)
    assert load(path)[0].row == 15
    assert verify(path) == (15, [])


def test_a_start_reads_what_is_new_and_verify_reads_all(path: Path) -> None:
    """FS3: what was verified is not walked again at each start; `verify` walks everything (I9)."""
    fill(path, MANY)
    change(path, "UPDATE journal SET body = x'00' WHERE row = 7")
    fill(path, 1)
    rows, problems = verify(path)
    assert rows == MANY + 1
    assert problems == ["executor.db: row 7 does not follow from the row before"]


@pytest.mark.parametrize("row", [MANY, MANY - 500])
def test_the_newest_rows_are_looked_at_at_every_start(path: Path, row: int) -> None:
    """FS2: a start looks at the last thousand rows again, verified before or not."""
    fill(path, MANY)
    change(path, "UPDATE journal SET body = x'00' WHERE row = ?", row)
    with pytest.raises(JournalBroken, match=f"row {row} does not follow"):
        Journal(path, SystemClock())


def test_rows_behind_it_are_walked_at_the_start(path: Path) -> None:
    """Rows that were never verified are, however many there are."""
    fill(path, MANY)
    first = list(read(path))[9]
    save(path, Place(10, bytes.fromhex(first.hash), first.time_ns))
    change(path, "UPDATE journal SET kind = 'other' WHERE row = 11")
    with pytest.raises(JournalBroken, match="row 11 does not follow"):
        Journal(path, SystemClock())


def test_without_it_everything_is_walked(path: Path) -> None:
    """Its loss costs time, nothing else; whoever waits is called in between and can beat."""
    fill(path, 2 * 4_096 + 1)
    checkpoint_path(path).unlink()
    assert verify(path)[1] == []
    steps: list[int] = []
    Journal(path, SystemClock(), on_step=lambda: steps.append(1)).close()
    assert len(steps) == 2
    checkpoint_path(path).unlink()
    change(path, "UPDATE journal SET body = x'00' WHERE row = 1")
    with pytest.raises(JournalBroken, match="row 1 does not follow"):
        Journal(path, SystemClock())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe" * 50, b'{"row":1}', b"[]", b"x" * 10_000])
def test_what_is_no_checkpoint_is_told_and_made_anew(path: Path, content: bytes) -> None:
    """Torn or foreign: everything is walked, the start goes on, and `verify` says so until then."""
    fill(path, 5)
    checkpoint_path(path).write_bytes(content)
    assert load(path)[0] == START
    ((problem),) = verify(path)[1]
    assert "executor.checkpoint" in problem
    Journal(path, SystemClock()).close()
    assert verify(path) == (5, [])


def test_any_flipped_bit_of_it_is_seen_as_damage(path: Path) -> None:
    """An accident to the checkpoint is not taken for one to the journal."""
    fill(path, 5)
    content = checkpoint_path(path).read_bytes()
    for at in range(len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 0x04
        checkpoint_path(path).write_bytes(flipped)
        place, why = load(path)
        assert place == START or flipped.decode().lower() == content.decode()
        assert why != "" or place != START


def test_a_forged_checkpoint_hides_nothing_from_verify(path: Path) -> None:
    """Moved past a change it lets the start pass; `verify` still finds the change (I9)."""
    fill(path, MANY)
    change(path, "UPDATE journal SET body = x'00' WHERE row = 3")
    last = list(read(path))[-1]
    save(path, Place(MANY, bytes.fromhex(last.hash), last.time_ns))
    Journal(path, SystemClock()).close()
    assert verify(path)[1] == ["executor.db: row 3 does not follow from the row before"]


def test_a_forged_checkpoint_that_contradicts_the_journal_stops_the_start(path: Path) -> None:
    """Whichever of the two is wrong, nothing is sent before somebody has looked."""
    fill(path, 5)
    save(path, Place(3, b"\x00" * 32, 0))
    with pytest.raises(JournalBroken, match="row 3 is not the row that was verified before"):
        Journal(path, SystemClock())
    assert any("rewritten" in problem for problem in verify(path)[1])


@fault("rolled-back")
def test_an_older_copy_is_refused_at_the_start_and_told_by_verify(path: Path, tmp_path: Path) -> None:
    """A rollback of the one file: found by the checkpoint beside it (I9)."""
    fill(path, 10)
    shutil.copy(path, tmp_path / "older")
    fill(path, 10)
    shutil.copy(tmp_path / "older", path)
    expected = "executor.db ends at row 10, but row 20 was verified before"
    with pytest.raises(JournalBroken, match=expected):
        Journal(path, SystemClock())
    ((problem),) = verify(path)[1]
    assert problem.startswith(expected)


def test_an_older_copy_that_was_written_on_is_found(path: Path, tmp_path: Path) -> None:
    """As long as before, well chained, and not the same: rewritten (I9)."""
    fill(path, 10)
    shutil.copy(path, tmp_path / "older")
    fill(path, 10)
    kept = checkpoint_path(path).read_bytes()
    shutil.copy(tmp_path / "older", path)
    checkpoint_path(path).unlink()
    fill(path, 15)
    checkpoint_path(path).write_bytes(kept)
    with pytest.raises(JournalBroken, match="row 20 is not the row that was verified before"):
        Journal(path, SystemClock())


@fault("rolled-back")
def test_a_chain_that_was_forged_to_its_end_is_found(path: Path) -> None:
    """Every hash computed anew: the chain holds, and yet it is not what was verified (I9)."""
    fill(path, 10)
    rewrite(path, 4)
    assert [problem for problem in verify(path)[1] if "does not follow" in problem] == []
    assert any("rewritten" in problem for problem in verify(path)[1])
    with pytest.raises(JournalBroken, match="rewritten"):
        Journal(path, SystemClock())


@fault("truncated")
def test_a_journal_that_is_gone_is_found(path: Path) -> None:
    """Removed or emptied, it does not begin anew by itself (I9)."""
    fill(path, 4)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()
    assert verify(path) == (0, ["executor.db is gone, but 4 of its rows were verified before"])
    path.touch()
    with pytest.raises(JournalBroken, match="ends at row 0, but row 4 was verified"):
        Journal(path, SystemClock())


def test_what_cannot_be_saved_leaves_the_one_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or not at all."""
    fill(path, 4)
    before = checkpoint_path(path).read_bytes()

    def refuse(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("warden.runtime.checkpoints.os.fsync", refuse)
    with pytest.raises(OSError, match="Input/output"):
        save(path, Place(9, b"\x01" * 32, 0))
    assert checkpoint_path(path).read_bytes() == before


def test_a_checkpoint_that_cannot_be_saved_keeps_nobody_from_starting(path: Path) -> None:
    """A full disk, say: the walk was made all the same, and the next start makes it again."""
    fill(path, 4)
    checkpoint_path(path).unlink()
    checkpoint_path(path).with_suffix(".checkpoint.new").mkdir()  # in the way
    journal = Journal(path, SystemClock())
    assert journal.synced == 4
    journal.append("kind", b"more")
    journal.close()
    assert verify(path) == (5, [])

"""Over any history of a journal: it is gapless, chained, and any change is found."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.faults import fault
from tests.instance import wait_until
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, read, verify

BODIES = st.binary(max_size=200)
KINDS = st.text(max_size=20).filter(lambda text: "\0" not in text)


class JournalHistory(RuleBasedStateMachine):
    """Append, wait, close, reopen, crash, in any order; the model is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="warden-journal-"))
        self.path = self.directory / "j.db"
        self.rows: list[tuple[str, bytes]] = []
        self.journal: Journal | None = Journal(self.path, SystemClock())

    @precondition(lambda self: self.journal is not None)
    @rule(kind=KINDS, bodies=st.lists(BODIES, min_size=1, max_size=20))
    def append(self, kind: str, bodies: list[bytes]) -> None:
        """Numbers are handed out in order, without a gap."""
        assert self.journal is not None
        for body in bodies:
            self.rows.append((kind, body))
            assert self.journal.append(kind, body) == len(self.rows)

    @precondition(lambda self: self.journal is not None)
    @rule()
    def wait(self) -> None:
        """What was handed in becomes durable."""
        journal = self.journal
        assert journal is not None
        wait_until(lambda: journal.synced == len(self.rows), "durable rows")

    @precondition(lambda self: self.journal is not None)
    @rule()
    def close(self) -> None:
        """An orderly end."""
        assert self.journal is not None
        self.journal.close()
        self.journal = None

    @precondition(lambda self: self.journal is None)
    @rule()
    def reopen(self) -> None:
        """It goes on where it was."""
        self.journal = Journal(self.path, SystemClock())
        assert self.journal.synced == len(self.rows)

    @precondition(lambda self: self.journal is not None)
    @rule()
    def crash(self) -> None:
        """The files as they are now are what a crash leaves: a beginning that has every durable row."""
        assert self.journal is not None
        synced = self.journal.synced
        with tempfile.TemporaryDirectory(prefix="warden-journal-") as copy:
            for file in self.directory.glob("j.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, copy)
            left = Path(copy) / "j.db"
            rows, problems = verify(left)
            assert problems == []
            assert synced <= rows <= len(self.rows)
            assert [(row.kind, row.body) for row in read(left)] == self.rows[:rows]

    @invariant()
    def durable_rows_are_a_beginning(self) -> None:
        """Any reader at any time sees a good beginning of what was handed in (I9)."""
        rows, problems = verify(self.path)
        assert problems == []
        assert [(row.kind, row.body) for row in read(self.path)][:rows] == self.rows[:rows]

    def teardown(self) -> None:
        """Close, and remove the files."""
        if self.journal is not None:
            self.journal.close()
        shutil.rmtree(self.directory)


JournalHistory.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestJournalHistory = JournalHistory.TestCase


@fault("bit-flipped")
@settings(max_examples=25, deadline=None)
@given(
    bodies=st.lists(BODIES, min_size=2, max_size=12),
    data=st.data(),
)
def test_any_change_of_any_row_is_found(bodies: list[bytes], data: st.DataObject) -> None:
    """A field changed, a row taken out (but for the last), two exchanged: `verify` finds it (I9)."""
    with tempfile.TemporaryDirectory(prefix="warden-journal-") as directory:
        path = Path(directory) / "j.db"
        journal = Journal(path, SystemClock())
        for body in bodies:
            journal.append("kind", body)
        journal.close()
        assert verify(path) == (len(bodies), [])
        row = data.draw(st.integers(1, len(bodies) - 1))
        change = data.draw(
            st.sampled_from(
                [
                    "UPDATE journal SET body = CAST(body || x'00' AS BLOB) WHERE row = ?",
                    "UPDATE journal SET kind = kind || 'x' WHERE row = ?",
                    "UPDATE journal SET time_ns = time_ns - 1 WHERE row = ?",
                    "UPDATE journal SET hash = randomblob(32) WHERE row = ?",
                    "DELETE FROM journal WHERE row = ?",
                    "UPDATE journal SET row = -row WHERE row = ?",
                    "UPDATE journal SET row = row + 1000 WHERE row = ?",
                ]
            )
        )
        with contextlib.closing(apsw.Connection(str(path))) as other:
            other.execute(change, (row,))
        assert verify(path)[1]

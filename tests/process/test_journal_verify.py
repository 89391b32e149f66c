"""`warden verify` on a home whose journals were tampered with, as an operator would find them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import apsw
import msgspec
import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, Instance
from warden.domain.roles import Role
from warden.runtime.checkpoints import checkpoint_path
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home with the journals of an executor, a watchdog that saw it, and a logger that saw both."""
    with Instance() as made:
        executor = written(made, Role.EXECUTOR, [b"body"] * 20)
        watchdog = written(made, Role.WATCHDOG, [seen(executor)])
        written(made, Role.LOGGER, [seen(executor), seen(watchdog)])
        yield made


def seen(head: Any) -> bytes:  # noqa: ANN401 - a journal's head
    """A witness row's body."""
    return msgspec.json.encode({"heads": [[head.journal, head.rows, head.hash]]})


def written(instance: Instance, role: Role, bodies: list[bytes]) -> Any:  # noqa: ANN401 - a journal's head
    """Write witness rows, close in order, and give the head."""
    journal = Journal(instance.places.journal(role), SystemClock())
    for body in bodies:
        journal.append("witness" if body.startswith(b"{") else "kind", body)
    journal.close()
    return journal.head


def verify(instance: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "warden.cli", "verify", "--home", str(instance.home), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=REPOSITORY)


def roll_back(path: Path, rows: int) -> None:
    """Take the last rows away, and the checkpoint that would tell: only the witnesses are left."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("DELETE FROM journal WHERE row > ?", (rows,))
    checkpoint_path(path).unlink()


def test_what_is_as_it_was_written_ends_with_0(instance: Instance) -> None:
    """For people a line for each journal and one for all; for scripts `ok`, `rows`, `problems` (OP1)."""
    done = verify(instance)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "executor.db: 20 rows, every row follows",
        "watchdog.db: 1 rows, every row follows",
        "logger.db: 2 rows, every row follows",
        "23 rows: as written, and as the witnesses saw them",
    ]
    assert json.loads(verify(instance, "--json").stdout) == {"ok": True, "rows": 23, "problems": []}


@fault("rolled-back")
@pytest.mark.parametrize(
    ("role", "rows", "witnesses"),
    [(Role.EXECUTOR, 12, {"watchdog.db", "logger.db"}), (Role.WATCHDOG, 0, {"logger.db"})],
)
def test_a_rolled_back_journal_is_told_by_each_witness(
    instance: Instance, role: Role, rows: int, witnesses: set[str]
) -> None:
    """I9: with the row numbers, exit code 1."""
    roll_back(instance.places.journal(role), rows)
    done = verify(instance, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    problems = [
        problem for problem in told["problems"] if problem.startswith(f"{role.value}.db ends at row {rows},")
    ]
    assert {
        name for name in witnesses for problem in problems if f"but {name} (its row" in problem
    } == witnesses
    assert len(problems) == len(witnesses)


@fault("bit-flipped")
def test_a_flipped_byte_is_one_line_for_people(instance: Instance) -> None:
    """What is wrong stands on standard error, a line each; the rest is still walked."""
    path = instance.places.journal(Role.EXECUTOR)
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("UPDATE journal SET body = x'00' WHERE row = 4")
    done = verify(instance)
    assert done.returncode == 1
    assert done.stderr == "warden: executor.db: row 4 does not follow from the row before\n"
    assert "executor.db: 20 rows, NOT as written" in done.stdout
    assert done.stdout.endswith("23 rows: NOT as written\n")


@fault("truncated")
def test_a_removed_journal_is_told(instance: Instance) -> None:
    """I9: also when everything beside it is removed with it."""
    for each in instance.places.state.glob("executor*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    told = json.loads(verify(instance, "--json").stdout)
    assert [("rows 1 to 20 are gone" in problem) for problem in told["problems"]] == [True, True]

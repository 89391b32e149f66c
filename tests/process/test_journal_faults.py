"""The journal on a disk that fails, fills up or stands still: real processes, real system calls."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, wait_until
from tests.needs import need_root, need_tool
from tests.process.journal_writer import BODY, Writer
from tests.process.small_disk import fill, small_disk
from warden.runtime.clock import SystemClock
from warden.runtime.disk import DiskFloor
from warden.runtime.journal import Journal, verify

pytestmark = pytest.mark.system

# strace counts for each thread. The writer's first commit writes and syncs the log's head, then a row's page,
# and passes; its second commit meets the fault.
SECOND_SYNC, SECOND_WRITE = "when=3+", "when=4+"


def under_strace(trace: Path, file: Path, call: str, what: str) -> list[str]:
    """The words that run a program with a fault in one system call on one file, its calls written down."""
    words = [need_tool("strace"), "-f", "-qq", "-o", str(trace), "-P", str(file)]
    return [*words, "-e", "trace=fsync,fdatasync,pwrite64,ftruncate", "-e", f"inject={call}:{what}"]


def injected_and_after(trace: Path) -> tuple[int, list[str]]:
    """How many faults were met, and every call on the file after the first of them."""
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    hits = [number for number, line in enumerate(lines) if "(INJECTED)" in line]
    after = [line for line in lines[hits[0] + 1 :] if re.match(r"\d+ +(pwrite64|f\w*sync|ftruncate)\(", line)]
    return len(hits), after


@fault("sync-error")
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("fdatasync", f"error=EIO:{SECOND_SYNC}"),
        ("fdatasync", f"error=ENOSPC:{SECOND_SYNC}"),
        ("pwrite64", f"error=EIO:{SECOND_WRITE}"),
        ("pwrite64", f"error=ENOSPC:{SECOND_WRITE}"),
    ],
)
def test_after_an_error_of_the_disk_nothing_is_tried_again(tmp_path: Path, call: str, fault: str) -> None:
    """Failed sync, failed write: it stays alive, says why, takes no row, touches nothing (I5)."""
    path, trace = tmp_path / "executor.db", tmp_path / "trace"
    Journal(path, SystemClock()).close()
    with Writer(path, under_strace(trace, tmp_path / "executor.db-wal", call, fault)) as writer:
        writer.tell("append 1")
        assert writer.wait("synced")["error"] == ""
        writer.tell("append 1")
        failed = writer.wait("error")
        assert failed["error"].startswith("commit failed: ")
        again = writer.tell("append 1")
        assert "commit failed" in again["refused"]
        assert (again["synced"], again["appended"]) == (1, 2)
        assert "commit failed" in writer.tell("close")["refused"]
    hits, after = injected_and_after(trace)
    assert hits == 1 or call == "pwrite64"
    assert after == []
    rows, problems = verify(path)
    assert problems == []
    assert rows >= 1
    reopened = Journal(path, SystemClock())
    assert reopened.synced == rows
    reopened.close()


@fault("sync-error")
def test_a_failed_sync_of_the_file_behind_the_log_closes_it_too(tmp_path: Path) -> None:
    """SQLite by itself passes over it: the log is folded by us, and its error is one like any other (EX2)."""
    path, trace = tmp_path / "executor.db", tmp_path / "trace"
    Journal(path, SystemClock()).close()
    with Writer(path, under_strace(trace, path, "fdatasync", "error=EIO")) as writer:
        writer.tell("append 6000")
        failed = writer.wait("error")
        assert failed["error"].startswith("checkpoint failed: ")
        assert failed["synced"] > 0
        assert "checkpoint failed" in writer.tell("append 1")["refused"]
    rows, problems = verify(path)
    assert (rows >= failed["synced"], problems) == (True, [])


@fault("sync-slow")
def test_a_sync_of_five_seconds_only_makes_rows_durable_late(tmp_path: Path) -> None:
    """`append` never waits, nothing counts as durable before it is, and no error comes of it."""
    path, trace = tmp_path / "executor.db", tmp_path / "trace"
    slow = under_strace(trace, tmp_path / "executor.db-wal", "fdatasync", "delay_enter=5000000:when=3")
    Journal(path, SystemClock()).close()
    with Writer(path, slow) as writer:
        writer.tell("append 1")
        writer.wait("synced")
        taken = writer.tell("append 100")
        assert (taken["synced"], taken["appended"], taken["error"]) == (1, 101, "")
        assert writer.tell("append 100")["appended"] == 201
        assert writer.wait("synced")["synced"] == 201
        assert writer.tell("close")["refused"] == ""
    assert verify(path) == (201, [])


@fault("sync-error")
def test_a_disk_that_is_refused_at_the_start_is_refused_in_a_line(tmp_path: Path) -> None:
    """No journal is opened on a disk whose first sync fails."""
    path = tmp_path / "executor.db"
    words = under_strace(tmp_path / "trace", tmp_path / "executor.db-wal", "fdatasync", "error=EIO")
    with Writer(path, words) as writer:
        assert "executor.db" in writer.opened["refused"]
        assert "\n" not in writer.opened["refused"]


@fault("disk-full")
def test_a_full_disk_closes_it_and_space_alone_does_not_open_it_again(tmp_path: Path) -> None:
    """ENOSPC on a real, full file system: durable rows stay, nothing is retried; a new start goes on."""
    need_root()
    with small_disk(tmp_path, "tmpfs", 2**20) as disk:
        path, floor = disk / "executor.db", DiskFloor(disk, SystemClock())
        with Writer(path) as writer:
            writer.tell("append 1")
            writer.wait("synced")
            ballast = fill(disk)
            assert "MiB free" in floor.reason()
            for _ in range(20):
                answer = writer.tell("append 50")
            assert writer.wait("error")["error"].startswith("commit failed: ")
            ballast.unlink()
            answer = writer.tell("append 1")
            assert "commit failed" in answer["refused"]
            assert writer.tell("state")["pid"] == writer.opened["pid"]
        rows, problems = verify(path)
        assert (rows >= answer["synced"], problems) == (True, [])
        again = Journal(path, SystemClock())
        again.append("kind", BODY)
        again.close()
        assert verify(path) == (rows + 1, [])


def test_it_is_read_by_another_user_of_the_group_without_the_writer() -> None:
    """DESIGN §3: whoever stops reads what is in flight, may write nothing, and needs no executor."""
    need_root()
    with tempfile.TemporaryDirectory(prefix="warden-journal-") as directory:
        path = Path(directory) / "executor.db"
        path.parent.chmod(0o750)
        writer = Journal(path, SystemClock())
        for _ in range(5):
            writer.append("kind", BODY)
        wait_until(lambda: writer.synced == 5, "durable rows")
        while_it_runs = seen_by_the_group(path)
        writer.close()
        assert while_it_runs == seen_by_the_group(path) == "(5, []) {'0o640'}\n"


def seen_by_the_group(path: Path) -> str:
    """What a user reads who is in the journal's group and owns nothing."""
    reading = (
        "import os, sys; from pathlib import Path; from warden.runtime.journal import verify\n"
        "os.setgroups([]); os.setgid(0); os.setuid(65534); path = Path(sys.argv[1])\n"
        "print(verify(path), {oct(each.stat().st_mode & 0o777) for each in path.parent.iterdir()})"
    )
    command = [sys.executable, "-c", reading, str(path)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=60
    ).stdout

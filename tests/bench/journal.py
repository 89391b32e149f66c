"""The journal beside the same disk's raw synced writes, and how fast a million rows are verified.

Three rates of the same rows in the same run, in turns so that another load on the disk meets all alike: the
journal; a plain file, appended and synced; SQLite with the same table and a commit in a loop, no chain, no
thread. Once a row a commit, each waiting for its own (`single_`), and once as many rows as one sync carries
(`group_`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from tests.bench._machine import machine
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, verify

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b'{"intent_id":"0123456789abcdef","raw":"' + b"f0" * 120 + b'"}'
ROUNDS = 5
GROUP_ROWS = 1_024
SINGLE_TARGET, VERIFY_TARGET_S = 0.8, 10.0
WAITING_MAX = 8_192
END_WITHIN_S = 600.0


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench journal", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many rows are verified")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="how long each rate is measured, per round"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path(tempfile.gettempdir()), help="a directory on the disk"
    )
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="warden-bench-", dir=options.dir))
    try:
        figures = {**rates(directory, options.seconds), **verifying(directory, options.rows)}
    finally:
        shutil.rmtree(directory)
    figures["machine"] = machine()
    if not options.json:
        for name, value in figures.items():
            sys.stdout.write(f"{name:32s} {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def rates(directory: Path, seconds: float) -> dict[str, Any]:
    """Return rows per second of each way, the median of the rounds, and ours to the others'."""
    ways: dict[str, Callable[[Path, float], float]] = {
        "single_journal": single_journal,
        "single_file": lambda path, s: plain_file(path, s, 1),
        "single_sqlite": lambda path, s: plain_sqlite(path, s, 1),
        "group_journal": group_journal,
        "group_file": lambda path, s: plain_file(path, s, GROUP_ROWS),
        "group_sqlite": lambda path, s: plain_sqlite(path, s, GROUP_ROWS),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(way(directory / f"{name}-{number}.db", seconds))
    rate = {name: statistics.median(values) for name, values in found.items()}
    ratio = {
        f"{kind}_ratio_to_{peer}": round(rate[f"{kind}_journal"] / rate[f"{kind}_{peer}"], 2)
        for kind in ("single", "group")
        for peer in ("file", "sqlite")
    }
    per_s = {f"{name}_rows_per_s": round(value, 1) for name, value in rate.items()}
    return {
        **per_s,
        **ratio,
        "ratio_target": SINGLE_TARGET,
        "body_bytes": len(BODY),
        "group_rows": GROUP_ROWS,
    }


def single_journal(path: Path, seconds: float) -> float:
    """One row, wait until it is durable, the next: as the executor does before a send."""
    journal = Journal(path, SystemClock())
    began, rows = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        rows = journal.append("kind", BODY)
        while journal.synced < rows:
            select.select([journal.wake], [], [], END_WITHIN_S)
            journal.acknowledge()
    rate = rows / (time.monotonic() - began)
    journal.close()
    return rate


def group_journal(path: Path, seconds: float) -> float:
    """As many rows as it takes, its own thread choosing the groups."""
    journal = Journal(path, SystemClock())
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if journal.appended - journal.synced < WAITING_MAX:
            journal.append("kind", BODY)
        else:
            select.select([journal.wake], [], [], END_WITHIN_S)
            journal.acknowledge()
    while journal.synced < journal.appended and journal.error is None:
        select.select([journal.wake], [], [], END_WITHIN_S)
        journal.acknowledge()
    rate = journal.synced / (time.monotonic() - began)
    journal.close(END_WITHIN_S)
    return rate


def plain_file(path: Path, seconds: float, rows_each: int) -> float:
    """Append and fdatasync, nothing else: what the disk itself gives."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        began, rows, piece = time.monotonic(), 0, BODY * rows_each
        while time.monotonic() - began < seconds:
            os.write(handle, piece)
            os.fdatasync(handle)
            rows += rows_each
        return rows / (time.monotonic() - began)
    finally:
        os.close(handle)


def plain_sqlite(path: Path, seconds: float, rows_each: int) -> float:
    """A commit loop with the journal's settings and table, the hash being a constant."""
    with contextlib.closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE journal (row INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, kind TEXT NOT NULL,"
            " body BLOB NOT NULL, hash BLOB NOT NULL) STRICT"
        )
        began, rows, digest = time.monotonic(), 0, b"\x00" * 32
        while time.monotonic() - began < seconds:
            group = [(rows + number, rows, "kind", BODY, digest) for number in range(1, rows_each + 1)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", group)
            connection.execute("COMMIT")
            rows += rows_each
        return rows / (time.monotonic() - began)


def verifying(directory: Path, rows: int) -> dict[str, Any]:
    """Return how long `verify` takes over so many rows, and a start after an orderly end."""
    path = directory / "million.db"
    journal = Journal(path, SystemClock())
    for _ in range(rows):
        while journal.appended - journal.synced >= WAITING_MAX:
            select.select([journal.wake], [], [], END_WITHIN_S)
            journal.acknowledge()
        journal.append("kind", BODY)
    journal.close(END_WITHIN_S)
    Journal(path, SystemClock()).close(END_WITHIN_S)  # the checkpoint is at the last row now
    began = time.monotonic()
    counted, problems = verify(path)
    verified_s = time.monotonic() - began
    if counted != rows or problems:
        raise SystemExit(f"{counted} of {rows} rows, {problems}")
    began = time.monotonic()
    Journal(path, SystemClock()).close()
    return {
        "verified_rows": rows,
        "verify_s": round(verified_s, 2),
        "verify_target_s": VERIFY_TARGET_S,
        "open_and_close_s": round(time.monotonic() - began, 3),
    }


if __name__ == "__main__":
    sys.exit(main())

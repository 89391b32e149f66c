"""A process that keeps a journal and does as it is told: what the tests of a failing disk are made on.

`python -m tests.process.journal_writer PATH`: each line read is a command, answered by one line of JSON at
once: `append N`, `state`, `close`, `stop ID` (into the directory `stop` beside the journal). The end of its
input ends it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.instance import REPOSITORY, wait_until
from warden.domain.errors import JournalBroken
from warden.domain.stops import Stop
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal
from warden.runtime.latch import Latch

if TYPE_CHECKING:
    from collections.abc import Sequence

BODY = b"x" * 1_000


class Writer:
    """The process seen from a test; `before` is what it runs under, such as strace."""

    def __init__(self, path: Path, before: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.process.journal_writer", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        self.opened = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it: its input ends, and so does it; strace with it."""
        self._process.communicate(timeout=60)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def tell(self, command: str) -> dict[str, Any]:
        """Give a command and return the answer: `appended`, `synced`, `error`, and why it was `refused`."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def wait(self, key: str) -> dict[str, Any]:
        """Wait until everything is durable (`synced`) or there is an `error`; return the state."""
        last: dict[str, Any] = {}

        def there() -> bool:
            last.update(self.tell("state"))
            return bool(last["error"]) or (key != "error" and last["synced"] == last["appended"])

        wait_until(there, f"{key} of the journal")
        return last


def main() -> int:
    """Keep the journal until the input ends; the journal's fate is in the answers, not in the exit code."""
    try:
        journal = Journal(Path(sys.argv[1]), SystemClock())
    except JournalBroken as error:
        sys.stdout.write(json.dumps({"refused": str(error)}) + "\n")
        return 1
    answer(journal, "")
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        refused = stopped = ""
        try:
            if word == "append":
                for _ in range(int(number)):
                    journal.append("kind", BODY)
            elif word == "close":
                journal.close()
            elif word == "stop":
                Latch(Path(sys.argv[1]).parent / "stop").write(Stop(stop_id=number, operator="writer"))
                stopped = number
        except JournalBroken as error:
            refused = str(error)
        answer(journal, refused, stopped)
    return 0


def answer(journal: Journal, refused: str, stopped: str = "") -> None:
    """Say how the journal stands, and which stop does by now."""
    state = {"appended": journal.appended, "synced": journal.synced, "error": journal.error or ""}
    state |= {"stopped": stopped} if stopped else {}
    sys.stdout.write(json.dumps({"pid": os.getpid(), "refused": refused, **state}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

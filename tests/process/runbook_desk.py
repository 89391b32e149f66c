"""An operator at a real system who follows every runbook to the letter (OP2)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.architecture.test_runbooks import commands
from tests.instance import wait_until
from tests.process.cli_runs import warden as apart
from warden.cli.main import main as warden
from warden.devnet.manifest import read_manifest
from warden.domain.roles import Role
from warden.runtime.journal import read
from warden.runtime.places import places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Written without what they need, to name the command: the runbook gives them in full elsewhere.
NAMED_ONLY = frozenset({"arm", "recover", "capital deposit"})
APART = frozenset({"up", "down"})
NAME = ("--operator", "ann", "--reason", "as the runbook says")
# Where the runbook speaks of a situation that this system is not in, the answer says so; it is no misuse.
ANSWERS = {
    "health-check": {0, 1},
    "health-report": {0, 1},  # 1: written once a minute, and this system is young
    "lever close-position": {0, 4},
    "why ID": {0, 1},
}


def unique() -> dict[str, list[str]]:
    """Return each command once, whatever its names and reasons, by what is left of it."""
    found: dict[str, list[str]] = {}
    for _, words in commands():
        key = " ".join(_without(words, "--operator", "--reason"))
        if key not in NAMED_ONLY or "--operator" in words:
            found.setdefault(key, words)
    return found


def _without(words: list[str], *options: str) -> Iterator[str]:
    """Yield words without these options and what follows them."""
    rest = iter(words)
    for each in rest:
        if each in options:
            next(rest)
        else:
            yield each


class Desk:
    """An operator at a real system, following runbooks."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str) -> int:
        """Run a command here; `up` and `down` as a process of its own, as they begin and end others."""
        return apart(*words, cwd=self.home).code if words[0] in APART else warden(words)

    def must(self, *words: str) -> None:
        """Bring the system into the state that a runbook begins from; what takes a moment is tried again."""
        wait_until(lambda: self.run(*words) == 0, f"warden {' '.join(words)}", timeout_s=90)

    def stopped(self) -> bool:
        """Tell whether a stop stands."""
        return any(each.name != "cleared" for each in (self.home / "stop").iterdir())

    def trading(self) -> None:
        """Lift what stands in the way, and arm."""
        if self.stopped():
            self.must("recover", *NAME)
        else:
            self.must("arm", *NAME)

    def breach(self) -> str:
        """Put a stop there that only a cleared incident lets go, and return its id."""
        path = self.home / "stop" / "breach-1"
        text = {"stop_id": path.name, "reason": "SECURITY_BREACH", "message": "a drill", "operator": "ann"}
        path.write_text(json.dumps(text), "utf-8")
        wait_until(lambda: self.told("incident.opened") > 0, "breach on record")
        return path.name

    def told(self, kind: str) -> int:
        """Return how many rows of a kind the watchdog has written."""
        return sum(row.kind == kind for row in read(places(self.home).journal(Role.WATCHDOG)))

    def trade(self) -> str:
        """Return the hash of a transaction of the executor's journal."""
        found: list[str] = []

        def there() -> bool:
            for row in read(places(self.home).journal(Role.EXECUTOR)):
                found.extend(re.findall(r'"tx_hash":"(0x[0-9a-f]{64})"', row.body.decode()))
            return bool(found)

        wait_until(there, "a trade")
        return found[0]

    def prepare(self, key: str) -> None:
        """Bring the system to where a command is of use."""
        command = key.split(maxsplit=1)[0]
        if command in {"arm", "freeze", "mode", "breaker", "limit", "lever", "capital"}:
            self.trading()
        if key == "thaw":
            self.must("freeze", *NAME)
        if key.startswith("limit max_trade_eth --off"):
            self.must("limit", "max_trade_eth", "0.5", *NAME)
        if command == "recover" and not self.stopped():
            seen = self.told("stop.seen")
            self.run("emergency-stop", "--reason", "as the runbook says")
            wait_until(lambda: self.told("stop.seen") > seen, "stop on record")
        if command == "incidents":
            folder = places(self.home).incidents
            wait_until(lambda: any(folder.glob("*/report.md")), "a written incident")

    def leave(self, words: list[str]) -> None:
        """Take back what would keep the system from being armed: money that was booked and never moved."""
        undo = {"deposit": "withdraw", "withdraw": "deposit"}
        if words[0] == "capital" and words[1:]:
            self.must("capital", undo[words[1]], words[2], *NAME)

    def expected(self, key: str) -> set[int]:
        """Return with which codes a command may end: 0, but where its situation is not the one here."""
        return next((codes for start, codes in ANSWERS.items() if key.startswith(start)), {0})

    def filled_in(self, words: list[str]) -> list[str]:
        """Return a command with real things where the runbook has a placeholder."""
        manifest = read_manifest(places(self.home).role(Role.DEVNET))
        real = {
            "DIR": str(self.home),
            "ADDRESS": manifest.router if manifest else "",
            "POSITION": "0" * 32,
            "0x5b5b5b": self.trade()[:8],
        }
        if words[0] == "clear-incident":
            real["ID"] = self.breach()
        elif words[:2] == ["lever", "close-position"]:
            real["ID"] = "0" * 32
        else:
            real["ID"] = self.trade()
        return [real.get(each, each) for each in words]


# What only looks comes first, what ends everything last; in between by what it leaves behind.
_ORDER = (
    *("why", "status", "verify", "breaker", "limit", "lever", "capital", "mode", "freeze", "thaw", "arm"),
    *("emergency-stop", "incidents", "recover", "clear-incident", "down", "up"),
)


def in_order() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the runbooks once; what only looks, and what is new, first."""
    found = unique()

    def place(key: str) -> tuple[int, int, str]:
        word = key.split(maxsplit=1)[0]
        return (_ORDER.index(word) if word in _ORDER else -1, len(key), key)

    for key in sorted(found, key=place):
        yield key, found[key]

"""A whole system, some of whose processes hold themselves up where they are told to (tests.process.held)."""

from __future__ import annotations

import subprocess
import sys

from tests.instance import REPOSITORY
from tests.process.held import HELD_FILE, ORDER_FILE
from tests.process.system import System
from warden.domain.roles import Role


class HeldSystem(System):
    """A system whose processes of some roles hold themselves up where they are told to."""

    held: tuple[Role, ...] = (Role.EXECUTOR, Role.TRADER)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process, by its stand-in where it has one."""
        if name not in self.held:
            return super().start(name, *arguments)
        words = ["-m", "tests.process.held", f"warden.{name}", "--home", str(self.home)]
        process = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL, cwd=REPOSITORY)
        self.processes[name] = process
        return process

    def hold(self, word: str) -> str:
        """Have a process be held at the next pass of a place; return what is held once it is."""
        partial = self.home / f"{ORDER_FILE}.new"
        partial.write_text(word, encoding="ascii")
        partial.rename(self.home / ORDER_FILE)
        self.wait(lambda _: not (self.home / ORDER_FILE).exists(), f"a process held at {word!r}")
        return (self.home / HELD_FILE).read_text(encoding="ascii")

    def is_still(self, role: Role) -> bool:
        """Tell whether the kernel holds a process stopped."""
        with open(f"/proc/{self.processes[role].pid}/stat", "rb") as file:  # noqa: PTH123 - no path of ours
            return file.read().rpartition(b")")[2].split()[0] == b"T"

"""The outside of the installed system's stage: starts it, asks it, and ends it with all that runs in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from tests.instance import REPOSITORY
from tests.needs import need_anvil, need_root, need_tool
from tests.process.users_stage import OPERATOR
from warden.domain.errors import EXIT_DONE, EXIT_FAILED
from warden.runtime.places import Places, places

if TYPE_CHECKING:
    from collections.abc import Callable

GATEWAY_PORT = 8547
_USUAL_MAX = 20
TOML = f"""\
environment = "devnet"
[gateway]
port = {GATEWAY_PORT}
[api]
port = 0
[chain]
block_time_s = 0.5
[strategy]
use = "nibbler:Nibbler"
path = "{REPOSITORY / "tests" / "strategies"}"
"""


class Trial:
    """An installed home, and commands in it by user."""

    def __init__(self) -> None:
        need_root()
        need_anvil()
        unshare = need_tool("unshare")
        for tool in ("mount", "ip", "useradd", "nft"):
            need_tool(tool)
        self.base = Path(tempfile.mkdtemp(prefix="warden-users-"))
        self.base.chmod(0o755)
        self.home = self.base / "home"
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        spaces = ["--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        stage = [
            "-P",
            "-c",
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])",
        ]
        inside = [sys.executable, "-m", "tests.process.users_stage", str(self.home)]
        self._process = subprocess.Popen(
            [unshare, *spaces, sys.executable, *stage, str(writer), *inside],
            stdin=subprocess.PIPE,
            cwd=REPOSITORY,
            text=True,
            pass_fds=(writer,),
        )
        os.close(writer)
        self._answers = os.fdopen(reader, encoding="utf-8")
        assert self._answers.readline().strip() == '[0, "ready"]'

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def as_user(self, user: str, *words: str, limit_s: float = 120) -> tuple[int, str]:
        """Run a command, Python's where it begins with a dash; return exit code and output."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([user, words, limit_s]) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._answers.readline())
        return code, said

    @property
    def python(self) -> str:
        """The interpreter, for a shell."""
        return str(REPOSITORY / ".venv/bin/python")

    @property
    def where(self) -> Places:
        """The places of the home, which is seen from inside only."""
        return msgspec.structs.replace(places(self.home), installed=True)

    def root(self, *words: str, limit_s: float = 120) -> tuple[int, str]:
        """Run a command as root."""
        return self.as_user("root", *words, limit_s=limit_s)

    def install(self, *options: str) -> tuple[int, str]:
        """Run scripts/install without the set-up before it."""
        return self.root("-m", "scripts.installation", "--home", str(self.home), *options)

    def install_in(self, home: Path) -> None:
        """Lay out another home beside the first, of the same users."""
        code, said = self.root("-m", "scripts.installation", "--home", str(home))
        assert code in {EXIT_DONE, EXIT_FAILED}, said

    def write(self, path: Path, text: str) -> None:
        """Write a file inside, as root."""
        given = self.base / "given"
        given.write_text(text, encoding="utf-8")
        assert self.root("cp", str(given), str(path)) == (0, "")

    def read(self, path: Path) -> str:
        """Read a file inside, as root."""
        code, text = self.root("cat", str(path))
        assert code == 0, text
        return text

    def warden(self, user: str, *words: str, limit_s: float = 120) -> tuple[int, str]:
        """Run the command `warden` for the home."""
        return self.as_user(
            user, "-m", "warden.cli", words[0], "--home", str(self.home), *words[1:], limit_s=limit_s
        )

    def status(self) -> dict[str, Any]:
        """Return how things stand as an operator sees it."""
        code, said = self.warden(OPERATOR, "status", "--json")
        if code != 0:
            raise AssertionError(said)
        document: dict[str, Any] = json.loads(said)
        return document

    def wait(
        self, condition: Callable[[dict[str, Any]], bool], what: str, timeout_s: float = 90
    ) -> dict[str, Any]:
        """Ask for the status until `condition` holds of it."""
        end = time.monotonic() + timeout_s
        while True:
            status = self.status()
            if condition(status):
                return status
            if time.monotonic() > end:
                raise AssertionError(f"no {what} within {timeout_s} s: {json.dumps(status)}")
            time.sleep(0.3)

    def wait_connections(self, socket: Path, count: int, timeout_s: float = 60) -> None:
        """Wait until a socket has at least so many connections; for 0, only those of its clients."""
        end = time.monotonic() + timeout_s
        while True:
            lines = self.root("grep", "-c", str(socket), "/proc/net/unix")[1]
            if int(lines) >= count if count else int(lines) < _USUAL_MAX:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{socket} has {lines.strip()} connections")
            time.sleep(0.2)

    def pid(self, name: str) -> int:
        """Return a process's pid inside."""
        return next(int(each["pid"]) for each in self.status()["processes"] if each["name"] == name)

"""One trial: clone, run the command as a person would, and look at what is left afterwards."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.provision.child import say

# What the demo prints once a trade has landed: "… trades 3 …" in the status line, or the trade's own line.
LANDED = re.compile(r"\btrades [1-9]|\btrade landed: 0x")
READY = re.compile(r"^warden set-up .*: ready")
SETUP_LIMIT_S = 1800.0
LANDED_LIMIT_S = 180.0
TEST_LIMIT_S = 3600.0
CLONE_LIMIT_S = 300.0
END_LIMIT_S = 60.0
SETTLE_S = 10.0
INTERRUPTED = 130


@dataclass(frozen=True)
class Machine:
    """A bare Debian and who uses it.

    Attributes:
        root: Its file system, as seen from outside.
        user: `root` or the ordinary user.
        variables: What is carried of the host's.
    """

    root: Path
    user: str
    variables: dict[str, str]

    @property
    def home(self) -> str:
        """The user's home directory, as seen from inside."""
        return "/root" if self.user == "root" else f"/home/{self.user}"

    def command(self, directory: str, *words: str) -> list[str]:
        """The words that run `words` in `directory` as the user, with nothing of this process's variables."""
        variables = {
            **self.variables,
            "HOME": self.home,
            "LANG": "C.UTF-8",
            "LOGNAME": self.user,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "USER": self.user,
        }
        settings = [f"{name}={value}" for name, value in variables.items()]
        entered = ["chroot", f"--userspec={self.user}:{self.user}", "--groups=", str(self.root)]
        return [
            *entered,
            "/usr/bin/env",
            "-i",
            *settings,
            "/bin/sh",
            "-c",
            'cd "$0" && exec "$@"',
            directory,
            *words,
        ]


def run(root: Path, user: str, command: str, variables: dict[str, str]) -> int:
    """Try one command of the README.

    Args:
        root: The bare Debian, mounted.
        user: Who types it.
        command: `demo` or `test`.
        variables: The host's variables about the network.

    Returns:
        0 when it did what the README says and left nothing behind.
    """
    machine = Machine(root, user, variables)
    clone = f"{machine.home}/warden"
    git = ("git", "-c", "advice.detachedHead=false", "clone", "--quiet", "/srv/warden.bundle", clone)
    if _call(machine.command(machine.home, *git), CLONE_LIMIT_S):
        return _failed("git clone did not succeed")
    before = _outside(machine, clone)
    problems = _demo(machine, clone) if command == "demo" else _test(machine, clone)
    problems += _again(machine, clone, "warden" if command == "demo" else "dev")
    problems += [f"left running: {process}" for process in _left_running(root)]
    problems += [f"left outside the clone: {path}" for path in _new(_outside(machine, clone) - before)]
    for problem in problems:
        _failed(problem)
    return 1 if problems else 0


def _test(machine: Machine, clone: str) -> list[str]:
    status = _call(machine.command(clone, "scripts/test"), SETUP_LIMIT_S + TEST_LIMIT_S)
    return [] if status == 0 else [f"scripts/test ended with {status}"]


def _demo(machine: Machine, clone: str) -> list[str]:
    """Start the demo without a terminal, wait for a landed trade, press Ctrl-C."""
    demo = subprocess.Popen(
        machine.command(clone, "scripts/demo"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    problems = _until_landed(demo)
    if demo.poll() is None:
        # As a terminal does it: the whole foreground group.
        os.killpg(demo.pid, signal.SIGINT)
    try:
        tail, _ = demo.communicate(timeout=END_LIMIT_S)
    except subprocess.TimeoutExpired:
        return [*problems, f"scripts/demo had not ended {END_LIMIT_S:.0f} s after Ctrl-C"]
    for line in tail.decode(errors="replace").splitlines():
        say(f"   {line}")
    if demo.returncode not in (0, INTERRUPTED):
        problems.append(f"scripts/demo ended with {demo.returncode}")
    return problems


def _until_landed(demo: subprocess.Popen[bytes]) -> list[str]:
    pipe = demo.stdout
    if pipe is None:
        raise RuntimeError("a child started with a pipe has none")
    deadline = time.monotonic() + SETUP_LIMIT_S
    held = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(1.0):
                continue
            block = os.read(pipe.fileno(), 65536)
            if not block:
                return ["scripts/demo ended before a trade had landed"]
            *lines, held = (held + block).split(b"\n")
            for raw in lines:
                line = raw.decode(errors="replace")
                say(f"   {line}")
                if READY.search(line):
                    deadline = time.monotonic() + LANDED_LIMIT_S
                if LANDED.search(line):
                    return []
    return ["no landed trade was shown in time"]


def _again(machine: Machine, clone: str, packages: str) -> list[str]:
    """A second set-up must need nothing, so it is tried without any network."""
    entered = machine.command(clone, "scripts/setup", packages)
    started = time.monotonic()
    status = _call(["unshare", "--net", *entered], CLONE_LIMIT_S)
    say(f"   second set-up, without a network: {time.monotonic() - started:.2f} s")
    return [] if status == 0 else [f"a second set-up without a network ended with {status}"]


def _call(command: list[str], limit_s: float) -> int:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=limit_s, check=False).returncode
    except subprocess.TimeoutExpired:
        say(f"   not ended after {limit_s:.0f} s")
        return 1


def _left_running(root: Path) -> list[str]:
    """Command lines of the namespace's processes but its init and this one, once they had time to end."""
    deadline = time.monotonic() + SETTLE_S
    while (found := _processes(root)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _processes(root: Path) -> list[str]:
    own = {1, int((root / "proc/self").readlink().name)}
    found = []
    for entry in (root / "proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        found.append(f"{entry.name} {words or '(no command line)'}")
    return found


def _outside(machine: Machine, clone: str) -> set[str]:
    """Every file where a careless program leaves something: home, /tmp, /var/tmp, /run, /dev/shm."""
    found = set()
    for top in (machine.home, "/tmp", "/var/tmp", "/run", "/dev/shm"):  # noqa: S108 - looked at, not used
        for folder, folders, files in os.walk(machine.root / top.lstrip("/")):
            inside = "/" + str(Path(folder).relative_to(machine.root))
            folders[:] = [name for name in folders if f"{inside}/{name}" != clone]
            found |= {f"{inside}/{name}" for name in [*folders, *files]}
    return found


def _new(paths: set[str]) -> list[str]:
    """The topmost of these paths, without the directory that pytest keeps for those who debug a failure."""
    top = {path for path in paths if not any(str(parent) in paths for parent in Path(path).parents)}
    return sorted(path for path in top if not path.startswith("/tmp/pytest-of-"))  # noqa: S108 - its name


def _failed(problem: str) -> int:
    say(f"   FAILED: {problem}")
    return 1

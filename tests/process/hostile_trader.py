"""What a hostile strategy would try, run as the trader's own user: prints each attempt and how it ended.

`python -m tests.process.hostile_trader HOME` prints JSON: attempt -> "refused: why" or "DONE: what". With
`--looks` only what changes nothing is tried: run as root it shows that the attempts are real. With a number
of seconds it floods the sockets instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import zmq

from warden.domain.errors import NotRunning
from warden.domain.modes import Mode
from warden.domain.roles import PROCESSES, Role
from warden.runtime.clock import SystemClock, read_boot_id
from warden.runtime.keys import Keyring
from warden.runtime.layout import user_of
from warden.runtime.places import Places, places
from warden.runtime.supervise import ask
from warden.runtime.venue import load_venue, served_url
from warden.wire.addresses import BEATS, CHANNELS, CONTROL, STOP, Channel, endpoint, socket_path
from warden.wire.codec import encode
from warden.wire.messages import Arm, Head, Permit

if TYPE_CHECKING:
    from collections.abc import Callable

ALLOWED = "ALLOWED: reach the gateway"
LOOKS = ("read ", "see ", "copy ", "command supervisord", "reach endpoint")
_PTRACE_ATTACH = 16
_PTRACE_DETACH = 17
_HELD = 1_500
_ANSWER_MS = 1_500


def main() -> None:
    """Try everything, print what came of it."""
    where = places(Path(sys.argv[1]), Role.TRADER)
    results: dict[str, str] = {}
    attempts = {**files(where), **processes(), **sockets(where), **network(where)}
    for name, attempt in attempts.items():
        if "--looks" in sys.argv and not name.startswith(LOOKS):
            continue
        try:
            results[name] = f"DONE: {attempt()}"
        except (OSError, Refused, NotRunning) as error:
            results[name] = f"refused: {error}"
        except Exception as error:  # noqa: BLE001 - an attempt that breaks otherwise is no refusal: the test sees it
            results[name] = f"BROKE: {type(error).__name__}: {error}"
    sys.stdout.write(json.dumps(results) + "\n")


class Refused(Exception):
    """Nothing was obtained, without an error of the system."""


def files(where: Places) -> dict[str, Callable[[], object]]:
    """Files that are not the trader's: to read, to write, to remove."""
    others = [role for role in Role if role is not Role.TRADER]
    peers = [role for role in PROCESSES if role is not Role.TRADER]
    secrets = {f"read {role} secret": where.keys / f"{role.value}.secret" for role in others}
    frozen = {f"read {role} settings": where.settings_of(role) for role in others}
    state = {f"read {role} journal": where.journal(role) for role in (Role.EXECUTOR, Role.WATCHDOG)}
    logs = {f"read {role} log": where.logs_of(role) / f"{role.value}.log" for role in peers}
    reads = {
        "read keystore": where.keys / "wallet.json",
        "read password": where.keys / "wallet.password",
        "read warden.toml": where.home / "warden.toml",
        **secrets,
        **frozen,
        **state,
        **logs,
    }
    attempts: dict[str, Callable[[], object]] = {name: partial(_read, path) for name, path in reads.items()}
    directories = {
        "home": where.home,
        "run": where.run,
        "keys": where.keys,
        "stop": where.stop,
        "cleared": where.stop / "cleared",
        "settings": where.home / "settings",
        **{f"{role} run": where.role(role) for role in peers},
        **{f"{role} state": where.state_of(role) for role in peers},
        **{f"{role} logs": where.logs_of(role) for role in peers},
    }
    for name, path in directories.items():
        attempts[f"write in {name}"] = partial(Path.touch, path / "mine")
    attempts |= {
        "remove the stop": lambda: _stop(where).unlink(),
        "move the stop away": lambda: _stop(where).rename(where.state / "taken"),
        "empty the stop": lambda: _stop(where).write_bytes(b""),
        "replace the stop directory": lambda: where.stop.rename(where.home / "stop.old"),
        "open the stop directory": lambda: where.stop.chmod(0o777),
        "hold the executor's lock": lambda: _lock(socket_path(where.run, STOP)),
        "hold the watchdog's lock": lambda: _lock(socket_path(where.run, BEATS)),
        "rewrite the gateway's address": lambda: where.url_file(Role.GATEWAY).write_text(
            "http://127.0.0.1:1"
        ),
        "rewrite the devnet's manifest": lambda: where.devnet_manifest.write_text("{}"),
        "replace supervisord's configuration": lambda: (where.home / "settings/supervisord.conf").write_text(
            ""
        ),
    }
    return attempts


def _read(path: Path) -> str:
    return f"{len(path.read_bytes())} bytes"


def _stop(where: Places) -> Path:
    for path in where.stop.iterdir():
        if path.name != "cleared":
            return path
    raise Refused("no stop stands")


def _lock(path: Path) -> None:
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def processes() -> dict[str, Callable[[], object]]:
    """Others' processes: their memory, environment, files; signals, debugging, priorities."""
    attempts: dict[str, Callable[[], object]] = {}
    for role, pid in _pids().items():
        attempts |= {
            f"read {role} memory": partial(_open, Path(f"/proc/{pid}/mem")),
            f"read {role} environment": partial(_read, Path(f"/proc/{pid}/environ")),
            f"see {role} files": partial(os.listdir, f"/proc/{pid}/fd"),
            f"debug {role}": partial(_ptrace, pid),
            f"copy {role} memory": partial(_vm_read, pid),
            f"stop {role}": partial(os.kill, pid, signal.SIGSTOP),
            f"kill {role}": partial(os.kill, pid, signal.SIGKILL),
            f"slow {role}": partial(os.setpriority, os.PRIO_PROCESS, pid, 19),
            f"bind {role} to a core": partial(os.sched_setaffinity, pid, {0}),
        }
    attempts["become root"] = lambda: os.setuid(0)
    attempts["become the executor"] = lambda: os.setuid(_uid(Role.EXECUTOR))
    attempts["join the operators"] = lambda: os.setgroups([0])
    return attempts


def _open(path: Path) -> None:
    with path.open("rb"):
        return


def _uid(role: Role) -> int:
    import pwd  # noqa: PLC0415 - here only

    return pwd.getpwnam(user_of(role)).pw_uid


def _pids() -> dict[str, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            for role in PROCESSES:
                if b"-m" in words and f"warden.{role.value}".encode() in words and role is not Role.TRADER:
                    found[role.value] = int(entry.name)
            if b"supervisor.supervisord" in words:
                found["supervisord"] = int(entry.name)
    if len(found) < len(PROCESSES):
        raise SystemExit(f"not all processes were found: {found}")
    return found


def _ptrace(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.ptrace(_PTRACE_DETACH, pid, None, None)


def _vm_read(pid: int) -> None:
    class Span(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(64)
    local, remote = Span(ctypes.addressof(buffer), 64), Span(_first_address(pid), 64)
    if libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _first_address(pid: int) -> int:
    """Return where the process's memory begins; somewhere when even that cannot be seen."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/maps").read_text().split("-", 1)[0], 16)
    return 1 << 32


def sockets(where: Places) -> dict[str, Callable[[], object]]:
    """Others' channels: to speak as somebody else, to take their place, to command supervisord."""
    attempts: dict[str, Callable[[], object]] = {
        "arm over CONTROL with the trader's key": lambda: _speak(where, CONTROL, Role.TRADER, _arm()),
        "arm over CONTROL with a key of its own": lambda: _speak(where, CONTROL, None, _arm()),
        "answer on STOP with the trader's key": lambda: _speak(where, STOP, Role.TRADER, b"{}"),
        "give the executor a permit over STOP": lambda: _speak(where, STOP, Role.TRADER, _permit()),
        "command supervisord": lambda: ask(where, "supervisor.getAllProcessInfo"),
        "end all through supervisord": lambda: ask(where, "supervisor.shutdown"),
    }
    for channel in CHANNELS:
        if channel.server is not Role.TRADER:
            attempts[f"take the place of {channel.name}"] = partial(_steal, where, channel)
    return attempts


def _arm() -> bytes:
    return encode(Arm(operator="alice", reason="forged"))


def _permit() -> bytes:
    now = SystemClock().boot_ns()
    return encode(
        Permit(
            boot_id=read_boot_id(),
            executor_session="0" * 32,
            watchdog_session="0" * 32,
            seq=1 << 40,
            mode=int(Mode.AGGRESSIVE),
            trader_sessions=("0" * 32,),
            issued_ns=now,
            expires_ns=now + 10**9,
            exits_until_ns=now,
            size_percent=100,
            head=Head(journal="watchdog", rows=0, hash="0" * 64),
        )
    )


def _speak(where: Places, channel: Channel, role: Role | None, data: bytes) -> str:
    keyring = Keyring(where.keys)
    public, secret = zmq.curve_keypair() if role is None else (keyring.public(role), keyring.secret(role))
    with zmq.Context() as context, context.socket(zmq.DEALER) as peer:
        peer.linger = 0
        peer.curve_serverkey = keyring.public(channel.server)
        peer.curve_publickey, peer.curve_secretkey = public, secret
        peer.connect(endpoint(where.run, channel))
        peer.send(data)
        if not peer.poll(_ANSWER_MS):
            raise Refused("no answer")
        return repr(peer.recv()[:80])


def _steal(where: Places, channel: Channel) -> None:
    path = socket_path(where.run, channel)
    path.unlink()
    socket.socket(socket.AF_UNIX).bind(str(path))


def network(where: Places) -> dict[str, Callable[[], object]]:
    """Endpoints, reached past the gateway; the gateway itself is the trader's to read from."""
    from warden.runtime.settings import read_frozen  # noqa: PLC0415 - here only

    venue = load_venue(read_frozen(where), where)
    urls = {} if venue is None else {f"reach endpoint {each.name}": each.url for each in venue.endpoints}
    api = served_url(where, Role.GATEWAY)
    attempts: dict[str, Callable[[], object]] = {name: partial(_connect, url) for name, url in urls.items()}
    attempts[ALLOWED] = lambda: _connect(api or "")
    attempts["reach another host"] = lambda: _connect("http://192.0.2.1:80")
    return attempts


def _connect(url: str) -> str:
    parts = urlsplit(url)
    socket.create_connection((parts.hostname or "", parts.port or 0), timeout=3).close()
    return "connected"


def flood(where: Places, seconds: float) -> None:
    """Connect to others' sockets without end; every other connection stays silent, the rest says garbage."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    held = min(_HELD, most - 100)
    paths = [str(socket_path(where.run, channel)) for channel in (STOP, CONTROL, BEATS)]
    open_: deque[socket.socket] = deque()
    end = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end:
        turn += 1
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        try:
            one.connect(paths[turn % 3])
            if turn % 2:
                one.send(os.urandom(4096))
            open_.append(one)
        except OSError:
            one.close()
            time.sleep(0.002)  # its queue is full: that is what a flood is for
        if len(open_) > held:
            open_.popleft().close()


if __name__ == "__main__":
    if sys.argv[2:] and sys.argv[2] != "--looks":
        flood(places(Path(sys.argv[1]), Role.TRADER), float(sys.argv[2]))
    else:
        main()

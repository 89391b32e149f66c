"""What a power cut leaves behind: every prefix of the write order that strace has recorded, and worse.

A process keeps a journal and orders stops under strace. Its system calls, replayed up to a moment, are what
the disk holds if it kept the order. A real one keeps what was synced, and of all that came since any part:
writes that are lost or cut in the middle, names that nobody has synced. Whatever it is, what the process had
called durable by then must be there.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from tests.needs import need_tool
from tests.process.journal_writer import Writer
from warden.runtime.clock import SystemClock
from warden.runtime.journal import Journal, verify
from warden.runtime.latch import Latch

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence
    from pathlib import Path

JOURNAL: Final = "executor.db"
_CALLS: Final = "openat,pwrite64,write,ftruncate,fsync,fdatasync,rename,renameat2,unlink,unlinkat"
_WHOLE: Final = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)")
_BEGUN: Final = re.compile(r"^(\d+) +(\w+\(.*) <unfinished \.\.\.>$")
_RESUMED: Final = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE: Final = re.compile(r"^\d+<((?:\\x[0-9a-f]{2})*)>")
# The log's index is shared memory, which no power cut leaves.
_VOLATILE: Final = "-shm"
_SECTOR: Final = 512
_KEPT_SHARE: Final = 0.5


class Step(msgspec.Struct, frozen=True):
    """One call: what it did to which file, by its path below the directory; or a claim that was made."""

    kind: str  # create, write, cut, sync, rename, remove, claim
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""


@dataclass
class Disk:
    """Files as a power cut leaves them: content by a number, names beside it."""

    contents: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Do what one call did."""
        if step.kind == "create" and step.path not in self.names:
            self.names[step.path] = len(self.contents)
            self.contents[len(self.contents)] = bytearray()
        elif step.kind == "rename":
            self.names[step.target] = self.names.pop(step.path)
        elif step.kind == "remove":
            self.names.pop(step.path, None)
        elif step.kind in {"write", "cut"} and step.path in self.names:
            content = self.contents[self.names[step.path]]
            if step.kind == "cut":
                content[:] = content[: step.offset].ljust(step.offset, b"\0")
            else:
                content.extend(bytes(max(0, step.offset - len(content))))
                content[step.offset : step.offset + len(step.data)] = step.data

    def lay_out(self, at: Path) -> None:
        """Write it all below a directory."""
        for name, number in self.names.items():
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(self.contents[number])


def recorded(directory: Path, trace: Path) -> list[Step]:
    """Let a process write under strace, end it in order, let another go on; return every step, in order."""
    (directory / "stop" / "cleared").mkdir(parents=True)
    steps: list[Step] = []
    for bulk, ends in ((60, True), (5, False)):
        with Writer(directory / JOURNAL, _strace(trace)) as writer:
            for _ in range(4):
                writer.tell("append 1")
                writer.wait("synced")
            writer.tell(f"stop before-{bulk}")
            writer.tell(f"append {bulk}")
            writer.wait("synced")
            writer.tell(f"stop after-{bulk}")
            if ends:
                assert writer.tell("close")["refused"] == ""
        steps += read_trace(trace, directory)
    return steps


def _strace(trace: Path) -> list[str]:
    return [
        *(need_tool("strace"), "-f", "-qq", "-y", "-xx", "-s", "200000"),
        *("-e", f"trace={_CALLS}", "-e", "signal=none", "-o", str(trace)),
    ]


def read_trace(trace: Path, directory: Path) -> list[Step]:
    """Return the steps below a directory, and the claims that went to standard output."""
    steps: list[Step] = []
    ends: dict[str, int] = {}
    for name, words in _calls(trace):
        texts = [_plain(text) for text in _TEXT.findall(words)]
        if name == "write" and words.startswith("1<"):
            steps.append(Step("claim", "", data=texts[0]))
            continue
        handle = _HANDLE.match(words)
        paths = [_below(path, directory) for path in ([_plain(handle[1])] if handle else texts[:2])]
        if paths and all(paths) and not any(path.endswith(_VOLATILE) for path in paths):
            steps += _step(name, words, paths, texts, ends)
    return steps


def _step(
    name: str, words: str, paths: list[str], texts: list[bytes], ends: dict[str, int]
) -> Iterator[Step]:
    """Yield what a call does; `ends` is where the next plain write of each file goes."""
    path, last = paths[0], words.rpartition(",")[2]
    if name == "openat":
        ends[path] = 0
        if "O_CREAT" in words:
            yield Step("create", path)
        if "O_TRUNC" in words:
            yield Step("cut", path)
    elif name == "write":
        yield Step("write", path, ends[path], texts[0])
        ends[path] += len(texts[0])
    elif name == "pwrite64":
        yield Step("write", path, int(last), texts[0])
    elif name == "ftruncate":
        yield Step("cut", path, int(last))
    elif name.endswith("sync"):
        yield Step("sync", path)
    elif name.startswith("rename"):
        yield Step("rename", path, target=paths[1])
    else:
        yield Step("remove", path)


def _calls(trace: Path) -> Iterator[tuple[str, str]]:
    """Yield each call that succeeded, by name, with its words, in the order of their ends."""
    begun: dict[str, str] = {}
    for raw in trace.read_text(encoding="ascii").splitlines():
        line = raw
        if found := _BEGUN.match(line):
            begun[found[1]] = found[2]
            continue
        if found := _RESUMED.match(line):
            line = f"{found[1]} {begun.pop(found[1])}{found[2]}"
        whole = _WHOLE.match(line)
        if whole and int(whole[4]) >= 0:
            yield whole[2], whole[3]


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _below(path: bytes, directory: Path) -> str:
    """Return a path as seen from the directory, "." for itself, "" for what is elsewhere."""
    text = path.decode(errors="replace")
    if text == str(directory):
        return "."
    return text.removeprefix(f"{directory}/") if text.startswith(f"{directory}/") else ""


def as_written(steps: Sequence[Step]) -> Disk:
    """Return the disk that kept every call, in order."""
    disk = Disk()
    for step in steps:
        disk.take(step)
    return disk


def torn(steps: Sequence[Step], chance: random.Random) -> Disk:
    """Return a disk that kept what was synced, and of the rest what chance would have.

    Of each file the writes since its last sync: lost, cut at a sector, or kept, each by itself. Of the names
    in a directory since its last sync: those up to some moment, for file systems log them in order.
    """
    synced = {step.path: number for number, step in enumerate(steps) if step.kind == "sync"}
    renamed = {step.path: step.target for step in steps if step.kind == "rename"}
    pending = [
        number
        for number, step in enumerate(steps)
        if step.kind in {"create", "rename", "remove"} and number > synced.get(_directory(step.path), -1)
    ]
    lost_from = chance.choice([*pending, len(steps)])
    disk = Disk()
    for number, step in enumerate(steps):
        if step.kind in {"create", "rename", "remove"} and number in pending and number >= lost_from:
            continue
        if step.kind in {"write", "cut"} and number > _last_sync(step.path, synced, renamed):
            if chance.random() > _KEPT_SHARE:
                continue
            if step.kind == "write" and chance.random() > _KEPT_SHARE:
                kept = chance.randrange(0, len(step.data) + 1, _SECTOR)
                disk.take(msgspec.structs.replace(step, data=step.data[:kept]))
                continue
        disk.take(step)
    return disk


def _directory(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _last_sync(path: str, synced: dict[str, int], renamed: dict[str, str]) -> int:
    """Return when a file was last synced, under this name or the one that it got."""
    return max(synced.get(path, -1), synced.get(renamed.get(path, path), -1))


def claims(steps: Sequence[Step]) -> tuple[int, int, set[str]]:
    """Return what was claimed: rows durable, rows handed in, stops that stand."""
    durable, handed, stops = 0, 0, set()
    for step in steps:
        if step.kind == "claim":
            told = msgspec.json.decode(step.data)
            durable, handed = max(durable, told["synced"]), max(handed, told["appended"])
            stops |= {told["stopped"]} if told.get("stopped") else set()
    return durable, handed, stops


def check(disk: Disk, steps: Sequence[Step], handed: int, at: Path) -> None:
    """Start again on what is left, and hold it against what was claimed by then.

    Args:
        disk: what is left.
        steps: those up to the cut.
        handed: rows that were handed in until the very end: no more than these can be there.
        at: an empty directory for it; removed afterwards.
    """
    (at / "stop" / "cleared").mkdir(parents=True)
    try:
        disk.lay_out(at)
        durable, _, stops = claims(steps)
        rows, problems = verify(at / JOURNAL)
        # Cut off while its first start made it, it may be no journal yet; the next start makes it one.
        assert problems == [] or not any(step.kind == "claim" for step in steps)
        assert durable <= rows <= handed
        journal = Journal(at / JOURNAL, SystemClock())
        journal.append("kind", b"after the cut")
        journal.close()
        assert verify(at / JOURNAL) == (rows + 1, [])
        assert stops <= {stop.stop_id for stop in Latch(at / "stop").read().stops}
    finally:
        shutil.rmtree(at)

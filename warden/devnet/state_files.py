"""The chain's state on disk: written whole or not at all, the newest whole one read back.

Two files, since they are written in two ways. `periodic.json` is ours: fetched from the node now and then,
renamed into place. `exit.json` is anvil's own, written while it ends; a kill in that moment tears it, and
then ours holds.
"""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path  # a dataclass field: tools that read annotations need it

import msgspec


class _Header(msgspec.Struct):
    number: str
    timestamp: str


class _Block(msgspec.Struct):
    header: _Header


class _State(msgspec.Struct):
    """The few fields of anvil's state that matter here."""

    best_block_number: int
    blocks: list[_Block]


class StoredState(msgspec.Struct, frozen=True):
    """A whole state file: its height, and when its genesis block was made (seconds since 1970)."""

    path: Path
    height: int
    genesis_time_s: int


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` so that a reader, or a crash, finds the old file or the new one, never a part."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@dataclass(frozen=True, slots=True)
class StateFiles:
    """The two state files of one chain in one directory."""

    directory: Path

    @property
    def periodic(self) -> Path:
        """The dump that we write while the chain runs."""
        return self.directory / "periodic.json"

    @property
    def at_exit(self) -> Path:
        """The dump that anvil writes when it is told to end."""
        return self.directory / "exit.json"

    def save_dump(self, dumped_hex: str) -> None:
        """Store the answer of `anvil_dumpState`: hexadecimal of gzipped JSON."""
        write_atomically(self.periodic, gzip.decompress(bytes.fromhex(dumped_hex.removeprefix("0x"))))

    def newest(self) -> StoredState | None:
        """Give the whole file with the highest block, or None where there is none."""
        found = [stored for path in (self.periodic, self.at_exit) if (stored := _read(path)) is not None]
        return max(found, key=lambda each: each.height) if found else None


def _read(path: Path) -> StoredState | None:
    """Read what matters of a state file; None where it is missing or torn (the other file holds then)."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=_State)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    genesis = [int(each.header.timestamp, 16) for each in state.blocks if int(each.header.number, 16) == 0]
    # A fork's first block is not block 0: then any time will do, the fork has its own.
    return StoredState(path, state.best_block_number, min(genesis, default=0))

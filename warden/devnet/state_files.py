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


class _State(msgspec.Struct):
    """The one field of anvil's state that tells which file is newer."""

    best_block_number: int


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

    def newest(self) -> Path | None:
        """Give the whole file with the highest block, or None where there is none."""
        found = [
            (block, path) for path in (self.periodic, self.at_exit) if (block := _height(path)) is not None
        ]
        return max(found, key=lambda each: each[0])[1] if found else None

    def forget(self) -> None:
        """Remove both, so that the next start makes a fresh chain."""
        self.periodic.unlink(missing_ok=True)
        self.at_exit.unlink(missing_ok=True)


def _height(path: Path) -> int | None:
    """Give the block height in a state file; None where it is missing or torn (the other file holds then)."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_State).best_block_number
    except (FileNotFoundError, msgspec.MsgspecError):
        return None

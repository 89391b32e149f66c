"""The receive log: what reached an endpoint, written down before the endpoint does anything with it.

It judges whether a transaction left after a stop, so it is the devnet's own record, not the sender's. Each
line is one JSON object, appended in one write. A transaction makes a `received` line the moment its bytes are
here, whatever the endpoint is told to do with them, and an `answered` line when the endpoint has answered.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, Final

import msgspec

from warden.devnet.transactions import SignedTransaction, decode_transaction

if TYPE_CHECKING:
    from pathlib import Path

LOG_NAME: Final = "received.jsonl"


class ReceivedLine(msgspec.Struct, frozen=True, tag_field="event", tag="received"):
    """A transaction's bytes are here.

    Attributes:
        run: of the devnet process, new at each start.
        seq: counts the transactions of one run, from 0, over all endpoints.
        endpoint: its name.
        tx_hash, sender, nonce: as decoded; None where they could not be.
        began_ns: CLOCK_BOOTTIME when the request's head was here.
        received_ns: CLOCK_BOOTTIME when its last byte was here.
        fault: what the endpoint was told to do at that moment.
    """

    run: str
    seq: int
    endpoint: str
    tx_hash: str
    sender: str | None = msgspec.field(name="from")
    nonce: int | None
    began_ns: int
    received_ns: int
    fault: str


class AnsweredLine(msgspec.Struct, frozen=True, tag_field="event", tag="answered"):
    """The endpoint has answered transaction `seq` of `run`; `answer` is the hash, or the error's text."""

    run: str
    seq: int
    answered_ns: int
    answer: str


class Received(msgspec.Struct, frozen=True):
    """One transaction at one endpoint; `answered_ns` and `answer` are None while it has had no answer."""

    endpoint: str
    tx_hash: str
    sender: str | None = msgspec.field(name="from")
    nonce: int | None
    began_ns: int
    received_ns: int
    fault: str
    answered_ns: int | None = None
    answer: str | None = None


def boottime_ns() -> int:
    """Give CLOCK_BOOTTIME in nanoseconds, the clock of every bound in Warden."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class ReceiveLog:
    """Appends to `received.jsonl` in a directory; one per devnet process, shared by its endpoints."""

    def __init__(self, directory: Path) -> None:
        """Open for appending, unbuffered: a line is in the file when the call returns."""
        self.path = directory / LOG_NAME
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._run = secrets.token_hex(8)
        self._next_seq = 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def received(
        self, endpoint: str, raw: bytes, *, began_ns: int, received_ns: int, fault: str
    ) -> tuple[int, SignedTransaction]:
        """Write down that raw bytes are here; give the line's number and what the bytes say."""
        decoded = decode_transaction(raw)
        seq = self._next_seq
        self._next_seq += 1
        self._append(
            ReceivedLine(
                run=self._run,
                seq=seq,
                endpoint=endpoint,
                tx_hash=decoded.tx_hash,
                sender=decoded.sender,
                nonce=decoded.nonce,
                began_ns=began_ns,
                received_ns=received_ns,
                fault=fault,
            )
        )
        return seq, decoded

    def answered(self, seq: int, answer: str) -> None:
        """Write down what number `seq` was answered."""
        self._append(AnsweredLine(run=self._run, seq=seq, answered_ns=boottime_ns(), answer=answer))

    def _append(self, line: ReceivedLine | AnsweredLine) -> None:
        os.write(self._file, msgspec.json.encode(line) + b"\n")


def read_received(path: Path) -> list[Received]:
    """Read a receive log, oldest first, each transaction with its answer; a torn last line is left out.

    A missing file is an empty log.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, int], Received] = {}
    for line in path.read_bytes().split(b"\n")[:-1]:
        entry = msgspec.json.decode(line, type=ReceivedLine | AnsweredLine)
        key = (entry.run, entry.seq)
        if isinstance(entry, AnsweredLine):
            found[key] = msgspec.structs.replace(
                found[key], answered_ns=entry.answered_ns, answer=entry.answer
            )
        else:
            found[key] = Received(
                endpoint=entry.endpoint,
                tx_hash=entry.tx_hash,
                sender=entry.sender,
                nonce=entry.nonce,
                began_ns=entry.began_ns,
                received_ns=entry.received_ns,
                fault=entry.fault,
            )
    return list(found.values())

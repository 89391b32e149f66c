"""Transactions whose legs are out: what each endpoint said, and whether a byte of any ever left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.executor.sends.leg import ACCEPTED, NOT_BEGUN, REJECTED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warden.executor.protocol.events import LegDone


class Legs(msgspec.Struct, frozen=True):
    """One sending of one transaction. `taken` once any endpoint accepted it, or may have."""

    waiting: int
    began: bool = False
    taken: bool = False
    text: str = ""


class Sendings:
    """Every transaction that is being sent, by hash.

    Args:
        legs: how many endpoints each route has.
        began: hashes of an earlier run, of which bytes may have left, whatever its journal says.
    """

    def __init__(self, legs: dict[str, int], began: Iterable[str]) -> None:
        self._legs = legs
        self._out: dict[str, Legs] = {}
        self._began = set(began)
        self._settled: set[str] = set()

    def begin(self, tx_hash: str, routes: tuple[str, ...]) -> None:
        """Expect an answer of each leg of the routes; one without any leg can't be sent at all."""
        waiting = sum(self._legs.get(route, 0) for route in routes)
        if waiting:
            self._out[tx_hash] = Legs(waiting=waiting)

    def hashes(self) -> tuple[str, ...]:
        """Return what is being sent, oldest first; what has settled too, until its last leg ended."""
        return tuple(self._out)

    def is_out(self, tx_hash: str) -> bool:
        """Tell whether an answer of some leg is still to come."""
        return tx_hash in self._out

    def ever_began(self, tx_hash: str) -> bool:
        """Tell whether a byte of it may have left, in this sending or an earlier one."""
        return tx_hash in self._began

    def done(self, event: LegDone) -> Legs | None:
        """Take one leg's end in; return the sending once that was the last one."""
        legs = self._out.get(event.tx_hash)
        if event.result != NOT_BEGUN:
            self._began.add(event.tx_hash)
        if legs is None:
            return None
        legs = Legs(
            waiting=legs.waiting - 1,
            began=legs.began or event.result != NOT_BEGUN,
            taken=legs.taken or event.result in {ACCEPTED, UNKNOWN},
            text=event.text if event.result == REJECTED or not legs.text else legs.text,
        )
        if legs.waiting > 0:
            self._out[event.tx_hash] = legs
            return None
        del self._out[event.tx_hash]
        if event.tx_hash in self._settled:
            self.forget(event.tx_hash)
        return legs

    def forget(self, tx_hash: str) -> None:
        """Take its end on the chain in; a leg that is still out may write all the same, and is waited for."""
        if tx_hash in self._out:
            self._settled.add(tx_hash)
            return
        self._settled.discard(tx_hash)
        self._began.discard(tx_hash)

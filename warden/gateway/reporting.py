"""Tells the watchdog of the wallet: at each new block, at most once a second, and that nothing changed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from warden.wire.capital import TokensWanted, WalletRead, WalletUnknown
from warden.wire.codec import Undecodable, decode, encode

if TYPE_CHECKING:
    from warden.gateway.core import Core
    from warden.gateway.wallet import WalletReader
    from warden.runtime.bus import Client
    from warden.runtime.clock import Clock
    from warden.wire.capital import WalletReport

EVERY_S: Final = 1.0
CHECK_LIARS_NS: Final = 5_000_000_000
_ANSWERS_MAX: Final = 16


class Reporting:
    """One venue's wallet, told over `client` for as long as `run` runs; `last` is the newest report.

    Args:
        sources_min: how many endpoints must be there for a block to count as still the newest.
    """

    def __init__(
        self, reader: WalletReader, core: Core, client: Client, clock: Clock, *, sources_min: int
    ) -> None:
        self.last: WalletReport = WalletUnknown("it was not read yet")
        self._reader = reader
        self._core = core
        self._client = client
        self._clock = clock
        self._sources_min = sources_min
        self._tokens: tuple[str, ...] = ()
        self._read_tokens: tuple[str, ...] = ()
        self._checked_ns = 0

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            now_ns = self._clock.boot_ns()
            if self._is_news(now_ns):
                self._read_tokens = self._tokens
                self.last = await self._reader.read(self._tokens)
                if now_ns - self._checked_ns >= CHECK_LIARS_NS:
                    self._checked_ns = now_ns
                    await self._reader.check(self._core.liars())
            elif isinstance(self.last, WalletRead):
                self.last = msgspec.structs.replace(self.last, read_ns=now_ns)
            # Who is not there is told the next time.
            self._client.send(encode(self.last))
            await asyncio.sleep(EVERY_S)
            self._take_answers()

    def _is_news(self, now_ns: int) -> bool:
        """Tell whether anything could be other than the last report says."""
        last = self.last
        if not isinstance(last, WalletRead) or self._tokens != self._read_tokens or self._core.liars():
            return True
        enough = len(self._core.sources(now_ns)) >= self._sources_min
        return not enough or self._core.head != last.block

    def _take_answers(self) -> None:
        for _ in range(_ANSWERS_MAX):
            data = self._client.receive()
            if data is None:
                return
            with contextlib.suppress(Undecodable):  # a watchdog of another version: nothing is valued for it
                self._tokens = decode(data, TokensWanted).tokens

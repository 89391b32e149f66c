"""The thread that waits on the gateway, so that the trader's loop and its heartbeat never do."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final, Self

import msgspec

from warden.domain.errors import EndpointFailed, EndpointRefused
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.clock import NS_PER_MS
from warden.runtime.paper import announced
from warden.runtime.rpc import JsonRpc
from warden.runtime.venue import load_venue, served_url
from warden.runtime.wallet import keystore_path, wallet_address
from warden.strategies.market import Market
from warden.trader.reader import MarketReader, limits_of

if TYPE_CHECKING:
    from warden.runtime.clock import Clock
    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

# The next block is looked for this often within a block time, and within these bounds.
_LOOKS_PER_BLOCK: Final = 8
_LOOK_MS_MIN: Final = 50
_LOOK_MS_MAX: Final = 1_000
_RETRY_MS: Final = 250
_JOIN_S: Final = 1.0


class Seen(msgspec.Struct, frozen=True):
    """A market as it was read.

    Attributes:
        seq: counts them.
        since_ns: CLOCK_BOOTTIME of the last look that found an older head, so the block is no older than
            that; 0 when nobody looked before, and its age is not known.
    """

    seq: int
    since_ns: int
    market: Market


class Contact(msgspec.Struct, frozen=True):
    """How the feed stands.

    Attributes:
        ok_ns: CLOCK_BOOTTIME of the last useful answer, 0 before the first.
        trouble: one line on why there is none now; empty when all is well.
        offered: markets read so far.
        broken: an error that ends the process; None otherwise.
    """

    ok_ns: int = 0
    trouble: str = ""
    offered: int = 0
    broken: Exception | None = None


class Feed:
    """Reads markets on a thread of its own and keeps the newest; `woken` is readable when there is news.

    The thread touches neither the bus nor the logs: what went wrong is in `contact`.
    """

    def __init__(self, settings: Settings, where: Places, clock: Clock) -> None:
        self._settings = settings
        self._places = where
        self._clock = clock
        self._limits = limits_of(settings.limits)
        self._lock = threading.Lock()
        self._newest: Seen | None = None
        self._contact = Contact(trouble="starting")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.woken = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # One endpoint after another may time out behind the gateway before a good one answers.
        endpoints = max(3, len(settings.endpoints))
        self._timeout_s = (endpoints + 1) * settings.gateway.timeout_ms / 1_000

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Tell the thread to end; one that waits on the gateway ends with the process."""
        self._stop.set()
        self._thread.join(_JOIN_S)

    @property
    def contact(self) -> Contact:
        """How the feed stands now."""
        with self._lock:
            return self._contact

    def take(self) -> Seen | None:
        """Return the newest market that was not taken yet; older ones are passed over."""
        with contextlib.suppress(BlockingIOError):  # nobody has woken us: the slot says what there is
            os.eventfd_read(self.woken)
        with self._lock:
            newest, self._newest = self._newest, None
            return newest

    def _run(self) -> None:
        reader: MarketReader | None = None
        last_block, last_look_ns = -1, 0
        wait_ms = 0
        while not self._stop.wait(wait_ms / 1_000):
            try:
                reader = reader or self._connect()
                if reader is None:
                    wait_ms = _RETRY_MS
                    continue
                look_ns = self._clock.boot_ns()
                block = reader.head()
                if block != last_block:
                    # A head that goes back is a reorg or a lagging endpoint: it is looked at, too.
                    self._publish(reader.market(block), last_look_ns)
                    last_block = block
                last_look_ns, done_ns = look_ns, self._clock.boot_ns()
                self._note(ok_ns=done_ns, trouble="")
                wait_ms = self._look_ms(done_ns - look_ns)
            except (EndpointFailed, EndpointRefused, OSError) as error:
                self._note(trouble=f"gateway: {error}")
                # It may be another gateway, or another devnet, when it is back.
                if reader is not None:
                    reader.close()
                reader, wait_ms = None, _RETRY_MS
            except Exception as error:  # noqa: BLE001 - the main thread raises it: no thread dies in silence
                self._note(broken=error)
                return

    def _connect(self) -> MarketReader | None:
        """Return a reader, or None with the reason noted while something is not there yet."""
        venue = load_venue(self._settings, self._places)
        if venue is None:
            self._note(trouble="waiting for the devnet")
            return None
        devnet = self._settings.environment is Environment.DEVNET
        if devnet and not keystore_path(self._settings, self._places).exists():
            self._note(trouble="waiting for the wallet")
            return None
        wallet = wallet_address(self._settings, self._places)
        url = served_url(self._places, Role.GATEWAY)
        if url is None:
            self._note(trouble="waiting for the gateway")
            return None
        where, on_paper = self._places, self._settings.environment is Environment.PAPER
        paper_wei = (lambda: announced(where)) if on_paper else None
        rpc = JsonRpc(url, timeout_s=self._timeout_s)
        return MarketReader(rpc, venue, wallet, self._limits, paper_wei)

    def _look_ms(self, took_ns: int) -> int:
        look_ms = round(self._settings.chain.block_time_s * 1_000 / _LOOKS_PER_BLOCK)
        return max(_LOOK_MS_MIN, min(_LOOK_MS_MAX, look_ms) - took_ns // NS_PER_MS)

    def _publish(self, market: Market, since_ns: int) -> None:
        with self._lock:
            offered = self._contact.offered + 1
            # With the market, or whoever takes it at once would think that nobody answers.
            ok_ns = self._clock.boot_ns()
            self._contact = msgspec.structs.replace(self._contact, offered=offered, ok_ns=ok_ns, trouble="")
            self._newest = Seen(offered, since_ns, market)
        os.eventfd_write(self.woken, 1)

    def _note(
        self,
        *,
        ok_ns: int | None = None,
        trouble: str | None = None,
        broken: Exception | None = None,
    ) -> None:
        with self._lock:
            was = self._contact
            self._contact = Contact(
                ok_ns=was.ok_ns if ok_ns is None else ok_ns,
                trouble=was.trouble if trouble is None else trouble,
                offered=was.offered,
                broken=broken,
            )
        if broken is not None:
            os.eventfd_write(self.woken, 1)

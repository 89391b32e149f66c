"""The gateway's wiring: sockets, clocks, heartbeat and status around `core`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import uvloop

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.gateway.bot import BotDoor
from warden.gateway.checking import Checking
from warden.gateway.listener import listen
from warden.gateway.pool import Pool
from warden.gateway.reads import NOT_DEPLOYED, NoChain
from warden.gateway.reporting import Reporting
from warden.gateway.sends import Sends
from warden.gateway.server import Server
from warden.gateway.wallet import WalletReader
from warden.runtime.doubt_terms import doubt_limits
from warden.runtime.venue import load_venue
from warden.runtime.wallet import wallet_address
from warden.wire.addresses import CAPITAL, INTENTS
from warden.wire.messages import ProcessState
from warden.wire.telemetry import GatewayStatus, Severity

if TYPE_CHECKING:
    import socket

    from warden.gateway.events import Changed
    from warden.runtime.process import Frame

TICK_S: Final = 0.05
STATUS_EVERY_NS: Final = 500_000_000
VENUE_EVERY_NS: Final = 1_000_000_000
VENUE_AWAITED_EVERY_NS: Final = 100_000_000


def main(frame: Frame) -> None:
    """Serve until the frame ends.

    Raises:
        ConfigurationInvalid: the port is in use, or the venue cannot be read.
    """
    listener, url = listen(frame.settings.gateway, frame.places)
    with listener:
        uvloop.run(Gateway(frame, url).run(listener))


class Gateway:
    """The running gateway. Everything happens in one event loop."""

    def __init__(self, frame: Frame, url: str) -> None:
        self._frame = frame
        self._url = url
        self._sends = Sends(self._warn_of_send)
        self._bot = BotDoor(frame.bus.connect(INTENTS), frame.clock, self._wallet, frame.settings.bot.wait_s)
        self._server: Server | None = None
        self._pool: Pool | None = None
        self._capital = frame.bus.connect(CAPITAL)
        self._reporting: asyncio.Task[None] | None = None
        self._checking = Checking(frame)
        self._probes_before = 0
        self._usable: bool | None = None
        self._status_due_ns = 0
        self._venue_due_ns = 0

    async def run(self, listener: socket.socket) -> None:
        """Serve on `listener`, beat, probe and tell, until the frame ends."""
        frame = self._frame
        self._server = Server(NoChain(), self._sends, self._bot, frame.clock)
        await self._server.start(listener)
        frame.event(Severity.INFO, "gateway.listening", f"reads are answered at {self._url}")
        try:
            while not frame.ending:
                await self._tick(self._server)
                await asyncio.sleep(TICK_S)
        finally:
            await self._server.stop()
            await self._end_reporting()
            if self._pool is not None:
                await self._pool.close()

    async def _tick(self, server: Server) -> None:
        now_ns = self._frame.clock.boot_ns()
        if now_ns >= self._venue_due_ns:
            every_ns = VENUE_AWAITED_EVERY_NS if self._pool is None else VENUE_EVERY_NS
            self._venue_due_ns = now_ns + every_ns
            await self._look_at_venue(server)
        if self._pool is not None:
            self._pool.look()
            for task in (*self._pool.probing, *([self._reporting] if self._reporting else [])):
                if task.done():
                    task.result()  # it ends only by a defect, which must be seen
            self._note_usable(self._pool, now_ns)
        if self._pool is not None and self._pool.settled:
            self._checking.turn(self._pool.core, self._sources_min(self._pool), now_ns)
        self._beat(server, now_ns)
        self._frame.leaves()  # no leave is meant for a gateway, but they must not pile up
        if now_ns >= self._status_due_ns:
            self._status_due_ns = now_ns + STATUS_EVERY_NS
            self._frame.publish(self._status(server, now_ns))

    async def _look_at_venue(self, server: Server) -> None:
        """Take up the venue once it is there, and anew when the devnet has come back as another one."""
        venue = load_venue(self._frame.settings, self._frame.places)
        if venue is None or (self._pool is not None and self._pool.venue == venue):
            return
        old = self._pool
        self._pool = Pool(venue, self._frame.settings, self._frame.clock, self._say_changed)
        server.reads, server.agreed.rounds = self._pool.reads, self._pool.rounds
        self._bot.chain_id = venue.chain_id
        await self._end_reporting()
        self._reporting = self._report_wallet(self._pool)
        names = ", ".join(each.name for each in venue.readable)
        self._frame.event(
            Severity.INFO,
            "gateway.venue",
            f"chain {venue.chain_id}, endpoints {names}",
            chain_id=venue.chain_id,
        )
        if old is not None:
            self._probes_before += old.probes
            await old.close()

    def _sources_min(self, pool: Pool) -> int:
        """Return how many endpoints must be there: on paper there is no wallet that they must agree on."""
        return 1 if self._frame.settings.environment is Environment.PAPER else pool.rounds.sources_min

    def _wallet(self) -> str:
        """Return whose account a bot sends from, empty while there is no wallet."""
        try:
            return wallet_address(self._frame.settings, self._frame.places)
        except ConfigurationInvalid:
            return ""  # the devnet's comes later; elsewhere the executor says what is wrong

    def _report_wallet(self, pool: Pool) -> asyncio.Task[None] | None:
        """Begin to tell the watchdog of the wallet; on paper there is none on the chain."""
        frame = self._frame
        if frame.settings.environment is Environment.PAPER:
            return None
        try:
            wallet = wallet_address(frame.settings, frame.places)
        except ConfigurationInvalid as error:
            frame.event(Severity.ERROR, "gateway.no_wallet", f"no capital can be read: {error}")
            return None
        if pool.rounds.sources_min == 1:
            text = "ONE SOURCE: the only endpoint is taken at its word (wallet.sources_min is 1)"
            frame.event(Severity.WARNING, "gateway.one_source", text, runbook="network-failure")
        doubts = doubt_limits(frame.settings)
        reader = WalletReader(pool.rounds, pool.venue, wallet, frame.clock, doubts)
        reporting = Reporting(
            reader, pool.core, self._capital, frame.clock, sources_min=pool.rounds.sources_min
        )
        return asyncio.create_task(reporting.run())

    async def _end_reporting(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
            self._reporting = None

    def _note_usable(self, pool: Pool, now_ns: int) -> None:
        usable = pool.core.usable(now_ns)
        if usable is self._usable or not pool.settled:
            return
        self._usable = usable
        if usable:
            self._frame.event(Severity.INFO, "gateway.usable", "reads are answered")
        else:
            self._frame.event(
                Severity.ERROR,
                "gateway.no_endpoint",
                f"no endpoint is usable: {self._states(pool, now_ns)}",
                runbook="network-failure",
            )

    def _beat(self, server: Server, now_ns: int) -> None:
        counts, pool = server.counts, self._pool
        if pool is None:
            state, detail = ProcessState.STARTING, NOT_DEPLOYED
        elif pool.core.usable(now_ns):
            state, detail = ProcessState.READY, ""
        elif not pool.settled:
            state, detail = ProcessState.STARTING, "its endpoints are being looked at"
        else:
            state, detail = ProcessState.DEGRADED, f"no endpoint is usable: {self._states(pool, now_ns)}"
        self._frame.beat(
            state,
            progress=counts.handled + self._probes_before + (0 if pool is None else pool.probes),
            offered=counts.offered,
            handled=counts.handled,
            detail=detail,
            data_age_ms=None if pool is None else pool.core.head_age_ms(now_ns),
            sources=(0, 0) if pool is None else (len(pool.core.sources(now_ns)), len(pool.venue.readable)),
        )

    def _status(self, server: Server, now_ns: int) -> GatewayStatus:
        core = None if self._pool is None else self._pool.core
        return GatewayStatus(
            sent_ns=now_ns,
            session=self._frame.session,
            url=self._url,
            endpoints=() if core is None else core.lines(now_ns),
            head=None if core is None else core.head,
            head_age_ms=None if core is None else core.head_age_ms(now_ns),
            calls=server.counts.calls,
            failures=server.counts.failures,
            refused_sends=self._sends.refused,
        )

    def _states(self, pool: Pool, now_ns: int) -> str:
        return "; ".join(
            f"{line.name}: {line.state}" + (f" ({line.detail})" if line.detail else "")
            for line in pool.core.lines(now_ns)
        )

    def _say_changed(self, severity: Severity, changed: Changed) -> None:
        what = f"endpoint {changed.name} is {changed.after}" + (
            f": {changed.detail}" if changed.detail else ""
        )
        self._frame.event(
            severity,
            f"gateway.endpoint.{changed.after.value}",
            what,
            endpoint=changed.name,
            before=changed.before.value,
            after=changed.after.value,
        )

    def _warn_of_send(self, method: str, count: int) -> None:
        self._frame.event(
            Severity.WARNING,
            "gateway.send_refused",
            f"{method} was refused: the gateway only reads"
            + (f" ({count} sends since the last such line)" if count > 1 else ""),
            method=method,
            count=count,
        )

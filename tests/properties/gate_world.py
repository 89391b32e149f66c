"""A small world around the real gate, latch, stop desk and executor core, in which every step is one call.

A leg is two steps, look and write, with anything between them: its thread or process is paused there. The
world keeps a record of its own (what is durable, which stops stand, which permit lives) and fails the test at
the look that answers wrongly and at the write that must not have been.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from tests.unit.executor.scene import TERMS, TOKEN_B, WETH, Scene, intent
from warden.domain.modes import Mode, allows
from warden.domain.roles import Role
from warden.domain.stops import Stop, encode_stop
from warden.executor.protocol.commands import Command, Record, Send, Sign, Simulate
from warden.executor.protocol.events import HeadRead, Identified, LegDone, Receipt, Simulated
from warden.executor.sends.gate import Gate
from warden.executor.sends.leg import ACCEPTED, NOT_BEGUN
from warden.executor.stops import StopDesk
from warden.runtime.bus import Incoming
from warden.runtime.clock import NS_PER_MS, NS_PER_S
from warden.wire.messages import Head, Permit, StopSeen
from warden.wire.rows import Purpose, SignedRow, in_flight

if TYPE_CHECKING:
    from warden.runtime.latch import Latch
    from warden.wire.rows import ExecutorRow

LIFE_NS: Final = 1_500 * NS_PER_MS
VALID_S: Final = 5
BOOT: Final = "boot"
ENDPOINTS: Final = ("a", "b")
# Three at once: one before, one between, one after whatever becomes of another.
IN_FLIGHT: Final = 3


class StopSocket:
    """The stop channel's far end: what waits to be heard, and what was answered."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.answers: list[StopSeen] = []

    def receive(self) -> Incoming | None:
        """Return the next request."""
        return Incoming(b"operator", Role.OPERATOR, self.waiting.popleft()) if self.waiting else None

    def send(self, _identity: bytes, data: bytes) -> bool:
        """Take an answer."""
        self.answers.append(msgspec.json.decode(data, type=StopSeen))
        return True


class Writer(msgspec.Struct):
    """One leg's way: it waits, then it has looked and may write, then it is gone from the world's list."""

    order: Send
    endpoint: str
    looked: bool = False


class World:
    """One executor after another on one stop directory; time stands still unless `pass_ms` moves it."""

    def __init__(self, latch: Latch) -> None:
        self.latch = latch
        self.now_ns = 1_000_000_000_000
        self.durable: list[ExecutorRow] = []
        self.files: set[str] = set()
        # What each standing stop's acknowledgement listed.
        self.acknowledged: dict[str, set[str]] = {}
        self.written: list[tuple[str, str]] = []
        self.mined: dict[str, Receipt] = {}
        self.block = 0
        self._runs = 0
        self._permits = 0
        self._intents = 0
        self._signed = 0
        self.start()

    # --- the clock that the gate is handed

    def boot_ns(self) -> int:
        """Return the time that was set."""
        return self.now_ns

    def wall(self) -> datetime:
        """Return a fixed date; nothing is decided by it."""
        return datetime(2026, 1, 1, tzinfo=UTC)

    def pass_ms(self, milliseconds: int) -> None:
        """Let time pass, for whoever is paused, too."""
        self.now_ns += milliseconds * NS_PER_MS

    # --- the executor's life

    def start(self) -> None:
        """Kill the executor and start another on what is durable: what only memory held is gone."""
        self._runs += 1
        self.session = f"executor-{self._runs}"
        self.permit: Permit | None = None
        self.heard: set[str] = set()
        self.gate = Gate(self.latch, self, boot_id=BOOT, session=self.session)
        self.socket = StopSocket()
        self.desk = StopDesk(self.socket, self.latch, self.gate, self.session)  # type: ignore[arg-type] # the two methods of a Server that it uses
        terms = msgspec.structs.replace(TERMS, legs={"public": len(ENDPOINTS)}, max_in_flight=IN_FLIGHT)
        self.scene = Scene(terms, tuple(self.durable))
        self.unsynced: deque[Record] = deque()
        self.ready: deque[Command] = deque()
        self.writers: list[Writer] = []
        self.results: deque[LegDone] = deque()
        # An acknowledgement counts once its file stands; without one it was never more than UNCONFIRMED.
        self.acknowledged = {name: listed for name, listed in self.acknowledged.items() if name in self.files}
        self._tell(Identified(chain_id=TERMS.chain_id, genesis=TERMS.genesis))
        self.read_chain()

    def fence(self, name: str) -> None:
        """Stop an executor that does not answer: its journal tells what is in flight; another starts."""
        self.stop_file(name)
        self.acknowledged[name] = set(in_flight(self.durable))
        self.start()

    # --- work

    def submit(self) -> None:
        """Let the trader propose; simulated and signed at once if nothing refuses it."""
        self._intents += 1
        path = (WETH, f"0x{self._intents:040x}", TOKEN_B, WETH)  # a market of its own each
        order = intent(self._intents, not_after_s=1_000 + self.block + VALID_S, path=path)
        order = msgspec.structs.replace(order, not_after_boot_ns=self.now_ns + VALID_S * NS_PER_S)
        self.scene.now_ns = self.now_ns
        self._carry_out(self.scene.submit(order))

    def sync(self) -> None:
        """Have the disk take every row that waits."""
        while self.unsynced:
            record = self.unsynced.popleft()
            self.durable.append(record.row)
            self.ready.extend(record.then)

    def carry_on(self) -> None:
        """Have the main thread see the sync: what waited for it goes out to the legs."""
        ready, self.ready = list(self.ready), deque()
        self._carry_out(ready)

    def look(self, writer: Writer) -> None:
        """Have a leg ask the gate; it must answer what the world's own record says."""
        refused = self.gate.refusal(writer.order.ticket) is not None
        assert refused != self.may_leave(writer.order)
        if refused:
            self._end(writer, NOT_BEGUN)
        writer.looked = not refused

    def write(self, writer: Writer) -> None:
        """Have a leg that has looked write its first byte, however long ago that was."""
        tx_hash = writer.order.tx_hash
        assert writer.looked
        rows = [row for row in self.durable if isinstance(row, SignedRow) and row.tx_hash == tx_hash]
        assert len(rows) == 1, "sent without a durable row (I5)"
        unlisted = [name for name, listed in self.acknowledged.items() if tx_hash not in listed]
        assert unlisted == [], "written after an acknowledged stop that does not list it (I3)"
        assert rows[0].purpose is not Purpose.SWAP or rows[0].not_after_s > 0, "no deadline on the chain (I2)"
        self.written.append((tx_hash, writer.endpoint))
        self._end(writer, ACCEPTED)

    def lose(self, tx_hash: str) -> None:
        """Have the legs of a transaction that have not looked yet find no connection."""
        for writer in [each for each in self.writers if each.order.tx_hash == tx_hash and not each.looked]:
            self._end(writer, NOT_BEGUN)

    def settle_legs(self) -> None:
        """Have the main thread take what came of the legs."""
        while self.results:
            self._tell(self.results.popleft())

    def mine_all(self) -> None:
        """Let the chain mine whatever was written and is next, in the order of nonces."""
        nonces = {row.tx_hash: row.nonce for row in self.durable if isinstance(row, SignedRow)}
        for tx_hash, _ in sorted(self.written, key=lambda each: nonces[each[0]]):
            self.mine(tx_hash)

    def gaps(self) -> tuple[int, ...]:
        """Return the nonces that what is open waits for and that nothing holds."""
        return self.scene.core.book.gaps(len(self.mined))

    def mine(self, tx_hash: str) -> None:
        """Let the chain mine what was written."""
        row = next(row for row in self.durable if isinstance(row, SignedRow) and row.tx_hash == tx_hash)
        if row.nonce == len(self.mined) and tx_hash not in self.mined:
            self.scene.block = self.block
            self.mined[tx_hash] = self.scene.mined(tx_hash)

    def read_chain(self) -> None:
        """Have the executor read the next block."""
        self.block += 1
        wanted = self.scene.core.wanted_receipts()
        self._tell(
            HeadRead(
                block=self.block,
                block_hash=f"0x{self.block:064x}",
                timestamp_s=1_000 + self.block,
                base_fee_wei=10**9,
                tip_wei=10**9,
                nonce=len(self.mined),
                gas_balance_wei=10**18,
                trading_balance_wei=50 * 10**18,
                allowance_wei=100 * 10**18,
                price_usd=TERMS.fixed_usd,
                receipts={each: self.mined.get(each) for each in wanted},
            )
        )

    # --- stop, leave, recovery

    def stop_file(self, name: str) -> None:
        """Have an operator write the stop's file."""
        self.latch.write(Stop(stop_id=name))
        self.files.add(name)

    def stop_asked(self, name: str) -> None:
        """Have the operator's request come in at the stop socket; it is answered in the next turn."""
        self.socket.waiting.append(encode_stop(Stop(stop_id=name)))

    def turn(self) -> None:
        """Have the main thread serve its stop desk, as it does first in every turn."""
        before = len(self.socket.answers)
        open_hashes = [entry.signed.tx_hash for entry in self.scene.core.book.open()]
        self.desk.serve((*open_hashes, *self.scene.core.hashes_out()))
        for seen in self.socket.answers[before:]:
            self.heard.add(seen.stop_id)
            self.acknowledged[seen.stop_id] = set(seen.in_flight)
        for row in self.desk.look():
            self.unsynced.append(Record(row=row))
        # A request that was answered after its stop had been recovered holds nothing any more.
        cleared = {name for name in (*self.heard, *self.acknowledged) if self._is_cleared(name)}
        self.heard -= cleared
        self.acknowledged = {name: each for name, each in self.acknowledged.items() if name not in cleared}

    def lift(self, name: str) -> None:
        """Have a recovery clear one stop."""
        self.latch.clear(name)
        self.files.discard(name)
        self.acknowledged.pop(name, None)

    def grant(self, mode: Mode, *, session: str | None = None) -> None:
        """Have the watchdog give leave, whatever else stands; only the present executor's counts."""
        self._permits += 1
        permit = Permit(
            boot_id=BOOT,
            executor_session=session or self.session,
            watchdog_session="dog",
            seq=self._permits,
            mode=mode,
            trader_sessions=("session",),
            issued_ns=self.now_ns,
            expires_ns=self.now_ns + LIFE_NS,
            exits_until_ns=self.now_ns + LIFE_NS,
            size_percent=100,
            head=Head(journal="watchdog", rows=0, hash=""),
        )
        accepted = self.gate.accept(permit) == ""
        assert accepted == (permit.executor_session == self.session)
        if accepted:
            self.permit = permit

    # --- the world's own record

    def may_leave(self, order: Send) -> bool:
        """Tell by the world's own record whether a transaction may leave at this moment."""
        permit, ticket = self.permit, order.ticket
        return (
            not self.files
            and not self.heard
            and permit is not None
            and self.now_ns < permit.expires_ns
            and allows(Mode(permit.mode), ticket.action)
            and (not ticket.trader_session or ticket.trader_session in permit.trader_sessions)
            and self.now_ns < ticket.not_after_boot_ns
        )

    def check_nonces(self) -> None:
        """I6: of two transactions at one nonce one replaces the other, or never left and freed it."""
        signed = [row for row in self.durable if isinstance(row, SignedRow)]
        out = {tx_hash for tx_hash, _ in self.written}
        by_nonce: dict[int, set[str]] = {}
        for row in signed:
            if row.tx_hash in out and not row.replaces:
                by_nonce.setdefault(row.nonce, set()).add(row.tx_hash)
        assert all(len(hashes) == 1 for hashes in by_nonce.values()), by_nonce

    # --- inside

    def _tell(self, event: Identified | HeadRead | LegDone | Simulated) -> None:
        self.scene.now_ns = self.now_ns
        self._carry_out(self.scene.tell(event))

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Simulate():
                    self._tell(Simulated(intent_id=command.intent_id, gas=200_000))
                case Sign():
                    self.scene.signed = self._signed
                    _, then = self.scene.sign(command)
                    self._signed = self.scene.signed
                    self._carry_out(then)
                case Send():
                    self.writers += [Writer(command, endpoint) for endpoint in ENDPOINTS]
                case Record():
                    self.unsynced.append(command)
                case _:
                    pass

    def _end(self, writer: Writer, result: str) -> None:
        self.writers.remove(writer)
        self.results.append(LegDone(writer.order.tx_hash, writer.endpoint, result, result))

    def _is_cleared(self, name: str) -> bool:
        return (self.latch.path / "cleared" / name).exists()

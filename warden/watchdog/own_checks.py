"""The checks that the watchdog answers itself, from what it has anyway (FS2, FS3). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.checks import answer
from warden.domain.health import Health
from warden.domain.modes import Mode
from warden.domain.money import format_ether
from warden.domain.roles import Role
from warden.wire.capital import WalletRead
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.domain.health import CheckLine
    from warden.watchdog.authority import Authority
    from warden.watchdog.capital import Capital
    from warden.watchdog.check_terms import CheckTerms
    from warden.watchdog.last_run import LastRun
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox
    from warden.watchdog.stops import Stops
    from warden.wire.checks import Books

_NS: Final = 1_000_000_000
_TELL_NS: Final = 3_600 * _NS
STEP_NS: Final = 5 * _NS
"""A wall clock that is set by less than this was only corrected."""


class OwnChecks:
    """Answers at every turn."""

    def __init__(
        self,
        terms: CheckTerms,
        authority: Authority,
        stops: Stops,
        out: Outbox,
        *,
        liveness: Liveness,
        capital: Capital,
    ) -> None:
        self._books: Books | None = None
        self._compared: tuple[int, int] | None = None
        self._terms = terms
        self._authority = authority
        self._stops = stops
        self._out = out
        self._liveness = liveness
        self._capital = capital
        self._seen: dict[str, tuple[int, str]] = {}
        self._lost = ""
        self._offset_ns: int | None = None
        self._stepped = ""
        self._told_ns: int | None = None

    def carry_over(self, last: LastRun) -> None:
        """Go on with what the runs before have seen of other journals."""
        self._seen = dict(last.seen)

    def lines(self, now_ns: int) -> Iterator[CheckLine]:
        """Yield the answers at `now_ns`."""
        yield self._journal()
        yield self._witness()
        yield self._agreed(now_ns)
        yield self._mode()
        status = Health.DEGRADED if self._stepped else Health.HEALTHY
        yield answer("clock-step", status, self._stepped or "it ran on evenly since the watchdog's start")

    def wall(self, wall_ns: int, now_ns: int) -> None:
        """Take the wall clock; a step is told once an hour at most, and decides nothing."""
        before, self._offset_ns = self._offset_ns, wall_ns - now_ns
        if before is None or abs(self._offset_ns - before) < STEP_NS:
            return
        self._stepped = f"the wall clock was set by {(self._offset_ns - before) / _NS:+.0f} s"
        if self._told_ns is None or now_ns - self._told_ns >= _TELL_NS:
            self._told_ns = now_ns
            text = f"{self._stepped}: nothing is decided by it, but logs and reports bear its times"
            self._out.notice(Severity.WARNING, "clock.stepped", text, "startup#clock")

    def _journal(self) -> CheckLine:
        name, failed = "integrity.watchdog", self._out.failed
        if failed:
            return answer(name, Health.CRITICAL, failed, "no error at all")
        return answer(name, Health.HEALTHY, f"{self._out.synced} rows are durable, none contradicts another")

    def _witness(self) -> CheckLine:
        """Hold the executor's head against what was seen of it: a journal never gets shorter (I9)."""
        name = "integrity.witness"
        for head in self._liveness.peers[Role.EXECUTOR].heads:
            rows, digest = self._seen.get(head.journal, (0, ""))
            if head.rows < rows:
                text = f"{head.journal}.db ends at row {head.rows}, but row {rows} was seen"
                self._lost = f"{text}: it was truncated or rolled back"
            elif head.rows == rows and digest and head.hash != digest:
                self._lost = f"row {rows} of {head.journal}.db is not the row that was seen: it was rewritten"
            elif not self._lost:
                self._seen[head.journal] = (head.rows, head.hash)
        if self._lost:
            return answer(name, Health.CRITICAL, self._lost, "every row that was seen")
        known = ", ".join(f"{journal}.db to row {rows}" for journal, (rows, _) in sorted(self._seen.items()))
        return answer(name, Health.HEALTHY, known or "nothing was seen yet")

    def books(self, books: Books | None) -> None:
        """Take what the executor's books say, and hold them against the wallet that endpoints agree on.

        Two reports in a row that say the same, with nothing on its way, bracket the wallet's read: at
        whatever block it was read in between, it must hold exactly that.
        """
        before, self._books = self._books, books
        read = self._capital.last
        if books is None or before is None or read is None:
            return
        same = before.quiet and books.quiet and before.coins_wei == books.coins_wei
        if same and before.block <= read.block <= books.block:
            self._compared = (int(read.native_wei) + int(read.wrapped_wei), int(books.coins_wei))

    def _agreed(self, now_ns: int) -> CheckLine:
        name, capital, books = "capital.agreed", self._capital, self._books
        read, limit = capital.last, f"{format_ether(self._terms.tolerance_wei)} ETH"
        if not capital.terms.read:
            return answer(name, Health.HEALTHY, "on paper there is no wallet to compare with")
        if read is None or not isinstance(capital.report, WalletRead) or not capital.known(now_ns):
            return answer(name, Health.DEGRADED, "not compared: endpoints do not agree on the wallet now")
        if books is None:
            return answer(name, Health.HEALTHY, "not compared: the executor's books are not open")
        if read.wallet.lower() != books.wallet.lower():
            text = f"the executor's wallet is {books.wallet}, endpoints were asked for {read.wallet}"
            return answer(name, Health.CRITICAL, text, "one address")
        if self._compared is None:
            return answer(name, Health.HEALTHY, "not compared yet: something is always on its way", limit)
        held_wei, coins_wei = self._compared
        text = f"endpoints: {format_ether(held_wei)} ETH, books: {format_ether(coins_wei)} ETH"
        near = abs(held_wei - coins_wei) <= self._terms.tolerance_wei
        return answer(name, Health.HEALTHY if near else Health.UNHEALTHY, text, limit)

    def _mode(self) -> CheckLine:
        mode, ceiling = (
            self._authority.mode,
            self._authority.ceiling(self._liveness.peers[Role.EXECUTOR].positions),
        )
        if self._stops.unreadable:
            return answer(
                "mode", Health.CRITICAL, self._stops.unreadable, "a stop directory that can be read"
            )
        if mode > ceiling and mode > Mode.SHUTDOWN:
            return answer("mode", Health.DEGRADED, f"{mode.name} is being lowered", ceiling.name)
        return answer("mode", Health.HEALTHY, mode.name, ceiling.name)

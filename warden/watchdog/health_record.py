"""Writes health down: one row of heartbeats a minute, and what each hour came to (HM4, HM5). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.causes import HOUR_S
from warden.domain.health_report import ProcessSample, Sample, Tally, ill, summary
from warden.watchdog.liveness import state_word
from warden.wire.codec import to_plain
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warden.watchdog.health import HealthWatch
    from warden.watchdog.health_machine import MachineHealth
    from warden.watchdog.health_terms import HealthTerms
    from warden.watchdog.health_usage import Usage
    from warden.watchdog.liveness import Liveness
    from warden.watchdog.outbox import Outbox

_NS: Final = 1_000_000_000
_HOUR_NS: Final = HOUR_S * _NS
_SESSION_SHOWN: Final = 8


class HealthRecord:
    """Samples at each look, rows at a low rate."""

    def __init__(
        self, terms: HealthTerms, liveness: Liveness, machine: MachineHealth, out: Outbox, now_ns: int
    ) -> None:
        self._terms = terms
        self._liveness = liveness
        self._machine = machine
        self._out = out
        self._tally = Tally()
        self._began_ns = self._last_ns = now_ns
        self._row_due_ns = now_ns + terms.ledger_every_ns

    def step(self, found: HealthWatch, usage: Mapping[str, Usage], now_ns: int, *, sample: bool) -> None:
        """Take a sample where one is due, and write down what is."""
        self._last_ns = now_ns
        row_due = now_ns >= self._row_due_ns
        if not (sample or row_due):
            return
        taken = self._sample(found, usage)
        if sample:
            self._tally.add(taken)
        if row_due:
            self._row_due_ns = now_ns + self._terms.ledger_every_ns
            self._out.row("beats", **to_plain(taken))
        if now_ns - self._began_ns >= _HOUR_NS:
            self._report(now_ns, whole=True)

    def end(self) -> None:
        """Write down what was not a whole hour."""
        if self._tally.samples:
            self._report(self._last_ns, whole=False)

    def _report(self, now_ns: int, *, whole: bool) -> None:
        report = self._tally.report((now_ns - self._began_ns) // _NS, whole=whole)
        self._tally, self._began_ns = Tally(), now_ns
        self._out.row("health.report", **to_plain(report))
        if whole:
            self._out.notice(Severity.INFO, "health.report", f"the last hour: {summary(report)}")

    def _sample(self, found: HealthWatch, usage: Mapping[str, Usage]) -> Sample:
        processes = []
        for name, peer in self._liveness.peers.items():
            figures = usage[name].figures
            processes.append(
                ProcessSample(
                    name=name,
                    state=state_word(peer),
                    up=peer.ready(),
                    session=peer.session[:_SESSION_SHOWN],
                    progress=peer.progress,
                    lag_ms=None if figures.lag_ms is None else round(figures.lag_ms, 1),
                    lag_ms_max=figures.lag_ms_max,
                    cpu_percent=None if figures.cpu_percent is None else round(figures.cpu_percent, 1),
                    pss_mb=figures.pss_mb,
                    threads=figures.threads,
                    files=figures.files,
                )
            )
        return Sample(
            score_bps=found.score,
            status=found.status,
            processes=tuple(processes),
            ill=ill(found.lines),
            machine=self._machine.figures(),
        )

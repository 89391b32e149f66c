"""What health is judged by, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warden.domain.steady import Levels

if TYPE_CHECKING:
    from warden.runtime.settings import Settings

_NS: Final = 1_000_000_000
_MARGIN_PERCENT: Final = 5.0
_LOAD_MARGIN_PERCENT: Final = 20.0
_LOOKS: Final = 2
_CPU: Final = Levels(70, 90, _MARGIN_PERCENT, _LOOKS)
_MEMORY: Final = Levels(75, 90, _MARGIN_PERCENT, _LOOKS)
_DISK: Final = Levels(80, 95, 1.0)
_LOAD: Final = Levels(200, 400, _LOAD_MARGIN_PERCENT)


@dataclass(frozen=True, kw_only=True)
class HealthTerms:
    """Limits and cadences; the defaults are those of the settings. Times in nanoseconds."""

    machine_every_ns: int = 60 * _NS
    components_every_ns: int = 30 * _NS
    stop_after_ns: int = 60 * _NS
    errors_a_minute: int = 10
    data_age_ns: int = 300 * _NS
    ledger_age_ns: int = 600 * _NS
    queue_stalled_ns: int = 30 * _NS
    ledger_every_ns: int = 60 * _NS
    lag_ms: int = 250
    process_cpu_percent: int = 90
    process_memory_mb: int = 512
    trader_memory_mb: int = 1_024
    cpu: Levels = _CPU
    memory: Levels = _MEMORY
    disk: Levels = _DISK
    load: Levels = _LOAD


def health_terms(settings: Settings) -> HealthTerms:
    """Return what health is judged by."""
    health = settings.health
    memories = [each.memory_mb for each in (settings.strategies or (settings.strategy,))]
    return HealthTerms(
        machine_every_ns=health.machine_every_s * _NS,
        components_every_ns=health.components_every_s * _NS,
        stop_after_ns=health.stop_after_s * _NS,
        errors_a_minute=health.errors_a_minute,
        data_age_ns=health.data_age_s * _NS,
        ledger_age_ns=health.ledger_age_s * _NS,
        # Two beats at least must have told so.
        queue_stalled_ns=max(
            health.queue_stalled_s * _NS, 2 * settings.watchdog.beat_interval_ms * 1_000_000
        ),
        ledger_every_ns=health.ledger_every_s * _NS,
        lag_ms=health.lag_ms,
        process_cpu_percent=health.process_cpu_percent,
        process_memory_mb=health.process_memory_mb,
        trader_memory_mb=max(memories),
        cpu=Levels(health.cpu_degraded_percent, health.cpu_critical_percent, _MARGIN_PERCENT, _LOOKS),
        memory=Levels(
            health.memory_degraded_percent, health.memory_critical_percent, _MARGIN_PERCENT, _LOOKS
        ),
        disk=Levels(health.disk_degraded_percent, health.disk_critical_percent, 1.0),
        load=Levels(health.load_degraded_percent, health.load_critical_percent, _LOAD_MARGIN_PERCENT),
    )

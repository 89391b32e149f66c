"""When a part of the system or of the machine is not well, and how often it is looked at (HM1 to HM5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from warden.runtime.settings_field import STRICT, Count, Seconds, setting
from warden.runtime.settings_limits import NOW

Share = Annotated[int, Ge(1), Le(100)]
Every = Annotated[int, Ge(1), Le(3_600)]

_MACHINE = "two looks in a row, machine_every_s apart"
_CORE = "one core"


@dataclass(frozen=True, kw_only=True)
class HealthSettings:
    """Health of processes, components and machine. Below which score everything stops: emergency."""

    __pydantic_config__ = STRICT
    machine_every_s: Every = setting(60, "between two looks at the machine", unit="s")
    components_every_s: Every = setting(
        30, "between two looks at what a process uses and how late its loop is", unit="s"
    )
    stop_after_s: Seconds = setting(
        60, "the score is below emergency.health_percent for so long: stop", unit="s", tighter="lower"
    )
    errors_a_minute: Count = setting(
        10,
        "errors: with more of them unhealthy; the trader's own are not counted",
        unit="errors",
        window="the last minute",
        tighter="lower",
    )
    data_age_s: Seconds = setting(
        300, "age of the newest block: older is unhealthy", unit="s", window=NOW, tighter="lower"
    )
    ledger_age_s: Annotated[int, Ge(60), Le(86_400)] = setting(
        600,
        "age of the last row that became durable: older is unhealthy",
        unit="s",
        window=NOW,
        tighter="lower",
    )
    queue_stalled_s: Seconds = setting(
        30, "intents wait and none is handled: STALLED, unhealthy", unit="s", tighter="lower"
    )
    ledger_every_s: Annotated[int, Ge(10), Le(3_600)] = setting(
        60, "between two rows of heartbeats in the watchdog's journal", unit="s"
    )
    lag_ms: Annotated[int, Ge(10), Le(60_000)] = setting(
        250,
        "a loop that beats later than this is DEGRADED, at four times as much UNHEALTHY",
        unit="ms",
        window="the mean of components_every_s",
        tighter="lower",
    )
    process_cpu_percent: Annotated[int, Ge(1), Le(10_000)] = setting(
        90,
        "a process that uses more is DEGRADED",
        unit="%",
        baseline=_CORE,
        window="the mean of components_every_s",
    )
    process_memory_mb: Annotated[int, Ge(32), Le(1_048_576)] = setting(
        512, "a process that uses more is DEGRADED; the trader has strategy.memory_mb", unit="MB", window=NOW
    )
    cpu_degraded_percent: Share = setting(
        70, "the machine's processors: DEGRADED", unit="%", baseline="all cores", window=_MACHINE
    )
    cpu_critical_percent: Share = setting(
        90, "the same: CRITICAL", unit="%", baseline="all cores", window=_MACHINE
    )
    memory_degraded_percent: Share = setting(
        75, "the machine's memory in use: DEGRADED", unit="%", baseline="all memory", window=_MACHINE
    )
    memory_critical_percent: Share = setting(
        90, "the same: CRITICAL", unit="%", baseline="all memory", window=_MACHINE
    )
    disk_degraded_percent: Share = setting(
        80, "the fullest disk of the instance: DEGRADED", unit="%", baseline="what users may use", window=NOW
    )
    disk_critical_percent: Share = setting(
        95, "the same: CRITICAL", unit="%", baseline="what users may use", window=NOW
    )
    load_degraded_percent: Annotated[int, Ge(1), Le(100_000)] = setting(
        200, "the machine's load: DEGRADED", unit="%", baseline="number of cores", window="5 min"
    )
    load_critical_percent: Annotated[int, Ge(1), Le(100_000)] = setting(
        400, "the same: CRITICAL", unit="%", baseline="number of cores", window="5 min"
    )

"""How the machine was: load, memory, disk, and who used most of it, by name and never by arguments."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOOK_S: Final = 0.3
_TOP: Final = 10
_MB: Final = 1_000_000
_PRESSURE: Final = ("cpu", "memory", "io")


def machine_state(home: Path, known: Mapping[int, str]) -> dict[str, Any]:
    """Return the machine's state as plain values, units last in the names; takes a third of a second.

    Args:
        home: on whose disk room is looked for.
        known: what the processes of Warden are called, by pid; all their programs are called python.
    """
    before = dict(_cpu_s())
    psutil.cpu_percent()
    time.sleep(_LOOK_S)
    cpu_percent = psutil.cpu_percent()
    memory, swap, disk = psutil.virtual_memory(), psutil.swap_memory(), shutil.disk_usage(home)
    files = os.statvfs(home)
    return {
        "uptime_s": int(time.clock_gettime(time.CLOCK_BOOTTIME)),
        "cpus": os.cpu_count(),
        "cpu_percent": cpu_percent,
        "load": [round(each, 2) for each in os.getloadavg()],
        "memory_total_mb": memory.total // _MB,
        "memory_available_mb": memory.available // _MB,
        "swap_used_mb": swap.used // _MB,
        "disk_total_mb": disk.total // _MB,
        "disk_free_mb": disk.free // _MB,
        "disk_files_free": files.f_favail,
        "pressure": {each: text for each in _PRESSURE if (text := _pressure(each))},
        "top_cpu": _most(_shares(before), known, "cpu_percent"),
        "top_memory": _most(_resident(), known, "rss_mb"),
    }


def _cpu_s() -> Iterator[tuple[tuple[int, str], float]]:
    for process in psutil.process_iter(["name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None:
            yield (process.pid, process.info["name"] or "?"), times.user + times.system


def _shares(before: dict[tuple[int, str], float]) -> Iterator[tuple[str, int, float]]:
    for (pid, name), used_s in _cpu_s():
        yield name, pid, round((used_s - before.get((pid, name), used_s)) / _LOOK_S * 100, 1)


def _resident() -> Iterator[tuple[str, int, float]]:
    for process in psutil.process_iter(["name", "memory_info"]):
        memory = process.info["memory_info"]
        if memory is not None:
            yield process.info["name"] or "?", process.pid, round(memory.rss / _MB, 1)


def _most(
    found: Iterator[tuple[str, int, float]], known: Mapping[int, str], unit: str
) -> list[dict[str, Any]]:
    most = sorted(found, key=lambda each: -each[2])[:_TOP]
    return [
        {"name": known.get(pid, name), "pid": pid, unit: figure} for name, pid, figure in most if figure > 0
    ]


def _pressure(kind: str) -> str:
    """Return the kernel's own word on who waits for what; empty where it keeps none."""
    try:
        return Path(f"/proc/pressure/{kind}").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return ""

"""What a benchmark ran on: printed with its figures, for they mean little without it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> dict[str, object]:
    """Return processor, cores, memory in MB, kernel, Python and the load average of the last minute."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory_kb = int(Path("/proc/meminfo").read_text(encoding="utf-8").split()[1])
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_kb // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }

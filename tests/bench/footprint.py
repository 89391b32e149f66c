"""Memory of each process (PSS), time from `warden up` to TRADING, CPU when nothing is traded.

Beside it, in the same run: as many Python processes that only import what every process of Warden needs
(zmq, msgspec, loguru) and sleep. Less than those no such system can take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench._machine import machine
from tests.instance import DEVNET_TOML, REPOSITORY

WARDEN = (sys.executable, "-m", "warden.cli")
SETTLE_S = 10.0
TRADING_WITHIN_S = 120.0
BARE = "import zmq, msgspec, loguru, time; print('ready', flush=True); time.sleep(600)"
# The local chain is part of the demo alone, so it is counted apart.
DEMO_ONLY = ("devnet", "anvil")


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench footprint", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long CPU is measured")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="warden-bench-"))
    try:
        figures = measure(home, options.seconds)
    finally:
        warden(home, "down")
        shutil.rmtree(home)
    if not options.json:
        for name, value in figures.items():
            sys.stdout.write(f"{name:24s} {value}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def measure(home: Path, seconds: float) -> dict[str, Any]:
    """Start an instance without noise traders, let it settle, and read the kernel's own accounts."""
    (home / "warden.toml").write_text(DEVNET_TOML + "[devnet]\nnoise = false\n", encoding="utf-8")
    began = time.monotonic()
    starting = subprocess.Popen([*WARDEN, "up", "--home", home], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    up_to_trading_s = wait_trading(home, began)
    if starting.wait(TRADING_WITHIN_S) != 0:
        raise SystemExit("warden up did not succeed")
    time.sleep(SETTLE_S)
    processes = by_name(home)
    cpu_before, at = cpu_s(processes), time.monotonic()
    time.sleep(seconds)
    spent = {name: after - cpu_before[name] for name, after in cpu_s(processes).items()}
    elapsed = time.monotonic() - at
    pss = {name: pss_mb(process) for name, process in processes.items()}
    counted = {name: value for name, value in pss.items() if name not in DEMO_ONLY}
    bare = bare_pss_mb(len(counted))
    return {
        "total_pss_mb": round(sum(counted.values()), 1),
        "total_target_mb": 400,
        "pss_mb": pss,
        "bare_pss_mb": round(bare, 1),
        "ratio_to_bare": round(sum(counted.values()) / bare, 2),
        "up_to_trading_s": round(up_to_trading_s, 2),
        "idle_cpu_percent": round(
            100 * sum(value for name, value in spent.items() if name not in DEMO_ONLY) / elapsed, 2
        ),
        "idle_cpu_percent_by_process": {
            name: round(100 * value / elapsed, 2) for name, value in spent.items()
        },
        "machine": machine(),
    }


def warden(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the instance."""
    return subprocess.run(
        [*WARDEN, *words, "--home", home],
        capture_output=True,
        text=True,
        timeout=TRADING_WITHIN_S,
        check=False,
    )


def wait_trading(home: Path, began: float) -> float:
    """Return the seconds from `began` until the watchdog has armed, on the gate's word in the log."""
    log = home / "logs" / "executor.log"
    while time.monotonic() - began < TRADING_WITHIN_S:
        if log.exists() and '"gate.open"' in log.read_text(encoding="utf-8"):
            return time.monotonic() - began
        time.sleep(0.02)
    raise SystemExit("it did not begin to trade")


def by_name(home: Path) -> dict[str, psutil.Process]:
    """Return every process of the instance by what it is."""
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if not any(str(home) in word for word in words):
            continue
        module = next((word for word in words if word.startswith("warden.")), "")
        if module:
            found[module.removeprefix("warden.")] = process
        elif "anvil" in words[0]:
            found["anvil"] = process
        elif any("supervisord" in word for word in words):
            found["supervisord"] = process
    return found


def pss_mb(process: psutil.Process) -> float:
    """Return a process's proportional set size in MB."""
    return round(process.memory_full_info().pss / 2**20, 1)


def cpu_s(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU seconds that each has used so far."""
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def bare_pss_mb(count: int) -> float:
    """Return the PSS of so many processes that only import the libraries and sleep."""
    started = [subprocess.Popen([sys.executable, "-c", BARE], stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for process in started:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise SystemExit("a bare process did not start")
        return sum(psutil.Process(process.pid).memory_full_info().pss for process in started) / 2**20
    finally:
        for process in started:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    sys.exit(main())

"""Soak: the whole system at load on busy cores, for as long as asked; not one false trip may come of it.

Started by `warden up` under supervisord with a strategy that trades several times a second, beside as many
processes that do nothing but compute as there are cores. What happened is counted in the processes' own logs;
where something did, the home is kept, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench._figures import show
from tests.bench._machine import machine
from tests.bench.footprint import DEMO_ONLY, WARDEN, by_name, cpu_s, pss_mb, wait_trading, warden
from tests.instance import REPOSITORY
from tests.process.system import BUSY_TOML

if TYPE_CHECKING:
    import psutil

BURN = "while True: pass"
SETTLE_S = 20.0
UP_WITHIN_S = 300.0
TRIPS = ("mode.tripped",)
LAPSES = ("mode.lapse-healed",)
LOWERED = ("mode.lowered",)
WHYS_MAX = 50
TROUBLE = ("process.broken", "process.refused", "journal.broken", "permit.refused", "bus.undecodable")


def main() -> int:
    """Run and print; the last line is one JSON object. Fails if there was a trip."""
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long")
    parser.add_argument("--burners", type=int, default=len(os.sched_getaffinity(0)), help="busy processes")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="warden-soak-"))
    quiet = False
    burners: list[subprocess.Popen[bytes]] = []
    try:
        begin(home)
        burners += [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(options.burners)]
        figures = measure(home, options.minutes, options.burners)
        quiet = not (figures["trips"] or figures["lapses"] or figures["restarts"])
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
        warden(home, "down")
        if quiet:
            shutil.rmtree(home)
        else:
            sys.stderr.write(f"kept, with what was written down: {home}\n")
    show(figures, only_json=options.json)
    return 1 if figures["trips"] or figures["restarts"] else 0


def begin(home: Path) -> None:
    """Start an instance under supervisord and wait until it trades."""
    (home / "warden.toml").write_text(BUSY_TOML, encoding="utf-8")
    began = time.monotonic()
    starting = subprocess.Popen([*WARDEN, "up", "--home", home], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    wait_trading(home, began)
    if starting.wait(UP_WITHIN_S) != 0:
        raise SystemExit("warden up did not succeed")


def measure(home: Path, minutes: float, burners: int) -> dict[str, Any]:
    """Let it run; compare the end with the beginning."""
    time.sleep(SETTLE_S)
    processes = by_name(home)
    memory_before, cpu_before = memory(processes), cpu_s(processes)
    events_before, trades_before, began = count_events(home), trades(home), time.monotonic()
    while time.monotonic() - began < minutes * 60 and all(each.is_running() for each in processes.values()):
        time.sleep(1.0)
    elapsed_s = time.monotonic() - began
    landed = trades(home) - trades_before
    events = count_events(home) - events_before
    alive = {name: process for name, process in processes.items() if process.is_running()}
    memory_after = memory(alive)
    spent_s = sum(value - cpu_before[name] for name, value in cpu_s(alive).items() if name not in DEMO_ONLY)
    verified = json_of(home, "verify")
    return {
        "minutes": round(elapsed_s / 60, 2),
        "burners": burners,
        "trips": sum(events[kind] for kind in TRIPS),
        "lapses": sum(events[kind] for kind in LAPSES),
        "modes_lowered": sum(events[kind] for kind in LOWERED),
        "restarts": events["process.started"] + len(processes) - len(alive),
        "trades": landed,
        "trades_per_minute": round(landed / elapsed_s * 60, 1),
        "trouble": {kind: events[kind] for kind in TROUBLE if events[kind]},
        "lost": {kind: count for kind, count in events.items() if kind.endswith((".lost", ".hung"))},
        "whys": whys(home),
        "cpu_percent_of_a_core": round(100 * spent_s / elapsed_s, 1),
        "pss_mb": memory_after,
        "pss_growth_mb": {name: round(memory_after[name] - memory_before[name], 1) for name in memory_after},
        "journal_rows": verified.get("rows"),
        "journal_problems": verified.get("problems"),
        "machine": machine(),
    }


def memory(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the PSS of each in MB."""
    return {name: pss_mb(process) for name, process in processes.items()}


def count_events(home: Path) -> Counter[str]:
    """Count the events of every kind in the logs of the processes."""
    kinds: Counter[str] = Counter()
    for path in (home / "logs").glob("*.log"):
        # The logger's own files repeat what each process has written in its own.
        if path.stem not in {"main", "error", "trade_audit", "performance", "alerts", "supervisord"}:
            kinds.update(kinds_in(path))
    return kinds


def kinds_in(path: Path) -> Counter[str]:
    """Count the kinds in one file of JSON lines; a torn last line is left out."""
    kinds: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            kinds[json.loads(line).get("kind", "")] += 1
        except ValueError:
            continue
    return kinds


def whys(home: Path) -> list[str]:
    """Return when and why the mode was lowered or healed, as the watchdog wrote it down."""
    found = []
    for line in (home / "logs" / "watchdog.log").read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said.get("kind") in {*TRIPS, *LAPSES, *LOWERED}:
                found.append(f"{said.get('time', '')} {said['kind']}: {said.get('message', '')}")
    return found[-WHYS_MAX:]


def json_of(home: Path, command: str) -> dict[str, Any]:
    """Run a command with --json and return what it says; nothing where it says nothing."""
    lines = warden(home, command, "--json").stdout.splitlines()
    said: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return said


def trades(home: Path) -> int:
    """Return how many trades have landed."""
    return int(json_of(home, "status").get("pnl", {}).get("trades", 0))


if __name__ == "__main__":
    sys.exit(main())

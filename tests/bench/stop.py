"""Stop: from the order to its acknowledgement, in a race with a stream of intents, and what arrives after it.

Executor, gateway, devnet, bus, stop directory and `order_stop` are the real ones; watchdog and trader are
voices of the benchmark's own (tests/process/race.py). Beside it, in the same run: what such an order costs at
the least, one synced file and one round trip through the executor's loop.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from tests.bench._figures import percentile, show, spread
from tests.bench._machine import machine
from tests.process.race import Race

if TYPE_CHECKING:
    from pathlib import Path

    from tests.process.race import Trial

SEED = 7
PROBES_MAX = 200


def main() -> int:
    """Run and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="scripts/bench stop", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--trials", type=int, default=300, help="stops that race the stream")
    parser.add_argument("--hung", type=int, default=10, help="stops that meet a hung executor")
    parser.add_argument("--seed", type=int, default=SEED, help="of the moments at which stops fall")
    options = parser.parse_args()
    figures = measure(options.trials, options.hung, options.seed)
    show(figures, only_json=options.json)
    return 1 if figures["late_sends"] else 0


def measure(trials: int, hung: int, seed: int) -> dict[str, Any]:
    """Race, then fence, and measure the limit along the way."""
    files_ms: list[float] = []
    trips_ms: list[float] = []
    with Race(seed) as race:
        raced: list[Trial] = []
        every = max(1, trials // PROBES_MAX)
        for number in range(trials):
            raced.append(race.trial())
            if number % every == 0:
                files_ms.append(synced_file_ms(race.home))
                trips_ms.append(race.round_trip_ms())
        fenced = [race.fenced_trial() for _ in range(hung)]
        arrived = race.arrived
    late = [tx_hash for trial in (*raced, *fenced) for tx_hash in trial.late]
    confirmed_ms = [trial.result.elapsed_ms for trial in raced]
    limits_ms = [one + other for one, other in zip(files_ms, trips_ms, strict=True)]
    return {
        "trials": trials,
        **spread(confirmed_ms, "", "ms"),
        "late_sends": len(late),
        "late_hashes": late[:20],
        "levels": dict(Counter(trial.result.level.value for trial in raced)),
        **spread(limits_ms, "limit_", "ms"),
        "synced_file_p50_ms": percentile(files_ms, 0.5),
        "round_trip_p50_ms": percentile(trips_ms, 0.5),
        "fenced_trials": hung,
        **spread([trial.result.elapsed_ms for trial in fenced], "fenced_", "ms"),
        "fenced_levels": dict(Counter(trial.result.level.value for trial in fenced)),
        "in_flight_at_stop": sum(bool(trial.result.in_flight) for trial in raced),
        "listed_arrived_after": sum(bool(trial.listed_after) for trial in raced),
        "transactions_arrived": arrived,
        "real": "executor, gateway, devnet, bus, stop directory, order_stop; watchdog and trader are voices",
        "machine": machine(),
    }


def synced_file_ms(home: Path) -> float:
    """Write a file as large as a stop's beside the stop directory, sync it and its directory."""
    began_ns = time.monotonic_ns()
    path = home / f"probe-{secrets.token_hex(4)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        os.write(handle, msgspec.json.encode({"stop_id": path.name, "message": "x" * 150}))
        os.fsync(handle)
    finally:
        os.close(handle)
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    elapsed_ms = (time.monotonic_ns() - began_ns) / 1e6
    path.unlink()
    return elapsed_ms


if __name__ == "__main__":
    sys.exit(main())

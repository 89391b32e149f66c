"""Faults: those that take minutes, again and again at seeded moments; each ends with book and chain compared.

What a test does once is done here many times; docs/faults.md says what is promised. Fails if anything
arrived that may not, if a stop did not hold, or if a wei is not explained.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from typing import TYPE_CHECKING

from tests.bench._fault_trials import TRIALS, NotHere
from tests.bench._figures import show
from tests.bench._machine import machine

if TYPE_CHECKING:
    from tests.bench._fault_trials import Trial

SEED = 6


def main() -> int:
    """Run and print; the last line is one JSON object. Fails if a fault was not borne."""
    parser = argparse.ArgumentParser(prog="scripts/bench faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--rounds", type=int, default=5, help="of each fault")
    parser.add_argument("--seed", type=int, default=SEED, help="of moments and amounts")
    parser.add_argument("--only", choices=sorted(TRIALS), help="one of the faults")
    options = parser.parse_args()
    told: dict[str, dict[str, object]] = {}
    for name, trial in TRIALS.items():
        if options.only in (None, name):
            told[name] = carried_out(trial, options.rounds, random.Random(options.seed))
            if not options.json:
                sys.stdout.write(f"{name:24s} {told[name]}\n")
                sys.stdout.flush()
    failed = [name for name, result in told.items() if result["failed"]]
    show(
        {
            "faults": told,
            "failed": failed,
            "rounds": options.rounds,
            "seed": options.seed,
            "machine": machine(),
        },
        only_json=True,
    )
    return 1 if failed else 0


def carried_out(trial: Trial, rounds: int, chance: random.Random) -> dict[str, object]:
    """Run one fault's rounds; return how many cases there were, whether one failed, and how long it took."""
    began = time.monotonic()
    result: dict[str, object] = {"cases": 0, "failed": False}
    try:
        result["cases"] = trial(rounds, chance)
    except NotHere as lacking:
        result["left_out"] = str(lacking)
    except AssertionError:
        result |= {"failed": True, "why": traceback.format_exc(limit=-2)[-600:]}
    return result | {"elapsed_s": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    raise SystemExit(main())

"""Exact: misfortunes of every kind while hundreds of trades land; then the wallet is counted, to the wei.

What a test does in small, with a seed and a number of trades of one's own: three strategies on a market of
honest, taxed and cheating tokens; processes killed and paused, blocks taken back, gas too dear, trades that
are overtaken, endpoints that fail, hang and lie, dust, prices that fall and rise, stops of every kind. It
fails if one wei is not explained.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.bench._figures import show
from tests.bench._machine import machine
from tests.process.chaos import Chaos
from tests.process.marketplace import Marketplace

TRADES_EACH = 3


def main() -> int:
    """Run and print; the last line is one JSON object. Fails if a wei is not explained."""
    parser = argparse.ArgumentParser(prog="scripts/bench exact", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--trades", type=int, default=200, help="fewest trades that must land")
    parser.add_argument("--seed", type=int, default=1, help="of the order of misfortunes")
    options = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="warden-exact-") as directory,
        Marketplace(Path(directory)) as system,
    ):
        chaos = Chaos(system, options.seed)
        chaos.run(options.trades, TRADES_EACH)
        chaos.meet_every_token()
        chaos.settle()
        unexplained = chaos.unexplained()
        figures = {
            "trades": system.trades,
            "seed": options.seed,
            "misfortunes": dict(sorted(chaos.done.items())),
            "transactions": chaos.accounts.transactions(),
            **chaos.accounts.turns(),
            "in_flight_max": chaos.in_flight_max,
            "unexplained": unexplained,
            "elapsed_s": round(time.monotonic() - began, 1),
            "machine": machine(),
        }
    show(figures, only_json=options.json)
    return 1 if unexplained else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Day: a simulated day of 7,200 blocks at five a second, without a network; then every wei is explained.

What trades is the strategy that ships, against noise traders; nothing is done to it. What a quiet day comes
to is told; it fails if a wei is not explained, a journal has a problem or anything tripped.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.bench._figures import show
from tests.bench._machine import machine
from tests.instance import DEVNET_TOML
from tests.process.accounts import Accounts
from tests.process.chain_truth import ChainTruth
from tests.process.chaos import settle
from tests.process.system import System
from warden.domain.money import format_ether
from warden.domain.roles import Role
from warden.runtime.journal import verify
from warden.wire.telemetry import ExecutorStatus, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS_A_DAY: Final = 7_200
SECONDS_A_BLOCK: Final = 12
BLOCK_TIME_S: Final = 0.2
JOURNALS: Final = (Role.EXECUTOR, Role.WATCHDOG)
LOUD: Final = frozenset({Severity.ERROR, Severity.CRITICAL})
LOOK_S: Final = 5.0


def main() -> int:
    """Run and print; the last line is one JSON object. Fails if anything is left unexplained."""
    parser = argparse.ArgumentParser(prog="scripts/bench day", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--blocks", type=int, default=BLOCKS_A_DAY, help="how long, in blocks")
    options = parser.parse_args()
    toml = f"{DEVNET_TOML}[chain]\nblock_time_s = {BLOCK_TIME_S}\n"
    with System(toml) as system:
        system.start_all()
        system.wait_trading(1)
        figures = measure(system, options.blocks)
    show(figures, only_json=options.json)
    return 1 if figures["unexplained"] or figures["problems"] or figures["trips"] else 0


def measure(system: System, blocks: int) -> dict[str, Any]:
    """Let so many blocks pass, end it in order, and count."""
    books = Accounts(system, ChainTruth(system))
    first, began = head(books), time.monotonic()
    while head(books) < first + blocks:
        system.pass_time(LOOK_S)
    elapsed_s = time.monotonic() - began
    passed = head(books) - first
    trips = sum(event.kind == "mode.tripped" for event in system.events)
    settle(system, books)
    system.listen()
    status: ExecutorStatus = system.latest[ExecutorStatus]
    kinds = Counter(event.kind for event in system.events if event.severity in LOUD)
    return {
        "blocks": passed,
        "simulated_h": round(passed * SECONDS_A_BLOCK / 3_600, 2),
        "elapsed_s": round(elapsed_s, 1),
        "trades": status.trades,
        "wins": status.wins,
        "net_eth": format_ether(status.net_wei, signed=True),
        "gas_eth": format_ether(status.gas_wei),
        "transactions": books.transactions(),
        "unexplained": books.unexplained(),
        "problems": [f"{role}: {each}" for role in JOURNALS for each in problems(system, role)],
        "trips": trips,
        "errors": dict(sorted(kinds.items())),
        "machine": machine(),
    }


def head(books: Accounts) -> int:
    """Return the newest block's number."""
    return int(books.truth.node("eth_blockNumber"), 16)


def problems(system: System, role: Role) -> Iterator[str]:
    """Yield what a walk over a journal finds wrong."""
    yield from verify(system.places.journal(role))[1]


if __name__ == "__main__":
    raise SystemExit(main())

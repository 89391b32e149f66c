"""Risk: what asking every rule costs, after 10 to 10,000 positions and trades, beside NautilusTrader's.

Ours is `Engine.check` and `Engine.fit`: emergency stop, breaker, drawdown, gas reserve, capital pool, size,
exposure, loss, levers, positions by market and wallet, gas of the day, reservations; every limit is
switched on, those in USD too, and a lever of each kind is pulled. `check_refused` is refused by the last
rule, `fit_shrunk` asks for too much and is let through smaller, `check_unpulled` has no lever pulled. Not in
it: how an intent gets there, what follows (`handle_reserved`), simulation and the score of RK1.

The peer's is its RiskEngine, handed a SubmitOrder: price and quantity, notional of one order, free balance,
state, rate, and the hand-over to an execution engine that does nothing. It has no pools, breaker, drawdown
or limits over positions: its chain is the shorter one. Its `refused` is by the free balance, its last rule
but the rate, and makes the event that says so, where ours returns a value. Both are measured by the same
lines, in turns, on one core, and one sleeps while the other is measured.

For information: `handle_*` is what one event costs, `ledger_*` what a snapshot of it all does.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import msgspec

from scripts.provision.refusals import SetupError
from tests.bench import _peers
from tests.bench._figures import show
from tests.bench._machine import machine
from tests.bench._risk_scene import PRICE, Scene, request, reserved
from tests.bench._turns import nothing, percentiles, take
from tests.instance import REPOSITORY
from warden.domain.risk.engine import Engine, Fitted
from warden.domain.risk.events import Opened, Settled, Ticked
from warden.domain.risk.levers import Levers
from warden.executor.books.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warden.domain.risk.events import RiskEvent

HISTORIES = (10, 100, 1_000, 10_000)
PEER, PEER_VERSION = "nautilus_trader", "1.221.0"
PEER_WITHIN_S = 300.0
LAST_RULE = "reservation.double"
P50_TARGET_US = 4.0
SNAPSHOTS = 3
FEW = 10
Taken = dict[str, float]
Case = tuple["Callable[..., object]", tuple[tuple[Any, ...], ...]]


def main() -> int:
    """Run and print; the last line is one JSON object. Without the peer ours is printed alone."""
    parser = argparse.ArgumentParser(prog="scripts/bench risk", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object only")
    parser.add_argument("--rounds", type=int, default=7, help="how often each side takes its turn")
    parser.add_argument("--passes", type=int, default=60, help="over 64 requests, in each turn")
    parser.add_argument("--history", type=int, nargs="+", default=HISTORIES, help="positions and trades")
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    options = parser.parse_args()
    before = machine()
    # Both sides on the same core, the last: interrupts are mostly taken by the first.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    python, lacking = (None, "not asked for") if options.no_peer else environment()
    with Bench(tuple(options.history), python) as bench:
        for _ in range(options.rounds):
            bench.take_turns(options.passes)
        figures = bench.figures()
    if lacking:
        figures["nautilus"] = f"not measured: {lacking}"
    figures |= {"rounds": options.rounds, "machine": before, "load_1m_at_end": machine()["load_1m"]}
    show(figures, only_json=options.json)
    return 0


def environment() -> tuple[Path | None, str]:
    """Return the peer's interpreter; or None and, in a line, why there is none on this machine."""
    try:
        return _peers.interpreter(PEER, PEER_VERSION), ""
    except SetupError as refused:
        sys.stderr.write(f"scripts/bench risk: without {PEER}: {refused}\n")
        return None, str(refused)


class Bench:
    """Engines of every history, the peer, and what their turns have shown so far."""

    def __init__(self, histories: tuple[int, ...], python: Path | None) -> None:
        self._scenes = {history: Scene(history) for history in sorted(set(histories))}
        self._cases = {history: cases(scene) for history, scene in self._scenes.items()}
        self._found: dict[tuple[str, int], list[Taken]] = {}
        self._peer = None if python is None else Peer(python)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.close()

    def take_turns(self, passes: int) -> None:
        """Let each side take a turn at each case of each history, ours and the peer's in alternation."""
        for history, known in self._cases.items():
            for name, (call, items) in known.items():
                self._keep(name, history, take(call, items, passes))
                case = {"check": "pass", "check_refused": "refused", "clock": "nothing"}.get(name)
                if self._peer is not None and case is not None:
                    self._keep(f"nautilus_{case}", history, self._peer.turn(case, history, passes))
            for name, events in happenings(self._scenes[history]).items():
                self._keep(f"handle_{name}", history, handled(self._scenes[history], events))

    def figures(self) -> dict[str, Any]:
        """Return medians over the rounds: of the longest history on their own, of each with their spread."""
        shortest, longest = min(self._scenes), max(self._scenes)
        ours = self._found["check", longest]
        figures: dict[str, Any] = {
            "p50_us": median(ours, "p50_us"),
            "p99_us": median(ours, "p99_us"),
            "checks_per_s": round(median(ours, "per_s")),
            "p50_target_us": P50_TARGET_US,
            "history": longest,
            "p50_ratio_longest_to_shortest": self._ratio(("check", longest), ("check", shortest)),
        }
        if self._peer is not None:
            theirs = self._found["nautilus_pass", longest]
            figures |= {
                "nautilus": PEER_VERSION,
                "nautilus_p50_us": median(theirs, "p50_us"),
                "nautilus_p99_us": median(theirs, "p99_us"),
                "nautilus_checks_per_s": round(median(theirs, "per_s")),
                "p50_ratio_to_nautilus": self._ratio(("check", longest), ("nautilus_pass", longest)),
                "p50_ratio_to_nautilus_refused": self._ratio(
                    ("check_refused", longest), ("nautilus_refused", longest)
                ),
            }
        for (name, history), found in sorted(self._found.items()):
            figures[f"{name}_{history}"] = summary(found)
        for history, scene in self._scenes.items():
            figures[f"ledger_{history}"] = kept(scene)
        few = Scene(longest, positions=FEW)
        return {**figures, f"ledger_{longest}_trades_{FEW}_positions": kept(few)}

    def _keep(self, name: str, history: int, taken: Taken) -> None:
        self._found.setdefault((name, history), []).append(taken)

    def _ratio(self, one: tuple[str, int], other: tuple[str, int]) -> dict[str, float]:
        """Return one's p50 over the other's, round by round: a load on the machine meets both alike."""
        ratios = [
            mine["p50_us"] / its["p50_us"]
            for mine, its in zip(self._found[one], self._found[other], strict=True)
        ]
        return {
            "median": round(statistics.median(ratios), 2),
            "low": round(min(ratios), 2),
            "high": round(max(ratios), 2),
        }


class Peer:
    """The peer's process: it sleeps but for its own turns."""

    def __init__(self, python: Path) -> None:
        self._child = subprocess.Popen(
            [python, "-m", "tests.bench._risk_peer"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def turn(self, case: str, history: int, passes: int) -> Taken:
        """Let it measure one case."""
        asked, answers = self._child.stdin, self._child.stdout
        if asked is None or answers is None:
            raise SystemExit("the peer has no pipes")
        asked.write(json.dumps({"case": case, "history": history, "passes": passes}).encode() + b"\n")
        asked.flush()
        ready, _, _ = select.select([answers], [], [], PEER_WITHIN_S)
        line = answers.readline() if ready else b""
        if not line:
            raise SystemExit(f"the peer gave no answer to {case} with {history}")
        taken: Taken = json.loads(line)
        return taken

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.communicate()


def cases(scene: Scene) -> dict[str, Case]:
    """Return what is asked of one engine, each case proved to end as it says."""
    engine, now_ns = scene.engine, scene.now_ns
    unpulled = Engine(engine.limits, msgspec.structs.replace(engine.state, levers=Levers()))
    passing, refused, shrinking = (
        tuple((each, now_ns) for each in requests)
        for requests in (scene.passing, scene.refused, scene.shrinking)
    )
    for each, again, large in zip(scene.passing, scene.refused, scene.shrinking, strict=True):
        refusal, fitted = engine.check(again, now_ns), engine.fit(large, now_ns)
        if engine.check(each, now_ns) is not None or unpulled.check(each, now_ns) is not None:
            raise SystemExit(f"{each.intent_id} does not pass: {engine.check(each, now_ns)}")
        if refusal is None or refusal.rule != LAST_RULE:
            raise SystemExit(f"{again.intent_id} is not refused by the last rule: {refusal}")
        if not isinstance(fitted, Fitted) or fitted.because is None:
            raise SystemExit(f"{large.intent_id} is not made smaller: {fitted}")
    return {
        "check": (engine.check, passing),
        "check_refused": (engine.check, refused),
        "check_unpulled": (unpulled.check, passing),
        "fit": (engine.fit, passing),
        "fit_refused": (engine.fit, refused),
        "fit_shrunk": (engine.fit, shrinking),
        "clock": (nothing, passing),
    }


def happenings(scene: Scene) -> dict[str, list[RiskEvent]]:
    """Return events of each kind, none of which has happened yet."""
    fresh = [request(f"event-{number}", number) for number in range(8)]
    won = [scene.trade(each, output_wei=10**16 + 10**15, gross_wei=10**15) for each in fresh]
    return {
        "settled": [Settled(trade) for trade in won],
        "read": [scene.wallet()] * len(fresh),
        "priced": [PRICE] * len(fresh),
        "reserved": [reserved(each) for each in fresh],
        "opened": [Opened(scene.position(each)) for each in fresh],
        "ticked": [Ticked()] * len(fresh),
    }


def handled(scene: Scene, events: list[RiskEvent]) -> Taken:
    """Return what it takes to handle each of the events, each by an engine of the scene's own state."""
    each_ns: list[int] = []
    for event in events:
        engine = Engine(scene.engine.limits, scene.engine.state)
        began_ns = time.perf_counter_ns()
        engine.handle(event, scene.now_ns)
        each_ns.append(time.perf_counter_ns() - began_ns)
    return percentiles(each_ns)


def kept(scene: Scene) -> dict[str, float]:
    """Return what a snapshot of the ledger, and a ledger out of it, take; medians."""
    ledger = Ledger(scene.engine.limits)
    ledger.engine = scene.engine
    taken_s, back_s, size = list[float](), list[float](), 0
    for _ in range(SNAPSHOTS):
        began = time.perf_counter()
        row = ledger.snapshot()
        taken_s.append(time.perf_counter() - began)
        other = Ledger(scene.engine.limits)
        began = time.perf_counter()
        if not other.restore(row) or other.engine.state != scene.engine.state:
            raise SystemExit("a ledger out of its snapshot is not what it was")
        back_s.append(time.perf_counter() - began)
        size = len(bytes(row.risk))
    return {
        "snapshot_ms": round(statistics.median(taken_s) * 1_000, 2),
        "restore_ms": round(statistics.median(back_s) * 1_000, 2),
        "snapshot_kb": round(size / 1_000, 1),
    }


def summary(found: list[Taken]) -> dict[str, float]:
    """Return medians over the rounds, and the lowest and highest p50 of them."""
    each = [taken["p50_us"] for taken in found]
    medians = {name: median(found, name) for name in found[0]}
    return {**medians, "p50_low_us": min(each), "p50_high_us": max(each)}


def median(found: list[Taken], name: str) -> float:
    """Return the median over the rounds."""
    return round(statistics.median(taken[name] for taken in found), 3)


if __name__ == "__main__":
    sys.exit(main())

"""The benchmark of the risk rules runs, and proves its own cases; what it measures is no test's business."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.instance import REPOSITORY

TINY = ("--no-peer", "--rounds", "1", "--passes", "1", "--history", "2", "5", "--json")


def test_it_runs_without_its_peer() -> None:
    """A few positions are enough for every case, and the last line is one object with its figures."""
    command = [sys.executable, "-m", "tests.bench.risk", *TINY]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    assert figures["nautilus"] == "not measured: not asked for"
    assert figures["history"] == 5
    assert {"p50_us", "p99_us", "per_s"} < figures["check_refused_2"].keys()

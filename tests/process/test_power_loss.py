"""A power cut after every single write: what was called durable is there, and the next start goes on."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from tests.faults import fault
from tests.process.power_loss import as_written, check, claims, recorded, torn

pytestmark = pytest.mark.system

SEED = 6
EACH = 2


@fault("power-loss")
def test_a_power_cut_after_any_write_loses_nothing_that_was_called_durable(tmp_path: Path) -> None:
    """I5, I9, ES4: each prefix of the recorded order; at each, disks that lost or cut what was not synced."""
    directory = tmp_path / "home"
    steps = recorded(directory, tmp_path / "trace")
    durable, handed, stops = claims(steps)
    assert durable == handed > 70
    assert len(stops) == 4
    assert {step.kind for step in steps} >= {"create", "write", "cut", "sync", "rename", "claim"}
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as fast:
        at = Path(fast) / "disk"
        for number in range(len(steps) + 1):
            before = steps[:number]
            check(as_written(before), before, handed, at)
            for _ in range(EACH):
                check(torn(before, chance), before, handed, at)

"""Whatever happens to it: at the end the book is the chain, to the wei (EX2, EX8, EX9, PL1)."""

from __future__ import annotations

import pytest

from tests.faults import fault
from tests.process.chaos import Chaos
from tests.process.system import System

DEEDS = 8
TRADES_EACH = 5


@fault("executor-killed", "reorg", "endpoint-dead")
@pytest.mark.timeout(600)
def test_i6_after_every_kind_of_misfortune_every_wei_is_explained() -> None:
    """I5, I6, EX2, EX3, EX8, EX9, PL1: killed, paused, reorged, stuck, refused, dusted; then counted."""
    with System() as system:
        system.start_all()
        system.wait_trading(2)
        chaos = Chaos(system, seed=1)
        chaos.run(DEEDS, TRADES_EACH)
        chaos.settle()
        assert chaos.unexplained() == []
        assert len(chaos.done) == DEEDS

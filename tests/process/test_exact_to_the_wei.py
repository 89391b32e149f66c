"""Whatever happens to it: at the end the book is the chain, to the wei (EX2, EX8, EX9, PL1, PL5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import fault
from tests.process.chaos import Chaos
from tests.process.marketplace import Marketplace

if TYPE_CHECKING:
    from pathlib import Path

TRADES = 30
TRADES_EACH = 1


@fault("executor-killed", "reorg", "endpoint-dead")
@pytest.mark.timeout(600)
def test_i6_after_every_kind_of_misfortune_every_wei_is_explained(tmp_path: Path) -> None:
    """I5, I6, EX2, EX7, EX8, EX9, PL1, PL5: three strategies, good and bad tokens; then all is counted."""
    with Marketplace(tmp_path) as system:
        chaos = Chaos(system, seed=1)
        chaos.run(TRADES, TRADES_EACH)
        chaos.meet_every_token()
        chaos.settle()
        assert chaos.unexplained() == []

"""A risk report as an executor would give it, for what prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.money import Wei
from warden.wire.orders import BreakerLine, LeverLine, LimitLine, PoolLine, RiskReport

if TYPE_CHECKING:
    from warden.domain.risk.refusal import Refusal

ETHER: Final = 10**18
LIMITS: Final = (
    LimitLine("limits.max_trade_eth", "2.5", "10", "", "ETH"),
    LimitLine("limits.max_exposure_percent", "50", "50", "12.5", "%", used_bps=2_500),
    LimitLine("limits.max_trade_usd", "", "", "", "USD"),
)
LEVERS: Final = (
    LeverLine("max_trade_eth", "2.5", "ann", "thin markets", "2026-03-01T07:00:00.000Z"),
    LeverLine("block_token", "0x" + "aa" * 20, "bob", "depegs\x1b[31m", "2026-03-01T08:00:00.000Z"),
)
CLOSED: Final = BreakerLine("CLOSED", "", "", trips=2, forced=1, open_s=180, operator="", reason="")


def report(*blocked: Refusal, breaker: BreakerLine = CLOSED) -> RiskReport:
    """Return a report of a wallet that has won a little."""
    return RiskReport(
        blocked=blocked,
        limits=LIMITS,
        levers=LEVERS,
        breaker=breaker,
        pools=(
            PoolLine(
                pool="Triangular",
                total_wei=Wei(10 * ETHER + 1),
                accounts={"available": Wei(8 * ETHER + 1), "gas": Wei(2 * ETHER)},
            ),
        ),
        price_usd="2000",
        equity_wei=Wei(10 * ETHER + 1),
        peak_wei=Wei(11 * ETHER),
        opening_wei=None,
        drawdown_bps=910,
        today={"trades": "3", "net": "0.01"},
        ever={"trades": "42", "gas": "0.2"},
    )

"""How fills are computed where nothing is sent: `environment = "paper"` (EX4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from warden.runtime.settings_field import STRICT, Amount, setting

Share = Annotated[Decimal, Ge(0), Le(100)]
Units = Annotated[int, Gt(0), Le(30_000_000)]
MINED = "transactions that would land"


@dataclass(frozen=True, kw_only=True)
class PaperSettings:
    """What a trade on paper meets. The chain is read, nothing is signed, nothing is sent (docs/paper.md).

    The units of gas were measured on anvil with plain tokens; a token behind a proxy burns more.
    """

    __pydantic_config__ = STRICT
    trading_eth: Amount = setting(
        Decimal(10),
        "wrapped native token that the paper wallet begins with; counts when a journal begins",
        unit="ETH",
        micro=Decimal("0.02"),
    )
    gas_eth: Amount = setting(
        Decimal(1),
        "native coin for gas that it begins with; counts when a journal begins",
        unit="ETH",
        micro=Decimal("0.005"),
    )
    wallet: Annotated[str, MinLen(42), MaxLen(42)] | None = setting(
        None, "address that the paper wallet goes by; nothing of it is read", unset="one that nobody has"
    )
    latency_blocks: Annotated[int, Ge(1), Le(100)] = setting(
        1, "from the newest block when it leaves to the one in which it lands, as its last", unit="blocks"
    )
    failure_percent: Share = setting(
        Decimal(1), "reverts although the price holds, and burns its gas", unit="%", baseline=MINED
    )
    dropped_percent: Share = setting(Decimal(0), "is never mined", unit="%", baseline=MINED)
    seed: int = setting(7, "of that chance: the same transaction has the same fate")
    gas_base: Units = setting(65_000, "what a swap burns", unit="gas")
    gas_hop: Units = setting(48_000, "what each pool of its path adds", unit="gas")
    revert_base: Units = setting(24_000, "what a swap burns that reverts", unit="gas")
    revert_hop: Units = setting(7_700, "what each pool of its path adds to that", unit="gas")

"""Settings of a bot that is a program of its own: it speaks JSON-RPC and holds no key (EX12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

from warden.runtime.settings_field import STRICT, setting

Address = Annotated[str, MinLen(42), MaxLen(42)]


@dataclass(frozen=True, kw_only=True)
class BotSettings:
    """What a program that sends through the gateway may do (`eth_sendTransaction`)."""

    __pydantic_config__ = STRICT
    name: Annotated[str, MinLen(1), MaxLen(40)] = setting(
        "bot", "what its trades are called; of several strategies it goes by its own name"
    )
    spenders: tuple[Address, ...] = setting(
        (), "contracts that its calls may give an allowance to, besides the venue's router"
    )
    max_loss_percent: Annotated[int, Ge(1), Le(50)] = setting(
        3,
        "how much less a call of an unknown contract may bring than what leaves, at the pools' prices",
        unit="%",
        baseline="what would leave",
        micro=1,
        strict=1,
        tighter="lower",
    )
    valid_blocks: Annotated[int, Ge(1), Le(100)] = setting(
        5,
        "after so many blocks nothing of it is sent any more, and its nonce is taken back",
        unit="blocks",
        tighter="lower",
    )
    wait_s: Annotated[int, Ge(1), Le(60)] = setting(
        10, "longest that eth_sendTransaction waits for a decision", unit="s"
    )

"""The chain: which one, and its facts; a profile sets them all (EX8)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from warden.domain.chains import PROFILES
from warden.runtime.settings_field import STRICT, setting

Address = Annotated[str, MinLen(42), MaxLen(42)]
Hash = Annotated[str, MinLen(66), MaxLen(66)]
NO_PROFILE: Final = "none"


@dataclass(frozen=True, kw_only=True)
class ChainSettings:
    """The chain that is traded on. docs/chains.md has what each profile says."""

    __pydantic_config__ = STRICT
    profile: Literal["none", "ethereum", "base", "arbitrum", "polygon", "bnb", "anvil"] = setting(
        "none", "whose facts are the defaults of this table; none: those of this page"
    )
    id: Annotated[int, Gt(0)] = setting(31_337, "chain id; every endpoint must answer with it")
    genesis: Hash | None = setting(
        None, "hash of block 0, which every endpoint must have", unset="the profile's, else whatever is found"
    )
    block_time_s: Annotated[float, Gt(0)] = setting(1.0, "usual time between blocks", unit="s")
    finality_depth: Annotated[int, Ge(1)] = setting(
        12, "depth at which a transaction counts as final", unit="blocks"
    )
    replacement_bump_percent: Annotated[int, Ge(1)] = setting(
        10, "by how much a replacement raises both fees", unit="%", baseline="fees of what it replaces"
    )
    replaceable: bool = setting(
        default=True, doc="a transaction can be replaced at its nonce; false: taking back is impossible"
    )
    min_tip_gwei: Annotated[Decimal, Ge(0), Le(100_000)] = setting(
        Decimal(0), "least priority fee, whatever nodes suggest", unit="gwei"
    )
    base_fee_step_percent: Annotated[Decimal, Gt(0), Le(100)] = setting(
        Decimal("12.5"), "by how much one block may raise the base fee", unit="%", baseline="its base fee"
    )
    l1_fee_oracle: Address | None = setting(
        None,
        "contract that tells what a transaction's data costs on the chain below (getL1FeeUpperBound)",
        unset="there is no such fee, or it is part of the gas",
    )


def profile_values(name: str) -> dict[str, Any]:
    """Return what a profile says of `[chain]`, by key; nothing for none."""
    profile = PROFILES.get(name)
    if profile is None:
        return {}
    return {
        "id": profile.chain_id,
        "genesis": profile.genesis or None,
        "block_time_s": profile.block_time_ms / 1_000,
        "finality_depth": profile.finality_depth,
        "replacement_bump_percent": profile.bump_percent,
        "replaceable": profile.replaceable,
        "min_tip_gwei": profile.min_tip_gwei,
        "base_fee_step_percent": profile.base_fee_step_percent,
        "l1_fee_oracle": profile.l1_fee_oracle,
    }

"""What checks, and what shuts down when it lasts, go by, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.domain import failsafe
from warden.domain.money import ether_to_wei

if TYPE_CHECKING:
    from warden.runtime.settings import Settings

_NS: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class CheckTerms:
    """The settings, in the units that they are counted in.

    Attributes:
        answer_ns: how long a ready process may leave its checks unanswered.
        tolerance_wei: by how much the wallet may differ from the books.
        windows_ns: how long each trigger must last to shut down; one that is switched off is missing.
        exceptions: how many within the trigger's window shut down.
        warn_at_percent: of a window, when it is told.
    """

    answer_ns: int = 30 * _NS
    tolerance_wei: int = 10**15
    windows_ns: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    exceptions: int = 3
    warn_at_percent: int = 90


def check_terms(settings: Settings) -> CheckTerms:
    """Return the terms that the settings say."""
    said = settings.failsafe
    windows_s = {
        failsafe.MARKET_DATA: said.market_data_s,
        failsafe.LEDGER: said.ledger_s,
        failsafe.SNAPSHOT: said.snapshot_s,
        failsafe.CAPITAL: said.capital_s,
        failsafe.EXCEPTION: None if said.exceptions is None else said.exceptions_s,
        failsafe.HEALTH: said.health_s,
    }
    windows_ns = {name: each * _NS for name, each in windows_s.items() if each is not None}
    return CheckTerms(
        answer_ns=settings.checks.answer_s * _NS,
        tolerance_wei=ether_to_wei(settings.capital.short_tolerance_eth),
        windows_ns=MappingProxyType(windows_ns),
        exceptions=said.exceptions or 1,
        warn_at_percent=int(settings.emergency.warn_at_percent),
    )

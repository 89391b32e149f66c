"""What the rules have to say beyond yes and no: warnings before a limit, changes, and demands to stop."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.stops import CleanUp, StopReason


class Weight(StrEnum):
    """How loud a finding is; the words of telemetry's severities."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class Noted(msgspec.Struct, frozen=True):
    """Something that an operator may want to know, told once when it begins and not while it lasts.

    Attributes:
        kind: dotted, stable: `breaker.opened`, `exposure.near-limit`.
        limit, observed: text in `unit`.
        setting: the key of warden.toml that would change it.
        runbook: a section of runbooks/.
    """

    weight: Weight
    kind: str
    message: str
    limit: str = ""
    observed: str = ""
    unit: str = ""
    setting: str = ""
    runbook: str = ""


class StopDemanded(msgspec.Struct, frozen=True):
    """A rule asks for everything to stop; the gate closes at once and an operator recovers (ES1)."""

    reason: StopReason
    rule: str
    message: str
    limit: str
    observed: str
    unit: str
    setting: str
    policy: CleanUp = CleanUp.CANCEL


Finding = Noted | StopDemanded

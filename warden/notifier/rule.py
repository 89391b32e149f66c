"""What one kind of event means to a person (AL2)."""

from __future__ import annotations

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """What one kind of event means.

    Attributes:
        title: a few words, for a subject line or a phone's screen.
        root_cause: what is usually behind it, in a sentence.
        runbook: file and section below runbooks/, `file` or `file#section`.
    """

    title: str
    root_cause: str
    runbook: str

"""Answers to checks (FS2, FS3): BEATS channel, process -> watchdog; and their table: CONTROL channel."""

from __future__ import annotations

import msgspec

from warden.domain.health import CheckLine
from warden.domain.money import Wei


class Books(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the executor's books say that the wallet holds, for the watchdog to compare (ES2).

    Attributes:
        wallet: its address.
        block: the head up to which they are kept.
        coins_wei: native coin and its wrapped form together, what nothing explains included.
        quiet: nothing is reserved or on its way, so that the wallet must hold exactly that.
    """

    wallet: str
    block: int
    coins_wei: Wei
    quiet: bool


class CheckReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="checks.1"):
    """One process's answers, all of them each time.

    Attributes:
        session: as in its beats.
        number: of the newest `RunChecks` that this answers; 0 for none.
    """

    session: str
    lines: tuple[CheckLine, ...]
    number: int = 0
    books: Books | None = None


class ProcessBroke(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="broke.1"):
    """A process's last words: it ends by an exception that nothing caught (FS1)."""

    session: str
    why: str


class RunChecks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="runchecks.1"):
    """The watchdog wants all checks done anew, and an answer that names this number."""

    number: int


class AskChecks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="askchecks.1"):
    """An operator asks for the table; `fresh`: after every check was done anew. Changes nothing."""

    fresh: bool = True


class CheckTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="checktable.1"):
    """Every check as the watchdog has it.

    Attributes:
        lines: of checks; a check that nobody has answered yet is CRITICAL once it is late.
        awaited: names of checks that nobody has answered yet and that are not late.
        complete: all were done anew, where that was asked for; else some process did not answer in time.
    """

    mode: int
    lines: tuple[CheckLine, ...]
    awaited: tuple[str, ...] = ()
    complete: bool = True

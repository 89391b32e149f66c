"""What is checked at every start, and again and again while it runs (FS2, FS3). One table.

Each check is answered by the one process that can see it; the watchdog holds the answers, and nothing is
armed while one of them fails or is missing. docs/checks.md is made from this table and from that of
failsafe.py (`python -m warden.domain.checks_page`), and a test keeps them equal.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from warden.domain.health import CheckLine, Health
from warden.domain.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSING: Final = frozenset({Health.HEALTHY, Health.DEGRADED})
"""What holds nothing up: DEGRADED warns before the limit."""

SETTLES_S: Final = 5
"""How long what may pass by itself must have failed before it counts: endpoints come one after another."""


class Check(NamedTuple):
    """One check.

    Attributes:
        by: who answers it.
        asks: what is checked, one clause.
        fails: when it fails, one clause; the setting's key in backticks where one says it.
        stops: it lowers the mode while trading, too; else only what is armed next is held up, because
            something of its own acts on it at once (the gas reserve, the gate, the gateway's cause).
        settles_s: seconds that it must have failed before it counts.
        mend: the runbook's section.
    """

    by: Role
    asks: str
    fails: str
    stops: bool
    settles_s: int
    mend: str

    def line(self, name: str, status: Health, found: str, limit: str = "") -> CheckLine:
        """Return an answer to this check, with its mend unless all is well."""
        return CheckLine(name, status, found, limit, "" if status is Health.HEALTHY else self.mend)


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {
        "integrity.journal": Check(
            Role.EXECUTOR,
            "executor.db: numbers without a gap or a double, times in order, every hash follows",
            "one row is not as it was written, or the disk fails",
            stops=True,
            settles_s=0,
            mend="startup#integrity-of-the-journals",
        ),
        "integrity.snapshots": Check(
            Role.EXECUTOR,
            "the two newest snapshots of executor.db: the rows between lead from one to the other",
            "book or positions differ, a number or a time goes back, or a snapshot cannot be read",
            stops=True,
            settles_s=0,
            mend="startup#snapshots",
        ),
        "integrity.pools": Check(
            Role.EXECUTOR,
            "accounts add up to pools, pools to the whole, reservations to what is reserved",
            "they differ by one wei",
            stops=True,
            settles_s=0,
            mend="startup#books",
        ),
        "integrity.positions": Check(
            Role.EXECUTOR,
            "state of the strategies: the position book, the rules and the exits know the same positions",
            "one lacks a position, or has another amount or cost; an amount is below zero",
            stops=True,
            settles_s=0,
            mend="startup#books",
        ),
        "snapshot": Check(
            Role.EXECUTOR,
            "how old the newest snapshot is: one is taken each day, and each 2,000 rows",
            "older than `checks.snapshot_s`",
            stops=True,
            settles_s=0,
            mend="startup#snapshots",
        ),
        "capital.books": Check(
            Role.EXECUTOR,
            "the wallet holds what the books say",
            "it lacks more than `capital.short_tolerance_eth`",
            stops=True,
            settles_s=SETTLES_S,
            mend="startup#capital",
        ),
        "chain": Check(
            Role.EXECUTOR,
            "chain id and block 0 are those of the settings and of the journal",
            "they are not, or nobody said yet",
            stops=False,
            settles_s=SETTLES_S,
            mend="startup#chain-and-endpoints",
        ),
        "wallet": Check(
            Role.EXECUTOR,
            "the address of the key, of the settings and of the journal is one",
            "one is another",
            stops=True,
            settles_s=0,
            mend="startup#wallet",
        ),
        "gas": Check(
            Role.EXECUTOR,
            "the wallet can pay for every cancel and every exit at today's fees",
            "it holds less than that, or less than `limits.gas_reserve_eth`",
            stops=False,
            settles_s=SETTLES_S,
            mend="startup#gas",
        ),
        "gas-price": Check(
            Role.EXECUTOR,
            "what a unit of gas costs now",
            "more than `limits.max_gas_price_gwei`: nothing could be sent",
            stops=False,
            settles_s=SETTLES_S,
            mend="startup#gas",
        ),
        "clock": Check(
            Role.EXECUTOR,
            "the wall clock beside the chain's head and beside the journal's last row",
            "further off than `checks.clock_skew_s`",
            stops=False,
            settles_s=SETTLES_S,
            mend="startup#clock",
        ),
        "disk": Check(
            Role.EXECUTOR,
            "free space and files where the journals stand",
            "below 5 % or 1 GiB, whichever is less, or room for fewer than 64 files",
            stops=False,
            settles_s=0,
            mend="degraded-health#disk",
        ),
        "endpoints": Check(
            Role.GATEWAY,
            "endpoints that answer, on the right chain, with a head that moves; read only",
            "fewer than `wallet.sources_min` (on paper: none)",
            stops=False,
            settles_s=SETTLES_S,
            mend="startup#chain-and-endpoints",
        ),
        "integrity.watchdog": Check(
            Role.WATCHDOG,
            "watchdog.db, as integrity.journal",
            "one row is not as it was written, or the disk fails",
            stops=True,
            settles_s=0,
            mend="startup#integrity-of-the-journals",
        ),
        "integrity.witness": Check(
            Role.WATCHDOG,
            "executor.db has every row that the watchdog saw of it, restarts included",
            "it is shorter than it was, or its last seen row is another",
            stops=True,
            settles_s=0,
            mend="startup#integrity-of-the-journals",
        ),
        "capital.agreed": Check(
            Role.WATCHDOG,
            "the wallet that endpoints agree on is the executor's, and holds what its books say",
            "another address, or, between two reports with nothing on its way, more than "
            "`capital.short_tolerance_eth` too little or too much",
            stops=True,
            settles_s=30,
            mend="startup#capital",
        ),
        "mode": Check(
            Role.WATCHDOG,
            "the mode in force is none that a standing cause forbids; the stop directory can be read",
            "it is not",
            stops=True,
            settles_s=0,
            mend="startup#mode",
        ),
        "clock-step": Check(
            Role.WATCHDOG,
            "the wall clock beside the boot clock",
            "never: a step is only told, since nothing is decided by the wall clock",
            stops=False,
            settles_s=0,
            mend="startup#clock",
        ),
    }
)


def of(role: Role) -> tuple[str, ...]:
    """Return the names of the checks that `role` answers."""
    return tuple(name for name, check in CHECKS.items() if check.by is role)


def answer(name: str, status: Health, found: str, limit: str = "") -> CheckLine:
    """Return an answer to the check called `name`.

    Raises:
        KeyError: there is no such check.
    """
    return CHECKS[name].line(name, status, found, limit)

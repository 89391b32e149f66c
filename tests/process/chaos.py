"""Misfortunes of every kind while several strategies trade; at the end every wei must be explained.

Seeded: the same seed orders the same misfortunes. What they meet is up to the processes, so no two runs are
alike; what must hold at the end is.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.instance import wait_until
from tests.process.accounts import Accounts
from tests.process.cli_runs import warden
from tests.process.marketplace import REFUSED
from tests.process.misfortunes import Misfortunes
from tests.process.operator_at_work import let_trade
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.telemetry import ExecutorStatus, WatchdogStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.process.marketplace import Marketplace
    from tests.process.system import System

LOOK_S: Final = 30.0
LOOKS_MAX: Final = 10
SETTLED_WITHIN_S: Final = 180.0
ENDS_MAX: Final = 5


class Chaos:
    """One system, one seed.

    Args:
        system: not yet started.
        seed: of the order of misfortunes.
    """

    def __init__(self, system: Marketplace, seed: int) -> None:
        self._system = system
        self._random = random.Random(seed)
        self.truth, crowd = system.open()
        self.accounts = Accounts(system, self.truth, gifts=crowd.gifts, tokens=system.traded)
        self._misfortunes = Misfortunes(system, self.accounts, crowd, system.traded, self._random)
        self.done: Counter[str] = Counter()
        self.in_flight_max = 0

    def run(self, trades: int, trades_each: int) -> None:
        """Do misfortunes, so many trades landing after each, until so many landed and each kind was there.

        Args:
            trades: that must have landed.
            trades_each: that must land after each misfortune.
        """
        self._system.wait_trading(2)
        for name in self._order():
            self._misfortunes.kinds[name]()
            self.done[name] += 1
            self._trade_on(trades_each, f"{name}, misfortune {self.done.total()}")
            if self._system.trades >= trades and len(self.done) == len(self._misfortunes.kinds):
                return

    def _order(self) -> Iterator[str]:
        """Yield kinds for ever; each comes before any comes twice."""
        while True:
            names = sorted(self._misfortunes.kinds)
            self._random.shuffle(names)
            yield from names

    def _trade_on(self, trades: int, after: str) -> None:
        """Wait for more trades."""
        system = self._system
        self._misfortunes.revive()
        # What was said before does not count: whoever said it may be dead.
        system.latest.clear()
        system.wait(lambda each: {ExecutorStatus, WatchdogStatus} <= each.latest.keys(), "a sign of life")
        due = system.trades + trades
        self.work_until(lambda: system.trades >= due, f"{trades} trades after {after}")

    def work_until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something; an operator looks again whenever nothing may trade any more.

        What was killed may be noticed only after the first look: then it has to be armed once more.
        """
        system = self._system

        def is_enough() -> bool:
            status = system.latest.get(ExecutorStatus)
            self.in_flight_max = max(self.in_flight_max, 0 if status is None else status.pending)
            return done() or system.mode is not Mode.AGGRESSIVE

        for _ in range(LOOKS_MAX):
            let_trade(system, self._misfortunes.revive)
            with contextlib.suppress(AssertionError):
                system.wait(lambda _: is_enough(), what, LOOK_S)
            if done():
                return
        why = warden("why", "--home", str(system.home))
        raise AssertionError(f"no {what}; {why.out}{why.err}")

    def meet_every_token(self) -> None:
        """Wait until each good token was bought, and each that cheats refused by its rule."""
        system = self._system

        def refused() -> bool:
            rules = system.rules()
            return all(rule in rules[kind] for kind, rule in REFUSED.items())

        self.work_until(refused, "refusals of all that cheat")
        self.work_until(
            lambda: self.accounts.turns()["tokens"] == len(system.traded), "purchases of all that is good"
        )

    # --- the end

    def settle(self) -> None:
        """End the traders, let everything come to its end, and end the executor in order."""
        self._misfortunes.over()
        settle(self._system, self.accounts)

    def unexplained(self) -> list[str]:
        """Return what is not explained to the wei, and what of a cheating token was ever signed."""
        bad = {self._system.listed[kind].token.lower()[2:] for kind in REFUSED}
        signed = self.truth.signed().values()
        found = [f"signed for a token that cheats: {row}" for row in signed if _names(row.raw, bad)]
        return [*self.accounts.unexplained(), *found]


def settle(system: System, accounts: Accounts) -> None:
    """End the traders, let everything come to its end, and end the executor in order.

    An exit may be decided as the executor ends; then it is started once more to see that through.
    """
    for name in [each for each in system.processes if each.startswith(Role.TRADER)]:
        system.end(name)
    system.wait(lambda each: each.mode is not Mode.AGGRESSIVE, "a lower mode once the traders have ended")
    for _ in range(ENDS_MAX):
        wait_until(accounts.settled, "a settled book", SETTLED_WITHIN_S)
        system.end(Role.EXECUTOR)
        if accounts.settled():
            return
        system.start(Role.EXECUTOR)
    raise AssertionError(f"after {ENDS_MAX} ends of the executor something is still open")


def _names(raw: str, tokens: set[str]) -> bool:
    return any(token in raw.lower() for token in tokens)

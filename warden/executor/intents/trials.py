"""What a trial said goes to whoever asked for it: an approval, an exit, or an intent (EX11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.risk.events import NS_PER_S
from warden.executor.intents import judging

if TYPE_CHECKING:
    from warden.executor.intents.intake import Intake
    from warden.executor.positions.closing import Closing
    from warden.executor.protocol.commands import Command
    from warden.executor.protocol.events import Simulated, SimulationFailed
    from warden.executor.protocol.terms import Now, Terms
    from warden.executor.sends.allowances import Allowances
    from warden.executor.sends.drafts import Moment

_TELL_AGAIN_NS: Final = 3_600 * NS_PER_S


class Trials:
    """Sorts answers by the id that was asked with."""

    def __init__(self, terms: Terms, allowances: Allowances, closing: Closing, intake: Intake) -> None:
        self._terms = terms
        self._own = (allowances, closing)
        self._intake = intake
        self._next_best_ns = 0

    def simulated(self, event: Simulated, at: Moment | None, now: Now) -> list[Command]:
        """Hand on what a transaction would do; that only its gas could be told is said once an hour."""
        for asker in self._own:
            if asker.owns(event.intent_id):
                return asker.simulated(event, at)
        commands = self._intake.simulated(event, None if at is None else at.head, now)
        told = judging.next_best(event, self._terms)
        if commands and told is not None and now.utc_ns >= self._next_best_ns:
            self._next_best_ns = now.utc_ns + _TELL_AGAIN_NS
            commands.append(told)
        return commands

    def failed(self, event: SimulationFailed, at: Moment | None, now: Now) -> list[Command]:
        """Hand on that it would revert, or that nobody could tell."""
        for asker in self._own:
            if asker.owns(event.intent_id):
                return asker.failed(event, at)
        return self._intake.failed(event, now)

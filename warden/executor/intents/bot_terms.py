"""What a bot behind the gateway may do, and under which trader's session its calls come in (EX12). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import Environment
from warden.domain.money import BPS_PER_PERCENT
from warden.executor.protocol.terms import BotTerms

if TYPE_CHECKING:
    from warden.runtime.settings import Settings


class BotIdentity(msgspec.Struct, frozen=True):
    """Whose trades they are that come from the gateway.

    Attributes:
        strategy: the name that they go by.
        prefix: of several traders, what the session begins with that they come in under.
        known: False where nobody's are taken: in live only those of a program that Warden itself runs.
    """

    strategy: str
    prefix: str = ""
    known: bool = True

    def session(self, standing: tuple[str, ...]) -> str:
        """Return the session that the watchdog stands by, empty for none.

        Args:
            standing: the sessions of the permit in force.
        """
        if not self.known:
            return ""
        if self.prefix:
            return next((each for each in standing if each.startswith(self.prefix)), "")
        return next((each for each in standing if ":" not in each), "")


NOBODY: Final = BotIdentity("", known=False)


def terms_of_bot(settings: Settings) -> BotTerms:
    """Return the terms from the settings."""
    bot = settings.bot
    return BotTerms(
        spenders=tuple(each.lower() for each in bot.spenders),
        max_loss_bps=bot.max_loss_percent * BPS_PER_PERCENT,
        valid_blocks=bot.valid_blocks,
    )


def identity_of_bot(settings: Settings) -> BotIdentity:
    """Return whose trades the gateway's are.

    With `command` they are that program's, and stand and fall with its trader. Without one they may be
    anybody's who finds the port: in development that is a script by hand, under the first trader's session.
    """
    several = settings.strategies
    commanded = next((each for each in several if each.command), None)
    by_hand = settings.environment is not Environment.LIVE
    if commanded is not None:
        return BotIdentity(commanded.name, f"{commanded.name}:")
    if several:
        return BotIdentity(settings.bot.name, f"{several[0].name}:", known=by_hand)
    return BotIdentity(settings.bot.name, known=by_hand or bool(settings.strategy.command))

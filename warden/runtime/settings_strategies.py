"""Which strategies run, each in which process and out of which pool. Pure.

`[strategy]` is the case of one: its process is called `trader`, and its pool is what `capital.pools` says,
else the one pool there is. With `[[strategies]]` each has a name, after which its process (`trader-NAME`),
its pool and its intents are called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from warden.domain.roles import strategy_of, trader_of
from warden.runtime.places import STRATEGY_CHARACTERS_MAX
from warden.runtime.settings import NamedStrategySettings, StrategySettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from warden.runtime.settings import Settings
    from warden.runtime.settings_checks import Fault

MAIN_POOL: Final = "main"
STRATEGIES_MAX: Final = 32
_NAME: Final = re.compile(rf"[a-z][a-z0-9-]{{0,{STRATEGY_CHARACTERS_MAX - 1}}}")


def traders(settings: Settings) -> tuple[str, ...]:
    """Return the names of the processes that run the strategies, as they are configured."""
    return tuple(trader_of(each.name) for each in settings.strategies) or (trader_of(""),)


def run_by(settings: Settings, trader: str) -> StrategySettings:
    """Return the strategy of the process called `trader`.

    Raises:
        KeyError: there is none; the settings were changed since it was started.
    """
    name = strategy_of(trader)
    if not settings.strategies and not name:
        return settings.strategy
    return {each.name: each for each in settings.strategies}[name]


def weights(settings: Settings) -> Mapping[str, int]:
    """Return every pool's weight in the division of the capital; equal ones where none are set."""
    named = {each.name: 1 for each in settings.strategies}
    return settings.capital.pools or named or {MAIN_POOL: 1}


def pool_of(settings: Settings, strategy: str) -> str:
    """Return the pool that a strategy spends; of an only one: that of its class's name, else the first."""
    if settings.strategies:
        return strategy
    pools, name = weights(settings), settings.strategy.use.rpartition(":")[2]
    if settings.strategy.command:
        name = settings.bot.name
    return name if name in pools else next(iter(pools))


def wrong_strategies(settings: Settings) -> Iterator[Fault]:
    """Yield what is wrong with the strategies and their pools."""
    several, pools = settings.strategies, settings.capital.pools
    if several and settings.strategy != StrategySettings():
        yield (
            (("strategy",), ("strategies",)),
            "[strategy] and [[strategies]] are both there: write the one as [[strategies]], too, with a name",
        )
    if len(several) > STRATEGIES_MAX:
        yield (("strategies",),), f"strategies: {len(several)}, at most {STRATEGIES_MAX} run on one wallet"
    yield from _wrong_names(several)
    commanded = [each.name for each in several if each.command]
    if len(commanded) > 1:
        yield (
            (("strategies",),),
            f"strategies.command: {', '.join(commanded)}: only one may be a program of its own",
        )
    if pools and not any(pools.values()):
        yield (
            (("capital", "pools"),),
            "capital.pools: no weight is above 0, so nobody gets any capital",
        )
    if not several or not pools:
        return
    names = [each.name for each in several]
    known = ", ".join(names)
    for pool in pools:
        if pool not in names:
            yield (("capital", "pools", pool),), f"capital.pools.{pool}: no such strategy; there are {known}"
    for name in names:
        if name not in pools:
            yield (
                (("capital", "pools"),),
                f"capital.pools: strategy {name} has no weight; name each of {known}, 0 for no capital",
            )


def _wrong_names(several: tuple[NamedStrategySettings, ...]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, each in enumerate(several):
        keys = ("strategies", str(number), "name")
        if not _NAME.fullmatch(each.name):
            yield (
                (keys,),
                (
                    f"strategies.name {each.name!r}: a letter from a to z, then letters, digits and -, "
                    f"{STRATEGY_CHARACTERS_MAX} characters at most"
                ),
            )
        elif each.name in seen:
            yield (keys,), f"strategies.name {each.name!r} is given twice: each has a name of its own"
        seen.add(each.name)

"""The processes by name, and the operator's programs that attach to them.

A process is called by its role, and that of one strategy among several `trader-` and the strategy's name. A
role is a string, so wherever a process's name is asked for, a role will do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_PREFIX: Final = "trader-"


class Role(StrEnum):
    """Who speaks on the bus; a role has a key of its own and, when installed, a user of its own."""

    DEVNET = "devnet"
    GATEWAY = "gateway"
    EXECUTOR = "executor"
    WATCHDOG = "watchdog"
    LOGGER = "logger"
    NOTIFIER = "notifier"
    API = "api"
    TRADER = "trader"
    OPERATOR = "operator"


PROCESSES: Final = tuple(role for role in Role if role is not Role.OPERATOR)


def trader_of(strategy: str) -> str:
    """Return the name of the process that runs `strategy`; an empty one is the only one there is."""
    return f"{_PREFIX}{strategy}" if strategy else Role.TRADER


def strategy_of(name: str) -> str:
    """Return whose strategy the trader called `name` runs; empty for an only one, and for other processes."""
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


def role_of(name: str) -> Role:
    """Return the role of the process called `name`.

    Raises:
        ValueError: no process is called so.
    """
    return Role.TRADER if strategy_of(name) else Role(name)


def processes(traders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of all processes where the traders are called so, in their usual order."""
    others = tuple(role for role in PROCESSES if role is not Role.TRADER)
    return (*others, *traders)

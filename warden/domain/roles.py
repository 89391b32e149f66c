"""The processes by name, and the operator's programs that attach to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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

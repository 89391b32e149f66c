"""Who changes what: every cause that lowers the mode, how far, and who lifts it. One table.

The watchdog decides by it, `docs/modes.md` is made from it (`python -m warden.domain.causes`), and a test
keeps the two equal.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.modes import SCREEN_WORD, Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR_S: Final = 3_600
CLEAN_BEATS_S: Final = 5  # of beats without a gap before a lapse heals
LAPSES_AN_HOUR: Final = 3
LAPSE_S_MAX: Final = 10  # a longer loss is a trip, whoever comes back


class LiftedBy(StrEnum):
    """Who or what ends a cause."""

    ITSELF = "itself"
    LAPSE = "lapse"
    RESTART_OF_TRADER = "trader-restart"
    ARM = "arm"
    RECOVER = "recover"
    RESTART = "restart"


LIFTED_TEXT: Final[Mapping[LiftedBy, str]] = MappingProxyType(
    {
        LiftedBy.ITSELF: "itself, when the process is ready again",
        LiftedBy.LAPSE: (
            f"itself after {CLEAN_BEATS_S} s of clean beats, if it lasted {LAPSE_S_MAX} s at most and the "
            f"same session came back (a gateway on devnet and paper: any session, however long), "
            f"{LAPSES_AN_HOUR} an hour together; else operator: arm"
        ),
        LiftedBy.RESTART_OF_TRADER: (
            "itself, when a new trader process is ready, `trader_restarts` an hour (live 0, paper and devnet "
            "3); else operator: arm"
        ),
        LiftedBy.ARM: "operator: arm",
        LiftedBy.RECOVER: "operator: recover",
        LiftedBy.RESTART: "operator: restart",
    }
)

BY_OPERATOR: Final = frozenset({LiftedBy.ARM, LiftedBy.RECOVER, LiftedBy.RESTART})


class Cause(StrEnum):
    """Why the mode is not higher; stable names, they stand in the journal."""

    STOP = "stop"
    STOP_DIRECTORY = "stop-directory"
    STOP_VANISHED = "stop-vanished"
    JOURNAL_BROKEN = "journal-broken"
    ORDERED_SHUTDOWN = "ordered-shutdown"
    ORDERED_OBSERVE_ONLY = "ordered-observe-only"
    ORDERED_REDUCE_ONLY = "ordered-reduce-only"
    FROZEN_BY_OPERATOR = "frozen-by-operator"
    NOT_ARMED = "not-armed"
    TRIP_BEFORE = "trip-before"
    WATCHDOG_UNCLEAN = "watchdog-unclean"
    WATCHDOG_PAUSED = "watchdog-paused"
    EXECUTOR_UNCLEAN = "executor-unclean"
    EXECUTOR_LOST = "executor-lost"
    EXECUTOR_LIVELOCKED = "executor-livelocked"
    EXECUTOR_ENDED = "executor-ended"
    EXECUTOR_DEGRADED = "executor-degraded"
    GATEWAY_LOST = "gateway-lost"
    GATEWAY_LIVELOCKED = "gateway-livelocked"
    GATEWAY_ENDED = "gateway-ended"
    GATEWAY_DEGRADED = "gateway-degraded"
    CHECK_FAILED = "check-failed"
    FAILSAFE = "failsafe"
    CAPITAL_AWAITED = "capital-awaited"
    CAPITAL_DISPUTED = "capital-disputed"
    CAPITAL_UNKNOWN = "capital-unknown"
    UNHEALTHY = "unhealthy"
    TRADER_LOST = "trader-lost"
    TRADER_LIVELOCKED = "trader-livelocked"
    TRADER_ENDED = "trader-ended"
    LOGGER_LOST = "logger-lost"
    NOTIFIER_LOST = "notifier-lost"
    API_LOST = "api-lost"
    DEVNET_LOST = "devnet-lost"


class Rule(msgspec.Struct, frozen=True):
    """What a cause does while it stands.

    Attributes:
        text: what happened, one clause for people.
        flat: the highest mode left with no position open.
        with_positions: the same with positions open.
        lifted_by: who ends it.
        runbook: the section of runbooks/ to open.
        permits: the executor is given permits at all, in the mode that is left.
    """

    text: str
    flat: Mode
    with_positions: Mode
    lifted_by: LiftedBy
    runbook: str
    permits: bool = True

    def ceiling(self, positions: int) -> Mode:
        """Return the highest mode left with so many positions open."""
        return self.with_positions if positions > 0 else self.flat


def _observe(text: str, lifted_by: LiftedBy, runbook: str, *, permits: bool = True) -> Rule:
    return Rule(text, Mode.OBSERVE_ONLY, Mode.OBSERVE_ONLY, lifted_by, runbook, permits)


def _trader(text: str, lifted_by: LiftedBy) -> Rule:
    return Rule(text, Mode.OBSERVE_ONLY, Mode.REDUCE_ONLY, lifted_by, "recovery-after-crash")


def _degrades(text: str) -> Rule:
    return Rule(text, Mode.AGGRESSIVE, Mode.AGGRESSIVE, LiftedBy.ITSELF, "degraded-health")


RULES: Final[Mapping[Cause, Rule]] = MappingProxyType(
    {
        Cause.STOP: _observe("a stop stands", LiftedBy.RECOVER, "emergency-stop", permits=False),
        Cause.STOP_DIRECTORY: _observe(
            "the stop directory cannot be read", LiftedBy.ARM, "manual-intervention", permits=False
        ),
        Cause.STOP_VANISHED: _observe(
            "a stop file went away without a recovery", LiftedBy.ARM, "emergency-stop"
        ),
        Cause.JOURNAL_BROKEN: Rule(
            "the watchdog's journal failed",
            Mode.SHUTDOWN,
            Mode.SHUTDOWN,
            LiftedBy.RESTART,
            "recovery-after-crash",
            permits=False,
        ),
        Cause.ORDERED_SHUTDOWN: Rule(
            "an operator shut it down",
            Mode.SHUTDOWN,
            Mode.SHUTDOWN,
            LiftedBy.RESTART,
            "manual-intervention",
            permits=False,
        ),
        Cause.ORDERED_OBSERVE_ONLY: _observe(
            "an operator lowered the mode", LiftedBy.ARM, "manual-intervention"
        ),
        Cause.ORDERED_REDUCE_ONLY: Rule(
            "an operator lowered the mode",
            Mode.REDUCE_ONLY,
            Mode.REDUCE_ONLY,
            LiftedBy.ARM,
            "manual-intervention",
        ),
        Cause.FROZEN_BY_OPERATOR: Rule(
            "an operator froze the trader",
            Mode.OBSERVE_ONLY,
            Mode.REDUCE_ONLY,
            LiftedBy.ARM,
            "manual-intervention",
        ),
        Cause.NOT_ARMED: _observe("not armed yet", LiftedBy.ARM, "startup"),
        Cause.TRIP_BEFORE: _observe("the run before ended with a trip standing", LiftedBy.ARM, "startup"),
        Cause.WATCHDOG_UNCLEAN: _observe(
            "the watchdog's last run did not end in order", LiftedBy.ARM, "recovery-after-crash"
        ),
        Cause.WATCHDOG_PAUSED: _observe(
            "the watchdog itself stood still for longer than a permit lives",
            LiftedBy.LAPSE,
            "degraded-health",
        ),
        Cause.EXECUTOR_UNCLEAN: _observe(
            "the executor's last run did not end in order", LiftedBy.ARM, "recovery-after-crash"
        ),
        Cause.EXECUTOR_LOST: _observe("the executor is dead or hung", LiftedBy.LAPSE, "recovery-after-crash"),
        Cause.EXECUTOR_LIVELOCKED: _observe(
            "the executor handles nothing of what it is offered", LiftedBy.ARM, "degraded-health"
        ),
        Cause.EXECUTOR_ENDED: _observe("the executor ended in order", LiftedBy.ITSELF, "startup"),
        Cause.EXECUTOR_DEGRADED: _observe(
            "the executor says that it is degraded", LiftedBy.ITSELF, "degraded-health"
        ),
        Cause.GATEWAY_LOST: _observe("the gateway is dead or hung", LiftedBy.LAPSE, "network-failure"),
        Cause.GATEWAY_LIVELOCKED: _observe(
            "the gateway handles nothing of what it is offered", LiftedBy.LAPSE, "network-failure"
        ),
        Cause.GATEWAY_ENDED: _observe("the gateway ended in order", LiftedBy.ITSELF, "startup"),
        Cause.GATEWAY_DEGRADED: _observe(
            "the gateway has no data to trust: stale, or every endpoint refused",
            LiftedBy.LAPSE,
            "network-failure",
        ),
        Cause.CHECK_FAILED: _observe("a check failed", LiftedBy.ARM, "startup"),
        Cause.FAILSAFE: Rule(
            "it lasted although nothing was opened",
            Mode.SHUTDOWN,
            Mode.SHUTDOWN,
            LiftedBy.RESTART,
            "startup#shut-down",
            permits=False,
        ),
        Cause.CAPITAL_AWAITED: _observe("the wallet's capital was not read yet", LiftedBy.ITSELF, "startup"),
        Cause.CAPITAL_DISPUTED: _observe(
            "endpoints differ on the wallet for longer than `wallet.unknown_after_s`",
            LiftedBy.LAPSE,
            "network-failure",
        ),
        Cause.CAPITAL_UNKNOWN: _observe(
            "too few endpoints agree on the wallet for longer than `wallet.unknown_after_s`",
            LiftedBy.LAPSE,
            "network-failure",
        ),
        Cause.UNHEALTHY: _observe(
            "unhealthy: too many errors, data or a ledger too old, or a stalled queue",
            LiftedBy.ARM,
            "degraded-health",
        ),
        Cause.TRADER_LOST: _trader("the trader is dead or hung", LiftedBy.RESTART_OF_TRADER),
        Cause.TRADER_LIVELOCKED: _trader(
            "the trader handles nothing of what it is offered", LiftedBy.RESTART_OF_TRADER
        ),
        Cause.TRADER_ENDED: _trader("the trader ended in order", LiftedBy.ITSELF),
        Cause.LOGGER_LOST: _degrades("the logger is away"),
        Cause.NOTIFIER_LOST: _degrades("the notifier is away: alerts reach nobody outside"),
        Cause.API_LOST: _degrades("the api is away"),
        Cause.DEVNET_LOST: _degrades("the devnet is away"),
    }
)


def _becomes(rule: Rule) -> str:
    if rule.flat is Mode.AGGRESSIVE:
        return "no change; shown and alerted"
    word = rule.flat.name
    if rule.with_positions is not rule.flat:
        word = f"{rule.with_positions.name} with positions open, else {word}"
    return word if rule.permits else f"{word}, no permit at all"


def markdown() -> str:
    """Return docs/modes.md."""
    lines = [
        "# Who changes the mode",
        "",
        "Made from `warden/domain/causes.py` by `python -m warden.domain.causes > docs/modes.md`;",
        "a test keeps the two equal. The mode in force is the lowest that any standing cause leaves:",
        ", ".join(f"{mode.name} (shown as {SCREEN_WORD[mode]})" for mode in sorted(Mode, reverse=True)) + ".",
        "A stop is independent of the mode and stands below them all: while one stands there is no permit.",
        "A lowered mode holds at once; a raised one once its row in the watchdog's journal is synced.",
        'With `arm_on_start = "if_clean"` the first arming after a start needs no operator: every process is',
        "ready, every last run ended in order, and no stop and no trip stands or stood at the last end.",
        "",
        "With several strategies (`[[strategies]]`) a cause that is about a trader is about that one alone",
        "while another is left: its session is withdrawn, it is kept out until the cause is lifted, and the",
        "mode stays for the others. Once every trader is out the mode falls as the table says. Each has",
        "`trader_restarts` of its own; `warden arm` lets in those that are ready.",
        "",
        "| cause | what happened | becomes | lifted by | runbook |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{cause}` | {rule.text} | {_becomes(rule)} | {LIFTED_TEXT[rule.lifted_by]} | {rule.runbook} |"
        for cause, rule in RULES.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())

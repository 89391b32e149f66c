"""What each kind of event means to a person: title, usual root cause, runbook. One table (AL2, AL6).

docs/alerts.md is made from it by `python -m warden.notifier.rules`; a test keeps the two equal.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warden.wire.messages import Event

_REFERENCE: Final = re.compile(r"[a-z][a-z-]{0,39}(#[a-z][a-z-]{0,39})?")

# Routine, whatever its severity says: a trade that was blocked as it should be alerts nobody (AL6).
NEVER: Final = ("decision.",)


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


GENERIC: Final = Rule(
    "Something needs a look",
    "This kind of event has no rule of its own; the message says what happened.",
    "degraded-health#an-alert-without-a-rule",
)

_OUT_OF_MEMORY_OR_BUG: Final = "It crashed, was killed, ran out of memory, or the machine is overloaded."

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        # --- the watchdog ---
        "process.lost": Rule("A process is dead or hung", _OUT_OF_MEMORY_OR_BUG, "process-lost"),
        "trader.killed": Rule(
            "The trader was killed",
            "It hung or did no work, so the watchdog withdrew its leave and ended it.",
            "process-lost#trader",
        ),
        "mode.changed": Rule(
            "The mode changed",
            "A process was lost, a check failed, or an operator ordered it.",
            "manual-intervention#the-mode-is-lower-than-it-should-be",
        ),
        "stop.seen": Rule(
            "STOPPED", "Somebody or something ordered a stop; the message says who and why.", "emergency-stop"
        ),
        "stop.vanished": Rule(
            "A stop file vanished",
            "Somebody removed it by hand; only 'warden recover' lifts a stop.",
            "emergency-stop#a-stop-file-vanished",
        ),
        "stop.cleared": Rule(
            "A stop was cleared", "An operator recovered, by name and reason.", "emergency-stop"
        ),
        "lapse.": Rule(
            "A permit lapsed",
            "A heartbeat was late: the machine is overloaded, was suspended, or a process was paused.",
            "degraded-health#lapses",
        ),
        "journal.broken": Rule(
            "A journal cannot be written",
            "The disk is full or failing, or the file was changed from outside.",
            "recovery-after-crash#a-journal-is-broken",
        ),
        # --- the notifier's own ears ---
        "watchdog.silent": Rule("NOBODY WATCHES", _OUT_OF_MEMORY_OR_BUG, "process-lost#watchdog"),
        "watchdog.returned": Rule(
            "The watchdog is back", "It was restarted or let go on.", "process-lost#watchdog"
        ),
        "executor.silent": Rule("The executor is silent", _OUT_OF_MEMORY_OR_BUG, "process-lost#executor"),
        "executor.returned": Rule(
            "The executor is back", "It was restarted or let go on.", "process-lost#executor"
        ),
        "logger.silent": Rule("The logger is silent", _OUT_OF_MEMORY_OR_BUG, "process-lost#logger"),
        "logger.returned": Rule(
            "The logger is back", "It was restarted or let go on.", "process-lost#logger"
        ),
        "channel.failing": Rule(
            "An alert channel fails",
            "The channel's server is away, its address or secret is wrong, or the disk is full.",
            "degraded-health#an-alert-channel-fails",
        ),
        "channel.returned": Rule(
            "An alert channel works again", "Its trouble is over.", "degraded-health#an-alert-channel-fails"
        ),
        "notifier.forgets": Rule(
            "Alerts are not remembered",
            "The notifier's own state cannot be written: the disk is full or failing.",
            "degraded-health#disk",
        ),
        "alerts.withheld": Rule(
            "Alerts were withheld",
            "More happened than may be sent to people; every event stands in logs/main.log.",
            "degraded-health#alerts-were-withheld",
        ),
        # --- the executor ---
        "gate.closed": Rule(
            "The gate is closed",
            "No live permit, a stop, a broken journal, or too little disk; the message says which.",
            "manual-intervention#the-gate-is-closed",
        ),
        "breaker.opened": Rule(
            "The circuit breaker opened", "Trades failed or lost money one after another.", "breaker-opened"
        ),
        "breaker.closed": Rule("The circuit breaker closed", "Probe trades succeeded.", "breaker-opened"),
        "trade.reverted": Rule(
            "A trade reverted on the chain",
            "The price moved beyond the trade's own bound before it was mined; its gas is a loss.",
            "breaker-opened#trades-revert",
        ),
        "trade.rejected": Rule(
            "Endpoints rejected a trade",
            "Nonce, fee or balance do not fit what the endpoints see.",
            "network-failure#transactions-are-rejected",
        ),
        "trade.unknown": Rule(
            "The fate of a trade is unknown",
            "No endpoint gave a definite answer; nothing new is opened until the chain settles it.",
            "network-failure#a-trade-is-unknown",
        ),
        # --- the gateway ---
        "endpoint.failing": Rule(
            "An RPC endpoint fails",
            "Its server is away, slow, or limits our calls; the others are used.",
            "network-failure#one-endpoint-fails",
        ),
        "endpoint.stale": Rule(
            "An RPC endpoint is behind",
            "It stopped following the chain; the others are used.",
            "network-failure#one-endpoint-fails",
        ),
        "endpoint.wrong-chain": Rule(
            "An RPC endpoint is on another chain",
            "Its URL is wrong, or its operator changed it; it is not used.",
            "network-failure#an-endpoint-is-on-the-wrong-chain",
        ),
        "send.refused": Rule(
            "A send through the gateway was refused",
            "A program tried to send a signed transaction past the executor.",
            "manual-intervention#somebody-sends-past-warden",
        ),
        # --- the trader ---
        "strategy.raised": Rule(
            "The strategy raised an error",
            "A bug in the strategy, or data it did not expect.",
            "process-lost#strategy",
        ),
        "strategy.rubbish": Rule(
            "The strategy returned no proposal", "A bug in the strategy.", "process-lost#strategy"
        ),
        "strategy.failed": Rule(
            "The strategy was given up", "It cannot be loaded, or failed too often.", "process-lost#strategy"
        ),
        # --- every process ---
        "logger.cannot-write": Rule(
            "Log lines are being lost",
            "The disk is full or failing, or logs/ lost its rights.",
            "degraded-health#disk",
        ),
        "bus.undecodable": Rule(
            "A message was not understood",
            "Processes of two versions run together, or a foreign program speaks on the bus.",
            "degraded-health#messages-are-not-understood",
        ),
    }
)


def rule_for(kind: str) -> Rule:
    """Return the rule of a kind: its own, its first word's, or the generic one."""
    return RULES.get(kind) or RULES.get(kind.partition(".")[0] + ".") or GENERIC


def runbook_for(event: Event) -> str:
    """Return the runbook to open: the one that the event names, else its rule's, for its process."""
    if _REFERENCE.fullmatch(event.runbook):
        return event.runbook
    runbook = rule_for(event.kind).runbook
    if runbook == "process-lost":
        name = lost_process(event)
        return f"{runbook}#{name}" if name in PROCESS_SECTIONS else runbook
    return runbook


PROCESS_SECTIONS: Final = frozenset(
    {"trader", "watchdog", "executor", "gateway", "logger", "notifier", "api", "devnet"}
)


def lost_process(event: Event) -> str:
    """Return which process an event of the watchdog is about, empty when it does not say."""
    return next((value for value in event.data.values() if value in PROCESS_SECTIONS), "")


def recommended_action(runbook: str) -> str:
    """Return the one line that tells a person what to do."""
    name, _, section = runbook.partition("#")
    where = f", section '{section.replace('-', ' ')}'" if section else ""
    return f"open runbooks/{name}.md{where}"


def markdown() -> str:
    """Return docs/alerts.md."""
    lines = [
        "# Alerts",
        "",
        "Made from `warden/notifier/rules.py` by `python -m warden.notifier.rules > docs/alerts.md`;",
        "a test keeps the two equal.",
        "",
        "Every event of severity WARNING, ERROR or CRITICAL becomes an alert, except routine: kinds that",
        f"begin with {', '.join(f'`{each}`' for each in NEVER)}.",
        "Equal ones are folded with a count for 15 min. At most 10 of a kind go out in 60 s and 10 in all in",
        "15 min; CRITICAL always passes (from the trader, which is not trusted, it does not), and what was",
        "withheld is summed up. Every event, alert or not, stands in `logs/main.log`.",
        "",
        "| kind | title | usual root cause | runbook |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {rule.title} | {rule.root_cause} | {link(rule.runbook)} |"
        for kind, rule in (*((_shown(each), RULES[each]) for each in RULES), ("anything else", GENERIC))
    ]
    return "\n".join(lines) + "\n"


def _shown(kind: str) -> str:
    return f"`{kind}*`" if kind.endswith(".") else f"`{kind}`"


def link(runbook: str) -> str:
    """Return a runbook reference as a Markdown link from docs/."""
    name, mark, section = runbook.partition("#")
    return f"[{runbook}](../runbooks/{name}.md{mark}{section})"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the page goes to standard output

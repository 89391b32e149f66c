"""How an event is told to a person: what it means, whether it is routine, what to do (AL2, AL6).

docs/alerts.md is made from it by `python -m warden.notifier.rules`; a test keeps the two equal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from warden.notifier.meanings import GENERIC, RULES

if TYPE_CHECKING:
    from warden.notifier.rule import Rule
    from warden.wire.telemetry import Event

_REFERENCE: Final = re.compile(r"[a-z][a-z-]{0,39}(#[a-z][a-z-]{0,39})?")

# Routine, whatever its severity says (AL6): a trade that was blocked as it should be, a process that ended in
# order, and the lower mode that follows from a cause which is told itself.
ROUTINE: Final = ("decision.*", "mode.lowered", "*.ended")


def patterns(kind: str) -> tuple[str, ...]:
    """Return what a kind may stand under, most exact first; the gateway's own name before it adds nothing."""
    kind = kind.removeprefix("gateway.").replace("_", "-") if kind.count(".") > 1 or "_" in kind else kind
    first, _, _ = kind.partition(".")
    last = kind.rpartition(".")[2]
    return kind, f"*.{last}", f"{first}.*"


def is_routine(kind: str) -> bool:
    """Tell whether events of this kind alert nobody, whatever their severity."""
    return any(each in ROUTINE for each in patterns(kind))


def rule_for(kind: str) -> Rule:
    """Return the rule of a kind: its own, its last word's, its first word's, or the generic one."""
    return next((RULES[each] for each in patterns(kind) if each in RULES), GENERIC)


def runbook_for(event: Event) -> str:
    """Return the runbook to open: the section that the event names, else its rule's, else what it names."""
    named = event.runbook if _REFERENCE.fullmatch(event.runbook) else ""
    rule = rule_for(event.kind)
    if "#" in named or (named and rule is GENERIC):
        return named
    if rule.runbook == "process-lost":
        name = lost_process(event)
        return f"{rule.runbook}#{name}" if name else rule.runbook
    return rule.runbook


PROCESS_SECTIONS: Final = frozenset(
    {"trader", "watchdog", "executor", "gateway", "logger", "notifier", "api", "devnet"}
)


_LOSSES: Final = frozenset({"lost", "livelocked", "replaced", "killed", "not-killed"})


def lost_process(event: Event) -> str:
    """Return which process an event says is lost, empty when it says that of none."""
    first, _, last = event.kind.partition(".")
    if last not in _LOSSES:
        return ""
    named = (first, *event.data.values())
    return next((each for each in named if each in PROCESS_SECTIONS), "")


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
        "Made from `warden/notifier/meanings.py` by `python -m warden.notifier.rules > docs/alerts.md`;",
        "a test keeps the two equal.",
        "",
        "Every event of severity WARNING, ERROR or CRITICAL becomes an alert, except routine:",
        f"{', '.join(f'`{each}`' for each in ROUTINE)}.",
        "Equal ones are folded with a count for 15 min. At most 10 of a kind go out in 60 s and 10 in all in",
        "15 min; CRITICAL always passes (from the trader, which is not trusted, it does not), and what was",
        "withheld is summed up. Every event, alert or not, stands in `logs/main.log`.",
        "",
        "| kind | title | usual root cause | runbook |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {rule.title} | {rule.root_cause} | {link(rule.runbook)} |"
        for kind, rule in (*((f"`{each}`", RULES[each]) for each in RULES), ("anything else", GENERIC))
    ]
    return "\n".join(lines) + "\n"


def link(runbook: str) -> str:
    """Return a runbook reference as a Markdown link from docs/."""
    name, mark, section = runbook.partition("#")
    return f"[{runbook}](../runbooks/{name}.md{mark}{section})"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the page goes to standard output

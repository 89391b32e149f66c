"""docs/checks.md, made from the tables of checks and of what shuts down."""

from __future__ import annotations

from typing import Final

from warden.domain.checks import CHECKS
from warden.domain.failsafe import TRIGGERS

_HEAD: Final = """\
# Checks, and what shuts down

Made from `warden/domain/checks.py` and `warden/domain/failsafe.py` by
`python -m warden.domain.checks_page > docs/checks.md`; a test keeps them equal.

`warden health-check` asks for all of them anew and shows them beside the components of health. Each says
what was found, what would be too much, and the section of the runbook that mends it. It ends with 0 when all
is well, with 1 when something fails, and with 3 when nothing runs: then it looks at what can be seen from
outside (configuration, journals, disk, stop directory, clock).

## Checks

Answered at the start, every `checks.interval_s`, at every change, and when asked. One that is not answered
within `checks.answer_s` of a process that is ready has failed. While one fails nothing is armed, and
`warden arm` and `warden recover` name it. One that fails before trading was first armed, or that *stops*,
makes the cause `check-failed`: OBSERVE_ONLY, a CRITICAL alert, and an operator arms once it passes. The
others hold up only what is armed next, for something of their own acts on them at once.

Where integrity is broken the executor also refuses by itself: its gate closes until its next start, and rows
that are not what was written are a stop with the reason DATA_INTEGRITY.

| check | by | what is checked | fails when | stops | counts | runbook |
|---|---|---|---|---|---|---|
"""

_SHUTS: Final = """
## What shuts down

What lasts although the mode is OBSERVE_ONLY becomes SHUTDOWN: no permit at all, a row `shutdown` in the
watchdog's journal and `state/final-state.json` with all that was known, a CRITICAL alert. It stays, through
a crash of the watchdog too, until Warden is ended with `warden down` and started again; then an operator
arms. A warning comes at `emergency.warn_at_percent` of the window. The window counts only time in which the
watchdog looked: a machine that was suspended is not shut down for that. Nothing is sent from then on, so
nothing is cleaned up either: what is pending bears its own deadline, and who wants it cancelled first stops
with `warden emergency-stop --policy cancel` while it only observes.

| trigger | what lasts | window | counted from |
|---|---|---|---|
"""


def markdown() -> str:
    """Return docs/checks.md."""
    checks = "".join(
        f"| `{name}` | {each.by} | {each.asks} | {each.fails} | {'yes' if each.stops else 'no'} "
        f"| {f'after {each.settles_s} s' if each.settles_s else 'at once'} | {each.mend} |\n"
        for name, each in CHECKS.items()
    )
    triggers = "".join(
        f"| `{name}` | {each.what} | `{each.setting}` | {each.baseline} |\n"
        for name, each in TRIGGERS.items()
    )
    return f"{_HEAD}{checks}{_SHUTS}{triggers}"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())

"""What is done about a stop, in which order: Warden's own steps, and where an operator's join (ES3).

The watchdog goes by it, `docs/stop-steps.md` is made from it (`python -m warden.domain.stop_steps`), and a
test keeps the two equal.
"""

from __future__ import annotations

from typing import Final

import msgspec

OVERALL_S: Final = 30
"""The limit of all stop work together, from when the watchdog sees it; selling positions has its own."""
HEAD_START_S: Final = 1
"""So long a step runs alone at the most: one that hangs delays the next by this, and nothing else."""
OWN_FIRST: Final = 21
OWN_LAST: Final = 89
OWN_MAX: Final = 16
CLEANUP: Final = 30
"""Own steps of a higher number wait until the clean-up is over."""


class Step(msgspec.Struct, frozen=True):
    """One of Warden's own steps.

    Attributes:
        priority: the lower, the earlier.
        limit: how long it may take.
        who: which process does it.
        text: what it does.
    """

    name: str
    priority: int
    limit: str
    who: str
    text: str


STEPS: Final = (
    Step(
        "record",
        10,
        "2 s until it is told as unconfirmed",
        "whoever stops",
        "writes and syncs the stop's file",
    ),
    Step(
        "tell-executor",
        20,
        "0.25 s, then it is fenced",
        "whoever stops; the watchdog again each second",
        "has the executor acknowledge, with what is in flight",
    ),
    Step(
        "cancel",
        CLEANUP,
        f"{OVERALL_S} s",
        "executor, by the watchdog's leave",
        "replaces what is pending, where every stop that stands allows it",
    ),
    Step(
        "flatten",
        40,
        "120 s",
        "executor, by the watchdog's leave",
        "sells what is open, where every stop that stands says so",
    ),
    Step("report", 90, "30 s for each writing", "a process apart", "writes the incident's folder"),
)


class OwnStep(msgspec.Struct, frozen=True):
    """A step of an operator's own: a program and its arguments, run apart from every safety process.

    Attributes:
        limit_s: seconds after which all of it is killed.
    """

    name: str
    command: tuple[str, ...]
    priority: int
    limit_s: int


def markdown() -> str:
    """Return docs/stop-steps.md."""
    own = Step(
        "your own",
        OWN_FIRST,
        "its `limit_s`",
        "a process apart",
        f"commands of `[[stop_steps]]`, {OWN_FIRST} to {OWN_LAST}",
    )
    lines = [_HEAD, "| priority | step | by | limit | what |", "|---|---|---|---|---|"]
    for each in sorted((*STEPS, own), key=lambda step: step.priority):
        number = f"{OWN_FIRST}-{OWN_LAST}" if each is own else each.priority
        lines.append(f"| {number} | {each.name} | {each.who} | {each.limit} | {each.text} |")
    return "\n".join([*lines, _OWN])


_HEAD: Final = f"""\
# Stop steps

Made from `warden/domain/stop_steps.py` by `python -m warden.domain.stop_steps`; a test keeps the two equal.

What is done about a stop, in order. The first two are the stop itself: they wait for nothing, work with
any part of Warden dead, and no other step can delay them. Each other step runs where it can hold up nobody:
in the executor's loop, or in a process apart. All of it has {OVERALL_S} s together; selling has more.
"""

_OWN: Final = f"""
## Steps of your own

```toml
[[stop_steps]]
name = "page-the-desk"
command = ["/usr/local/bin/page", "warden stopped"]
priority = 25
limit_s = 5
```

- They begin when the watchdog has seen the stop, in the order of their priority: below {CLEANUP} at once, the
  others once the clean-up is over, or when so little of the {OVERALL_S} s is left that they need it.
- Each begins when the one before has ended, or has run for {HEAD_START_S} s: one that hangs delays the next
  by no more. One that fails, cannot be started or hangs changes nothing about the others, nor about the stop.
- At its limit a step is killed, with everything in its process group; so is what it leaves behind there.
  What is to stay needs a session of its own (`setsid`).
- It runs in the instance's directory, without a terminal, and gets `PATH`, `HOME`, `LANG`, `TZ`, and of the
  stop `WARDEN_HOME`, `WARDEN_STOP_IDS`, `WARDEN_STOP_REASON`, `WARDEN_STOP_MESSAGE`, `WARDEN_STOP_OPERATOR`
  and `WARDEN_STOP_POLICY`: no secret, and nothing else of Warden's environment. No shell reads the command.
- Installed, it runs as the watchdog's user: it can do what that user can, so make it a program that only
  root may change. Secrets that it needs belong into files of its own.
- Once for each time that everything comes to stand still: a second stop beside the first, or a restart of
  the watchdog while a stop stands, runs nothing again. A stop of a time without a watchdog is followed by
  them when the next watchdog sees it.
- How each ended stands in the watchdog's journal, in the log and in the incident's report; what did not end
  well is an alert. A program that is not there is refused by `warden up`.
"""

if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the page goes to standard output

"""report.md: an incident in a minute's reading, by somebody who was asleep. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.incident.facts import Facts, StopFact, mode_change, stops, telling

if TYPE_CHECKING:
    from warden.incident.case import Happening
    from warden.incident.timeline import Entry

_STORY_MAX: Final = 25
_HAPPENINGS_MAX: Final = 10
_LINES_MAX: Final = 12
_CLIP: Final = 180


def report(facts: Facts) -> str:
    """Return the page."""
    case = facts.case
    lines = [f"# {_plain(case.worst.message)}", ""]
    state = "" if case.complete else "; it is still being written, look again in a minute"
    lines += [f"{_when(case.first.time)} UTC · `{case.id}`{state}", ""]
    for title, section in (
        ("What happened", _happened(facts)),
        ("How far the stop holds", _stops(stops(facts))),
        ("What was open", _open(facts)),
        ("What Warden has done", _done(facts)),
        ("What is left", _left(facts)),
        ("What to do now", _to_do(facts)),
        ("The minutes around it", _story(telling(facts, _STORY_MAX))),
        ("Processes", _processes(facts)),
        ("Machine", _machine(facts)),
        ("Journals", _journals(facts)),
        ("What could not be told", [f"- {_plain(each)}" for each in facts.missing[:_LINES_MAX]]),
    ):
        if section:
            lines += [f"## {title}", "", *section, ""]
    lines.append(
        f"Written {_when(facts.written)} UTC. Beside this page: `timeline.jsonl` (every row and line, in "
        "order), `status.json`, `machine.json`, `stacks/`."
    )
    return "\n".join(lines) + "\n"


def _happened(facts: Facts) -> list[str]:
    case = facts.case
    lines = [
        f"- {_clock(each.time)} {_plain(each.message)} ({each.severity})"
        for each in case.happenings[:_HAPPENINGS_MAX]
    ]
    more = len(case.happenings) - _HAPPENINGS_MAX
    if max(more, 0) + case.more:
        lines.append(f"- and {max(more, 0) + case.more} more within the same minutes")
    before, after, why = mode_change(facts)
    if after:
        lines.append(f"- The mode fell from {before} to {after}: {_plain(why)}")
    return lines


def _stops(found: list[StopFact]) -> list[str]:
    lines = []
    for each in found:
        who = f"by {_plain(each.operator)}" if each.operator else "by nobody named"
        ordered = f", ordered {_clock(each.ordered)}" if each.ordered else ""
        level = f"**{each.level}** {_clock(each.reached)}" if each.level else "level not in the window's rows"
        lines.append(f"- `{each.stop_id}` ({each.reason}, policy {each.policy}) {who}{ordered}: {level}")
    return lines


def _open(facts: Facts) -> list[str]:
    lines = [f"- In flight: {_hashes(facts.in_flight)}"]
    lines += [f"- Position {_plain(each)}" for each in facts.positions[:_LINES_MAX]]
    if len(facts.positions) > _LINES_MAX:
        lines.append(f"- and {len(facts.positions) - _LINES_MAX} positions more")
    if not facts.positions:
        lines.append("- No position")
    return lines


def _done(facts: Facts) -> list[str]:
    lines = [
        f"- {_clock(row.time)} clean-up {row.kind.partition('.')[2]}: {_plain(row.text)}"
        for row in facts.rows("cleanup.granted", "cleanup.ended")
    ]
    for row in facts.rows("cleanup.1", of="journal executor"):
        parts = [
            f"{len(row.data.get(key, ()))} {key}" for key in ("cancelled", "landed", "left", "sold", "held")
        ]
        lines.append(f"- {_clock(row.time)} the executor's account: {', '.join(parts)}")
    for row in facts.rows("process.killed", "process.not-killed", "process.gone", "stop.fenced"):
        who, how = row.data.get("role", "executor"), _plain(str(row.data.get("how", "")))
        lines.append(f"- {_clock(row.time)} {who} process {row.data.get('pid', '')}: {how}")
    lines += [f"- {_clock(row.time)} own step {_plain(row.text)}" for row in facts.rows("stop-step.ended")]
    lines += [
        f"- {_clock(row.time)} {row.kind}: {_plain(row.text)}" for row in facts.rows("armed", "recover")
    ]
    return lines[: 2 * _LINES_MAX] or [
        "- Nothing had to be done, or nothing of it is in the journal's window"
    ]


def _left(facts: Facts) -> list[str]:
    lines = [f"- May still land: {_hashes(facts.still)}"]
    if facts.status is not None:
        bad = [each for each in facts.status.processes if each.state not in {"ready", "degraded"}]
        lines += [f"- {each.name} was {each.state}" for each in bad]
    return lines


def _to_do(facts: Facts) -> list[str]:
    named = dict.fromkeys(each.runbook for each in _worst_first(facts) if each.runbook)
    lines = [f"{number}. {_section(each)}" for number, each in enumerate(list(named)[:3], 1)]
    lines.append(f"{len(lines) + 1}. See how it stands now: `warden status`, then `warden why`")
    if facts.still:
        lines.append(
            f"{len(lines) + 1}. Look the hashes up that may still land, with your own node or an explorer"
        )
    if facts.case.stop_ids:
        lines.append(
            f"{len(lines) + 1}. Only when the cause is understood: `warden recover` (the runbook says how)"
        )
    return lines


def _worst_first(facts: Facts) -> list[Happening]:
    worst = facts.case.worst
    return [worst, *(each for each in facts.case.happenings if each is not worst)]


def _section(runbook: str) -> str:
    name, _, section = runbook.partition("#")
    where = f", section '{section.replace('-', ' ')}'" if section else ""
    return f"Open runbooks/{name}.md{where}"


def _story(entries: list[Entry]) -> list[str]:
    if not entries:
        return []
    lines = ["| UTC | from | what |", "|---|---|---|"]
    for each in entries:
        source = each.role or each.source
        what = each.text if each.severity else f"{each.kind} {each.text}"
        lines.append(f"| {_clock(each.time)} | {source} | {_plain(what).replace('|', '/')} |")
    return lines


def _processes(facts: Facts) -> list[str]:
    if facts.status is None:
        return []
    lines = ["| process | pid | state | last beat | memory | CPU |", "|---|---|---|---|---|---|"]
    for each in facts.status.processes:
        age = "never" if each.age_ms is None else f"{each.age_ms} ms ago"
        lines.append(
            f"| {each.name} | {each.pid} | {each.state} | {age} | {each.pss_mb} MB | {each.cpu_percent} % |"
        )
    if facts.stacks:
        lines += ["", f"Where they hung: {', '.join(f'`{each}`' for each in facts.stacks)}"]
    return lines


def _machine(facts: Facts) -> list[str]:
    told = facts.machine
    if not told:
        return []
    top = ", ".join(f"{each['name']} {each['cpu_percent']} %" for each in told.get("top_cpu", [])[:3])
    memory = f"{told.get('memory_available_mb')} of {told.get('memory_total_mb')} MB available"
    return [
        f"- Load {told.get('load')} on {told.get('cpus')} CPUs, {told.get('cpu_percent')} % busy",
        f"- Most of it: {top or 'nobody'}",
        f"- Memory: {memory}, {told.get('swap_used_mb')} MB swapped",
        f"- Disk: {told.get('disk_free_mb')} of {told.get('disk_total_mb')} MB free",
    ]


def _journals(facts: Facts) -> list[str]:
    return [f"- {name}: row {rows}, `{digest[:16]}…`" for name, rows, digest in facts.heads]


def _hashes(hashes: tuple[str, ...]) -> str:
    if not hashes:
        return "nothing"
    some = ", ".join(f"`{each}`" for each in hashes[:_LINES_MAX])
    return some if len(hashes) <= _LINES_MAX else f"{some} and {len(hashes) - _LINES_MAX} more"


def _plain(text: str) -> str:
    """Return others' words on one line, cut, and without what would break the page."""
    line = " ".join(text.split()).replace("`", "'")
    return line if len(line) <= _CLIP else f"{line[:_CLIP]}…"


def _when(time: str) -> str:
    return time[:19].replace("T", " ")


def _clock(time: str) -> str:
    return time[11:23].rstrip("Z") if "T" in time else time

"""Processes, worst first: a line each where there is room, else a line for the ill and rows of the well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.paint import Tone, clean, heading, line
from console.widgets.pane import Pane
from warden.domain.roles import strategy_of
from warden.operator.picture import PASSING_STATES, ProcessView, age_text

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture

_DETAIL_FROM: Final = 50
_PER_ROW: Final = 4
_CELL: Final = 11


class Processes(Pane):
    """Who lives, how long since its last beat, what it costs."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return a table, or a compact form where the table does not fit."""
        view = picture.view
        lines = view.processes
        if not lines:
            return [heading("PROCESSES", view.watchdog)]
        if height > len(lines):
            title = heading("PROCESSES", view.watchdog if view.watchdog.stale else None)
            columns = "" if view.watchdog.stale else f"{'age':>{26 - len('PROCESSES')}}{'cpu':>7}{'MB':>6}"
            return [line(title, (columns, Tone.QUIET)), *(_row(each, width) for each in lines)]
        return _compact(lines, width, height)


def _sign(each: ProcessView) -> tuple[str, Tone]:
    if each.healthy:
        return "✓", Tone.GOOD
    if not each.stale and each.state in PASSING_STATES:
        return "!", Tone.CAUTION
    return "✗", Tone.BAD


def _name(name: str, width: int) -> str:
    """Return a process's name in so many characters: of several traders what tells one from the other."""
    strategy = strategy_of(name)
    return clean(f"t:{strategy}" if strategy else name)[:width]


def _row(each: ProcessView, width: int) -> Content:
    sign, tone = _sign(each)
    name = f" {_name(each.name, 9):<9}"
    state = clean(each.state)
    if each.stale:
        told = [] if each.age_ms is None else [f"STALE {age_text(each.age_ms)}"]
        if each.state not in {"silent", "unknown"} or not told:
            told.append(state.upper() if not told else state)
        return line((sign, tone), name, (" ".join(told), tone), (f" {clean(each.detail)}", Tone.QUIET))
    figures = f"{age_text(each.age_ms):>6}"
    if each.state != "unknown" and each.pid > 0:
        figures += f"{each.cpu_percent:>6.1f}%{each.pss_mb:>6.0f}"
    detail = f"  {clean(each.detail)}" if width >= _DETAIL_FROM else ""
    shown = (f"{state[:9]:<9}", Tone.PLAIN if each.healthy else tone)
    return line((sign, tone), name, shown, figures, (detail, Tone.QUIET))


def _compact(lines: tuple[ProcessView, ...], width: int, height: int) -> list[Content]:
    """Return a line each for as many of the ill as fit, and all others by name; nobody is left out."""
    per_row = max(1, min(_PER_ROW, width // _CELL))
    ill = sum(not each.healthy for each in lines)
    in_lines = next(
        (
            count
            for count in range(min(ill, height), 0, -1)
            if count + -(-(len(lines) - count) // per_row) <= height
        ),
        0,
    )
    rows = [_row(each, width) for each in lines[:in_lines]]
    rest = lines[in_lines:]
    for start in range(0, len(rest), per_row):
        row = line("")
        for each in rest[start : start + per_row]:
            sign, tone = _sign(each)
            row += line((sign, tone), f" {_name(each.name, 8):<9}")
        rows.append(row)
    return rows

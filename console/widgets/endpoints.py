"""Endpoints, worst first; names in a row where there is no room for a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.paint import Tone, clean, heading, line, stale_text
from console.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture
    from warden.wire.telemetry import EndpointLine

_SIGN: Final = {"ok": ("✓", Tone.GOOD), "slow": ("!", Tone.CAUTION), "unknown": ("?", Tone.CAUTION)}
_DETAIL_FROM: Final = 50


class Endpoints(Pane):
    """Where reads come from."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return a line per endpoint below a heading, or all in one line."""
        part = picture.view.endpoints
        if part.seen.stale:
            return [heading("ENDPOINTS"), line("gateway  ", (stale_text(part.seen), Tone.BAD))][-height:]
        if height <= len(part.lines) and height < 2:  # noqa: PLR2004 - one line has no room for a heading
            row = line("")
            for each in part.lines:
                sign, tone = _sign(each)
                row += line(
                    (f"{sign} ", tone), f"{clean(each.name)[:8]} ", (f"{_latency(each)}  ", Tone.QUIET)
                )
            return [row]
        ok = sum(each.state == "ok" for each in part.lines)
        hidden = len(part.lines) - (height - 1)
        rest = f"{ok} of {len(part.lines)} ok" + (f", {hidden} not shown" if hidden > 0 else "")
        return [heading("ENDPOINTS", rest=rest), *(_row(each, width) for each in part.lines)]


def _sign(each: EndpointLine) -> tuple[str, Tone]:
    return _SIGN.get(each.state, ("✗", Tone.BAD))


def _latency(each: EndpointLine) -> str:
    return "-" if each.latency_ms is None else f"{each.latency_ms:.1f}ms"


def _row(each: EndpointLine, width: int) -> Content:
    sign, tone = _sign(each)
    head = "-" if each.head is None else f"#{each.head}"
    lag = f" -{each.lag_blocks}" if each.lag_blocks else ""
    detail = f"  {clean(each.detail)}" if width >= _DETAIL_FROM else ""
    return line(
        (sign, tone),
        f" {clean(each.name)[:9]:<9}",
        (f"{clean(each.state)[:11]:<11}", Tone.PLAIN if each.state == "ok" else tone),
        f"{_latency(each):>8} {head}{lag}",
        (detail, Tone.QUIET),
    )

"""The banner: is it safe, whose money is it, why does it not trade, and how old is all this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.paint import (
    WORD_GLYPH,
    WORD_KIND,
    Tone,
    clean,
    clock_text,
    ether_text,
    line,
    spread,
    stale_text,
    tick_sign,
)
from console.widgets.pane import Pane
from warden.domain.health import Health, score_text
from warden.domain.modes import Environment
from warden.operator.picture import Seen, Word, age_text

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture
    from warden.wire.telemetry import HealthStatus

_ENVIRONMENT: Final = {
    Environment.DEVNET.value: (" DEVNET ", "bold $foreground on $panel", "play money"),
    Environment.PAPER.value: (" PAPER ", "bold $text on $secondary", "nothing is sent"),
    Environment.LIVE.value: (" LIVE ", "bold $text on $error", "YOUR MONEY"),
}
_ROOMY: Final = 70
_WIDE: Final = 100


class Banner(Pane):
    """Word, environment and reason."""

    def show(self, picture: Picture) -> None:
        """Draw, and take the colour of the word."""
        kind = WORD_KIND[picture.word]
        if not self.has_class(kind):
            self.set_classes(kind)
        super().show(picture)

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return word and environment, then the reason."""
        del height
        name = picture.view.environment
        chip, style, money = _ENVIRONMENT.get(
            name, (f" {clean(name).upper() or 'ENVIRONMENT UNKNOWN'} ", "bold", "")
        )
        roomy = width >= _ROOMY
        left = line((f" {WORD_GLYPH[picture.word]} {picture.word.value}", "bold"))
        if picture.readonly:
            left += line(("  read-only", Tone.PLAIN))
        right = line(
            (chip, style),
            f" {money}  {picture.wall} UTC " if roomy else " ",
            tick_sign(picture.tick),
            " ",
        )
        return [spread(left, right, width), line(f" {clean(picture.why) or _doing(picture)}")]


def _doing(picture: Picture) -> str:
    """Return what it is doing, where nothing needs to be explained: the last trade."""
    trades = picture.view.money.trades_recent
    if picture.word is not Word.TRADING or not trades:
        return ""
    last = trades[0]
    net = f" {ether_text(last.net_wei)}" if last.net_wei is not None else ""
    return f"last trade {clock_text(last.time)} {clean(last.state)}{net}"


class Ages(Pane):
    """Three ages: to the watchdog, its oldest process, the head; and the health score where there is room."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return one line; what is too old stands out."""
        del height
        view = picture.view
        long = width >= _ROOMY
        oldest = clean(view.oldest_name) or "process"
        head = "" if view.endpoints.head is None else f" #{view.endpoints.head}"
        # While the watchdog is silent, ages are of what we hear ourselves.
        hears = "console" if view.watchdog.stale else "watchdog"
        pieces = [
            _age("console←watchdog" if long else "link", view.watchdog),
            _age(f"{hears}←{oldest}" if long else oldest, view.oldest),
            _age(f"chain head{head}" if long else "head", view.endpoints.head_seen),
        ]
        if view.health is not None and width >= _WIDE:
            pieces.append(_health(view.health))
        gap = "   " if width >= _WIDE else "  "
        joined = line(" ")
        for place, piece in enumerate(pieces):
            joined += line(gap if place else "") + piece
        return [joined]


def _health(health: HealthStatus) -> Content:
    well = health.status is Health.HEALTHY
    told = score_text(health.score_bps) if well else f"{score_text(health.score_bps)} {health.status}"
    return line(("health ", Tone.QUIET), (told, Tone.PLAIN if well else Tone.CAUTION))


def _age(name: str, seen: Seen) -> Content:
    if seen.stale:
        return line((f"{name} ", Tone.PLAIN), (stale_text(seen), Tone.BAD))
    return line((f"{name} ", Tone.QUIET), (age_text(seen.age_ms), Tone.PLAIN))

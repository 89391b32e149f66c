"""Signs, colours and lengths: how values become lines. Colour never says what a sign or a word does not."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from textual.content import Content

from warden.domain.money import format_ether
from warden.operator.picture import Seen, Word, age_text
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal


class Tone(StrEnum):
    """A colour of the theme."""

    PLAIN = ""
    QUIET = "$foreground-muted"
    TITLE = "bold $text-primary"
    GOOD = "$text-success"
    CAUTION = "bold $text-warning"
    BAD = "bold $text-error"


WORD_GLYPH: Final[Mapping[Word, str]] = MappingProxyType(
    {
        Word.TRADING: "►",
        Word.REDUCING: "▼",
        Word.OBSERVING: "○",
        Word.SHUT_DOWN: "□",
        Word.STOPPING: "◐",
        Word.STOPPED: "■",
        Word.NOT_STOPPED: "✗",
        Word.UNKNOWN: "?",
    }
)

# The banner's CSS class: what kind of news the word is.
WORD_KIND: Final[Mapping[Word, str]] = MappingProxyType(
    {
        Word.TRADING: "good",
        Word.REDUCING: "caution",
        Word.OBSERVING: "caution",
        Word.SHUT_DOWN: "bad",
        Word.STOPPING: "bad",
        Word.STOPPED: "stopped",
        Word.NOT_STOPPED: "bad",
        Word.UNKNOWN: "caution",
    }
)

SEVERITY_SIGN: Final[Mapping[Severity, tuple[str, Tone]]] = MappingProxyType(
    {
        Severity.DEBUG: ("·", Tone.QUIET),
        Severity.INFO: ("i", Tone.PLAIN),
        Severity.WARNING: ("!", Tone.CAUTION),
        Severity.ERROR: ("✗", Tone.BAD),
        Severity.CRITICAL: ("✗", Tone.BAD),
    }
)

TIMES: Final = "\N{MULTIPLICATION SIGN}"
_TICKS: Final = "⠋⠙⠹⠸⠼⠴⠦⠧"
_CLOCK: Final = slice(11, 19)

Piece = str | tuple[str, str] | Content


def line(*pieces: Piece) -> Content:
    """Return pieces of text, each with its tone, as one line; nothing in them is read as markup."""
    return Content.assemble(*pieces)


def block(lines: Iterable[Content], width: int, height: int) -> Content:
    """Return lines that fit: none longer than `width` (then ending in an ellipsis), no more than `height`."""
    return Content("\n").join([each.truncate(width, ellipsis=True) for each in lines][:height])


def spread(left: Content, right: Content, width: int) -> Content:
    """Return one line with `right` at its end; the left gives way."""
    room = max(0, width - right.cell_length - 1)
    left = left.truncate(room, ellipsis=True)
    return left + Content(" " * max(1, width - left.cell_length - right.cell_length)) + right


def clean(text: str) -> str:
    """Return foreign text with everything that is not printable replaced: it must not move the cursor."""
    return "".join(each if each.isprintable() else " " for each in text)


def heading(title: str, seen: Seen | None = None, rest: str = "") -> Content:
    """Return a pane's title, with its staleness when it is stale."""
    mark: Piece = (f" {stale_text(seen)}", Tone.BAD) if seen is not None and seen.stale else ""
    return line((title, Tone.TITLE), (f" {rest}" if rest else "", Tone.QUIET), mark)


def stale_text(seen: Seen) -> str:
    """Return `STALE 12s`, or `UNKNOWN` when it was never heard."""
    return "UNKNOWN" if seen.age_ms is None else f"STALE {age_text(seen.age_ms)}"


def tick_sign(tick: int) -> str:
    """Return the sign that moves with every drawing."""
    return _TICKS[tick % len(_TICKS)]


def clock_text(time: str) -> str:
    """Return HH:MM:SS of an ISO time; the text itself when it is none."""
    return clean(time[_CLOCK] if len(time) >= _CLOCK.stop else time)


def ether_text(amount_wei: int, *, places: int = 6) -> str:
    """Return a signed amount of ether."""
    return f"{format_ether(amount_wei, places=places, signed=True)} ETH"


def money_tone(amount: int | Decimal) -> Tone:
    """Return how good an amount is; its sign says the same."""
    return Tone.BAD if amount < 0 else Tone.GOOD


def bar(used_bps: int, width: int) -> Content:
    """Return a bar of `width` cells; from 90 % of the limit on it changes colour (ES1a)."""
    # Full means at or over the limit, and a little is never drawn as nothing.
    cells = width if used_bps >= 10_000 else min(width - 1, -(-used_bps * width // 10_000))  # noqa: PLR2004 - basis points
    tone = Tone.BAD if used_bps > 10_000 else Tone.CAUTION if used_bps >= 9_000 else Tone.GOOD  # noqa: PLR2004 - the limit and 90 % of it, in basis points
    return line(("█" * cells, tone), ("░" * (width - cells), Tone.QUIET))

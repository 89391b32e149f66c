"""Help, made from the table of actions and the words of the banner."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.actions import ACTIONS, key_text
from console.paint import WORD_GLYPH, Tone, line
from warden.operator.picture import Word

if TYPE_CHECKING:
    from textual.app import ComposeResult

_MEANING: Final = {
    Word.TRADING: "opens, reduces and cancels",
    Word.REDUCING: "only makes positions smaller, and cancels",
    Word.OBSERVING: "sends nothing new; cancels are allowed",
    Word.SHUT_DOWN: "nothing is allowed until a restart by hand",
    Word.STOPPING: "the stop is ordered; what was leaving may still leave",
    Word.STOPPED: "nothing is sent; it ends only by recover",
    Word.NOT_STOPPED: "the stop could not be confirmed: act by hand",
    Word.UNKNOWN: "the processes that would know are silent",
}


class Help(ModalScreen[None]):
    """Keys, words and signs."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Back")]

    def compose(self) -> ComposeResult:
        """Make the page."""
        with VerticalScroll(id="help"):
            yield Static(line(("KEYS", Tone.TITLE), ("   Esc goes back", Tone.QUIET)))
            for action in ACTIONS:
                keys = " ".join(key_text(key) for key in action.keys)
                yield Static(line((f"{keys:<9}", "bold"), f"{action.title}. ", (action.help, Tone.QUIET)))
            yield Static(line(("\nWORDS", Tone.TITLE)))
            for word in Word:
                yield Static(
                    line((f"{WORD_GLYPH[word]} {word.value:<12}", "bold"), (_MEANING[word], Tone.QUIET))
                )
            yield Static(line(("\nSIGNS", Tone.TITLE)))
            yield Static("✓ well   ! look at it   ✗ bad   ? not known   STALE 12s: last heard 12 s ago")

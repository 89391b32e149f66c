"""The last lines: what the demo weakens, or a notice; and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.actions import ACTIONS, key_text
from console.paint import Tone, clean, line
from console.widgets.pane import Pane

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture

_ALL_KEYS_FROM: Final = 60
# Where room is short; the help names them.
_LEFT_OUT: Final = frozenset({"command_palette"})


class Weakness(Pane):
    """Says quietly what one user for all processes means (I8), or what the console has to say just now."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return one line, empty where every process has its own user."""
        del height
        if picture.notice:
            return [line((clean(picture.notice), Tone.CAUTION))]
        if not picture.view.one_user:
            return []
        where = picture.view.environment
        text = f"one user: key and endpoints are not walled off from the trader ({where})"
        if width < len(text):
            text = f"one user: no wall round the key ({where})"
        return [line((text, Tone.QUIET))]


class Keys(Pane):
    """The footer, made from the table of actions."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return every action that has a short title, with its keys."""
        del height
        row = line("")
        for action in ACTIONS:
            if not action.short or (action.acts and picture.readonly):
                continue
            if width < _ALL_KEYS_FROM and action.id in _LEFT_OUT:
                continue
            many = action.danger and not action.acts and width >= _ALL_KEYS_FROM
            keys = " ".join(key_text(key) for key in action.keys[: 2 if many else 1])
            tone = "bold $text on $error" if action.id == "stop" else Tone.TITLE
            row += line((f" {keys} {action.short} " if action.id == "stop" else f" {keys} ", tone))
            row += line("" if action.id == "stop" else action.short)
            row += line(" " if width >= _ALL_KEYS_FROM else "")
        return [row]

"""The last lines: a notice, else what is not well, else what the demo weakens; and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from console.actions import ACTIONS, key_text
from console.paint import Tone, clean, line
from console.widgets.pane import Pane
from warden.domain.health import Health, score_text
from warden.operator.health_text import ill

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture

_ALL_KEYS_FROM: Final = 60
# Where room is short; the help names them.
_LEFT_OUT: Final = frozenset({"command_palette"})


class Weakness(Pane):
    """Says what the console has to say just now, else what is not well, else what one user means (I8)."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return one line, empty where every process has its own user."""
        del height
        if picture.notice:
            return [line((clean(picture.notice), Tone.CAUTION))]
        if (told := _ill(picture, width)) is not None:
            return [told]
        if not picture.view.one_user:
            return []
        where = picture.view.environment
        text = f"one user: key and endpoints are not walled off from the trader ({where})"
        if width < len(text):
            text = f"one user: no wall round the key ({where})"
        return [line((text, Tone.QUIET))]


def _ill(picture: Picture, width: int) -> Content | None:
    """Return the health score and the worst part where the whole is not well, None where it is (HM2)."""
    health = picture.view.health
    if health is None or health.status is Health.HEALTHY:
        return None
    grave = health.status is not Health.DEGRADED
    text = f"health {score_text(health.score_bps)} {health.status}"
    parts = [f"{each.name} {each.found}" for each in ill(health) if each.status is not Health.DEGRADED]
    parts = parts or [each.name for each in ill(health)]
    sign, tone = ("✗", Tone.BAD) if grave else ("!", Tone.CAUTION)
    return line((f"{sign} {text}: {clean(', '.join(parts))}"[:width], tone))


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

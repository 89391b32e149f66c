"""One table of everything that a key can do: bindings, palette, footer and help are made from it."""

from __future__ import annotations

from typing import Final

import msgspec
from textual.binding import Binding

from console.driver import STOP_KEYS


class Action(msgspec.Struct, frozen=True):
    """One thing to do.

    Attributes:
        id: names the app's `action_<id>`.
        keys: in Textual's names; the first is shown.
        title: for palette and help; `short` for the footer, empty to leave it out there.
        danger: it stops or starts trading.
        acts: it changes something, so a read-only console refuses it; the stop is never refused.
        everywhere: works under a modal and inside an input too.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    short: str
    help: str
    danger: bool = False
    acts: bool = False
    everywhere: bool = False


ACTIONS: Final = (
    Action(
        id="stop",
        keys=STOP_KEYS,
        title="Emergency stop",
        short="STOP",
        help="Stops everything at once, on one press, whatever is on the screen. Nothing resumes by itself.",
        danger=True,
        everywhere=True,
    ),
    Action(
        id="arm",
        keys=("a",),
        title="Arm: let trading begin",
        short="arm",
        help="Asks for operator, reason and a typed phrase; refused while a stop stands or data is stale.",
        danger=True,
        acts=True,
    ),
    Action(
        id="recover",
        keys=("r",),
        title="Recover: clear the stops, then arm",
        short="recover",
        help="Lifts the stops that stand, named on the screen, after every check has passed.",
        danger=True,
        acts=True,
    ),
    Action(
        id="command_palette",
        keys=("ctrl+p",),
        title="Menu",
        short="menu",
        help="Every action by name, to search and choose.",
    ),
    Action(
        id="help",
        keys=("question_mark", "f1"),
        title="Help",
        short="help",
        help="Keys, words and signs of this screen.",
    ),
    Action(
        id="quit",
        keys=("ctrl+q", "q", "ctrl+c"),
        title="Quit",
        short="quit",
        help="Leaves the console. It stops nothing and starts nothing.",
    ),
)

_ALWAYS: Final = frozenset({"ctrl+q"})
_SHOWN: Final = {"question_mark": "?", "f10": "F10", "f1": "F1"}


def bindings() -> list[Binding]:
    """Return the app's bindings; those that work everywhere have priority over whatever has the focus."""
    return [
        Binding(key, action.id, action.title, show=False, priority=action.everywhere or key in _ALWAYS)
        for action in ACTIONS
        for key in action.keys
    ]


def key_text(key: str) -> str:
    """Return a key as people write it: `F10`, `^X`, `a`."""
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    return _SHOWN.get(key, key)

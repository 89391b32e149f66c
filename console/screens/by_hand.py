"""NOT STOPPED: what to do now, by hand, with the real paths and pids."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.paint import Tone, clean, line
from warden.domain.roles import Role, strategy_of

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.content import Content

    from console.model import Picture

_KILLED: tuple[Role, ...] = (Role.EXECUTOR, Role.TRADER)


class ByHand(ModalScreen[None]):
    """Full-screen instructions; the stop's keys work here too and try again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back to the overview")]

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self._picture = picture

    def compose(self) -> ComposeResult:
        """Make the page."""
        with VerticalScroll(id="by-hand"):
            for each in instructions(self._picture):
                yield Static(each, markup=False)


def _role(name: str) -> str:
    """Return a process's role; each of several strategies has a trader."""
    return Role.TRADER if strategy_of(name) else name


def instructions(picture: Picture) -> list[Content]:
    """Return the steps, the surest first."""
    result = picture.order.result
    message = clean(result.message) if result else ""
    alive = [each for each in picture.view.processes if each.pid > 0]
    known = [f"{each.pid}" for role in _KILLED for each in alive if _role(each.name) == role]
    find = f"pgrep -f {shlex.quote(f'warden.executor --home {picture.home}')}"
    kill = f"kill -9 {' '.join(known)}" if known else f"kill -9 $({find})"
    return [
        line((" ✗ NOT STOPPED: do this now, in another terminal ", "bold $text on $error")),
        line(""),
        line(message),
        line(""),
        line(("1  Make a file in the stop directory; any name stops:", Tone.TITLE)),
        line(f"   touch {shlex.quote(f'{picture.stop_dir}/by-hand')}"),
        line(""),
        line(("2  Kill the process that can send, then the one that proposes:", Tone.TITLE)),
        line(f"   {kill}"),
        line(("   should they be others by now:", Tone.QUIET)),
        line((f"   {find}", Tone.QUIET)),
        line(""),
        line(("3  Press F10 or ^X again: it tries anew and tells whether it holds.", Tone.TITLE)),
        line(""),
        line(("Do this as the user who runs Warden, or as root. Esc goes back to the overview.", Tone.QUIET)),
    ]

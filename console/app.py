"""The app: draws the latest picture a few times a second, and carries out the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from textual.app import App, SystemCommand

from console.actions import ACTIONS, bindings
from console.link import Feed
from console.model import Picture, banner
from console.screens.by_hand import ByHand
from console.screens.help import Help
from console.screens.order import ARM, RECOVER, Kind, Order
from console.screens.overview import Overview
from console.stopper import Phase, Stopper
from warden.domain.stops import StopLevel
from warden.operator.view import build_view
from warden.wire.messages import OperatorReply, OperatorRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.driver import Driver
    from textual.screen import Screen


_DRAW_S: Final = 0.25
# While a stop is under way its level is looked at more often.
_STOP_DRAW_S: Final = 0.02
_NOTICE_NS: Final = 8_000_000_000
_TICK_NS: Final = 250_000_000


class Parts(msgspec.Struct, frozen=True):
    """What the app stands on; in tests any of them may be a recording.

    Attributes:
        now_ns: CLOCK_BOOTTIME in nanoseconds.
        wall: UTC, for people.
        operator: who sits here, as the machine knows it.
        notice: one line to begin with.
    """

    feed: Feed
    stopper: Stopper
    ask: Callable[[OperatorRequest], OperatorReply]
    now_ns: Callable[[], int]
    wall: Callable[[], datetime]
    home: Path
    stop_dir: Path
    operator: str = ""
    readonly: bool = False
    notice: str = ""


class ConsoleApp(App[None]):
    """Warden's console."""

    CSS_PATH = "app.tcss"
    TITLE = "Warden"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    def __init__(self, parts: Parts, driver_class: type[Driver] | None = None) -> None:
        super().__init__(driver_class=driver_class)
        self.animation_level = "none"
        self._parts = parts
        self._overview = Overview()
        self._shown_presses = 0
        self._notice = ""
        self._notice_until_ns = 0

    def get_default_screen(self) -> Screen[None]:
        """Return the overview: what lies below every dialog."""
        return self._overview

    def on_mount(self) -> None:
        """Begin to draw."""
        self.set_interval(_DRAW_S, self.redraw)
        self._stop_timer = self.set_interval(_STOP_DRAW_S, self._follow_stop, pause=True)
        self.call_after_refresh(self.redraw)
        if self._parts.notice:
            self.tell(self._parts.notice)

    def on_resize(self) -> None:
        """Draw anew for the new size."""
        self.call_after_refresh(self.redraw)

    def on_stop_pressed(self) -> None:
        """Show the stop that the terminal's driver has started already."""
        self._show_stop()

    def picture(self) -> Picture:
        """Return what is true now."""
        parts = self._parts
        snapshot = parts.feed.latest
        order = parts.stopper.order
        now_ns = parts.now_ns()
        view = build_view(snapshot, now_ns)
        word, why = banner(view, snapshot, order)
        return Picture(
            view=view,
            word=word,
            why=why,
            order=order,
            wall=parts.wall().strftime("%H:%M:%S"),
            tick=now_ns // _TICK_NS,
            readonly=parts.readonly,
            notice=self._notice if now_ns < self._notice_until_ns else "",
            home=str(parts.home),
            stop_dir=str(parts.stop_dir),
        )

    def tell(self, notice: str) -> None:
        """Show one line for a while, above the keys: it covers nothing."""
        self._notice = notice
        self._notice_until_ns = self._parts.now_ns() + _NOTICE_NS
        self.redraw()

    def redraw(self) -> None:
        """Draw what changed, below and in the dialog that is open."""
        picture = self.picture()
        if self._overview.is_mounted:
            self._overview.show(picture)
        if isinstance(self.screen, Order):
            self.screen.show(picture)

    def action_stop(self) -> None:
        """Stop everything: first the order, then the screen."""
        self._parts.stopper.press()
        self._show_stop()

    def action_arm(self) -> None:
        """Open the dialog that arms."""
        self._open(ARM)

    def action_recover(self) -> None:
        """Open the dialog that recovers."""
        self._open(RECOVER)

    def action_help(self) -> None:
        """Open the help."""
        self.push_screen(Help())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Give the palette every action of the table."""
        del screen
        for action in ACTIONS:
            if action.id != "command_palette":
                yield SystemCommand(action.title, action.help, getattr(self, f"action_{action.id}"))
        yield SystemCommand("Theme", "Light, dark, or the terminal's own colours.", self.action_change_theme)

    def _open(self, kind: Kind) -> None:
        if self._parts.readonly:
            self.tell(f"read-only: {kind.verb} is refused here")
        elif not isinstance(self.screen, Order):
            self.push_screen(
                Order(kind, self.picture(), self._parts.ask, operator=self._parts.operator, tell=self.tell)
            )

    def _show_stop(self) -> None:
        """Clear the way to the banner and follow the stop."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.redraw()
        self._stop_timer.resume()

    def _follow_stop(self) -> None:
        self.redraw()
        order = self._parts.stopper.order
        if order.phase is not Phase.DONE or order.result is None:
            return
        self._stop_timer.pause()
        if order.result.level is StopLevel.UNCONFIRMED and order.presses != self._shown_presses:
            self._shown_presses = order.presses
            self.push_screen(ByHand(self.picture()))

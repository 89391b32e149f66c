"""Arm and recover: hard on purpose. States what it does and what not, asks who and why, and for a phrase."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from console.paint import Tone, clean, line
from warden.domain.errors import EXIT_DONE, WardenError
from warden.wire.messages import Arm, OperatorReply, OperatorRequest, Recover

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from console.model import Picture


class Kind(msgspec.Struct, frozen=True):
    """What is ordered: its verb, what it does, and what it does not do."""

    verb: str
    does: str
    does_not: str


ARM = Kind(
    verb="arm",
    does="Trading begins as soon as every check passes.",
    does_not="It clears no stop and raises no limit.",
)
RECOVER = Kind(
    verb="recover",
    does="The stops below are cleared, then trading begins once every check passes.",
    does_not="It raises no limit and resets no loss.",
)
_STOPS_NAMED = 2
_TEXT_MAX = 200


class Order(ModalScreen[str]):
    """A dialog that ends with the watchdog's answer, or with nothing when it was cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    AUTO_FOCUS = "#cancel"

    def __init__(self, kind: Kind, picture: Picture, ask: Callable[[OperatorRequest], OperatorReply]) -> None:
        super().__init__()
        self._kind = kind
        self._picture = picture
        self._ask = ask
        self._asking = False
        # Named now, as read by the operator: a stop that comes meanwhile is not cleared with them.
        self._stop_ids = tuple(stop.id for stop in picture.view.stops)

    @property
    def phrase(self) -> str:
        """What must be typed: the verb and whose money it is."""
        return f"{self._kind.verb} {self._picture.view.environment}"

    def compose(self) -> ComposeResult:
        """Make the dialog; cancel has the focus."""
        kind, view = self._kind, self._picture.view
        with Vertical(id="order"):
            yield Static(
                line((f"{kind.verb.upper()} on {view.environment.upper()}", Tone.CAUTION)), markup=False
            )
            yield Static(line(kind.does, " ", (kind.does_not, Tone.QUIET)), markup=False)
            if kind is RECOVER:
                yield Static(line((self._stops(), Tone.PLAIN)), markup=False)
            yield Label("operator")
            yield Input(self._operator(), id="operator", compact=True, max_length=_TEXT_MAX)
            yield Label("reason")
            yield Input(id="reason", compact=True, max_length=_TEXT_MAX)
            yield Label(f"type: {self.phrase}", markup=False)
            yield Input(id="phrase", compact=True, max_length=_TEXT_MAX)
            yield Static(id="hindrance", markup=False)
            with Horizontal(id="choice"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(kind.verb.capitalize(), id="go", compact=True, variant="warning", disabled=True)

    def on_mount(self) -> None:
        """Say from the start what is missing."""
        self._judge()

    def show(self, picture: Picture) -> None:
        """Take in a newer picture: data that goes stale meanwhile closes the way."""
        self._picture = picture
        self._judge()

    def hindrance(self) -> str:
        """Return what stands in the way, empty when nothing does."""
        stops = self._picture.view.stops
        arming = self._kind is ARM
        checks = (
            (self._picture.fresh, "refused while data is stale: watchdog and executor must both be heard"),
            (not (arming and stops), "refused while a stop stands: recover clears it"),
            (arming or bool(self._stop_ids), "there is no stop to recover from"),
            (bool(self._text("operator")), "who are you?"),
            (bool(self._text("reason")), "what is the reason?"),
            (self._text("phrase") == self.phrase, f"type the phrase: {self.phrase}"),
        )
        return next((text for holds, text in checks if not holds), "")

    def action_cancel(self) -> None:
        """Leave without asking anything."""
        self.dismiss(None)

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_cancel()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._judge()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        if self.hindrance() or self._asking:
            return
        self._asking = True
        self._say("asking the watchdog …", Tone.PLAIN)
        operator, reason = self._text("operator"), self._text("reason")
        request: OperatorRequest = (
            Arm(operator=operator, reason=reason)
            if self._kind is ARM
            else Recover(operator=operator, reason=reason, stop_ids=self._stop_ids)
        )
        self.run_worker(lambda: self._put(request), thread=True, exit_on_error=False)

    def _put(self, request: OperatorRequest) -> None:
        """Wait for the answer, in a thread of its own."""
        try:
            reply = self._ask(request)
        except WardenError as error:
            reply = OperatorReply(exit_code=error.exit_code, message=str(error))
        self.app.call_from_thread(self._answered, reply)

    def _answered(self, reply: OperatorReply) -> None:
        self._asking = False
        if reply.exit_code == EXIT_DONE:
            if self.is_current:
                self.dismiss(reply.message)
        else:
            self._say(f"refused: {reply.message}", Tone.BAD)
            self.query_one("#phrase", Input).value = ""

    def _judge(self) -> None:
        hindrance = self.hindrance()
        self.query_one("#go", Button).disabled = bool(hindrance) or self._asking
        if not self._asking and not self._refused(hindrance):
            self._say(hindrance, Tone.CAUTION)

    def _refused(self, hindrance: str) -> bool:
        """Tell whether the watchdog's refusal should go on standing: nothing was typed since."""
        said = str(self.query_one("#hindrance", Static).content)
        return (
            said.startswith("refused: ")
            and hindrance.startswith("type the phrase")
            and not self._text("phrase")
        )

    def _say(self, text: str, tone: Tone) -> None:
        self.query_one("#hindrance", Static).update(line((clean(text), tone)))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _stops(self) -> str:
        names = [
            f"{stop.id} ({stop.reason}, {stop.operator or 'nobody named'})"
            for stop in self._picture.view.stops
        ]
        more = len(names) - _STOPS_NAMED
        return clean(", ".join(names[:_STOPS_NAMED]) + (f" and {more} more" if more > 0 else ""))

    def _operator(self) -> str:
        # Whoever sits here is offered, not assumed: it stands in the field to be read.
        return getattr(self.app, "operator", "")

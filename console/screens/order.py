"""Arm and recover: hard on purpose. States what it does and what not, asks who and why, and for a phrase."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

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
_FIELDS: Final = ("operator", "approver", "reason", "phrase")
_STOPS_NAMED: Final = 2
_TEXT_MAX: Final = 200


class Order(ModalScreen[None]):
    """A dialog that ends when the watchdog has said yes, or when it is cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    AUTO_FOCUS = "#cancel"

    def __init__(
        self,
        kind: Kind,
        picture: Picture,
        ask: Callable[[OperatorRequest], OperatorReply],
        *,
        operator: str,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._kind = kind
        self._picture = picture
        self._ask = ask
        self._tell = tell
        self._asking = False
        # Named now, as read by the operator: a stop that comes meanwhile is not cleared with them.
        self._stop_ids = tuple(stop.id for stop in picture.view.stops)
        self._fields = {name: Input(id=name, compact=True, max_length=_TEXT_MAX) for name in _FIELDS}
        # Whoever sits here is offered, not assumed: it stands in the field to be read.
        self._fields["operator"].value = operator
        self._fields["approver"].placeholder = "second operator, where two must agree"
        self._go = Button(kind.verb.capitalize(), id="go", compact=True, variant="warning", disabled=True)
        self._message = Static(id="message", markup=False)
        self._refusal = ""

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
            yield self._fields["operator"]
            if kind is RECOVER:
                yield self._fields["approver"]
            yield Label("reason")
            yield self._fields["reason"]
            yield Label(f"type: {self.phrase}", markup=False)
            yield self._fields["phrase"]
            yield self._message
            with Horizontal(id="choice"):
                yield Button("Cancel", id="cancel", compact=True)
                yield self._go

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
        self.dismiss()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_cancel()

    @on(Input.Changed)
    def _typed(self) -> None:
        # Who types again has read why it was refused.
        if self._text("phrase"):
            self._refusal = ""
        self._judge()

    @on(Button.Pressed, "#go")
    def _confirmed(self) -> None:
        if self.hindrance() or self._asking:
            return
        self._asking = True
        self._judge()
        operator, reason = self._text("operator"), self._text("reason")
        request: OperatorRequest = (
            Arm(operator=operator, reason=reason)
            if self._kind is ARM
            else Recover(
                operator=operator,
                reason=reason,
                stop_ids=self._stop_ids,
                approver=self._text("approver"),
            )
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
        if not self.is_current:
            # A stop has closed the dialog meanwhile; the answer is still worth a line.
            self._tell(reply.message)
        elif reply.exit_code == EXIT_DONE:
            self._tell(reply.message)
            self.dismiss()
        else:
            self._fields["phrase"].value = ""
            self._refusal = f"refused: {reply.message}"
            self._judge()

    def _judge(self) -> None:
        hindrance = self.hindrance()
        self._go.disabled = bool(hindrance) or self._asking
        if self._asking:
            text, tone = "asking the watchdog …", Tone.PLAIN
        elif self._refusal:
            text, tone = self._refusal, Tone.BAD
        else:
            text, tone = hindrance, Tone.CAUTION
        self._message.update(line((clean(text), tone)))

    def _text(self, name: str) -> str:
        return self._fields[name].value.strip()

    def _stops(self) -> str:
        stops = self._picture.view.stops
        names = [f"{stop.id} ({stop.reason}, {stop.operator or 'nobody named'})" for stop in stops]
        more = len(names) - _STOPS_NAMED
        return clean(", ".join(names[:_STOPS_NAMED]) + (f" and {more} more" if more > 0 else ""))

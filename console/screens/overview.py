"""The overview: one look that tells the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container, Vertical
from textual.screen import Screen

from console.widgets.banner import Ages, Banner
from console.widgets.endpoints import Endpoints
from console.widgets.feeds import Alerts, Decisions, Trades
from console.widgets.keys import Keys, Weakness
from console.widgets.money import Money
from console.widgets.pane import Pane
from console.widgets.processes import Processes

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from console.model import Picture


class Overview(Screen[None]):
    """All panes; how they stand is in app.tcss, by the breakpoints named here."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it so
        (0, "-narrow"),
        (80, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it so
        (0, "-short"),
        (24, "-usual"),
        (40, "-tall"),
    ]

    def compose(self) -> ComposeResult:
        """Make the panes, from the top to the bottom."""
        yield Banner("banner")
        yield Ages("ages")
        with Container(id="body"):
            yield Processes("processes")
            with Vertical(id="figures"):
                yield Money("money")
                yield Endpoints("endpoints")
        yield Alerts("alerts")
        yield Decisions("decisions")
        yield Trades("trades")
        yield Weakness("weakness")
        yield Keys("keys")

    def show(self, picture: Picture) -> None:
        """Draw what changed."""
        for pane in self.query(Pane):
            pane.show(picture)

"""A pane: a pure drawing of the picture, redrawn only where it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

from console.paint import block

if TYPE_CHECKING:
    from textual.content import Content

    from console.model import Picture


class Pane(Static):
    """Base of all panes; `draw` gives lines, the worst first, and those that do not fit are left out."""

    def __init__(self, name: str) -> None:
        super().__init__("", id=name, markup=False)
        self._drawn: Content | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Content]:
        """Return the pane's lines for a room of `width` by `height` cells."""
        raise NotImplementedError

    def show(self, picture: Picture) -> None:
        """Draw the picture if it looks different from the last one."""
        width, height = self.content_size
        if width <= 0 or height <= 0:
            return
        drawn = block(self.draw(picture, width, height), width, height)
        if self._drawn is None or not drawn.is_same(self._drawn):
            self._drawn = drawn
            self.update(drawn, layout=False)

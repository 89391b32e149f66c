"""Rows for people: columns one below the other, words kept whole, nothing but text that can be printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for each row; all have as many cells, and the last column may be as wide as it is."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, *row[-1:]]).rstrip()


def printable(text: str) -> str:
    """Return text that moves no cursor and colours nothing, whoever it comes from."""
    return "".join(each if each.isprintable() else "?" for each in text)

"""What the paper wallet holds, as the executor writes it down for the traders: no chain knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warden.domain.roles import Role

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.places import Places

_BYTES_MAX: Final = 100


def announce(where: Places, trading_wei: int) -> None:
    """Write down what may be traded with, in wei of the wrapped native token; whole or not at all.

    Raises:
        OSError: it could not be written.
    """
    path = _file(where)
    path.with_suffix(".new").write_text(f"{trading_wei}\n", encoding="ascii")
    path.with_suffix(".new").replace(path)


def announced(where: Places) -> int:
    """Return what was written down, in wei; 0 while nothing was, so that nothing is proposed."""
    try:
        with _file(where).open("rb") as file:
            text = file.read(_BYTES_MAX).decode("ascii", "replace").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def _file(where: Places) -> Path:
    return where.role(Role.EXECUTOR) / "paper"

"""`warden lever`: pulls a lever by name and with a reason, lets it go, or lists what is pulled (PS4a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.request import name_and_reason, put_order, report_of
from warden.cli.table import aligned
from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.domain.risk.lever_table import BLOCKS, LEVERS, NUMBERS, parse
from warden.domain.risk.refusal import Refusal
from warden.wire.orders import PullLever

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from warden.wire.orders import LeverLine

_HEAD: Final = ("LEVER", "VALUE", "SINCE", "OPERATOR", "REASON")
_BLOCK: Final = {f"block_{kind}": f"unblock_{kind}" for kind in BLOCKS}


def lever(home: Path, name: str, value: str, *, off: bool, operator: str, reason: str, as_json: bool) -> int:
    """Pull the lever called `name`, or list; return the exit code: 4 when the executor refuses.

    Raises:
        ConfigurationInvalid: no such lever, a value that it does not take, or an empty word.
    """
    if not name or not (value or off or operator or reason):
        return _show(home, name, as_json=as_json)
    request = pulled(name, value, off=off, operator=operator, reason=reason)
    name_and_reason(operator, reason)
    return put_order(home, request, as_json=as_json)


def pulled(name: str, value: str, *, off: bool, operator: str, reason: str) -> PullLever:
    """Return what to ask of the executor.

    Raises:
        ConfigurationInvalid: no such lever, or a value that it does not take.
    """
    known = plain(name)
    if not off and not value:
        raise ConfigurationInvalid(f"{known}: say a VALUE, or --off to let it go")
    if off and known in NUMBERS and value:
        raise ConfigurationInvalid(
            f"{known} --off takes no value: it lets go, and what warden.toml says holds"
        )
    if off and known not in NUMBERS and known not in _BLOCK:
        raise ConfigurationInvalid(f"{known} is done once, and cannot be let go: leave --off out")
    meant = parse(_BLOCK.get(known, known) if off else known, value)
    if isinstance(meant, Refusal):
        raise ConfigurationInvalid(meant.message)
    return PullLever(operator=operator, reason=reason, lever=meant.lever, value=meant.text)


def plain(name: str) -> str:
    """Return a lever's name without the `limits.` and the hyphens that it may be written with.

    Raises:
        ConfigurationInvalid: there is no such lever.
    """
    known = name.strip().removeprefix("limits.").replace("-", "_")
    if known not in LEVERS:
        refusal = parse(name, "")
        raise ConfigurationInvalid(refusal.message if isinstance(refusal, Refusal) else name)
    return known


def text_of(lines: Sequence[LeverLine]) -> Iterator[str]:
    """Yield the levers that are pulled, a line each."""
    if not lines:
        yield "no lever is pulled"
        return
    rows = [(each.lever, each.value, each.time, each.operator, each.reason) for each in lines]
    yield from aligned([_HEAD, *rows])


def _show(home: Path, name: str, *, as_json: bool) -> int:
    known = plain(name) if name else ""
    lines = [each for each in report_of(home).levers if known in {"", each.lever}]
    if as_json:
        say(msgspec.json.encode({"levers": lines, "names": LEVERS}).decode())
        return EXIT_DONE
    for line in text_of(lines):
        say(line)
    if not name:
        say(f"levers: {', '.join(LEVERS)}")
    return EXIT_DONE

"""`warden breaker`: how the circuit breaker stands; opens, closes or resets it by hand (CB4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.cli.request import name_and_reason, put_order, report_of
from warden.cli.table import printable
from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, ConfigurationInvalid
from warden.domain.risk.events import BreakerOrder
from warden.wire.orders import ForceBreaker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.wire.orders import BreakerLine


def breaker(home: Path, order: str, *, operator: str, reason: str, as_json: bool) -> int:
    """Carry out `order`, or show; return the exit code: 4 when the executor refuses.

    Raises:
        ConfigurationInvalid: no such order, or an empty word.
    """
    if not order:
        line = report_of(home).breaker
        if as_json:
            say(msgspec.json.encode(line).decode())
            return EXIT_DONE
        for text in text_of(line):
            say(text)
        return EXIT_DONE
    request = ForceBreaker(operator=operator, reason=reason, order=order_called(order))
    name_and_reason(operator, reason)
    return put_order(home, request, as_json=as_json)


def order_called(name: str) -> BreakerOrder:
    """Return the order called `name`.

    Raises:
        ConfigurationInvalid: there is none.
    """
    found = next((each for each in BreakerOrder if each.value == name.strip().lower()), None)
    if found is None:
        raise ConfigurationInvalid(f"{name[:80]!a}: use one of {', '.join(BreakerOrder)}, or nothing to look")
    return found


def text_of(line: BreakerLine) -> Iterator[str]:
    """Yield the breaker's state, why, until when, and its figures."""
    until = f", until {line.until}" if line.until else ""
    yield printable(f"{line.state}{f': {line.why}' if line.why else ''}{until}")
    if line.operator:
        yield printable(f"by hand: {line.operator}: {line.reason}")
    yield f"opened {line.trips} times by itself, forced {line.forced} times by hand, open for {line.open_s} s"

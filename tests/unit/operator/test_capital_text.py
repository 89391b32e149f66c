"""The line `capital:` of `warden status`, and what it says when nobody agrees."""

from __future__ import annotations

import msgspec
import pytest

from tests.console import samples
from warden.domain.money import Wei
from warden.operator.capital_text import capital_json, capital_text
from warden.operator.reasons import reasons
from warden.operator.view import build_view, view_to_json
from warden.wire.telemetry import CapitalLine

AGREED = CapitalLine(
    "AGREED",
    equity_wei=Wei(95 * 10**18),
    baseline_wei=Wei(100 * 10**18),
    loss_bps=500,
    block=7,
    endpoints=("a", "b"),
    outvoted=("c",),
    age_ms=400,
)


def test_how_much_by_whom_and_what_was_lost() -> None:
    """ES2, CO3: a figure with its sources, its block, and who was outvoted."""
    assert capital_text(AGREED) == (
        "capital: AGREED 95.000000 ETH by a and b at block 7, 5.00 % below what it began with, outvoted: c"
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (None, "capital: UNKNOWN, the watchdog is silent"),
        (CapitalLine("UNKNOWN", detail="it was not read yet"), "capital: UNKNOWN: it was not read yet"),
        (
            CapitalLine("PAPER", detail="nothing on a chain is at stake"),
            "capital: nothing on a chain is at stake",
        ),
        (
            msgspec.structs.replace(AGREED, state="DISPUTED", detail="a says 1, b says 2", age_ms=4_000),
            "capital: DISPUTED: a says 1, b says 2; last 95.000000 ETH by a and b at block 7, 4.0s ago",
        ),
        (
            msgspec.structs.replace(AGREED, state="ONE SOURCE", endpoints=("a",)),
            "capital: ONE SOURCE; last 95.000000 ETH by a at block 7, 0.4s ago",
        ),
    ],
)
def test_what_is_not_agreed_on_is_said_first(line: CapitalLine | None, text: str) -> None:
    """CO3, I10: DISPUTED, ONE SOURCE, STALE and UNKNOWN stand before any figure."""
    assert capital_text(line) == text


def test_scripts_get_whole_wei_and_null_while_the_watchdog_is_silent() -> None:
    """OP1: plain values under fixed names."""
    told = capital_json(AGREED)
    assert told is not None
    assert (told["state"], told["equity_wei"], told["endpoints"]) == ("AGREED", 95 * 10**18, ["a", "b"])
    assert capital_json(None) is None
    shown = view_to_json(build_view(samples.normal(), samples.NOW_NS))
    assert shown["capital"]["state"] == "AGREED"
    assert msgspec.json.decode(msgspec.json.encode(shown))["capital"]["equity_wei"] == 102 * 10**18


def test_why_nothing_trades_names_a_dispute() -> None:
    """OP1a: in the words of who said what; an agreed capital is no reason."""
    snapshot = samples.alarmed()
    found = reasons(snapshot, build_view(snapshot, samples.NOW_NS), None)
    (reason,) = (each for each in found if each.what == "capital")
    assert "DISPUTED" in reason.message
    assert "alpha says 7" in reason.message
    well = samples.normal()
    assert not [
        each for each in reasons(well, build_view(well, samples.NOW_NS), None) if each.what == "capital"
    ]

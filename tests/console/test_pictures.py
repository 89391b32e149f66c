"""What the console looks like in every state and size: compared with pictures that were looked at.

After a change that is meant: `pytest tests/console/test_pictures.py --snapshot-update`, then look at them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from console.stopper import Phase, StopOrder, Stopper
from tests.console import samples
from tests.console.samples import NOW_NS
from tests.console.stage import never_carry, recorded_app, screen_text
from tests.console.test_stopper import result
from warden.domain.roles import PROCESSES
from warden.domain.stops import StopLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from console.app import ConsoleApp

    Compare = Callable[..., bool]

STATES = {
    "normal": samples.normal,
    "stopped": samples.stopped,
    "stale": samples.stale,
    "unknown": samples.unknown,
    "alarmed": samples.alarmed,
    "nothing": samples.nothing,
}
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "45x20": (45, 20)}


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this terminal's own wishes out of the pictures."""
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", STATES)
def test_each_state_looks_so(snap_compare: Compare, state: str, size: str) -> None:
    """Each state at each size is the picture that was looked at (CO1, CO3)."""
    assert snap_compare(recorded_app(STATES[state]()), terminal_size=SIZES[size])


@pytest.mark.parametrize("state", ["normal", "alarmed"])
def test_it_reads_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """NO_COLOR: words and signs say all that the colours say (CO3)."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(recorded_app(STATES[state]()), terminal_size=(80, 24))


def not_stopped_app() -> ConsoleApp:
    """Return the console after a stop that could not be confirmed."""
    stopper = Stopper(never_carry, lambda _: False, lambda: NOW_NS)
    stopper.order = StopOrder(
        phase=Phase.DONE,
        result=msgspec.structs.replace(
            result(StopLevel.UNCONFIRMED), message="the executor neither answered nor died"
        ),
        done_ns=NOW_NS,
        presses=1,
    )
    return recorded_app(samples.unknown(), stopper=stopper)


def test_not_stopped_looks_so(snap_compare: Compare) -> None:
    """NOT STOPPED fills the screen with what to do now (CO2)."""

    async def follow(pilot: Pilot[None]) -> None:
        app: ConsoleApp = pilot.app  # type: ignore[assignment] # the pilot's app is the one that was given
        app.on_stop_pressed()
        await pilot.pause(0.3)

    assert snap_compare(not_stopped_app(), terminal_size=(80, 24), run_before=follow)


@pytest.mark.parametrize("key", ["a", "r"])
@pytest.mark.parametrize("size", ["80x24", "45x20"])
def test_the_dialogs_look_so(snap_compare: Compare, key: str, size: str) -> None:
    """Arm and recover state what they do and do not, and cancel has the focus (CO4)."""
    assert snap_compare(recorded_app(samples.stopped()), press=[key], terminal_size=SIZES[size])


def test_the_help_looks_so(snap_compare: Compare) -> None:
    """Keys, words and signs."""
    assert snap_compare(recorded_app(samples.normal()), press=["question_mark"], terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_important_is_cut_off(size: str) -> None:
    """Word, environment, why, ages, every process, exposure, P&L, breaker and keys are there (CO1)."""
    app = recorded_app(samples.alarmed())
    async with app.run_test(size=SIZES[size]) as pilot:
        await pilot.pause(0.3)
        text = screen_text(app)
    for needed in (
        *("▼ REDUCING", "DEVNET", "trader lost while positions are open", "head", "LOST"),
        *(role.value for role in PROCESSES),
        *("47.0% of 50%", "-0.084200 ETH", "-210.50 USD", "✗ HALF_OPEN", "✗ beta", "✓ alpha", "✓ gamma"),
        *("9 unanswered", "endpoint failing", "limits.max_trade_percent", "0x9a", "-0.000312 ETH"),
        *("F10", "STOP", "^Q quit", "devnet)"),
    ):
        assert needed in text, f"{needed} is missing:\n{text}"
    assert len(text.splitlines()) == SIZES[size][1]

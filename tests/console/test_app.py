"""Every action of the console, over a real instance and the real bus."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.widgets import Button, Input

from console.actions import ACTIONS, key_text
from console.screens.by_hand import ByHand
from console.screens.help import Help
from console.screens.order import Order
from tests.console import samples
from tests.console.speaking import Speaking
from tests.console.stage import Live, recorded_app, screen_text, settle
from tests.instance import Instance
from warden.domain.modes import Mode
from warden.domain.stops import Stop
from warden.wire.messages import Arm, OperatorReply, Recover
from warden.wire.telemetry import NotifierStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

    from console.app import ConsoleApp

SIZE = (80, 24)


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home of its own, with keys and settings, no process running."""
    with Instance() as made:
        yield made


async def showing(pilot: Pilot[None], app: ConsoleApp, *texts: str) -> None:
    """Wait until all `texts` stand on the screen."""
    await settle(pilot, lambda: all(text in screen_text(app) for text in texts), f"{texts}")


async def fill(pilot: Pilot[None], order: Order, **values: str) -> None:
    """Fill in a dialog's fields."""
    for name, value in values.items():
        order.query_one(f"#{name}", Input).value = value
    await pilot.pause()


async def open_order(pilot: Pilot[None], app: ConsoleApp, key: str) -> Order:
    """Open the dialog of arm or recover."""
    await pilot.press(key)
    await settle(pilot, lambda: isinstance(app.screen, Order) and app.screen.is_mounted, "dialog")
    assert isinstance(app.screen, Order)
    return app.screen


def stop_files(instance: Instance) -> list[str]:
    """Return the names in the stop directory."""
    return [stop.stop_id for stop in instance.latch.read().stops]


@pytest.mark.parametrize("key", ["f10", "ctrl+x"])
@pytest.mark.parametrize("way", ["overview", "input", "palette", "help"])
async def test_one_press_stops_from_everywhere(instance: Instance, key: str, way: str) -> None:
    """Whatever is open and focused, one press of either key makes one stop file: STOPPED (CO2, I4)."""
    with Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            if way == "input":
                order = await open_order(pilot, live.app, "a")
                order.query_one("#reason", Input).focus()
                await pilot.press("x", "y")
            elif way == "palette":
                await pilot.press("ctrl+p")
                await pilot.pause()
                await pilot.press("q", "u")
            elif way == "help":
                await pilot.press("question_mark")
                await settle(pilot, lambda: isinstance(live.app.screen, Help), "help")
            assert stop_files(instance) == []
            await pilot.press(key)
            await settle(pilot, lambda: live.stopper.order.result is not None, "result")
            await showing(pilot, live.app, "■ STOPPED", "NOT_RUNNING in")
        stops = instance.latch.read().stops
    assert [(stop.reason, stop.operator, stop.policy) for stop in stops] == [("MANUAL", "ada", "cancel")]


async def test_the_palette_stops_too(instance: Instance) -> None:
    """The stop is an action of the palette like any other."""
    with Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await pilot.press("ctrl+p")
            await pilot.pause()
            await pilot.press(*"emergency")
            await showing(pilot, live.app, "Emergency stop")
            await pilot.press("enter")
            await settle(pilot, lambda: len(stop_files(instance)) == 1, "stop file")


async def test_pressing_again_makes_no_second_stop(instance: Instance) -> None:
    """While the first stop stands, further presses confirm the same one again."""
    with Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            for _ in range(3):
                await pilot.press("f10")
                await settle(pilot, lambda: live.stopper.order.done_ns > 0, "result")
            await settle(pilot, lambda: live.stopper.order.phase == "done", "end")
    assert len(stop_files(instance)) == 1


async def test_read_only_can_stop_and_nothing_else(instance: Instance) -> None:
    """A read-only console refuses to arm and to recover; the stop is never refused (CO4)."""
    with Live(instance, readonly=True) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await showing(pilot, live.app, "read-only")
            for key, verb in (("a", "arm"), ("r", "recover")):
                await pilot.press(key)
                await showing(pilot, live.app, f"read-only: {verb} is refused here")
                assert not isinstance(live.app.screen, Order)
            await pilot.press("f10")
            await settle(pilot, lambda: len(stop_files(instance)) == 1, "stop file")


async def test_a_stop_that_cannot_be_confirmed_says_what_to_do(instance: Instance) -> None:
    """NOT STOPPED comes with the real path and command; once mended, the next press holds (ES1, CO2)."""
    shutil.rmtree(instance.places.stop)
    with Live(instance) as live:
        async with live.app.run_test(size=(100, 30)) as pilot:
            await pilot.press("f10")
            await settle(pilot, lambda: isinstance(live.app.screen, ByHand), "instructions")
            await showing(pilot, live.app, "NOT STOPPED", f"touch {instance.places.stop}/by-hand", "kill -9")
            await pilot.press("escape")
            await showing(pilot, live.app, "✗ NOT STOPPED")
            instance.latch.create()
            await pilot.press("ctrl+x")
            await settle(pilot, lambda: len(stop_files(instance)) == 1, "stop file")
            await showing(pilot, live.app, "■ STOPPED", "NOT_RUNNING in")


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_quitting_stops_nothing(instance: Instance, key: str) -> None:
    """Leaving the console leaves the system as it is."""
    with Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await pilot.press(key)
            await pilot.pause()
        assert live.app.return_code == 0
    assert stop_files(instance) == []


async def test_arming_asks_who_why_and_for_the_phrase(instance: Instance) -> None:
    """Cancel has the focus; only operator, reason and phrase together reach the watchdog (CO4)."""
    with Speaking(instance, mode=Mode.OBSERVE_ONLY) as speaking, Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await showing(pilot, live.app, "○ OBSERVING", "not armed")
            order = await open_order(pilot, live.app, "a")
            go = order.query_one("#go", Button)
            assert live.app.focused is order.query_one("#cancel", Button)
            await fill(pilot, order, phrase="arm live", reason="a test")
            await showing(pilot, live.app, "type the phrase: arm devnet")
            assert go.disabled
            await fill(pilot, order, phrase="arm devnet", reason="")
            await showing(pilot, live.app, "what is the reason?")
            assert go.disabled
            await fill(pilot, order, reason="a test", operator="")
            await showing(pilot, live.app, "who are you?")
            assert go.disabled
            await fill(pilot, order, operator="ada")
            await settle(pilot, lambda: not go.disabled, "way to go")
            assert speaking.requests == []
            go.press()
            await settle(pilot, lambda: not isinstance(live.app.screen, Order), "answer")
            await showing(pilot, live.app, "armed by ada")
    assert speaking.requests == [Arm(operator="ada", reason="a test")]


async def test_recovering_names_the_stops_that_were_read(instance: Instance) -> None:
    """The request names the stops that stood when the dialog was opened, and no later one (I7)."""
    instance.latch.write(Stop(stop_id="first", reason="MANUAL", operator="bob"))
    with Speaking(instance) as speaking, Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await settle(pilot, lambda: live.app.picture().fresh, "fresh data")
            order = await open_order(pilot, live.app, "r")
            await showing(pilot, live.app, "first (MANUAL, bob)")
            (instance.places.stop / "second").touch()
            await fill(pilot, order, phrase="recover devnet", reason="a test", approver=" bob ")
            await settle(pilot, lambda: not order.query_one("#go", Button).disabled, "way to go")
            order.query_one("#go", Button).press()
            await settle(pilot, lambda: bool(speaking.requests), "request")
    assert speaking.requests == [
        Recover(operator="ada", reason="a test", stop_ids=("first",), approver="bob")
    ]


async def test_a_refusal_is_shown_and_the_phrase_asked_again(instance: Instance) -> None:
    """The watchdog's reason stands in the dialog until the operator types again."""
    with Speaking(instance) as speaking, Live(instance) as live:
        speaking.reply = OperatorReply(4, "the gateway has no endpoint")
        async with live.app.run_test(size=SIZE) as pilot:
            await settle(pilot, lambda: live.app.picture().fresh, "fresh data")
            order = await open_order(pilot, live.app, "a")
            await fill(pilot, order, phrase="arm devnet", reason="a test")
            await settle(pilot, lambda: not order.query_one("#go", Button).disabled, "way to go")
            order.query_one("#go", Button).press()
            await showing(pilot, live.app, "refused: the gateway has no endpoint")
            assert order.query_one("#phrase", Input).value == ""
            await fill(pilot, order, phrase="arm")
            await showing(pilot, live.app, "type the phrase: arm devnet")


async def test_data_that_goes_stale_closes_the_way(instance: Instance) -> None:
    """A dialog that was ready refuses as soon as what is behind it is stale (CO4, I10)."""
    with Speaking(instance) as speaking, Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await settle(pilot, lambda: live.app.picture().fresh, "fresh data")
            order = await open_order(pilot, live.app, "a")
            await fill(pilot, order, phrase="arm devnet", reason="a test")
            await settle(pilot, lambda: not order.query_one("#go", Button).disabled, "way to go")
            speaking.mute.set()
            await showing(pilot, live.app, "refused while data is stale")
            assert order.query_one("#go", Button).disabled
            order.query_one("#go", Button).disabled = False
            order.query_one("#go", Button).press()
            await pilot.pause(0.2)
    assert speaking.requests == []


async def test_a_stop_that_stands_closes_the_way_to_arm(instance: Instance) -> None:
    """Arming clears no stop: the dialog says what does."""
    instance.latch.write(Stop(stop_id="first"))
    with Speaking(instance), Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await settle(pilot, lambda: live.app.picture().fresh, "fresh data")
            await open_order(pilot, live.app, "a")
            await showing(pilot, live.app, "refused while a stop stands: recover clears it")


async def test_cancel_asks_nothing(instance: Instance) -> None:
    """Enter on the focused cancel, or escape, leaves without a request."""
    with Speaking(instance) as speaking, Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await settle(pilot, lambda: live.app.picture().fresh, "fresh data")
            for key in ("enter", "escape"):
                await open_order(pilot, live.app, "a")
                await pilot.press(key)
                await settle(pilot, lambda: not isinstance(live.app.screen, Order), "overview")
    assert speaking.requests == []


async def test_live_data_grows_stale_on_the_screen(instance: Instance) -> None:
    """What was TRADING turns to UNKNOWN with ages when everybody falls silent, and back (CO3)."""
    with Speaking(instance) as speaking, Live(instance) as live:
        async with live.app.run_test(size=SIZE) as pilot:
            await showing(pilot, live.app, "► TRADING", "✓ CLOSED")
            speaking.mute.set()
            await showing(pilot, live.app, "? UNKNOWN", "watchdog silent", "console←watchdog STALE")
            assert "CLOSED" not in screen_text(live.app)
            speaking.mute.clear()
            await showing(pilot, live.app, "► TRADING")


async def test_help_and_palette_name_every_action(instance: Instance) -> None:
    """One table makes help and palette: nothing is left out."""
    with Live(instance) as live:
        async with live.app.run_test(size=(120, 40)) as pilot:
            await pilot.press("question_mark")
            await showing(pilot, live.app, *(action.title for action in ACTIONS))
            await pilot.press("escape")
            await pilot.press("ctrl+p")
            titles = [action.title for action in ACTIONS if action.id != "command_palette"]
            await showing(pilot, live.app, *titles)


async def test_the_footer_names_the_stop_in_every_size(instance: Instance) -> None:
    """F10 STOP is always to be read, and nothing of the footer is cut off."""
    for width, height in ((80, 24), (120, 40), (45, 20), (60, 30)):
        with Live(instance) as live:
            async with live.app.run_test(size=(width, height)) as pilot:
                await showing(pilot, live.app, "F10", "STOP", "^Q quit")


def test_every_key_has_one_meaning() -> None:
    """No key stands for two actions, and each is written so that people know it."""
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    assert [key_text(key) for key in ("f10", "ctrl+x", "a", "question_mark")] == ["F10", "^X", "a", "?"]


async def test_foreign_text_moves_no_cursor() -> None:
    """Control characters and markup in a message are shown as text, never obeyed."""
    nasty = "\x1b[2J\x07[bold red]boo[/]\r\n\u202eevil"
    notifier = samples.notifier()
    alert = msgspec.structs.replace(notifier.recent[0], title=nasty, message=nasty)
    told = msgspec.structs.replace(notifier, recent=(alert,))
    assert isinstance(told, NotifierStatus)
    app = recorded_app(samples.snapshot((samples.watchdog(), samples.executor(), told)))
    async with app.run_test(size=(120, 40)) as pilot:
        await showing(pilot, app, "[bold red]boo[/]")
        text = screen_text(app)
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)

"""The console in a real terminal: `python -m console` as the operator runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.console.terminal import CTRL_Q, CTRL_X, F10, Terminal
from tests.faults import fault
from tests.instance import REPOSITORY, Instance, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONSOLE = [sys.executable, "-m", "console"]

# A console whose event loop hangs for ever as soon as it has drawn once.
HUNG = """
import sys, time
from pathlib import Path
from console.app import ConsoleApp
from console.start import run

draw = ConsoleApp.redraw

def hang(app):
    draw(app)
    if app._overview.is_mounted:
        Path(sys.argv[2]).touch()
        time.sleep(3600)

ConsoleApp.redraw = hang
sys.exit(run(Path(sys.argv[1])))
"""

# A console whose drawing breaks the first two times.
BREAKING = """
import sys
from pathlib import Path
from console.app import ConsoleApp
from console.start import run

draw, broken = ConsoleApp.redraw, []

def breaking(app):
    if len(broken) < 2:
        broken.append(1)
        raise ZeroDivisionError("a pane that breaks")
    draw(app)

ConsoleApp.redraw = breaking
sys.exit(run(Path(sys.argv[1])))
"""


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home of its own, with keys and settings, no process running."""
    with Instance() as made:
        yield made


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a plain terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL", "NO_COLOR"))}
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}


def terminal(command: list[str], **more: str) -> Terminal:
    """Return a terminal with `command` in it."""
    return Terminal(command, cwd=str(REPOSITORY), env=environment(**more))


def stop_is_there(instance: Instance) -> bool:
    """Tell whether a stop file stands."""
    return bool(instance.latch.read().stops)


@pytest.mark.parametrize("key", [F10, CTRL_X], ids=["f10", "ctrl-x"])
def test_one_key_stops(instance: Instance, key: bytes) -> None:
    """One press in a real terminal makes a stop file; with nothing running the level is NOT_RUNNING (CO2)."""
    with terminal([*CONSOLE, "--home", str(instance.home)]) as shown:
        wait_until(lambda: "UNKNOWN" in shown.printed, "first picture")
        shown.press(key)
        wait_until(lambda: stop_is_there(instance), "stop file")
        wait_until(lambda: "STOPPED" in shown.printed and "NOT_RUNNING" in shown.printed, "STOPPED")
        shown.press(CTRL_Q)
        assert shown.process.wait(60) == 0
    (stop,) = instance.latch.read().stops
    assert stop.reason == "MANUAL"


@fault("console-hung")
@pytest.mark.parametrize("key", [F10, CTRL_X], ids=["f10", "ctrl-x"])
def test_it_stops_while_the_screen_hangs(instance: Instance, tmp_path: Path, key: bytes) -> None:
    """The event loop never comes back, and yet the key stops: it is taken where it is read (CO2)."""
    hangs = tmp_path / "hangs"
    with terminal([sys.executable, "-c", HUNG, str(instance.home), str(hangs)]) as shown:
        wait_until(hangs.exists, "hanging event loop")
        shown.press(key)
        wait_until(lambda: stop_is_there(instance), "stop file")


@fault("console-hung")
@pytest.mark.parametrize(
    "before",
    [b"\x1b[200~a paste whose end was lost", b"\x1b[21;1:1~", b"\xff\xfe\x1b[999999999999u", b"\x1b[\x1b]"],
    ids=["paste", "colon", "garbage", "cut"],
)
@pytest.mark.parametrize("key", [F10, CTRL_X], ids=["f10", "ctrl-x"])
def test_it_stops_after_a_garbled_line(instance: Instance, before: bytes, key: bytes) -> None:
    """Whatever a bad line has left in the parser, the next press stops (CO2)."""
    with terminal([*CONSOLE, "--home", str(instance.home)]) as shown:
        wait_until(lambda: "UNKNOWN" in shown.printed, "first picture")
        shown.press(before)
        time.sleep(0.5)  # so that the key is read by itself, as one that a hand presses is
        shown.press(key)
        wait_until(lambda: stop_is_there(instance), "stop file")


@pytest.mark.parametrize(
    "key",
    [
        b"\x1b[120;5u",
        b"\x1b[120;69u",
        b"\x1b[21;129~",
        b"ab" + F10,
        b"\x1b[A" + CTRL_X,
        b"\x1b[999999999999u" + F10,
    ],
    ids=["kitty", "caps-lock", "num-lock", "after-letters", "after-an-arrow", "after-garbage"],
)
def test_the_keys_as_other_terminals_send_them(instance: Instance, key: bytes) -> None:
    """Kitty's protocol, lock keys, and a press that arrives together with others (CO2)."""
    with terminal([*CONSOLE, "--home", str(instance.home)]) as shown:
        wait_until(lambda: "UNKNOWN" in shown.printed, "first picture")
        shown.press(key)
        wait_until(lambda: stop_is_there(instance), "stop file")


def test_quitting_leaves_no_stop(instance: Instance) -> None:
    """ctrl+q ends the console with 0 and stops nothing."""
    with terminal([*CONSOLE, "--home", str(instance.home)]) as shown:
        wait_until(lambda: "UNKNOWN" in shown.printed, "first picture")
        shown.press(CTRL_Q)
        assert shown.process.wait(60) == 0
    assert not stop_is_there(instance)


def test_a_screen_that_breaks_is_begun_again(instance: Instance) -> None:
    """A fault in drawing does not take the stop's keys away; the console says that it began again."""
    with terminal([sys.executable, "-c", BREAKING, str(instance.home)]) as shown:
        wait_until(lambda: "begun again" in shown.printed, "second beginning", timeout_s=120)
        shown.press(F10)
        wait_until(lambda: stop_is_there(instance), "stop file")
        shown.press(CTRL_Q)
        assert shown.process.wait(60) == 0


def test_no_color_prints_no_color(instance: Instance) -> None:
    """With NO_COLOR set every word and sign is there, and every colour is a grey (CO3)."""
    with terminal([*CONSOLE, "--home", str(instance.home)], NO_COLOR="1", COLORTERM="truecolor") as shown:
        wait_until(lambda: "UNKNOWN" in shown.printed and "STOP" in shown.printed, "first picture")
        colours = [
            part.split("m")[0] for part in shown.printed.split("\x1b[")[1:] if "8;2;" in part.split("m")[0]
        ]
    assert colours
    for colour in colours:
        for red, green, blue in rgb_of(colour):
            assert red == green == blue


def rgb_of(sequence: str) -> list[tuple[str, str, str]]:
    """Return the true colours in one SGR sequence."""
    numbers = sequence.split(";")
    places = [
        place for place in range(len(numbers) - 1) if numbers[place : place + 2] in (["38", "2"], ["48", "2"])
    ]
    return [(numbers[place + 2], numbers[place + 3], numbers[place + 4]) for place in places]


def without_terminal(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console with no terminal at all."""
    return subprocess.run(
        [*CONSOLE, *arguments],
        cwd=REPOSITORY,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_a_terminal_it_says_what_to_use(instance: Instance) -> None:
    """In a pipe there is one line and exit code 2."""
    ran = without_terminal("--home", str(instance.home))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "the console needs a terminal; 'warden status' prints the same without one\n"


def test_a_wrong_home_is_one_line(tmp_path: Path) -> None:
    """A directory without an instance: what is wrong and the mend, exit code 2, no traceback."""
    with terminal([*CONSOLE, "--home", str(tmp_path / "nowhere")]) as shown:
        assert shown.process.wait(60) == 2
        wait_until(lambda: "warden up" in shown.printed, "one line")
    assert "there is no instance at" in shown.printed
    assert "Traceback" not in shown.printed


def test_it_loads_little() -> None:
    """Neither pydantic nor web3 nor SQLite nor aiohttp stand between the command and the first picture."""
    heavy = ["pydantic", "web3", "apsw", "aiohttp", "eth_account", "multiprocess", "loguru"]
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys, console.start; print([m for m in {heavy} if m in sys.modules])"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ran.stdout == "[]\n"

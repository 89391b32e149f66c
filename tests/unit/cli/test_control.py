"""The commands that ask the watchdog: their words; the answers are shown in tests/process/test_control.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.cli.app import run_app
from warden.cli.freeze import process_called
from warden.domain.errors import ConfigurationInvalid, NotRunning
from warden.domain.roles import Role

if TYPE_CHECKING:
    from pathlib import Path

_WHO = ("--operator", "ann", "--reason", "a test")
_COMMANDS = (
    ("arm",),
    ("recover",),
    ("mode", "OBSERVE_ONLY"),
    ("freeze",),
    ("thaw", "trader"),
    ("clear-incident", "--stop", "s1"),
)


@pytest.mark.parametrize("words", _COMMANDS, ids=lambda words: words[0])
def test_each_asks_for_a_name_and_a_reason(words: tuple[str, ...], tmp_path: Path) -> None:
    """I7, CO4: an empty word is wrong usage before anybody is asked, a missing one too."""
    home = ("--home", str(tmp_path))
    for who in (("--operator", " ", "--reason", "x"), ("--operator", "ann", "--reason", "")):
        with pytest.raises(ConfigurationInvalid, match="it goes into the journal"):
            run_app([*words, *who, *home])
    assert run_app([*words, "--operator", "ann", *home]) == 2


@pytest.mark.parametrize("words", _COMMANDS, ids=lambda words: words[0])
def test_each_says_that_nothing_runs(words: tuple[str, ...], tmp_path: Path) -> None:
    """OP1: exit code 3 at once, not a wait for a watchdog that nobody starts."""
    with pytest.raises(NotRunning, match="nothing runs"):
        run_app([*words, *_WHO, "--home", str(tmp_path)])


def test_processes_are_named_as_on_the_screen() -> None:
    """One clear line for a name that is none; who may be frozen is the watchdog's to say."""
    assert process_called("Trader") is Role.TRADER
    assert process_called("executor") is Role.EXECUTOR
    for name in ("", "operator", "tradr"):
        with pytest.raises(ConfigurationInvalid, match="no such process"):
            process_called(name)

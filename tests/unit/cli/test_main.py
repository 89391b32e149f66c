"""Errors become one line and an exit code."""

from __future__ import annotations

import pytest

from warden.cli.main import guarded
from warden.domain.errors import ConfigurationInvalid, NotRunning, RefusedForSafety, WardenError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WardenError("it failed"), 1),
        (ConfigurationInvalid("it failed"), 2),
        (NotRunning("it failed"), 3),
        (RefusedForSafety("it failed"), 4),
    ],
)
def test_an_error_says_itself_and_its_code(
    error: WardenError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """DESIGN §11: the exit code is the error's own, and its text the one line."""

    def command() -> int:
        raise error

    assert guarded(command) == code
    assert capsys.readouterr() == ("", "warden: it failed\n")


def test_what_nobody_foresaw_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault of our own is said in one line with its place, never a traceback."""

    def command() -> int:
        raise KeyError("first\nsecond")

    assert guarded(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "KeyError" in err
    assert "test_main.py:" in err


def test_an_interrupted_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is one word, not a traceback."""

    def command() -> int:
        raise KeyboardInterrupt

    assert guarded(command) == 130
    assert capsys.readouterr().err == "warden: interrupted\n"

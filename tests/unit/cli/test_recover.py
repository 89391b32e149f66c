"""`warden recover --reset`: stops first, then baselines; what failed can be repeated (ES5)."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import Instance
from tests.unit.operator.answers import answering
from warden.cli import request
from warden.cli.app import run_app
from warden.cli.running import Running
from warden.domain.errors import NotRunning
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.addresses import CONTROL
from warden.wire.codec import encode
from warden.wire.messages import OperatorReply
from warden.wire.orders import ResetBaselines

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO = ("--operator", "ann", "--reason", "it is mended")
ANEW = ResetBaselines("ann", "it is mended")


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """A home whose ends of the bus are served by the test: seen from /proc nothing would run."""
    with Instance() as made:
        monkeypatch.setattr(request, "running", lambda _home: [Running(1, "executor", ())])
        yield made


@contextmanager
def watchdog(instance: Instance, reply: OperatorReply) -> Iterator[None]:
    """Serve the watchdog's end: each request is answered with `reply`."""
    done = threading.Event()

    def serve() -> None:
        with instance.bus(Role.WATCHDOG) as bus:
            server = bus.serve(CONTROL)
            while not done.wait(0.01):
                incoming = server.receive()
                if incoming is not None:
                    server.send(incoming.identity, encode(reply))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def recover(instance: Instance, *words: str) -> int:
    """Run the command."""
    return run_app(["recover", *WHO, *words, "--home", str(instance.home)])


def test_recovered_and_begun_anew(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    """ES5: with --reset the executor is asked once the watchdog has recovered; one answer of both."""
    (instance.places.stop / "s1").touch()
    with (
        watchdog(instance, OperatorReply(0, "armed", int(Mode.AGGRESSIVE))),
        answering(instance, OperatorReply(0, "baselines begin anew")) as taken,
    ):
        assert recover(instance, "--json") == 0
        assert taken == []
        capsys.readouterr()
        assert recover(instance, "--reset", "--json") == 0
    assert taken == [ANEW]
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told == {"exit_code": 0, "message": "armed; baselines begin anew", "mode": "AGGRESSIVE"}


def test_a_reset_that_fails_says_how_to_repeat_it(
    instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    """ES5: recovered all the same; exit code 1, one line, and the command that repeats what failed."""
    (instance.places.stop / "s1").touch()
    with (
        watchdog(instance, OperatorReply(0, "armed", int(Mode.AGGRESSIVE))),
        answering(instance, OperatorReply(4, "the books are not open yet")),
    ):
        assert recover(instance, "--reset") == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    again = f"warden recover --reset --operator ann --reason 'it is mended' --home {instance.home}"
    assert "armed; but streaks and baselines were NOT reset: the books are not open yet" in err
    assert err.endswith(f"repeat with: {again}\n")


def test_what_is_not_recovered_is_not_reset(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    """I7: a refusal of the watchdog ends it; nothing is asked of the executor."""
    (instance.places.stop / "s1").touch()
    with (
        watchdog(instance, OperatorReply(4, "the trader is silent")),
        answering(instance, OperatorReply(0, "anew")) as taken,
    ):
        assert recover(instance, "--reset") == 4
    assert taken == []
    assert capsys.readouterr().err == "warden: the trader is silent\n"


def test_repeated_where_no_stop_stands(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    """ES5, ES2: the reset alone, so that it can be repeated, of watchdog and executor."""
    with (
        watchdog(instance, OperatorReply(0, "measured from now on", int(Mode.AGGRESSIVE))),
        answering(instance, OperatorReply(0, "baselines begin anew")) as taken,
    ):
        assert recover(instance, "--reset") == 0
    assert taken == [ANEW]
    assert capsys.readouterr().out == "measured from now on; baselines begin anew\n"


def test_a_lost_stop_directory_is_not_a_clear_one(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read counts as stopped: the watchdog is asked, and nothing is reset without it."""
    instance.places.stop.rename(instance.home / "gone")
    monkeypatch.setattr(request, "running", lambda _home: [])
    with pytest.raises(NotRunning):
        recover(instance, "--reset")

"""`warden why`: its words with everything dead, and a trade's life out of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.instance import Instance
from tests.unit.operator.trades import intent, leg, refused, swap, write
from warden.cli.app import run_app
from warden.cli.why import Told, text_of
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.operator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home() -> Iterator[Path]:
    """An instance in which nothing runs, and whose executor has traded."""
    with Instance() as made:
        write(made.places.journal(Role.EXECUTOR), (refused(5), swap(1), leg(1, "known\x1b[2J")))
        yield made.home


def test_with_everything_dead_it_says_what_it_can(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OP1a: the stop that stands, who is silent, and the last refusals out of the journal; exit code 3."""
    (home / "stop" / "by-hand").touch()
    assert run_app(["why", "--home", str(home)]) == 3
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "nothing new is traded now:"
    assert lines[1].startswith("1. stop: by-hand: ")
    assert lines[2].startswith("2. mode: the watchdog was never heard")
    assert lines[3].startswith("3. gate: the executor was never heard")
    assert "last refused of Triangular at " in lines[-1]
    assert "observed 12 ETH, setting limits.max_trade_eth" in lines[-1]
    assert err == f"warden: {home}: nothing runs; start it with 'warden up'\n"


def test_for_scripts_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OP1: the same as one object."""
    assert run_app(["why", "--json", "--home", str(home)]) == 3
    told = msgspec.json.decode(capsys.readouterr().out)
    assert [each["what"] for each in told["reasons"]] == ["mode", "gate", "data", "strategy"]
    assert told["refusals"][0]["decision"]["setting"] == "limits.max_trade_eth"
    assert (told["otherwise"], told["unknown"]) == ("", [])


def test_a_trade_is_told_without_the_executor(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OP1a: by the beginning of its id; an endpoint's words move no cursor."""
    assert run_app(["why", intent(1)[:6], "--home", str(home)]) == 0
    out = capsys.readouterr().out
    assert "signed swap 0x" in out
    assert "sent to alpha: accepted, known?[2J" in out
    assert run_app(["why", intent(1)[:6], "--json", "--home", str(home)]) == 0
    (trade,) = msgspec.json.decode(capsys.readouterr().out)["trades"]
    assert trade["intent_ids"] == [intent(1)]


def test_a_trade_that_nobody_knows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 with one line; what can be no id is wrong usage, and so is a home without a journal."""
    assert run_app(["why", "ffffff", "--home", str(home)]) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    with pytest.raises(ConfigurationInvalid, match="can be no intent's"):
        run_app(["why", "fff", "--home", str(home)])
    (home / "state" / "executor.db").unlink()
    with pytest.raises(ConfigurationInvalid, match="there is no journal"):
        run_app(["why", "ffffff", "--home", str(home)])


def test_reasons_are_numbered_and_no_edge_is_one_line() -> None:
    """OP1a: worst first, or how things stand otherwise."""
    two = Told(reasons=(Reason("stop", "s1"), Reason("data", "old")), otherwise="", refusals=())
    assert list(text_of(two)) == ["nothing new is traded now:", "1. stop: s1", "2. data: old"]
    assert list(text_of(Told(reasons=(), otherwise="no edge", refusals=()))) == ["no edge"]


def test_what_nothing_protects_is_said_whether_anything_is_in_the_way_or_not() -> None:
    """SL1, OP1a: it blocks nothing, so it has no number and does not say that nothing is traded."""
    bare = (Reason("position", "p1 of dip is UNPROTECTED: no reserves", "runbook manual-intervention"),)
    line = "position: p1 of dip is UNPROTECTED: no reserves; runbook manual-intervention"
    quiet = Told(reasons=(), otherwise="no edge", refusals=(), positions=bare)
    assert list(text_of(quiet)) == ["no edge", line]
    stopped = Told(reasons=(Reason("stop", "s1"),), otherwise="", refusals=(), positions=bare)
    assert list(text_of(stopped)) == ["nothing new is traded now:", "1. stop: s1", line]

"""`warden up` with two strategies under a real supervisord, and the commands that name one of them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import new_home, warden
from warden.cli.running import alive, running, send

if TYPE_CHECKING:
    from pathlib import Path

TOML = DEVNET_TOML + '[[strategies]]\nname = "arb"\n[[strategies]]\nname = "mom"\n'
WHO = ("--operator", "ann", "--reason", "a test")

pytestmark = pytest.mark.timeout(600)


def states(home: Path) -> dict[str, str]:
    """Return the traders' states by name, as `warden status --json` has them."""
    told: dict[str, Any] = msgspec.json.decode(warden("status", "--json", "--home", str(home)).out)
    return {each["name"]: each["state"] for each in told["processes"] if each["name"].startswith("trader")}


def test_each_strategy_is_a_program_that_is_named_killed_and_frozen_alone() -> None:
    """PL5, OP1: a killed one comes back by itself, a frozen one is named, and all end in order."""
    with new_home(TOML) as home:
        where = ("--home", str(home))
        started = warden("up", *where)
        assert (started.code, "9 of 9 processes ready" in started.out) == (0, True), started
        assert states(home) == {"trader-arb": "ready", "trader-mom": "ready"}
        (arb,) = [each for each in running(home) if each.name == "trader-arb"]
        send(arb, signal.SIGKILL)
        wait_until(lambda: not alive(arb), "the end of trader-arb")
        wait_until(lambda: states(home) == {"trader-arb": "ready", "trader-mom": "ready"}, "a new trader-arb")
        assert warden("freeze", *WHO, *where).code == 4
        assert warden("freeze", "sap", *WHO, *where).code == 2
        frozen = warden("freeze", "mom", *WHO, *where)
        assert (frozen.code, "trader-mom frozen" in frozen.out) == (0, True), frozen
        assert states(home) == {"trader-arb": "ready", "trader-mom": "FROZEN"}
        why = warden("why", "--strategy", "mom", *where)
        assert "strategy: trader-mom is FROZEN" in why.out
        assert "trader-mom" not in warden("why", "--strategy", "arb", *where).out
        unknown = warden("why", "--strategy", "sap", *where)
        assert (unknown.code, "there is arb, mom" in unknown.err) == (2, True)
        assert warden("thaw", "mom", *WHO, *where).code == 0
        assert warden("arm", *WHO, *where).code == 0
        ended = warden("down", *where)
        assert (ended.code, "by force" in ended.out) == (0, False), ended
        assert running(home) == []

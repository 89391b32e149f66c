"""`warden config` as a person runs it: beside running processes too."""

from __future__ import annotations

import json

from tests.instance import DEVNET_TOML, Instance, wait_until
from tests.process.cli_runs import new_home, one_line, warden
from warden.cli.running import running
from warden.domain.roles import Role


def test_a_change_that_nobody_runs_with_is_told() -> None:
    """OP3: what is in force is what the processes were started with; a later change is named."""
    with Instance() as instance:
        home = str(instance.home)
        assert warden("config", "show", "--home", home).err == ""
        instance.start(Role.API)
        wait_until(lambda: bool(running(instance.home)), "process to be seen")
        assert warden("config", "show", "--home", home).err == ""
        instance.config.write_text(DEVNET_TOML + "[limits]\nmax_trade_eth = 3\n", encoding="utf-8")
        done = warden("config", "show", "--home", home, "--section", "limits", "--json")
        assert (done.code, json.loads(done.out)["pending"]) == (0, ["limits.max_trade_eth"])
        done = warden("--home", home, "config", "show")
        assert done.code == 0
        assert done.err.startswith("warden: limits.max_trade_eth was changed: the processes run with")
        assert len(done.err.splitlines()) == 1
        assert warden("config", "show", "--home", home, "--section", "breaker").err == ""


def test_bad_configurations_are_one_line() -> None:
    """OP3: exit code 2 from `config show`, as from `up`; wrong words too."""
    with new_home(DEVNET_TOML + "[drawdown]\nhalt_percent = 20\n") as home:
        for words in (("config", "show"), ("up",)):
            done = warden(*words, "--home", str(home))
            assert done.code == 2
            one_line(
                done, "warden.toml:7", "drawdown.halt_percent 20 must be below emergency.drawdown_percent"
            )
        done = warden("config", "show", "--home", str(home), CIRCUIT_BREAKER_ENABLED="perhaps")
        assert done.code == 2
        one_line(done, "CIRCUIT_BREAKER_ENABLED", "use true or false")
        for rest in ((), ("shown",), ("show", "--section")):
            done = warden("config", *rest, cwd=home)
            assert done.code == 2
            one_line(done, "--help")

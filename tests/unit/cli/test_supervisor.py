"""What supervisord is given: its configuration file, read by its own parser, and the environment."""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING

import pytest
from supervisor.options import ServerOptions

from warden.cli import supervisor
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import PROCESSES, Role
from warden.runtime.places import places
from warden.runtime.settings import NamedStrategySettings, Settings
from warden.runtime.settings_strategies import traders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", list(Environment))
def test_one_configuration_serves_every_environment(
    kind: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Supervisord reads it for devnet, paper and live; the devnet is started in its own only."""
    where = places(tmp_path)
    where.logs.mkdir()
    where.run.mkdir()
    for name, value in supervisor.environment(where, kind).items():
        monkeypatch.setenv(name, value)
    options = ServerOptions()
    options.realize(["--nodaemon", "--configuration", str(supervisor.CONFIG)])
    programs = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert set(programs) == {role.value for role in PROCESSES}
    assert programs[Role.DEVNET].autostart is (kind is Environment.DEVNET)
    assert all(each.autostart for name, each in programs.items() if name != Role.DEVNET)
    order = sorted(programs, key=lambda name: programs[name].priority)
    assert order == ["watchdog", "logger", "devnet", "gateway", "executor", "notifier", "api", "trader"]
    final = {name: set(each.exitcodes) for name, each in programs.items()}
    assert final.pop(Role.TRADER) == {2}
    assert all(each == {0, 2} for each in final.values())
    assert options.configroot.supervisord.server_configs[0]["file"] == str(where.supervisor_socket)
    assert options.configroot.supervisord.server_configs[0]["chmod"] == 0o700


def test_every_program_differs_only_in_its_name() -> None:
    """No business logic: all are alike beside name, order, the devnet's start, final codes, time to end."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read(supervisor.CONFIG)
    own = {"priority", "autostart", "exitcodes", "stopwaitsecs"}
    alike = set()
    for section in parser.sections():
        if section.startswith("program:"):
            name = section.removeprefix("program:")
            alike.add(
                tuple(
                    (key, value.replace(name, "NAME"))
                    for key, value in parser.items(section)
                    if key not in own
                )
            )
    assert len(alike) == 1


def test_the_environment_holds_nothing_of_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not needed is not passed on: neither secrets nor settings, which the frozen copy rules."""
    monkeypatch.setenv("OPERATORS_TOKEN", "secret")
    monkeypatch.setenv("WARDEN_LIMITS__MAX_TRADE_ETH", "1")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    monkeypatch.setenv("PATH", "/usr/bin")
    given = supervisor.environment(places(tmp_path), Environment.PAPER)
    assert not {"OPERATORS_TOKEN", "WARDEN_LIMITS__MAX_TRADE_ETH", "HTTPS_PROXY"} & given.keys()
    assert given["PATH"] == "/usr/bin"


def test_a_path_over_two_lines_is_refused(tmp_path: Path) -> None:
    """A line end in a path would make two lines of every message and configuration."""
    with pytest.raises(ConfigurationInvalid, match="line end"):
        supervisor.check_paths(places(tmp_path / "one\ntwo"))


def test_several_strategies_have_a_program_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PL5: made from [program:trader], alike in all but the name; the only trader is not started then."""
    where = places(tmp_path)
    where.logs.mkdir()
    where.run.mkdir()
    named = tuple(NamedStrategySettings(name=name) for name in ("arb", "mom"))
    settings = Settings(strategies=named)
    supervisor.write_traders(where, settings)
    for name, value in supervisor.environment(where, Environment.PAPER, traders(settings)).items():
        monkeypatch.setenv(name, value)
    options = ServerOptions()
    options.realize(["--nodaemon", "--configuration", str(supervisor.CONFIG)])
    programs = {group.name: group.process_configs[0] for group in options.process_group_configs}
    assert set(programs) == {*PROCESSES, "trader-arb", "trader-mom"}
    started = [name for name, each in programs.items() if name.startswith("trader") and each.autostart]
    assert started == ["trader-arb", "trader-mom"]
    for name in started:
        only, each = programs[Role.TRADER], programs[name]
        assert each.command == only.command.replace(
            '--home "$WARDEN_HOME"', f'--home "$WARDEN_HOME" --strategy {name.removeprefix("trader-")}'
        ).replace("trader.early", f"{name}.early")
        own = {"name", "command", "autostart", "options"}
        alike = [{key: told for key, told in vars(one).items() if key not in own} for one in (only, each)]
        assert alike[0] == alike[1]
    supervisor.write_traders(where, Settings())
    assert "\n[" not in where.traders_config.read_text(encoding="utf-8")

"""The demo's own instance."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from warden.cli.demo_instance import configuration, make_instance, only_demo
from warden.domain.errors import ConfigurationInvalid
from warden.runtime import settings_load

if TYPE_CHECKING:
    from pathlib import Path


def test_the_configuration_is_the_devnets_with_free_ports(tmp_path: Path) -> None:
    """The demo's file is one that Warden reads: devnet, ports picked, logs where they were asked for."""
    logs = tmp_path / 'lo"gs \\ %'
    home = make_instance(None, tmp_path / "demo", logs)
    settings = settings_load.load(home / "warden.toml")
    assert (settings.environment, settings.gateway.port, settings.api.port) == ("devnet", 0, 0)
    assert settings.logs_dir == logs


def test_the_fork_url_passes_on(tmp_path: Path) -> None:
    """--fork-url reaches the devnet's settings as it is."""
    url = 'https://node.example/"key"'
    assert tomllib.loads(configuration(url, tmp_path))["devnet"] == {"fork_url": url}


def test_the_demo_before_is_kept_once(tmp_path: Path) -> None:
    """A new demo puts the last one beside itself, in the place of the one before that."""
    at = tmp_path / "demo"
    for number in range(3):
        make_instance(None, at, tmp_path / "logs")
        (at / f"number-{number}").touch()
    assert [path.name for path in at.glob("number-*")] == ["number-2"]
    assert [path.name for path in (tmp_path / "demo.last").glob("number-*")] == ["number-1"]


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """A second demo of the same place is refused with the pid of the first; after it one may run again."""
    at = tmp_path / "demo"
    with only_demo(at), pytest.raises(ConfigurationInvalid, match=r"running already, pid \d+"), only_demo(at):
        raise AssertionError("two demos at once")
    with only_demo(at):
        assert (tmp_path / "demo.lock").is_file()

"""Which instance a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.cli.home import find_home
from warden.domain.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty directory with no WARDEN_HOME set."""
    monkeypatch.delenv("WARDEN_HOME", raising=False)
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def instance(at: Path) -> Path:
    """Make a directory that holds a configuration."""
    at.mkdir()
    (at / "warden.toml").touch()
    return at


def test_the_option_comes_first(elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--home wins over the variable, which wins over the directory at hand and over the demo."""
    named, said, demo = (instance(tmp_path / name) for name in ("named", "said", "demo"))
    assert find_home(None, demo=demo) == demo
    (elsewhere / "warden.toml").touch()
    assert find_home(None, demo=demo) == elsewhere
    monkeypatch.setenv("WARDEN_HOME", str(said))
    assert find_home(None, demo=demo) == said
    assert find_home(named, demo=demo) == named


def test_links_are_resolved(elsewhere: Path, tmp_path: Path) -> None:
    """One instance has one name, whatever link leads to it: processes are found by it."""
    named = instance(tmp_path / "named")
    (elsewhere / "link").symlink_to(named)
    assert find_home(elsewhere / "link") == named


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_named_home_must_be_a_directory(elsewhere: Path, name: str) -> None:
    """What was named and is not there is refused: nothing else is taken instead."""
    (elsewhere / "warden.toml").touch()
    (elsewhere / "file").touch()
    with pytest.raises(ConfigurationInvalid, match=name):
        find_home(elsewhere / name)


def test_without_any_instance_it_is_said(elsewhere: Path) -> None:
    """Nothing is guessed where nothing says which instance."""
    with pytest.raises(ConfigurationInvalid, match="which Warden"):
        find_home(None, demo=elsewhere / "no-demo")
    with pytest.raises(ConfigurationInvalid, match="which Warden"):
        find_home(None, demo=None)

"""Where an instance keeps its things."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role
from warden.runtime.places import Places, create, places
from warden.wire.addresses import CHANNELS, socket_path

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a path so short that no link is needed for sockets."""
    with tempfile.TemporaryDirectory(prefix="warden-places-") as directory:
        yield Path(directory)


def test_naming_places_makes_nothing(tmp_path: Path) -> None:
    """Who only looks leaves no trace."""
    where = places(tmp_path / "home")
    assert where.settings == tmp_path / "home/state/settings.json"
    assert where.journal(Role.EXECUTOR) == tmp_path / "home/state/executor.db"
    assert list(tmp_path.iterdir()) == []


def test_what_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    """Keys, sockets and state are for nobody else (DESIGN §5)."""
    home = Path("/tmp") / f"warden-places-{os.getpid()}"  # noqa: S108 - short, so that no link is needed
    try:
        where = create(home)
        assert create(home) == where == places(home)
        for directory in (
            home,
            where.run,
            where.keys,
            where.state,
            *(where.role(role) for role in PROCESSES),
        ):
            assert directory.stat().st_mode & 0o777 == 0o700, directory
        assert not where.stop.exists()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert list(tmp_path.iterdir()) == []


def test_a_home_with_a_long_path_works_all_the_same(tmp_path: Path) -> None:
    """Sockets then stand in a short directory of the same owner, and every address fits."""
    home = tmp_path / ("long" * 40)
    where = create(home)
    try:
        assert (home / "run").is_symlink()
        assert where.run == (home / "run").resolve()
        for channel in CHANNELS:
            socket_path(where.run, channel)
        assert create(home) == where
        assert create(tmp_path / ("Long" * 40)).run != where.run
    finally:
        shutil.rmtree(where.run)
        shutil.rmtree(places(tmp_path / ("Long" * 40)).run, ignore_errors=True)


def test_directories_elsewhere_are_linked(tmp_path: Path) -> None:
    """`run_dir` and `logs_dir` of the configuration; a changed one moves the link."""
    home = tmp_path / "home"
    first = create(home, run_dir=tmp_path / "r1", logs_dir=tmp_path / "logs")
    assert (first.run, first.logs) == (tmp_path / "r1", tmp_path / "logs")
    second = create(home, run_dir=tmp_path / "r2", logs_dir=tmp_path / "logs")
    assert (second.run, places(home).run) == (tmp_path / "r2", tmp_path / "r2")
    assert second.url_file(Role.GATEWAY) == tmp_path / "r2/gateway/url"


@pytest.mark.parametrize("name", ["home", "home/run", "home/keys", "home/state"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_in_the_way_is_one_line(short: Path, name: str, *, linked: bool) -> None:
    """Named, with the mend; nothing is removed, also where a link is wanted."""
    path = short / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(ConfigurationInvalid, match="choose another --home") as caught:
        create(short / "home", run_dir=short / "run" if linked else None)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.is_file()


def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    """Sockets in a directory of somebody else's could be his."""
    if os.geteuid() == 0:
        (tmp_path / "foreign").mkdir()
        os.chown(tmp_path / "foreign", 65_534, 65_534)
        target = tmp_path / "foreign"
    else:
        target = Path("/usr")
    with pytest.raises(ConfigurationInvalid, match="another user"):
        create(tmp_path / "home", run_dir=target)


def test_places_are_values() -> None:
    """Frozen and comparable."""
    assert places(Path("/x")) == places(Path("/x"))
    assert isinstance(places(Path("relative")), Places)
    assert places(Path("relative")).home.is_absolute()

"""Who runs in a home, told from command lines; on real processes in tests/process."""

from __future__ import annotations

from pathlib import Path

import pytest

from warden.cli.running import SUPERVISORD, _name, identifier

HOME = Path("/srv/one")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("python", "-P", "-m", "warden.executor", "--home", "/srv/one"), "executor"),
        (("python", "-m", "warden.devnet", "--home", "/srv/one", "--more"), "devnet"),
        (("python", "-m", "supervisor.supervisord", "--identifier", identifier(HOME)), SUPERVISORD),
        (("python", "-m", "warden.executor", "--home", "/srv/one-more"), None),
        (("python", "-m", "warden.executor", "--home"), None),
        (("python", "-m", "warden.executor"), None),
        (("python", "-m", "warden.cli", "status", "--home", "/srv/one"), None),
        (("python", "-m", "warden.cli.demo", "--home", "/srv/one"), None),
        (("python", "-m", "supervisor.supervisord", "--identifier", "warden:/srv/one-more"), None),
        (("vi", "warden.executor", "--home", "/srv/one"), None),
        (("python", "-m"), None),
        ((), None),
    ],
)
def test_only_processes_of_this_home_are_ours(command: tuple[str, ...], name: str | None) -> None:
    """A process is ours by its module and its exact home; commands, editors and other homes never are."""
    assert _name(command, HOME) == name

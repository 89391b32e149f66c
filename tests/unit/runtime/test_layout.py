"""The table of an installed home: who may what, without making anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.architecture.source import ROOT
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role, processes
from warden.runtime import layout
from warden.runtime.layout import (
    OPERATORS,
    Entry,
    clients_of,
    deviation,
    door_of,
    entries,
    groups,
    is_traders,
    operators_groups,
    user_of,
)
from warden.runtime.places import INSTALLED_MARK, Places, create, places
from warden.wire.addresses import CHANNELS

if TYPE_CHECKING:
    from pathlib import Path

TRADER = user_of(Role.TRADER)


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The places of a home that says that it is installed."""
    (tmp_path / INSTALLED_MARK).touch()
    return places(tmp_path)


def by_path(where: Places) -> dict[str, Entry]:
    """Return the table by path below the home."""
    secrets = (where.keys / "wallet.json", where.keys / "wallet.password")
    return {str(each.path.relative_to(where.home)): each for each in entries(where, secrets)}


def test_every_client_may_enter_its_servers_directory() -> None:
    """The groups follow from the one table of channels (DESIGN: Users)."""
    for channel in CHANNELS:
        assert channel.clients - {channel.server} <= clients_of(channel.server)
        programs = {user_of(role) for role in channel.clients if role is not Role.OPERATOR}
        assert programs <= groups()[door_of(channel.server)]


def test_the_trader_is_in_no_group_but_those_of_its_channels() -> None:
    """I8: it may enter the executor's and watchdog's doors, the gateway's and the devnet's; no operator's."""
    mine = {name for name, members in groups().items() if TRADER in members}
    doors = (Role.TRADER, Role.EXECUTOR, Role.WATCHDOG, Role.GATEWAY, Role.DEVNET)
    assert mine == {door_of(role) for role in doors}


def test_only_the_watchdog_is_with_the_operators() -> None:
    """I7: who holds the key cannot have itself armed; a person is in every group that commands need."""
    assert groups()[OPERATORS] == {user_of(Role.WATCHDOG)}
    assert set(operators_groups()) == {OPERATORS, *(door_of(role) for role in PROCESSES)}


def test_the_trader_may_write_nothing_but_its_own(where: Places) -> None:
    """I8: by owner, by group and by others' bits."""
    mine = {name for name, members in groups().items() if TRADER in members} | {TRADER}
    writable = {
        name
        for name, each in by_path(where).items()
        if (each.owner == TRADER and each.mode & 0o200)
        or (each.group in mine and each.mode & 0o020)
        or each.mode & 0o002
    }
    assert writable == {"run/trader", "state/trader", "logs/trader"}


def test_keys_are_their_owners_alone(where: Places) -> None:
    """I8: no secret, keystore or password is readable by another program."""
    table = by_path(where)
    for role in PROCESSES:
        secret = table[f"keys/{role}.secret"]
        assert (secret.owner, secret.group, secret.mode) == (user_of(role), "root", 0o400)
    for name in ("keys/wallet.json", "keys/wallet.password"):
        assert (table[name].owner, table[name].group, table[name].mode) == ("warden-executor", "root", 0o400)
    assert (table["keys/operator.secret"].group, table["keys/operator.secret"].mode) == (OPERATORS, 0o640)


def test_each_of_several_traders_has_a_user_that_reaches_no_other_trader(where: Places) -> None:
    """I8, PL5: no key, run directory, state, log or settings of another strategy's, not even to read."""
    names = processes(("trader-arb", "trader-mom"))
    arb = user_of("trader-arb")
    mine = {name for name, members in groups(names).items() if arb in members} | {arb}
    servers = (Role.EXECUTOR, Role.WATCHDOG, Role.GATEWAY, Role.DEVNET)
    assert mine == {arb, *map(door_of, servers)}
    assert TRADER not in set().union(*groups(names).values())
    told = [each for each in entries(where, (), names) if "trader-mom" in str(each.path)]
    others = [each for each in told if each.mode & 0o004 == 0]
    assert len(others) == 5
    for each in others:
        assert each.owner != arb
        assert each.group not in mine
    assert is_traders(arb)
    assert is_traders(TRADER)
    assert not is_traders(user_of(Role.EXECUTOR))


def test_what_is_not_as_the_table_says_is_one_line_each(where: Places) -> None:
    """I8: missing, of another kind, another's, open to others."""
    directory = Entry(where.home / "d", "nobody", "root", 0o750, directory=True)
    assert deviation(directory) == "is missing"
    (where.home / "d").touch()
    assert deviation(directory) == "is no directory"
    assert deviation(Entry(where.home / "later", "root", "root", 0o600, directory=False, made=False)) == ""
    file = Entry(where.home / "f", "nobody", "root", 0o400, directory=False)
    (where.home / "f").touch(mode=0o666)
    (where.home / "f").chmod(0o666)
    assert "owner is" in deviation(file)
    assert deviation(file).endswith("mode is 0666, must be 0400")
    (where.home / "link").symlink_to(where.home / "f")
    assert deviation(Entry(where.home / "link", "root", "root", 0o600, directory=False)) == "is no file"


def test_missing_users_are_told_first(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without users no right can be right."""

    def nobody(name: str) -> NoReturn:
        raise KeyError(name)

    monkeypatch.setattr("pwd.getpwnam", nobody)
    assert f"user {TRADER} does not exist" in layout.check(where)
    with pytest.raises(ConfigurationInvalid, match="run scripts/install"):
        layout.apply(where)


def test_an_installed_home_is_left_as_it_was_laid_out(where: Places) -> None:
    """`warden up` makes no directory of an installed home, and takes none from the settings."""
    assert create(where.home) == where
    assert os.listdir(where.home) == [INSTALLED_MARK]  # noqa: PTH208 - bare names
    with pytest.raises(ConfigurationInvalid, match="run_dir"):
        create(where.home, run_dir=where.home / "elsewhere")


def test_each_role_sees_its_own_directories(where: Places) -> None:
    """Logs, state and settings are a role's own; the journal of another is found all the same."""
    seen = places(where.home, Role.TRADER)
    assert seen.state == where.home / "state" / "trader"
    assert seen.logs == where.home / "logs" / "trader"
    assert seen.settings == where.home / "settings" / "trader.json"
    assert seen.journal(Role.EXECUTOR) == where.journal(Role.EXECUTOR)
    assert where.journal(Role.EXECUTOR) == where.home / "state" / "executor" / "executor.db"


def test_the_page_shows_the_table(where: Places) -> None:
    """docs/install.md names every directory of the table with its mode, the roles' as `<role>`."""
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    rows = {row[1]: row[4] for row in cells if len(row) == 7}
    for name, entry in by_path(where).items():
        if entry.directory and name not in {".", "run", "keys", "settings", "state", "logs"}:
            place, _, role = name.partition("/")
            shown = f"`{place}/<role>/`" if role in set(PROCESSES) else f"`{name}/`"
            assert rows[shown] == f"{entry.mode:04o}", name

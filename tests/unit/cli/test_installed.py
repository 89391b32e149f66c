"""An installed instance, as far as it can be told without users: the configuration, who may start."""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING

import pytest

from warden.cli.installed import _write_config, require_root
from warden.cli.ready import last_words
from warden.cli.supervisor import CONFIG, config
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role
from warden.runtime.layout import OPERATORS, user_of
from warden.runtime.places import INSTALLED_MARK, Places, places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The places of a home that says that it is installed."""
    (tmp_path / INSTALLED_MARK).touch()
    (tmp_path / "settings").mkdir()
    return places(tmp_path)


def parsed(path: Path) -> configparser.RawConfigParser:
    """Return a supervisord configuration as it is written."""
    parser = configparser.RawConfigParser()
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def test_the_configuration_with_users_is_the_other_one_and_users(where: Places) -> None:
    """I8: each program its user and its own log directory; nothing else but who may ask supervisord."""
    _write_config(where)
    plain, derived = parsed(CONFIG), parsed(config(where.home))
    assert plain.sections() == derived.sections()
    for role in PROCESSES:
        section = dict(derived[f"program:{role.value}"])
        assert section.pop("user") == user_of(role)
        assert section.pop("umask") == "027"
        assert f'WARDEN_LOGS="%(ENV_WARDEN_LOGS)s/{role.value}"' in section.pop("environment")
        assert section == dict(plain[f"program:{role.value}"])
    assert derived["supervisord"]["user"] == "root"
    socket = derived["unix_http_server"]
    assert (socket["chmod"], socket["chown"]) == ("0770", f"root:{OPERATORS}")


def test_one_user_keeps_the_configuration_of_the_clone(tmp_path: Path) -> None:
    """What is not installed is started as ever, by whom it belongs to."""
    assert config(tmp_path) == CONFIG
    require_root(tmp_path, "start")


def test_only_root_may_start_an_installed_one(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator is told what is for operators."""
    monkeypatch.setattr("os.geteuid", lambda: 1_000)
    with pytest.raises(ConfigurationInvalid, match="only root may start it"):
        require_root(where.home, "start")


def test_a_log_that_is_a_link_is_not_followed(where: Places) -> None:
    """I8: root looks for a trader's last words; a link to somebody's file must not show that file."""
    (where.home / "shadow").write_text("root:hash\n", encoding="utf-8")
    logs = where.logs_of(Role.TRADER)
    logs.mkdir(parents=True)
    (logs / "trader.early").symlink_to(where.home / "shadow")
    assert last_words(where, "trader") == ""
    (logs / "trader.early").unlink()
    (logs / "trader.early").write_text("no such strategy\n", encoding="utf-8")
    assert last_words(where, "trader") == "no such strategy"

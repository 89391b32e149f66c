"""`scripts/install`: a user for each program, groups, a home with their rights, and the trader's firewall.

A second run mends what has changed and says so. Nothing is removed, no program is started.
"""

from __future__ import annotations

import argparse
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.check.debian import where as find_tool
from scripts.provision.child import say
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid, RefusedForSafety, WardenError
from warden.domain.modes import Environment
from warden.domain.roles import PROCESSES, processes
from warden.runtime import layout
from warden.runtime.latch import Latch
from warden.runtime.places import INSTALLED_MARK, Places, places
from warden.runtime.settings_load import FILE_NAME, load
from warden.runtime.settings_strategies import traders
from warden.runtime.wallet import keystore_path, password_path

if TYPE_CHECKING:
    from warden.runtime.settings import Settings

CLONE: Final = Path(__file__).resolve().parents[1]
HOME: Final = Path("/var/lib/warden")
FIREWALL: Final = CLONE / "deploy" / "warden.nft"
TOOL_LIMIT_S: Final = 60
_PLAIN: Final = re.compile(r"/[A-Za-z0-9/_.-]+")
_MARK_TEXT: Final = "Laid out by scripts/install: each program of this home has a user of its own.\n"


def main(arguments: list[str] | None = None) -> int:
    """Install or check, and return the exit code."""
    options = _options(arguments)
    try:
        if options.check:
            return report(options.home)
        _refuse(options.home)
        install(options.home, options.operator)
        if options.firewall:
            close_firewall(options.home)
    except WardenError as error:
        sys.stderr.write(f"scripts/install: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"scripts/install: {error.filename}: {error.strerror}\n")
        return EXIT_FAILED
    return report(options.home)


def install(home: Path, operators: list[str]) -> None:
    """Make users, groups and the home, and say what was made.

    Raises:
        ConfigurationInvalid: a tool failed or something stands in the way.
    """
    settings = _settings(home)
    names = _names(settings)
    for group in layout.groups(names):
        if not _known("group", group):
            _tool("groupadd", "--system", group)
    for name in names:
        user = layout.user_of(name)
        if not _known("passwd", user):
            state = str(home / "state" / name)
            shell = ["--shell", "/usr/sbin/nologin"]
            _tool(
                "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", state, *shell, user
            )
    for group, members in layout.groups(names).items():
        for user in sorted(members - _members(group)):
            _tool("usermod", "--append", "--groups", group, user)
        for user in sorted(each for each in _members(group) - members if layout.is_traders(each)):
            _tool("gpasswd", "--delete", user, group)  # of a strategy that is configured no more
    for operator in operators:
        _tool("usermod", "--append", "--groups", ",".join(layout.operators_groups()), operator)
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    (home / INSTALLED_MARK).write_text(_MARK_TEXT, encoding="ascii")
    where = places(home)
    for line in layout.apply(where, _secrets(settings, where), names):
        say(line)
    Latch(where.stop).reserve()


def report(home: Path) -> int:
    """Say one line for everything that is not as it must be, and return the exit code: 1 when any is."""
    where = places(home)
    if not where.installed:
        raise ConfigurationInvalid(f"{home} was not laid out by scripts/install")
    settings = _settings(home)
    names = _names(settings)
    problems = [*layout.check(where, _secrets(settings, where), names), *_code_problems(names)]
    for line in problems:
        say(line)
    if not problems:
        say(f"{home}: every user, group and right is as it must be")
        if settings is None:
            say(f"next: write {home / FILE_NAME}, put keystore and password in place, install again")
    return EXIT_FAILED if problems else EXIT_DONE


def close_firewall(home: Path) -> None:
    """Let the trader reach nothing but the gateway's port, until the next boot (docs/install.md: for good).

    Raises:
        ConfigurationInvalid: nft is not there, or the gateway has no fixed port.
    """
    settings = _settings(home)
    if settings is None or settings.gateway.port == 0:
        raise ConfigurationInvalid(f"--firewall needs a fixed gateway.port in {home / FILE_NAME}")
    rules = home / "settings" / "warden.nft"
    users = [layout.user_of(name) for name in traders(settings)]
    rules.write_text(firewall(users, settings.gateway.port), encoding="utf-8")
    _tool("nft", "--file", str(rules))
    reach = f"{', '.join(users)} {'reach' if len(users) > 1 else 'reaches'}"
    say(f"{reach} port {settings.gateway.port} on loopback and nothing else")


def firewall(users: list[str], port: int) -> str:
    """Return the rules that let these users reach one port on loopback and nothing else."""
    text = FIREWALL.read_text(encoding="utf-8").replace("@GATEWAY_PORT@", str(port))
    return text.replace("@TRADERS@", ", ".join(f'"{user}"' for user in users))


def _names(settings: Settings | None) -> tuple[str, ...]:
    """Return the processes by name; before there is a configuration, those of one strategy."""
    return PROCESSES if settings is None else processes(traders(settings))


def _refuse(home: Path) -> None:
    if os.geteuid() != 0:
        raise ConfigurationInvalid("making users needs root; --check does not")
    if not _PLAIN.fullmatch(str(home)):
        raise ConfigurationInvalid(f"--home {home}: letters, digits and / _ . - only, from / on")
    where = places(home)
    if where.installed and not where.stop.is_dir():
        raise RefusedForSafety(
            f"STOPPED: the stop directory {where.stop} is missing, so nothing may be sent. If you know why "
            f"and no stop stood in it: mkdir {where.stop}, then run this again"
        )
    if not where.installed and where.state.exists():
        raise ConfigurationInvalid(
            f"{home} holds an instance of one user: end it and choose another --home, or move it away"
        )


def _settings(home: Path) -> Settings | None:
    file = home / FILE_NAME
    return load(file) if file.exists() else None


def _secrets(settings: Settings | None, where: Places) -> tuple[Path, ...]:
    if settings is None or (settings.environment is Environment.DEVNET and settings.wallet.keystore is None):
        return (where.keys / "wallet.json", where.keys / "wallet.password")
    if settings.environment is Environment.PAPER and settings.wallet.keystore is None:
        return ()
    return keystore_path(settings, where), password_path(settings, where)


def _code_problems(names: tuple[str, ...]) -> list[str]:
    """Return why the program's users could not run this clone, or could change it."""
    problems = []
    for path in (CLONE, CLONE / "warden", CLONE / "supervisord.conf", Path(sys.prefix)):
        status = path.stat()
        if status.st_mode & 0o002 or (status.st_mode & 0o020 and status.st_gid != 0):
            problems.append(f"{path}: others than its owner may write it, and root runs it: chmod -R go-w it")
        elif status.st_uid in _program_uids(names):
            problems.append(f"{path}: belongs to a program's user, and root runs it: chown -R root it")
    trader = layout.user_of(names[-1])  # any of several: they differ in nothing that is asked here
    if os.geteuid() == 0 and _known("passwd", trader):
        done = subprocess.run(
            [sys.executable, "-P", "-c", "import warden.trader.main"],
            user=trader,
            group=trader,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            timeout=TOOL_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            problems.append(f"{trader} cannot run {sys.executable}: move the clone to /opt, readable by all")
    return problems


def _program_uids(names: tuple[str, ...]) -> set[int]:
    users = {layout.user_of(name) for name in names}
    return {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in users}


def _known(database: str, name: str) -> bool:
    return _entry(database, name) is not None


def _entry(database: str, name: str) -> str | None:
    done = subprocess.run(
        ["getent", database, name],  # noqa: S607 - of the system
        capture_output=True,
        text=True,
        timeout=TOOL_LIMIT_S,
        check=False,
    )
    return done.stdout.strip() or None


def _members(group: str) -> frozenset[str]:
    entry = _entry("group", group) or ":::"
    return frozenset(filter(None, entry.split(":")[3].split(",")))


def _tool(name: str, *arguments: str) -> None:
    program = find_tool(name)
    if program is None:
        raise ConfigurationInvalid(f"{name} is not there: install it first")
    done = subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        words = " ".join((done.stderr or done.stdout).split())
        raise ConfigurationInvalid(f"{name} {' '.join(arguments)}: {words or done.returncode}")
    say(f"{name} {' '.join(arguments)}")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/install", description="Lays out a home in which each program runs as its own user."
    )
    parser.add_argument("--home", type=Path, default=HOME, help="the instance's directory (%(default)s)")
    parser.add_argument(
        "--operator", action="append", default=[], help="a person who may operate; repeatable"
    )
    parser.add_argument("--firewall", action="store_true", help="let the trader reach the gateway only (nft)")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

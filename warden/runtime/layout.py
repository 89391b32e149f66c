"""Who owns what in an installed home: one table that scripts/install lays out, `warden up` checks, docs show.

Each program has a user of its own and reaches others by groups: `warden-to-<server>` may enter that server's
run directory, `warden-operators` may write the stop directory and read what an operator must. The system's
owner, root, is the only one above them.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import PROCESSES, Role, role_of, strategy_of
from warden.runtime.places import INSTALLED_MARK
from warden.wire.addresses import BEATS, CHANNELS, CONTROL, STOP, socket_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.runtime.places import Places

OPERATORS: Final = "warden-operators"
ROOT: Final = "root"
# What a role serves besides sockets, in its run directory: the gateway's URL, the devnet's manifest.
_READERS: Final = {
    Role.GATEWAY: frozenset({Role.TRADER, Role.EXECUTOR, Role.WATCHDOG}),
    Role.DEVNET: frozenset({Role.TRADER, Role.EXECUTOR, Role.GATEWAY, Role.WATCHDOG, Role.LOGGER}),
}
# Their locks prove them dead or alive to whoever fences.
_FENCED: Final = (STOP, BEATS, CONTROL)


class Entry(msgspec.Struct, frozen=True):
    """One path: whose it is and what others may. `made` is False for files that come later, by others."""

    path: Path
    owner: str
    group: str
    mode: int
    directory: bool
    made: bool = True


def user_of(name: str) -> str:
    """Return the name of the system user that runs the process `name`, and of its own group."""
    return f"warden-{name}"


def door_of(server: str) -> str:
    """Return the group that may enter a server's run directory; who may see one trader's, sees them all."""
    return f"warden-to-{role_of(server)}"


def is_traders(user: str) -> bool:
    """Tell whether a system user is a trader's, of whichever strategy."""
    return user == user_of(Role.TRADER) or user.startswith(f"{user_of(Role.TRADER)}-")


def clients_of(server: str) -> frozenset[Role]:
    """Return who may enter a server's run directory: clients of its sockets, readers of its files."""
    role = role_of(server)
    clients = frozenset(client for each in CHANNELS if each.server == role for client in each.clients)
    return (clients | _READERS.get(role, frozenset())) - {role}


def groups(names: tuple[str, ...] = PROCESSES) -> dict[str, frozenset[str]]:
    """Return every shared group with the program users in it; operators, who are people, come in by name.

    Args:
        names: the processes that there are.
    """
    users: dict[Role, set[str]] = {role: set() for role in PROCESSES}
    for name in names:
        users[role_of(name)].add(user_of(name))
    doors = {
        door_of(server): frozenset(
            user
            for role in {*clients_of(server), server}
            if role is not Role.OPERATOR
            # One of several traders owns its own directory, and is kept out of the others'.
            and not (server is role is Role.TRADER and any(map(strategy_of, names)))
            for user in users[role]
        )
        for server in PROCESSES
    }
    # The watchdog is the authority over stops: it takes operators' orders, clears, fences and kills.
    return {OPERATORS: frozenset({user_of(Role.WATCHDOG)}), **doors}


def operators_groups() -> tuple[str, ...]:
    """Return the groups that a person must be in to operate; the first alone suffices to stop by file."""
    return (OPERATORS, *(door_of(server) for server in PROCESSES if Role.OPERATOR in clients_of(server)))


def entries(
    where: Places, secrets: tuple[Path, ...] = (), names: tuple[str, ...] = PROCESSES
) -> Iterator[Entry]:
    """Yield every path of an installed home, parents first.

    Args:
        where: its places, as the operator sees them.
        secrets: files that only the executor may read: keystore and password.
        names: the processes that there are.
    """
    yield _directory(where.home, ROOT, ROOT, 0o755)
    for each in (where.run, where.keys, where.home / "settings", where.home / "state", where.home / "logs"):
        yield _directory(each, ROOT, ROOT, 0o755)
    watchdog, executor = user_of(Role.WATCHDOG), user_of(Role.EXECUTOR)
    # Sticky: who may add a stop may not remove another's; the watchdog owns the directory, so it may clear.
    yield _directory(where.stop, watchdog, OPERATORS, 0o3775)
    yield _directory(where.stop / "cleared", watchdog, OPERATORS, 0o2755)
    yield _directory(where.incidents, watchdog, OPERATORS, 0o2750)
    # Not sticky: whoever stops on a full disk takes a slot from there.
    yield _directory(where.stop.with_name("stop.reserve"), watchdog, OPERATORS, 0o2775)
    for name in names:
        yield _directory(where.role(name), user_of(name), door_of(name), 0o2750)
        yield _directory(where.state_of(name), user_of(name), OPERATORS, 0o2750)
        yield _directory(where.logs_of(name), user_of(name), OPERATORS, 0o2750)
    for channel in _FENCED:
        path = socket_path(where.run, channel)
        lock = path.with_name(path.name + ".lock")
        yield Entry(lock, user_of(channel.server), OPERATORS, 0o640, directory=False)
    yield from _files(where, names)
    for path in secrets:
        yield Entry(path, executor, ROOT, 0o400, directory=False, made=False)


def _files(where: Places, names: tuple[str, ...]) -> Iterator[Entry]:
    yield Entry(where.home / INSTALLED_MARK, ROOT, ROOT, 0o644, directory=False)
    for name in ("warden.toml", ".env"):
        yield Entry(where.home / name, ROOT, ROOT, 0o600, directory=False, made=False)
    yield Entry(where.keys / "wallet.address", ROOT, ROOT, 0o644, directory=False, made=False)
    for name in (*names, Role.OPERATOR):
        person = name == Role.OPERATOR
        owner, group, mode = (ROOT, OPERATORS, 0o640) if person else (user_of(name), ROOT, 0o400)
        yield Entry(where.keys / f"{name}.secret", owner, group, mode, directory=False, made=False)
        yield Entry(where.keys / f"{name}.public", ROOT, ROOT, 0o644, directory=False, made=False)
        group = OPERATORS if person else user_of(name)
        yield Entry(where.settings_of(name), ROOT, group, 0o640, directory=False, made=False)


def _directory(path: Path, owner: str, group: str, mode: int) -> Entry:
    return Entry(path, owner, group, mode, directory=True)


def missing_users(names: tuple[str, ...] = PROCESSES) -> list[str]:
    """Return a line for every user or group that is not there, or not as it must be (I8)."""
    problems, uids = [], {0: ROOT}
    for name in map(user_of, names):
        try:
            uid = pwd.getpwnam(name).pw_uid
        except KeyError:
            problems.append(f"user {name} does not exist")
            continue
        if uid in uids:
            problems.append(f"users {name} and {uids[uid]} are the same, uid {uid}")
        uids[uid] = name
    for name, wanted in groups(names).items():
        try:
            members = frozenset(grp.getgrnam(name).gr_mem)
        except KeyError:
            problems.append(f"group {name} does not exist")
            continue
        # Of a strategy that was taken out of the configuration, too: it must not come in either.
        programs = {*map(user_of, names), *filter(is_traders, members)}
        problems += [f"user {each} is not in group {name}" for each in sorted(wanted - members)]
        problems += [
            f"user {each} must not be in group {name}" for each in sorted(members & programs - wanted)
        ]
    return problems


def apply(where: Places, secrets: tuple[Path, ...] = (), names: tuple[str, ...] = PROCESSES) -> list[str]:
    """Make what is missing and set owners and rights, as root; return a line for everything that was changed.

    Raises:
        ConfigurationInvalid: a user is missing, or something else stands where a file or directory must be.
        OSError: it could not be done.
    """
    return [_set(entry, wrong) for entry in entries(where, secrets, names) if (wrong := deviation(entry))]


def settle(where: Places, secrets: tuple[Path, ...] = (), names: tuple[str, ...] = PROCESSES) -> None:
    """Set owners and rights of the files that came since the home was laid out: keys, settings, keystore.

    Directories are left as they are: a stop directory that was lost must not come back by itself.

    Raises:
        ConfigurationInvalid, OSError: as for `apply`.
    """
    for entry in entries(where, secrets, names):
        if not entry.made and (wrong := deviation(entry)):
            _set(entry, wrong)


def check(where: Places, secrets: tuple[Path, ...] = (), names: tuple[str, ...] = PROCESSES) -> list[str]:
    """Return a line for everything that is not as the table says; empty means that I8's ground holds."""
    if users := missing_users(names):
        return users
    found = [(entry.path, deviation(entry)) for entry in entries(where, secrets, names)]
    return [f"{path}: {wrong}" for path, wrong in found if wrong]


def deviation(entry: Entry) -> str:
    """Return what is wrong with one path, empty when nothing is."""
    try:
        status = entry.path.lstat()
    except FileNotFoundError:
        return "is missing" if entry.made else ""
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not (stat.S_ISDIR if entry.directory else stat.S_ISREG)(status.st_mode):
        return f"is no {'directory' if entry.directory else 'file'}"
    wrong = []
    if (owner := _name(pwd.getpwuid, status.st_uid)) != entry.owner:
        wrong.append(f"owner is {owner}, must be {entry.owner}")
    if (group := _name(grp.getgrgid, status.st_gid)) != entry.group:
        wrong.append(f"group is {group}, must be {entry.group}")
    if (mode := stat.S_IMODE(status.st_mode)) != entry.mode:
        wrong.append(f"mode is {mode:04o}, must be {entry.mode:04o}")
    return "; ".join(wrong)


def _name(find: object, number: int) -> str:
    try:
        return str(find(number)[0])  # type: ignore[operator] # pwd's and grp's own functions
    except KeyError:
        return str(number)


def _set(entry: Entry, wrong: str) -> str:
    try:
        owner, group = pwd.getpwnam(entry.owner).pw_uid, grp.getgrnam(entry.group).gr_gid
    except KeyError as error:
        raise ConfigurationInvalid(f"{error.args[0]}: run scripts/install as root") from error
    if entry.directory:
        entry.path.mkdir(mode=0o700, exist_ok=True)
    kind = os.O_DIRECTORY if entry.directory else (os.O_CREAT if entry.made else 0)
    # Never through a link, never into a pipe: some stand in directories of users who are not trusted.
    handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | kind, 0o600)
    try:
        status = os.fstat(handle)
        if not entry.directory and (not stat.S_ISREG(status.st_mode) or status.st_nlink != 1):
            raise ConfigurationInvalid(f"{entry.path} is no plain file: remove it")
        os.fchown(handle, owner, group)
        os.fchmod(handle, entry.mode)  # after the owner: a change of owner drops set-id bits
    finally:
        os.close(handle)
    return f"{entry.path}: {entry.owner}:{entry.group} {entry.mode:04o} ({wrong})"

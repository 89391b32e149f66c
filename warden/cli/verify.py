"""`warden verify`: walks every journal of an instance and holds it against its witnesses (I9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.journal import verify as verify_journal
from warden.runtime.places import places
from warden.runtime.witnesses import cross_check

if TYPE_CHECKING:
    from pathlib import Path

JOURNALS: Final = (Role.EXECUTOR, Role.WATCHDOG, Role.LOGGER, Role.NOTIFIER)
# Those that write down the heads of others; nobody bears witness for the last.
WITNESSES: Final = (Role.WATCHDOG, Role.LOGGER)


def verify(home: Path, *, as_json: bool) -> int:
    """Walk all journals, print rows and problems, and return the exit code: 1 when there are any.

    Raises:
        ConfigurationInvalid: the state directory cannot be read.
    """
    where = places(home)
    try:
        there = {path.name for role in JOURNALS for path in where.state_of(role).iterdir()}
    except OSError as error:
        raise ConfigurationInvalid(
            f"journals in {where.state}: {error.strerror}; is this an instance?"
        ) from error
    paths = [where.journal(role) for role in JOURNALS]
    rows, problems = 0, []
    for path in paths:
        count, found = verify_journal(path)
        rows += count
        problems += found
        if not as_json and path.name in there:
            say(f"{path.name}: {count} rows, {'NOT as written' if found else 'every row follows'}")
    for role in WITNESSES:
        problems += cross_check(where.journal(role), paths)
    if as_json:
        say(msgspec.json.encode({"ok": not problems, "rows": rows, "problems": problems}).decode())
    else:
        say(f"{rows} rows: {'NOT as written' if problems else 'as written, and as the witnesses saw them'}")
        for line in problems:
            warn(line)
    return EXIT_FAILED if problems else EXIT_DONE

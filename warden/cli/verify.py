"""`warden verify`: walks every journal of an instance and checks its chain (I9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from warden.cli.words import say, warn
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid
from warden.runtime.journal import verify as verify_journal
from warden.runtime.places import places

if TYPE_CHECKING:
    from pathlib import Path


def verify(home: Path, *, as_json: bool) -> int:
    """Walk all journals, print rows and problems, and return the exit code: 1 when there are any.

    Raises:
        ConfigurationInvalid: the state directory cannot be read.
    """
    where = places(home)
    rows, problems = 0, []
    try:
        paths = where.journals()
    except OSError as error:
        raise ConfigurationInvalid(
            f"journals in {where.state}: {error.strerror}; is this an instance?"
        ) from error
    for path in paths:
        count, found = verify_journal(path)
        rows += count
        problems += found
    if as_json:
        say(msgspec.json.encode({"ok": not problems, "rows": rows, "problems": problems}).decode())
    else:
        say(
            f"{len(paths)} journals, {rows} rows: {'every row follows' if not problems else 'NOT as written'}"
        )
        for line in problems:
            warn(line)
    return EXIT_FAILED if problems else EXIT_DONE

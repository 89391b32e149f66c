"""What must not stand in an incident's folder, whoever let it slip into a log: secrets, and URLs' ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.logs import redact
from warden.runtime.places import places
from warden.runtime.settings import read_frozen
from warden.runtime.wallet import password_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.runtime.settings import Settings

_SECRET_CHARACTERS_MIN: Final = 6
# Shorter parts of a URL's path are words, as `mainnet`.
_KEY_CHARACTERS_MIN: Final = 12
_TELLING: Final = re.compile(r"KEY|TOKEN|SECRET|PASS|URL|HOOK|SID|AUTH", re.IGNORECASE)
_FILE_BYTES_MAX: Final = 4_096
_MASK: Final = "…"


class Mask:
    """Takes the secrets that this user can read out of texts; what it cannot read, it cannot write either."""

    def __init__(self, home: Path) -> None:
        found = {each for each in _secrets(home) if len(each) >= _SECRET_CHARACTERS_MIN}
        # The longest first: a part of it may be one by itself.
        self._secrets = sorted(found, key=lambda each: (-len(each), each))

    def __call__(self, text: str) -> str:
        """Return `text` without any of them, and with every URL cut down to its host."""
        for each in self._secrets:
            text = text.replace(each, _MASK)
        return redact(text)


def _secrets(home: Path) -> Iterator[str]:
    where = places(home, Role.WATCHDOG)
    for path in sorted(where.keys.glob("*.secret")):
        yield from _lines(path)
    for name, _, value in (line.partition("=") for line in _lines(home / ".env")):
        if _TELLING.search(name):
            yield value.strip().strip("\"'")
    try:
        settings = read_frozen(where)
    except ConfigurationInvalid:
        return
    for url in _urls(settings):
        parts = urlsplit(url)
        yield from (parts.password or "", parts.username or "")
        words = re.split(r"[/&=]", f"{parts.path}/{parts.query}")
        yield from (each for each in words if len(each) >= _KEY_CHARACTERS_MIN)
    try:
        yield from _lines(password_path(settings, where))
    except (ConfigurationInvalid, OSError, ValueError):
        return


def _urls(settings: Settings) -> Iterator[str]:
    yield from (each.url for each in settings.endpoints)
    if settings.devnet.fork_url:
        yield settings.devnet.fork_url


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            return [
                each.strip() for each in file.read(_FILE_BYTES_MAX).decode("utf-8", "replace").splitlines()
            ]
    except OSError:
        return []

"""CURVE keys, one pair per process, made on first start: who holds a process's secret is that process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import zmq

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role, processes

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES: Final = 40  # Z85 of 32 bytes


class Keyring:
    """The key files of one instance: `<name>.public` (0644) and `<name>.secret` (0600).

    Which traders there are is told by their keys: who has none cannot speak.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def ensure(self, traders: tuple[str, ...] = (Role.TRADER,)) -> None:
        """Make the pairs that are missing; a pair of which half is there is never replaced in silence.

        A trader that is none of `traders` any more loses its pair: nobody may speak in its name.

        Raises:
            ConfigurationInvalid: half a pair is missing.
            OSError: a key could not be written.
        """
        for name in sorted({*self._files("public"), *self._files("secret")} - {*traders}):
            self._path(name, "public").unlink(missing_ok=True)
            self._path(name, "secret").unlink(missing_ok=True)
        for name in (*processes(traders), Role.OPERATOR):
            public, secret = self._path(name, "public"), self._path(name, "secret")
            if public.exists() != secret.exists():
                raise ConfigurationInvalid(
                    f"{self._directory}: half of the key pair of {name} is missing; remove the other half "
                    "while Warden is down and it makes a new pair"
                )
            if not public.exists():
                public_key, secret_key = zmq.curve_keypair()
                _write_new(secret, secret_key, 0o600)
                _write_new(public, public_key, 0o644)

    def traders(self) -> tuple[str, ...]:
        """Return the names of the traders that have a key, at least one: the trader there always is."""
        return tuple(sorted(self._files("public"))) or (Role.TRADER,)

    def names(self) -> tuple[str, ...]:
        """Return the names of all who have a key."""
        return (*processes(self.traders()), Role.OPERATOR)

    def public(self, name: str) -> bytes:
        """Return a process's public key, 40 bytes of Z85."""
        return self._read(self._path(name, "public"))

    def secret(self, name: str) -> bytes:
        """Return a process's secret key, 40 bytes of Z85; only its own user can."""
        return self._read(self._path(name, "secret"))

    def name_of(self, public_key: bytes) -> str | None:
        """Return whose public key this is; None for a stranger's."""
        return next((name for name in self.names() if self.public(name) == public_key), None)

    def _files(self, kind: str) -> set[str]:
        """Return the traders of whom there is a key of this kind."""
        named = (path.stem for path in self._directory.glob(f"trader-*.{kind}"))
        return {*named, *([Role.TRADER] if self._path(Role.TRADER, kind).exists() else [])}

    def _path(self, name: str, kind: str) -> Path:
        return self._directory / f"{name}.{kind}"

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            key = path.read_bytes()
        except OSError as error:
            raise ConfigurationInvalid(
                f"key file {path}: {error.strerror}; 'warden up' makes the keys on first start"
            ) from error
        if len(key) != _KEY_BYTES:
            raise ConfigurationInvalid(
                f"key file {path} does not hold a key: remove the pair while Warden is down"
            )
        return key


def _write_new(path: Path, content: bytes, rights: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, rights)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

"""CURVE keys, one pair per role, made on first start: who holds a role's secret is that role."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import zmq

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES: Final = 40  # Z85 of 32 bytes


class Keyring:
    """The key files of one instance: `<role>.public` (0644) and `<role>.secret` (0600)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def ensure(self) -> None:
        """Make the pairs that are missing; a pair of which half is there is never replaced in silence.

        Raises:
            ConfigurationInvalid: half a pair is missing.
            OSError: a key could not be written.
        """
        for role in Role:
            public, secret = self._path(role, "public"), self._path(role, "secret")
            if public.exists() != secret.exists():
                raise ConfigurationInvalid(
                    f"{self._directory}: half of the key pair of {role} is missing; remove the other half "
                    "while Warden is down and it makes a new pair"
                )
            if not public.exists():
                public_key, secret_key = zmq.curve_keypair()
                _write_new(secret, secret_key, 0o600)
                _write_new(public, public_key, 0o644)

    def public(self, role: Role) -> bytes:
        """Return a role's public key, 40 bytes of Z85."""
        return self._read(self._path(role, "public"))

    def secret(self, role: Role) -> bytes:
        """Return a role's secret key, 40 bytes of Z85; only the role's own user can."""
        return self._read(self._path(role, "secret"))

    def role_of(self, public_key: bytes) -> Role | None:
        """Return whose public key this is; None for a stranger's."""
        return next((role for role in Role if self.public(role) == public_key), None)

    def _path(self, role: Role, kind: str) -> Path:
        return self._directory / f"{role.value}.{kind}"

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

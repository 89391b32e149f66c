"""The key: made for the devnet, decrypted for the executor, never shown."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec
from eth_account import Account

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.runtime.wallet import keystore_path, password_path

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

_FILE_BYTES_MAX: Final = 64 * 1024
_OTHERS: Final = 0o077
# The devnet's key guards play money: its scrypt may be quick.
_DEVNET_SCRYPT_N: Final = 2**12


def create_keystore(path: Path, password_file: Path) -> str:
    """Make a new key with a random password for the devnet and return its address; both files are 0600.

    Raises:
        FileExistsError: one of them is there already; nothing is replaced.
    """
    password = secrets.token_hex(32)
    account = Account.create()
    keystore = Account.encrypt(account.key, password, kdf="scrypt", iterations=_DEVNET_SCRYPT_N)
    _write_new(password_file, password.encode() + b"\n")
    _write_new(path, msgspec.json.encode(keystore))
    return str(account.address)


def unlock(settings: Settings, where: Places) -> LocalAccount:
    """Return the signing account.

    Raises:
        ConfigurationInvalid: a file is missing, open to others, no keystore, or the password is wrong. The
            text names files, never their content.
    """
    keystore_file, password_file = keystore_path(settings, where), password_path(settings, where)
    keystore = _read(keystore_file, "wallet.keystore")
    password = _read(password_file, "wallet.password_file")
    if settings.environment is not Environment.DEVNET and password_file.stat().st_mode & _OTHERS:
        raise ConfigurationInvalid(
            f"wallet.password_file {password_file} is open to other users: chmod 600 it"
        )
    try:
        document: dict[str, Any] = msgspec.json.decode(keystore, type=dict[str, Any])
        key = Account.decrypt(document, password.decode().rstrip("\r\n"))
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, NotImplementedError):
        raise ConfigurationInvalid(
            f"wallet.keystore {keystore_file} is not a keystore (version 3 JSON) with a text password"
        ) from None
    except ValueError:
        # eth-keyfile's texts say nothing of the password, but they are chained to nothing all the same.
        raise ConfigurationInvalid(
            f"the password in {password_file} does not open the keystore {keystore_file}"
        ) from None
    account: LocalAccount = Account.from_key(key)
    return account


def check_password(settings: Settings, where: Places) -> str:
    """Return the wallet's checksummed address after proving that the password opens the keystore.

    Raises:
        ConfigurationInvalid: as for `unlock`.
    """
    return str(unlock(settings, where).address)


def _read(path: Path, setting: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise ConfigurationInvalid(f"{setting} {path}: {error.strerror}") from error


def _write_new(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

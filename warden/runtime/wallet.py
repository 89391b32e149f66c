"""Where the key stands and whose it is; decrypting it is the executor's alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role

if TYPE_CHECKING:
    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

CREDENTIAL: Final = "keystore-password"
_FILE_BYTES_MAX: Final = 64 * 1024
# The words "warden paper wallet" in 20 bytes: nobody has the key to such an address.
PAPER_WALLET: Final = "0x00" + b"warden paper wallet".hex()


class _Keystore(msgspec.Struct):
    address: str


def keystore_path(settings: Settings, where: Places) -> Path:
    """Return the keystore file; the devnet has its own below the keys.

    Raises:
        ConfigurationInvalid: none is named where one must be.
    """
    named = settings.wallet.keystore
    if named is not None:
        return where.home / named
    if settings.environment is Environment.DEVNET:
        return where.keys / "wallet.json"
    raise ConfigurationInvalid("wallet.keystore is not set in warden.toml")


def password_path(settings: Settings, where: Places) -> Path:
    """Return the file that holds the keystore's password: the setting, else systemd's credential.

    Raises:
        ConfigurationInvalid: neither is there.
    """
    named = settings.wallet.password_file
    if named is not None:
        return where.home / named
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    # systemd's credential is its unit's user's alone, which is root when installed, not the executor.
    if credentials and not where.installed:
        return Path(credentials) / CREDENTIAL
    if settings.environment is Environment.DEVNET:
        return where.keys / "wallet.password"
    raise ConfigurationInvalid(
        f"wallet.password_file is not set and there is no systemd credential {CREDENTIAL!r}: set one of them"
    )


def wallet_address(settings: Settings, where: Places) -> str:
    """Return the wallet's address as the keystore names it, lower-case hex with 0x; nothing is decrypted.

    On paper there is no keystore: it is the address that `paper.wallet` names, or one that nobody has.
    When installed, only the executor can read the keystore: the others read what `announce_wallet` wrote.

    Raises:
        ConfigurationInvalid: there is no keystore, or it names no address.
    """
    if settings.environment is Environment.PAPER:
        return (settings.paper.wallet or PAPER_WALLET).lower()
    announced = _announced(where)
    if where.installed and where.seen_by is not Role.EXECUTOR:
        try:
            return announced.read_text(encoding="ascii").strip()
        except OSError as error:
            raise ConfigurationInvalid(f"{announced}: {error.strerror}; run 'warden up' again") from error
    path = keystore_path(settings, where)
    try:
        address = msgspec.json.decode(path.read_bytes()[:_FILE_BYTES_MAX], type=_Keystore).address
    except OSError as error:
        raise ConfigurationInvalid(f"wallet.keystore {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigurationInvalid(f"wallet.keystore {path} is not a keystore (version 3 JSON)") from error
    return "0x" + address.removeprefix("0x").lower()


def announce_wallet(where: Places, address: str) -> None:
    """Write the wallet's address down for those who may not read the keystore; root does, when installed.

    Raises:
        OSError: it could not be written.
    """
    path = _announced(where)
    path.with_suffix(".new").write_text(address.lower() + "\n", encoding="ascii")
    path.with_suffix(".new").replace(path)


def _announced(where: Places) -> Path:
    return where.keys / "wallet.address"

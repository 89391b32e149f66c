"""Where the key stands and whose it is, without decrypting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime.places import INSTALLED_MARK, Places, create, places
from warden.runtime.settings import Settings, WalletSettings
from warden.runtime.settings_paper import PaperSettings
from warden.runtime.wallet import (
    PAPER_WALLET,
    announce_wallet,
    keystore_path,
    password_path,
    wallet_address,
)

DEVNET = Settings(environment=Environment.DEVNET)
LIVE = Settings(environment=Environment.LIVE, wallet=WalletSettings(keystore=Path("k.json")))


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """An instance without a systemd credential."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return create(tmp_path / "home", run_dir=tmp_path / "run")


def test_paths_are_relative_to_the_home(where: Places) -> None:
    """The devnet has its own below the keys; live names it."""
    assert keystore_path(DEVNET, where) == where.keys / "wallet.json"
    assert keystore_path(LIVE, where) == where.home / "k.json"
    absolute = Settings(wallet=WalletSettings(keystore=Path("/x/k.json"), password_file=Path("/x/p")))
    assert (keystore_path(absolute, where), password_path(absolute, where)) == (
        Path("/x/k.json"),
        Path("/x/p"),
    )
    with pytest.raises(ConfigurationInvalid, match=r"wallet\.keystore"):
        keystore_path(Settings(environment=Environment.LIVE), where)


def test_the_password_is_a_file_or_a_credential(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting first, systemd's credential then, the devnet's own last; live without any is refused."""
    assert password_path(DEVNET, where) == where.keys / "wallet.password"
    with pytest.raises(ConfigurationInvalid, match="keystore-password"):
        password_path(LIVE, where)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    assert password_path(LIVE, where) == Path("/run/credentials/x/keystore-password")


@pytest.mark.parametrize("written", ["AbCd", "0xAbCd"])
def test_the_address_is_read_as_lower_case_hex(where: Places, written: str) -> None:
    """With or without 0x in the file."""
    keystore_path(DEVNET, where).write_text(f'{{"address":"{written}","crypto":{{}},"version":3}}')
    assert wallet_address(DEVNET, where) == "0xabcd"


def test_on_paper_there_is_no_keystore(where: Places) -> None:
    """EX4: the wallet is an address that nobody has the key of, or the one that is named; no file is read."""
    named = PaperSettings(wallet="0x" + "Ab" * 20)
    keystore = WalletSettings(keystore=Path("/nonexistent/k.json"))
    assert wallet_address(Settings(wallet=keystore), where) == PAPER_WALLET
    assert wallet_address(Settings(paper=named), where) == "0x" + "ab" * 20
    assert bytes.fromhex(PAPER_WALLET[4:]) == b"warden paper wallet"


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"address":5}', b"\xff"])
def test_a_keystore_that_is_none_is_one_line(where: Places, content: bytes | None) -> None:
    """Missing, torn or foreign: named."""
    if content is not None:
        keystore_path(DEVNET, where).write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match=r"wallet\.json") as caught:
        wallet_address(DEVNET, where)
    assert "\n" not in str(caught.value)


def test_installed_only_the_executor_reads_the_keystore(tmp_path: Path) -> None:
    """I8: the others read the address that root wrote down."""
    (tmp_path / INSTALLED_MARK).touch()
    (tmp_path / "keys").mkdir()
    announce_wallet(places(tmp_path), "0x" + "AB" * 20)
    for role in Role:
        if role is not Role.EXECUTOR:
            assert wallet_address(LIVE, places(tmp_path, role)) == "0x" + "ab" * 20
    with pytest.raises(ConfigurationInvalid, match=r"wallet\.keystore"):
        wallet_address(LIVE, places(tmp_path, Role.EXECUTOR))


def test_installed_a_credential_does_not_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the unit's user, which is root, not the executor."""
    (tmp_path / INSTALLED_MARK).touch()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigurationInvalid, match=r"wallet\.password_file"):
        password_path(LIVE, places(tmp_path))

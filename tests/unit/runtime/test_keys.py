"""The keys that prove a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.keys import Keyring

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """Keys as the first start makes them."""
    made = Keyring(tmp_path)
    made.ensure()
    return made


def test_each_role_has_a_pair_of_its_own(keyring: Keyring, tmp_path: Path) -> None:
    """Secrets for their owner alone, made once and kept."""
    secrets = {role: keyring.secret(role) for role in Role}
    assert len(set(secrets.values())) == len(Role)
    for role in Role:
        assert (tmp_path / f"{role}.secret").stat().st_mode & 0o777 == 0o600
        assert keyring.name_of(keyring.public(role)) is role
    keyring.ensure()
    assert {role: keyring.secret(role) for role in Role} == secrets
    assert keyring.name_of(b"x" * 40) is None


@pytest.mark.parametrize("half", ["public", "secret"])
def test_half_a_pair_is_never_replaced_in_silence(keyring: Keyring, tmp_path: Path, half: str) -> None:
    """A lost key is an operator's to explain."""
    (tmp_path / f"executor.{half}").unlink()
    with pytest.raises(ConfigurationInvalid, match="executor"):
        keyring.ensure()


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 41])
def test_a_file_that_is_no_key_is_refused(keyring: Keyring, tmp_path: Path, content: bytes) -> None:
    """One line that names it."""
    (tmp_path / "gateway.public").write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match=r"gateway\.public"):
        keyring.public(Role.GATEWAY)


def test_a_strategy_that_is_there_no_more_loses_its_key(keyring: Keyring, tmp_path: Path) -> None:
    """I8: nobody may go on speaking in its name; those that stay keep theirs."""
    keyring.ensure(("trader-arb", "trader-mom"))
    assert not (tmp_path / "trader.secret").exists()
    kept = keyring.secret("trader-mom")
    assert keyring.traders() == ("trader-arb", "trader-mom")
    keyring.ensure(("trader-mom", "trader-sap"))
    assert keyring.names()[-3:] == ("trader-mom", "trader-sap", "operator")
    assert keyring.secret("trader-mom") == kept
    assert not (tmp_path / "trader-arb.secret").exists()
    keyring.ensure()
    assert keyring.traders() == ("trader",)

"""No secret that can be known stands in an incident's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warden.incident.masking import Mask
from warden.runtime import settings_load
from warden.runtime.keys import Keyring
from warden.runtime.places import create

if TYPE_CHECKING:
    from pathlib import Path

_TOML = """\
environment = "paper"
[[endpoints]]
name = "paid"
url = "https://ann:hunter22@rpc.example/mainnet/v2/Abc123Abc123Abc123?token=T0ken-T0ken-T0ken"
[wallet]
keystore = "keys/w.json"
password_file = "keys/w.password"
[venue]
router = "0x1111111111111111111111111111111111111111"
factory = "0x2222222222222222222222222222222222222222"
weth = "0x3333333333333333333333333333333333333333"
"""


def test_known_secrets_and_urls_ends_are_taken_out(tmp_path: Path) -> None:
    """OB1: keys of endpoints in any form, the keystore's password, the bus's keys, .env; plain words stay."""
    home = tmp_path / "home"
    where = create(home)
    (home / "warden.toml").write_text(_TOML, "utf-8")
    settings_load.freeze(settings_load.load(home / "warden.toml"), where)
    Keyring(where.keys).ensure(("trader",))
    (where.keys / "w.password").write_text("correct horse\n", "utf-8")
    (home / ".env").write_text("SLACK_TOKEN='xoxb-1234'\nLANG=mainnet-is-a-word\n", "utf-8")
    key = (where.keys / "executor.secret").read_text("ascii").strip()
    said = (
        "asked https://rpc.example/mainnet/v2/Abc123Abc123Abc123 with Abc123Abc123Abc123, "
        f"T0ken-T0ken-T0ken, hunter22, correct horse, xoxb-1234, {key}; mainnet-is-a-word on mainnet"
    )
    told = Mask(home)(said)
    for secret in ("Abc123Abc123", "T0ken", "hunter22", "correct horse", "xoxb", key):
        assert secret not in told
    assert told.endswith("; mainnet-is-a-word on mainnet")
    assert "https://rpc.example/…" in told


def test_without_anything_to_read_urls_are_cut_all_the_same(tmp_path: Path) -> None:
    """Installed, most secrets are another user's: what cannot be read cannot be written either."""
    assert Mask(tmp_path)("see http://host:1/key") == "see http://host:1/…"

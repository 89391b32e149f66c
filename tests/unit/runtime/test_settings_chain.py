"""The chain's profile: the lowest layer of `[chain]`, told as an origin, and never contradicted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest

from tests.unit.runtime.test_settings_load import LIVE, clean_environment, line_of, refused
from tests.unit.runtime.test_settings_sources import loaded
from warden.domain.chains import PROFILES
from warden.runtime.places import places
from warden.runtime.settings_chain import NO_PROFILE, ChainSettings
from warden.runtime.venue import load_venue

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clean_environment"]
DEVNET = 'environment = "devnet"\n'


def test_every_profile_can_be_named() -> None:
    """EX8: and nothing else."""
    assert set(get_args(get_type_hints(ChainSettings)["profile"])) == {NO_PROFILE, *PROFILES}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_sets_the_defaults_of_the_chain(tmp_path: Path, name: str) -> None:
    """EX8, OP3: each fact is in force, and `config show` tells that the profile said it."""
    found = loaded(tmp_path, f'{DEVNET}[chain]\nprofile = "{name}"\n')
    chain, profile = found.settings.chain, PROFILES[name]
    assert (chain.id, chain.finality_depth) == (profile.chain_id, profile.finality_depth)
    assert (chain.block_time_s, chain.genesis) == (profile.block_time_ms / 1_000, profile.genesis or None)
    assert (chain.replaceable, chain.min_tip_gwei) == (profile.replaceable, profile.min_tip_gwei)
    assert chain.l1_fee_oracle == profile.l1_fee_oracle
    assert found.origin(("chain", "finality_depth")) == f"chain.profile {name}"
    assert found.origin(("chain", "profile")) == "warden.toml:3"


def test_a_key_of_ones_own_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OP3: in the file, and above it in the environment."""
    monkeypatch.setenv("WARDEN_CHAIN__MIN_TIP_GWEI", "2.5")
    found = loaded(tmp_path, f'{DEVNET}[chain]\nprofile = "polygon"\nfinality_depth = 7\nid = 137\n')
    assert (found.settings.chain.finality_depth, found.settings.chain.min_tip_gwei) == (7, Decimal("2.5"))
    assert found.origin(("chain", "finality_depth")) == "warden.toml:4"


@pytest.mark.parametrize(
    ("key", "line", "text"),
    [
        ("id = 137", 4, "chain.id 137 is not Ethereum's, which is 1"),
        (f'genesis = "0x{"0" * 64}"', 4, "chain.genesis is not that of Ethereum"),
        (f'genesis = "0x{"z" * 64}"', 4, "chain.genesis must be a hash"),
        (f'l1_fee_oracle = "0x{"z" * 40}"', 4, "chain.l1_fee_oracle must be an address"),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, key: str, line: int, text: str) -> None:
    """EX8: with the line, what is wrong and the mend."""
    message = refused(tmp_path, f'{DEVNET}[chain]\nprofile = "ethereum"\n{key}\n')
    assert (line_of(message), text in message) == (line, True), message


def test_the_genesis_is_what_endpoints_must_have(tmp_path: Path) -> None:
    """EX8, RP2: the profile's hash goes to the gateway and the executor with the venue."""
    found = loaded(tmp_path, LIVE + '[chain]\nprofile = "base"\n')
    venue = load_venue(found.settings, places(tmp_path))
    assert venue is not None
    assert (venue.chain_id, venue.genesis) == (8453, PROFILES["base"].genesis)

"""Facts of chains: each has its form and its source, and the page tells the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from warden.domain.chains import PROFILES, ChainProfile, markdown

PAGE = Path(__file__).parents[3] / "docs" / "chains.md"
OUGHT = {"ethereum": 1, "base": 8453, "arbitrum": 42161, "polygon": 137, "bnb": 56, "anvil": 31337}


def test_the_page_is_current() -> None:
    """docs/chains.md is made from the table; `python -m warden.domain.chains > docs/chains.md` renews it."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_every_promised_chain_is_there() -> None:
    """EX8: by its id."""
    assert {name: each.chain_id for name, each in PROFILES.items()} == OUGHT


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_each_fact_has_its_form_and_its_source(profile: ChainProfile) -> None:
    """EX8: hashes are hashes, and what differs from an ordinary chain says where that is written."""
    assert profile.name == "anvil" or re.fullmatch(r"0x[0-9a-f]{64}", profile.genesis)
    assert profile.l1_fee_oracle is None or re.fullmatch(r"0x[0-9a-fA-F]{40}", profile.l1_fee_oracle)
    assert profile.block_time_ms > 0
    assert profile.finality_depth > 0
    assert profile.finality
    assert "chain_id" in profile.sources
    assert not profile.genesis or "genesis" in profile.sources
    assert not profile.min_tip_gwei or "min_tip" in profile.sources
    assert profile.replaceable or "replaceable" in profile.sources
    assert profile.l1_fee_oracle is None or "l1_fee" in profile.sources


def test_no_two_chains_are_taken_for_each_other() -> None:
    """EX8: neither by id nor by genesis."""
    hashes = [each.genesis for each in PROFILES.values() if each.genesis]
    assert len(set(hashes)) == len(hashes) == len(PROFILES) - 1

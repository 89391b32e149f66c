"""Addresses of contracts before they exist."""

from __future__ import annotations

import pytest

from warden.devnet.contracts import contract_address


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d"),
        (1, "0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8"),
        (2, "0xf778B86FA74E846c4f0a1fBd1335FE81c00a0C91"),
    ],
)
def test_addresses_are_the_well_known_ones(nonce: int, address: str) -> None:
    """The example of the Ethereum documentation's `CREATE` address for 0x6ac7ea33…."""
    assert contract_address("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", nonce) == address

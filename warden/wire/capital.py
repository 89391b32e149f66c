"""The wallet as the gateway finds it at one block: CAPITAL channel, gateway -> watchdog (ES2).

The watchdog answers each report with the tokens that it wants valued at the next read.
"""

from __future__ import annotations

from typing import Final

import msgspec

from warden.domain.money import Wei

TOKENS_MAX: Final = 32
"""Tokens that are valued at a time; a list that is longer is cut, so that what is left out counts as lost."""


class TokenRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token that the wallet holds.

    Attributes:
        token: its contract, lower-case hex.
        balance: in its smallest unit.
        value_wei: what its pool with the wrapped native token would pay for all of it at this block, as far
            as the blocks before bear that out; 0 where there is no such pool.
    """

    token: str
    balance: Wei
    value_wei: Wei


class WalletRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wallet.1"):
    """What `endpoints` agree on at one block hash.

    Attributes:
        timestamp_s: the block's own time.
        nonce: transactions of the wallet that have landed.
        endpoints: those that said the same; one only where the settings allow for it.
        outvoted: those that said otherwise.
        read_ns: CLOCK_BOOTTIME in nanoseconds at which this was last known to be the newest such block.
    """

    wallet: str
    block: int
    block_hash: str
    timestamp_s: int
    native_wei: Wei
    wrapped_wei: Wei
    nonce: int
    tokens: tuple[TokenRead, ...]
    endpoints: tuple[str, ...]
    outvoted: tuple[str, ...]
    read_ns: int

    @property
    def equity_wei(self) -> int:
        """Everything that is known of, in wei of the native coin."""
        return self.native_wei + self.wrapped_wei + sum(each.value_wei for each in self.tokens)


class WalletDisputed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wallet-disputed.1"):
    """Endpoints differ at one block hash, and there is no majority; `text` names each with its figure."""

    block: int
    block_hash: str
    endpoints: tuple[str, ...]
    text: str


class WalletUnknown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wallet-unknown.1"):
    """There is nothing to go by; `one_source`: only one endpoint answers, and one is not enough."""

    text: str
    one_source: bool = False


WalletReport = WalletRead | WalletDisputed | WalletUnknown


class TokensWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="tokens-wanted.1"):
    """The watchdog's answer to each report: what the wallet may hold besides, lower-case hex addresses."""

    tokens: tuple[str, ...] = ()

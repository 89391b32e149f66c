"""What the gateway's kinds of event mean to a person; a part of the table in meanings.py (AL2)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from warden.notifier.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAST_US: Final = Rule(
    "A send through the gateway was refused",
    "A program tried to send a signed transaction past the executor.",
    "manual-intervention#somebody-sends-past-warden",
)

OF_GATEWAY: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "endpoint.failing": Rule(
            "An RPC endpoint fails",
            "Its server is away, slow, or limits our calls; the others are used.",
            "network-failure#one-endpoint-fails",
        ),
        "endpoint.stale": Rule(
            "An RPC endpoint is behind",
            "It stopped following the chain; the others are used.",
            "network-failure#one-endpoint-fails",
        ),
        "endpoint.wrong-chain": Rule(
            "An RPC endpoint is on another chain",
            "Its URL is wrong, or its operator changed it; it is not used.",
            "network-failure#an-endpoint-is-on-the-wrong-chain",
        ),
        "endpoint.lying": Rule(
            "An RPC endpoint says what no other says",
            "It lies, or its state is broken: two others agree on another balance; it is not used.",
            "network-failure#endpoints-differ",
        ),
        "one-source": Rule(
            "Capital is taken on the word of one endpoint",
            "Only one is configured, and wallet.sources_min is 1.",
            "network-failure#endpoints-differ",
        ),
        "no-wallet": Rule("No wallet to read", "There is no keystore that names its address.", "startup"),
        "no-endpoint": Rule(
            "No RPC endpoint can be used",
            "The network is down, or all of them fail, lag or differ.",
            "network-failure",
        ),
        "send-refused": _PAST_US,
        "send.refused": _PAST_US,
    }
)

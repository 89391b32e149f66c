"""Facts of the chains that Warden knows: each with where it is documented. Data, no code that decides.

`chain.profile` in warden.toml names one; its facts are then the defaults of `[chain]`. Where two sources
differ the safer figure stands here, and `notes` says so. Chains change: a fact that no longer holds is
overridden by a key of one's own until the next version.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

_GETH_POOL: Final = "https://geth.ethereum.org/docs/fundamentals/command-line-options"
_EIP_1559: Final = "https://eips.ethereum.org/EIPS/eip-1559"


class ChainProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One chain.

    Attributes:
        genesis: hash of block 0; empty where every chain has its own.
        finality_depth: blocks after which a transaction is taken as final; `finality` says what that means.
        min_tip_gwei: below it no pool takes a transaction.
        replaceable: False where a sequencer takes transactions in one by one and pools none, so that none can
            take another's place.
        bump_percent: by which a replacement must raise both fees, by the rule of the client that is in use.
        base_fee_step_percent: by which one block may raise the base fee at most, or a bound above it.
        l1_fee_oracle: the contract that tells what a transaction pays for its data on the chain below; the
            receipt says what it paid (`l1Fee`). None: there is no such fee, or it is part of the gas.
        sources: what each fact was taken from.
        notes: what is worth knowing, and where sources differ.
    """

    name: str
    title: str
    chain_id: int
    genesis: str
    block_time_ms: int
    finality_depth: int
    finality: str
    min_tip_gwei: Decimal
    replaceable: bool
    bump_percent: int
    base_fee_step_percent: Decimal
    l1_fee_oracle: str | None
    sources: dict[str, str]
    notes: str = ""


_ETHEREUM: Final = ChainProfile(
    name="ethereum",
    title="Ethereum",
    chain_id=1,
    genesis="0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    block_time_ms=12_000,
    finality_depth=96,
    finality="two epochs of 32 slots justify and finalise a block; a third is room for where in one it stood",
    min_tip_gwei=Decimal(0),
    replaceable=True,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle=None,
    sources={
        "chain_id": "https://eips.ethereum.org/EIPS/eip-155",
        "genesis": "https://github.com/ethereum/go-ethereum/blob/master/params/config.go",
        "block_time": "https://ethereum.org/developers/docs/blocks/",
        "finality": "https://ethereum.org/developers/docs/consensus-mechanisms/pos/",
        "bump": _GETH_POOL,
        "base_fee_step": _EIP_1559,
    },
    notes="A tip of 0 may be pooled and yet not mined: what nodes suggest is used.",
)

_BASE: Final = ChainProfile(
    name="base",
    title="Base",
    chain_id=8453,
    genesis="0xf712aa9241cc24369b143cf6dce85f0902a9731e70d66818a3a5845b296c73dd",
    block_time_ms=2_000,
    finality_depth=600,
    finality="final once the batch that holds it is final on Ethereum, some 20 minutes; before that the one"
    " sequencer's word stands",
    min_tip_gwei=Decimal(0),
    replaceable=True,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle="0x420000000000000000000000000000000000000F",
    sources={
        "chain_id": "https://docs.base.org/base-chain/quickstart/connecting-to-base",
        "genesis": "https://github.com/paradigmxyz/reth/blob/v1.10.0/crates/optimism/chainspec/src/base.rs",
        "block_time": "https://docs.base.org/base-chain/network-information/block-building",
        "finality": "https://docs.optimism.io/stack/transactions/transaction-finality",
        "bump": _GETH_POOL,
        "base_fee_step": "https://docs.base.org/base-chain/network-information/network-fees",
        "l1_fee": "https://specs.optimism.io/protocol/predeploys.html#gaspriceoracle",
    },
    notes="Its own EIP-1559 parameters change by upgrade and move the base fee by less a block than"
    " Ethereum's: the step is a bound. The sequencer keeps its pool to itself.",
)

_ARBITRUM: Final = ChainProfile(
    name="arbitrum",
    title="Arbitrum One",
    chain_id=42161,
    genesis="0x7ee576b35482195fc49205cec9af72ce14f003b9ae69f6ba0faef4514be8b442",
    block_time_ms=250,
    finality_depth=4_800,
    finality="final once its batch is final on Ethereum, some 20 minutes; before that the one sequencer's"
    " word stands",
    min_tip_gwei=Decimal(0),
    replaceable=False,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle=None,
    sources={
        "chain_id": "https://docs.arbitrum.io/build-decentralized-apps/reference/node-providers",
        "genesis": "https://github.com/OffchainLabs/nitro (block 0, of before Nitro)",
        "block_time": "https://docs.arbitrum.io/how-arbitrum-works/deep-dives/sequencer",
        "finality": "https://docs.arbitrum.io/how-arbitrum-works/deep-dives/transaction-lifecycle",
        "replaceable": "https://docs.arbitrum.io/how-arbitrum-works/deep-dives/sequencer-transaction-flow",
        "l1_fee": "https://docs.arbitrum.io/sdk/dataEntities/rpc",
    },
    notes="The sequencer queues what comes and pools nothing. What the data costs is part of `gasUsed` (the"
    " receipt's `gasUsedForL1`). Priority gas auctions may be switched on here (ArbOS 61): they order by tip,"
    " and still replace nothing. The base fee follows its own rule; the step is taken as a bound.",
)

_POLYGON: Final = ChainProfile(
    name="polygon",
    title="Polygon PoS",
    chain_id=137,
    genesis="0xa9c28ce2141b56c474f1dc504bee9b01eb1bd7d1a507580d5519d4437a97de1b",
    block_time_ms=2_000,
    finality_depth=128,
    finality="milestones of the validators make blocks final within seconds; the depth is for when they"
    " stall",
    min_tip_gwei=Decimal(25),
    replaceable=True,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle=None,
    sources={
        "chain_id": "https://chainlist.org/chain/137",
        "genesis": "https://github.com/0xPolygon/bor/blob/develop/params/config.go",
        "block_time": "https://www.alchemy.com/rpc/matic",
        "finality": "https://github.com/maticnetwork/Polygon-Improvement-Proposals/blob/main/PIPs/PIP-11.md",
        "min_tip": "https://github.com/0xPolygon/bor/pull/1290",
        "bump": "https://github.com/0xPolygon/bor/blob/develop/core/txpool/legacypool/legacypool.go",
    },
    notes="Bor's and Erigon's pools enforce 25 gwei since July 2024 (`BorDefaultTxPoolPriceLimit`, PIP-35);"
    " pages that say 30 are older. Consensus allows blocks of one second (bor's pull request 1852); by the"
    " heights of its upgrades from October 2025 to May 2026 one took 1.98 s. Its base fee moves by less a"
    " block than Ethereum's: the step is a bound.",
)

_BNB: Final = ChainProfile(
    name="bnb",
    title="BNB Smart Chain",
    chain_id=56,
    genesis="0x0d21840abff46b96c84b2ac9e10e4f5cdaeb5693cb665db62a2f3b02d2d57b5b",
    block_time_ms=450,
    finality_depth=240,
    finality="votes make a block final within two or three; the depth is for when they fail (two thirds of 21"
    " validators, each for some blocks in a row)",
    min_tip_gwei=Decimal("0.05"),
    replaceable=True,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle=None,
    sources={
        "chain_id": "https://www.alchemy.com/rpc/bnb",
        "genesis": "https://github.com/bnb-chain/bsc/blob/master/params/config.go",
        "block_time": "https://docs.bnbchain.org/announce/fermi-bsc",
        "finality": "https://github.com/bnb-chain/BEPs/blob/master/BEPs/BEP-126.md",
        "min_tip": "https://bsc-dataseed.binance.org (eth_gasPrice as read in September 2026)",
        "bump": _GETH_POOL,
    },
    notes="The base fee is 0: the tip is the whole price. Before Fermi (BEP-619, 14 January 2026) a block"
    " took 0.75 s, and pages that say 3 s are older still.",
)

_ANVIL: Final = ChainProfile(
    name="anvil",
    title="anvil (devnet)",
    chain_id=31_337,
    genesis="",
    block_time_ms=1_000,
    finality_depth=12,
    finality="as set: a chain of one's own is as final as one likes",
    min_tip_gwei=Decimal(0),
    replaceable=True,
    bump_percent=10,
    base_fee_step_percent=Decimal("12.5"),
    l1_fee_oracle=None,
    sources={"chain_id": "https://getfoundry.sh/anvil/reference/anvil", "base_fee_step": _EIP_1559},
)

PROFILES: Final = {each.name: each for each in (_ETHEREUM, _BASE, _ARBITRUM, _POLYGON, _BNB, _ANVIL)}


def markdown() -> str:
    """Return docs/chains.md."""
    lines = [
        "# Chains",
        "",
        "Made from `warden/domain/chains.py` by `python -m warden.domain.chains > docs/chains.md`; a test",
        'keeps the two equal. `chain.profile = "ethereum"` makes these the defaults of `[chain]`; what you',
        "set there yourself wins; another `chain.id` or `chain.genesis` than the profile's is refused.",
        "",
        "| profile | id | block | final after | least tip | replaceable | replacement's fees | L1 data fee |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(each) for each in PROFILES.values()]
    for each in PROFILES.values():
        lines += ["", f"## {each.title}", "", f"`{each.name}`. Final: {each.finality}."]
        lines += ["", each.notes] if each.notes else []
        lines += ["", f"Block 0: `{each.genesis}`"] if each.genesis else []
        lines += ["", *(f"- {fact}: {source}" for fact, source in each.sources.items())]
    return "\n".join(lines) + "\n"


def _line(each: ChainProfile) -> str:
    cells = (
        f"`{each.name}`",
        str(each.chain_id),
        f"{each.block_time_ms / 1_000:g} s",
        f"{each.finality_depth} blocks",
        f"{each.min_tip_gwei:f} gwei",
        "yes" if each.replaceable else "**no**: taking back is impossible",
        f"{each.bump_percent} % more" if each.replaceable else "",
        "receipt's `l1Fee`" if each.l1_fee_oracle else "",
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())

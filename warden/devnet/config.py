"""What a devnet is started with: one frozen value, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from warden.domain.errors import ConfigurationInvalid

REPOSITORY: Final = Path(__file__).resolve().parents[2]
NODE_MODULES: Final = REPOSITORY / ".setup" / "npm" / "node_modules"
ANVIL_IN_NODE_MODULES: Final = Path("@foundry-rs") / "anvil-linux-amd64" / "bin" / "anvil"

# A devnet signs under its own chain id even on a fork: a signature made here is worth nothing on the real
# chain.
CHAIN_ID: Final = 31337


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """A token of the devnet, and how many of it are worth one WETH at the pools' base prices."""

    symbol: str
    per_weth: int


TOKENS: Final = (TokenPlan("USDX", 2_000), TokenPlan("GEM", 40), TokenPlan("OAK", 8))

ENDPOINT_NAMES: Final = ("devnet-a", "devnet-b", "devnet-c")

PORT_MAX: Final = 65535


@dataclass(frozen=True, slots=True)
class UniswapAddresses:
    """Uniswap V2 as it already stands on a chain that is forked; checksummed hex addresses."""

    router: str
    factory: str
    weth: str


# https://docs.uniswap.org/contracts/v2/reference/smart-contracts/v2-deployments
UNISWAP_BY_CHAIN_ID: Final = {
    1: UniswapAddresses(
        router="0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D",
        factory="0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f",
        weth="0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    ),
}


@dataclass(frozen=True, slots=True)
class NoiseConfig:
    """How the noise traders move prices.

    `trade_percent` is the chance of one trade in a step (a step is a block); offsets are parts per million
    of the pool's base price.
    """

    enabled: bool = True
    trade_percent: int = 30
    step_ppm: int = 14_000
    offset_ppm_max: int = 40_000
    keep_percent: int = 60
    base_fee_min_wei: int = 50_000_000
    base_fee_max_wei: int = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DevnetConfig:
    """A devnet's settings.

    Attributes:
        directory: where manifest and receive log go; made if missing.
        chain_directory: where the chain's state and anvil's output go; None for `chain` in `directory`.
        block_time_s: seconds between blocks, fractions allowed; 0 mines each transaction at once.
        seed: of the accounts' mnemonic and of the noise.
        chain_id: that anvil answers and that transactions are signed for.
        node_port, endpoint_ports, control_port: loopback ports; 0 takes a free one, after a
            restart in the same directory the one from before.
        fork_url: a real chain's endpoint to fork, or None for an empty chain.
        fork_uniswap: Uniswap V2 on the forked chain, where the table of known chains does not have it.
        anvil: the binary.
        node_modules: where the contract artifacts are.
        state_interval_s: the least time between two dumps of the chain's state.
        history_blocks: how many blocks' states anvil keeps for reads of the past; each costs memory that
            grows with the chain, some 0.1 MB at the start and as much again every thousand blocks.

    Raises:
        ConfigurationInvalid: a value makes no sense, or the binary or the artifacts are missing.
    """

    directory: Path
    chain_directory: Path | None = None
    block_time_s: float = 1.0
    seed: int = 7
    chain_id: int = CHAIN_ID
    node_port: int = 0
    endpoint_ports: tuple[int, int, int] = (0, 0, 0)
    control_port: int = 0
    fork_url: str | None = field(default=None, repr=False)  # may hold a key
    fork_uniswap: UniswapAddresses | None = None
    anvil: Path = NODE_MODULES / ANVIL_IN_NODE_MODULES
    node_modules: Path = NODE_MODULES
    state_interval_s: float = 10.0
    history_blocks: int = 64
    noise: NoiseConfig = field(default_factory=NoiseConfig)

    def __post_init__(self) -> None:
        """Refuse what cannot work, naming the setting and the mend."""
        if self.block_time_s < 0 or (0 < self.block_time_s < 0.1):  # noqa: PLR2004 # below it anvil falls behind
            raise ConfigurationInvalid(f"devnet block time {self.block_time_s} s: give 0, or at least 0.1")
        if not 0 <= self.seed < 2**63:
            raise ConfigurationInvalid(f"devnet seed {self.seed}: give a number from 0 to 2**63-1")
        if self.chain_id < 1:
            raise ConfigurationInvalid(f"devnet chain id {self.chain_id}: give a positive number")
        for port in (self.node_port, *self.endpoint_ports, self.control_port):
            if not 0 <= port <= PORT_MAX:
                raise ConfigurationInvalid(
                    f"devnet port {port}: give a number from 0 (any free) to {PORT_MAX}"
                )
        if not self.anvil.is_file():
            raise ConfigurationInvalid(
                f"anvil is missing at {self.anvil}: run scripts/demo once, it fetches it"
            )
        if not (self.node_modules / "@uniswap" / "v2-core").is_dir():
            raise ConfigurationInvalid(
                f"Uniswap is missing in {self.node_modules}: run scripts/demo once, it fetches it"
            )

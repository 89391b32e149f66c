"""A whole system with three strategies on a market of good, taxed and cheating tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.chain.devnet import ETHER, Net
from tests.chain.tokens import Issuer, Listed
from tests.chain.uniswap import encoded
from tests.instance import DEVNET_TOML, REPOSITORY, wait_until
from tests.process.chain_truth import ChainTruth
from tests.process.crowd import Crowd
from tests.process.system import System
from warden.devnet.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

# Each way to cheat, and the rule that refuses it.
REFUSED: Final = {
    "Honeypot": "simulation.honeypot",
    "Melting": "simulation.honeypot",
    "FalseApproval": "simulation.honeypot",
    "Forger": "simulation.token-lies",
    "Backdoor": "simulation.allowance",
}
# An honest one, one that answers nothing, one that keeps a fee of each transfer, one of each sale.
TRADED: Final = ("Plain", "Silent", "Taxed", "SellTaxed")
PER_WETH: Final = 2_000
SHARED: Final = "GEM"
SHARED_PER_WETH: Final = 40
BOUGHT_WEI: Final = ETHER // 20
# Deeper than any misfortune takes blocks back: what was set up stays.
BURIED_BLOCKS: Final = 10
CROWDS: Final = 10_000_000 * ETHER
STRATEGIES: Final = REPOSITORY / "tests" / "strategies"
TOML: Final = f"""{DEVNET_TOML}
[chain]
block_time_s = 0.25
[capital.pools]
nibble = 2
grab = 2
keep = 1
[[strategies]]
name = "nibble"
use = "nibbler:Nibbler"
path = "{STRATEGIES}"
[[strategies]]
name = "grab"
use = "grabber:Grabber"
path = "{STRATEGIES}"
[strategies.parameters]
bite_eth = "0.1"
profit_eth = "0.0005"
[[strategies]]
name = "keep"
use = "collector:Collector"
path = "{STRATEGIES}"
[strategies.parameters]
listing = "LISTING"
amount_wei = "{BOUGHT_WEI}"
[execution]
max_token_tax_percent = 10
[limits]
max_positions = 30
max_fees_per_day_eth = "none"
# Trades revert and positions are sold at a loss all the time here; what that slows is tested elsewhere.
[breaker]
cooldown_s = 1
loss_cooldown_s = 1
[drawdown]
consecutive_losses = "none"
cooldown_s = 1
[emergency]
daily_loss_usd = "none"
[assessment]
enabled = false
"""


class Marketplace(System):
    """The system; `open` makes the tokens and lets the strategy know of them.

    Args:
        directory: where what the strategies say is kept.
    """

    def __init__(self, directory: Path) -> None:
        self._listing = directory / "listing.json"
        super().__init__(TOML.replace("LISTING", str(self._listing)))
        self.listed: dict[str, Listed] = {}
        self.shared = ""

    def open(self) -> tuple[ChainTruth, Crowd]:
        """Start everything; give the chain, and the strangers on it, who have some of every good token."""
        self.start_all()
        wait_until(self.places.devnet_manifest.is_file, "a devnet", 90)
        manifest = read_manifest(self.places.devnet_manifest.parent)
        assert manifest is not None
        self.shared = next(each.address for each in manifest.tokens if each.symbol == SHARED)
        truth = ChainTruth(self)
        crowd = Crowd(truth)
        issuer = Issuer(Net(manifest), pools=len(REFUSED) + len(TRADED))
        self.listed = issuer.list_tokens(*TRADED, *REFUSED)
        for kind in TRADED:
            data = encoded("transfer(address,uint256)", crowd.account, CROWDS)
            issuer.send(self.listed[kind].token, data)
        issuer.settle()
        for kind in TRADED:
            crowd.joins(self.listed[kind].token)
        height = int(truth.node("eth_blockNumber"), 16) + BURIED_BLOCKS
        wait_until(lambda: int(truth.node("eth_blockNumber"), 16) >= height, "blocks over the market")
        wanted = {each.token: PER_WETH for each in self.listed.values()} | {self.shared: SHARED_PER_WETH}
        part = self._listing.with_suffix(".part")
        part.write_text(json.dumps(wanted), encoding="utf-8")
        part.rename(self._listing)
        return truth, crowd

    @property
    def traded(self) -> tuple[str, ...]:
        """The tokens that may be held."""
        return (*(self.listed[kind].token for kind in TRADED), self.shared)

    def rules(self) -> dict[str, set[str]]:
        """Return which rules refused the purchase of each cheating kind so far, as the strategy heard it."""
        said = self._listing.with_suffix(".decisions")
        lines = said.read_text(encoding="utf-8").splitlines() if said.is_file() else []
        heard = [json.loads(line) for line in lines if line.endswith("]")]
        return {
            kind: {rule for _, bought, rule in heard if bought == self.listed[kind].token} for kind in REFUSED
        }

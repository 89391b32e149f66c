"""Paper against a chain that stands for a real one: a devnet, of which paper knows the URLs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from tests.instance import DEVNET_TOML, REPOSITORY, Instance, wait_until
from tests.process.system import System
from warden.devnet.manifest import read_manifest
from warden.devnet.received import LOG_NAME, Received, read_received
from warden.domain.roles import PROCESSES, Role
from warden.runtime.journal import read
from warden.wire.codec import from_json
from warden.wire.rows import ExecutorRow

if TYPE_CHECKING:
    from warden.devnet.manifest import Manifest

BLOCK_TIME_S = 0.5
NIBBLER = f"""\
[strategy]
use = "nibbler:Nibbler"
path = "{REPOSITORY / "tests" / "strategies"}"
"""


class RealChain(Instance):
    """A chain with a venue and noise traders; its three endpoints write down all that is sent to them."""

    def __init__(self, more: str = "") -> None:
        super().__init__(DEVNET_TOML + f"[chain]\nblock_time_s = {BLOCK_TIME_S}\n{more}")
        self.start(Role.DEVNET)
        wait_until(lambda: read_manifest(self.places.role(Role.DEVNET)) is not None, "devnet", 90)

    @property
    def manifest(self) -> Manifest:
        """What the devnet says of itself."""
        found = read_manifest(self.places.role(Role.DEVNET))
        assert found is not None
        return found

    def received(self) -> list[Received]:
        """Return every transaction that reached an endpoint."""
        path = self.places.role(Role.DEVNET) / LOG_NAME
        return read_received(path) if path.exists() else []


def paper_toml(chain: RealChain, more: str = NIBBLER) -> str:
    """Return the configuration of an instance that trades on paper with the devnet's endpoints."""
    made = chain.manifest
    endpoints = "".join(
        f'[[endpoints]]\nname = "{each.name}"\nurl = "{each.url}"\n' for each in made.endpoints
    )
    tokens = "".join(
        f'[[venue.tokens]]\nsymbol = "{each.symbol}"\naddress = "{each.address}"\n'
        f"decimals = {each.decimals}\n"
        for each in made.tokens
    )
    return f"""\
environment = "paper"
[chain]
id = {made.chain_id}
block_time_s = {BLOCK_TIME_S}
[venue]
router = "{made.router}"
factory = "{made.factory}"
weth = "{made.weth}"
{tokens}{endpoints}[gateway]
port = 0
[api]
port = 0
[price]
fixed_usd = 2000
{more}"""


class PaperSystem(System):
    """Every process of a paper instance; there is no key anywhere in its home."""

    def __init__(self, chain: RealChain, more: str = NIBBLER) -> None:
        super().__init__(paper_toml(chain, more))
        for name in ("wallet.json", "wallet.password"):
            (self.places.keys / name).unlink()

    def start_all(self) -> Self:
        """Start every process that there is on paper."""
        for role in PROCESSES:
            if role is not Role.DEVNET:
                self.start(role)
        return self

    def rows(self) -> list[ExecutorRow]:
        """Return the executor's durable rows."""
        return [from_json(row.body, ExecutorRow) for row in read(self.places.journal(Role.EXECUTOR))]

"""`devnet.json`: what stands where, for the gateway's and executor's profile and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.devnet.state_files import write_atomically
from warden.domain.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_NAME: Final = "devnet.json"
# The last run's, put aside while a start is under way: who finds a manifest finds a devnet that is ready.
BEFORE_NAME: Final = "devnet.before.json"


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ERC-20 token; `address` is checksummed hex."""

    symbol: str
    address: str
    decimals: int


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Uniswap V2 pair in the contract's own order of tokens; checksummed hex addresses."""

    address: str
    token0: str
    token1: str


class Contracts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was deployed. `noise_accounts` hold tokens and have approved the router."""

    router: str
    factory: str
    weth: str
    tokens: tuple[Token, ...]
    pairs: tuple[Pair, ...]
    noise_accounts: tuple[str, ...]


class EndpointAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint as a client sees it."""

    name: str
    url: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole devnet.

    `node_url` is the chain itself, past the endpoints: its calls show in no receive log and meet no fault.
    """

    chain_id: int
    genesis: str
    block_time_s: float
    router: str
    factory: str
    weth: str
    tokens: tuple[Token, ...]
    pairs: tuple[Pair, ...]
    endpoints: tuple[EndpointAddress, ...]
    control_url: str
    node_url: str
    received_log: str
    noise_accounts: tuple[str, ...]
    devnet_pid: int
    anvil_pid: int
    fork_block: int | None = None

    def contracts(self) -> Contracts:
        """Give the deployed part."""
        return Contracts(
            router=self.router,
            factory=self.factory,
            weth=self.weth,
            tokens=self.tokens,
            pairs=self.pairs,
            noise_accounts=self.noise_accounts,
        )


def write_manifest(directory: Path, manifest: Manifest) -> Path:
    """Write the manifest whole, and give its path."""
    path = directory / MANIFEST_NAME
    write_atomically(path, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return path


def put_aside(directory: Path) -> Manifest | None:
    """Take the last run's manifest away from readers, and give it; None where there was none.

    Raises:
        ConfigurationInvalid: the file is there but is no manifest.
    """
    path = directory / MANIFEST_NAME
    if path.exists():
        path.replace(directory / BEFORE_NAME)
    return read_manifest(directory, BEFORE_NAME)


def read_manifest(directory: Path, name: str = MANIFEST_NAME) -> Manifest | None:
    """Read the manifest of a directory; None where there is none yet.

    Raises:
        ConfigurationInvalid: the file is there but is no manifest.
    """
    path = directory / name
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ConfigurationInvalid(
            f"{path} is no manifest of this version ({error}): remove {directory}"
        ) from error

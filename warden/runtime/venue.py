"""What is traded on: chain, router, tokens, endpoints; from the settings, or from the devnet that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.amm import Token
from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment

if TYPE_CHECKING:
    from warden.domain.roles import Role
    from warden.runtime.places import Places
    from warden.runtime.settings import Settings

_MANIFEST_BYTES_MAX: Final = 1024 * 1024


class Endpoint(msgspec.Struct, frozen=True):
    """An RPC endpoint; its URL may hold a key and stays out of repr and logs."""

    name: str
    url: str
    send: bool = True
    relay: bool = False
    send_method: str = "eth_sendRawTransaction"
    cancel_method: str = ""

    def __repr__(self) -> str:
        return f"Endpoint(name={self.name!r}, send={self.send}, relay={self.relay})"


class Venue(msgspec.Struct, frozen=True):
    """Everything that is fixed about where trading happens.

    Attributes:
        genesis: hash of block 0, hex; empty where the operator has not pinned it.
        weth: the wrapped native token, in which profit is counted.
        tokens: the others.
        endpoints: all of them, private relays too; `readable` leaves those out.
    """

    chain_id: int
    genesis: str
    router: str
    factory: str
    weth: str
    tokens: tuple[Token, ...]
    endpoints: tuple[Endpoint, ...]

    @property
    def readable(self) -> tuple[Endpoint, ...]:
        """The endpoints that may be asked: a private relay is for sending alone."""
        return tuple(each for each in self.endpoints if not each.relay)


def load_venue(settings: Settings, where: Places) -> Venue | None:
    """Return the venue, or None while the devnet has not deployed it yet.

    Raises:
        ConfigurationInvalid: the manifest is not one.
    """
    if settings.environment is Environment.DEVNET:
        made = _read_manifest(where)
        return None if made is None else _with_relays(made, settings.devnet.relays)
    venue = settings.venue
    if venue.router is None or venue.factory is None or venue.weth is None:
        raise ConfigurationInvalid("venue.router, venue.factory and venue.weth must be set in warden.toml")
    return Venue(
        chain_id=settings.chain.id,
        genesis=(settings.chain.genesis or "").lower(),
        router=venue.router,
        factory=venue.factory,
        weth=venue.weth,
        tokens=tuple(Token(each.symbol, each.address, each.decimals) for each in venue.tokens),
        endpoints=tuple(
            Endpoint(
                name=each.name,
                url=each.url,
                send=each.send,
                relay=each.relay,
                send_method=each.send_method,
                cancel_method="" if each.cancel_method == "none" else each.cancel_method,
            )
            for each in settings.endpoints
        ),
    )


def _with_relays(venue: Venue, names: tuple[str, ...]) -> Venue:
    unknown = set(names) - {each.name for each in venue.endpoints}
    if unknown:
        raise ConfigurationInvalid(f"devnet.relays: the devnet has no endpoint {', '.join(sorted(unknown))}")
    endpoints = tuple(
        msgspec.structs.replace(
            each,
            relay=True,
            send_method="eth_sendPrivateTransaction",
            cancel_method="eth_cancelPrivateTransaction",
        )
        if each.name in names
        else each
        for each in venue.endpoints
    )
    return msgspec.structs.replace(venue, endpoints=endpoints)


def _read_manifest(where: Places) -> Venue | None:
    path = where.devnet_manifest
    try:
        with path.open("rb") as file:
            content = file.read(_MANIFEST_BYTES_MAX)
        return msgspec.json.decode(content, type=Venue)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationInvalid(
            f"{path} is not a devnet's manifest: {error}; start the demo again"
        ) from error


def served_url(where: Places, role: Role) -> str | None:
    """Return the URL that a role serves HTTP at, as it wrote it down; None before that."""
    try:
        return where.url_file(role).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def announce_url(where: Places, role: Role, url: str) -> None:
    """Write down where a role serves HTTP, whole or not at all."""
    path = where.url_file(role)
    path.with_suffix(".new").write_text(url + "\n", encoding="ascii")
    path.with_suffix(".new").replace(path)

"""The configuration: one declaration, read twice.

`settings_load` checks warden.toml, the environment and .env against these classes with pydantic-settings and
leaves a frozen copy; the processes read that copy with msgspec, so that no safety process imports pydantic.
Each field says in its metadata what it is, in which unit; the configuration reference is made from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import msgspec
from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment

if TYPE_CHECKING:
    from warden.runtime.places import Places

Field = TypeVar("Field")

_STRICT: Final = {"extra": "forbid"}

Port = Annotated[int, Ge(0), Le(65_535)]
Milliseconds = Annotated[int, Ge(1), Le(3_600_000)]
Address = Annotated[str, MinLen(42), MaxLen(42)]


def _is(default: Field, doc: str) -> Field:
    value: Any = field(default=default, metadata={"doc": doc})
    return value  # type: ignore[no-any-return] # dataclasses' own stubs lie the same way


@dataclass(frozen=True, kw_only=True)
class ChainSettings:
    """The chain that is traded on."""

    __pydantic_config__ = _STRICT
    id: Annotated[int, Gt(0)] = _is(31_337, "chain id; every endpoint must answer with it")
    block_time_s: Annotated[float, Gt(0)] = _is(1.0, "usual seconds between blocks")
    finality_depth: Annotated[int, Ge(1)] = _is(12, "blocks after which a transaction counts as final")
    replacement_bump_percent: Annotated[int, Ge(1)] = _is(
        10, "by how much a replacement raises both fees, percent"
    )


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """One RPC endpoint. Its URL may hold a key, so it is never shown."""

    __pydantic_config__ = _STRICT
    name: Annotated[str, MinLen(1), MaxLen(40)]
    url: str = field(repr=False, metadata={"doc": "http:// or https:// URL"})
    send: bool = _is(default=True, doc="signed transactions go here too")
    relay: bool = _is(default=False, doc="a private relay: gets what is routed to it, is never read from")


@dataclass(frozen=True, kw_only=True)
class WalletSettings:
    """The key, encrypted, and where its password stands."""

    __pydantic_config__ = _STRICT
    keystore: Path | None = _is(None, "keystore file (version 3 JSON); relative to the home directory")
    password_file: Path | None = _is(
        None, "file with the keystore's password; unset: the systemd credential 'keystore-password'"
    )


@dataclass(frozen=True, kw_only=True)
class TokenSettings:
    """A token by name."""

    __pydantic_config__ = _STRICT
    symbol: Annotated[str, MinLen(1), MaxLen(20)]
    address: Address
    decimals: Annotated[int, Ge(0), Le(36)] = 18


@dataclass(frozen=True, kw_only=True)
class VenueSettings:
    """The Uniswap-V2-style venue; in the devnet environment the devnet says it itself."""

    __pydantic_config__ = _STRICT
    router: Address | None = _is(None, "Router02")
    factory: Address | None = _is(None, "pair factory")
    weth: Address | None = _is(None, "wrapped native token, in which profit is counted")
    tokens: tuple[TokenSettings, ...] = _is((), "tokens that a strategy may see besides it")


@dataclass(frozen=True, kw_only=True)
class StrategySettings:
    """The strategy: one class, wherever it is."""

    __pydantic_config__ = _STRICT
    use: Annotated[str, MinLen(3)] = _is("warden.strategies.triangular:TriangularArbitrage", "module:Class")
    path: Path | None = _is(None, "directory to import it from, for a strategy of your own")
    parameters: dict[str, str | int | bool] = field(
        default_factory=dict, metadata={"doc": "handed to the class by keyword"}
    )


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """What one trade and all together may risk."""

    __pydantic_config__ = _STRICT
    max_trade_eth: Annotated[Decimal, Gt(0)] = _is(Decimal(10), "largest trade, ETH")
    min_trade_eth: Annotated[Decimal, Ge(0)] = _is(Decimal("0.01"), "smallest trade, ETH")
    max_trade_percent: Annotated[int, Gt(0), Le(100)] = _is(20, "largest trade, percent of capital")
    max_exposure_percent: Annotated[int, Gt(0), Le(100)] = _is(
        50, "in flight and open together, percent of capital"
    )
    max_gas_price_gwei: Annotated[Decimal, Gt(0)] = _is(Decimal(200), "highest fee per gas, gwei")
    gas_reserve_eth: Annotated[Decimal, Ge(0)] = _is(
        Decimal("0.02"), "kept for cancels and exits; below it nothing is opened, ETH"
    )


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """How transactions leave."""

    __pydantic_config__ = _STRICT
    route: str = _is("public", "public (every endpoint that sends), or the name of a relay; never widened")


@dataclass(frozen=True, kw_only=True)
class BreakerSettings:
    """The circuit breaker (CB1, CB2)."""

    __pydantic_config__ = _STRICT
    consecutive_failures: Annotated[int, Ge(1)] = _is(5, "failed trades in a row that open it")
    cooldown_s: Annotated[int, Ge(1)] = _is(60, "seconds until one probe trade may pass")
    successes_to_close: Annotated[int, Ge(1)] = _is(2, "successful probes in a row that close it")
    probe_timeout_s: Annotated[int, Ge(1)] = _is(
        30, "seconds after which a probe without an outcome opens it again"
    )


@dataclass(frozen=True, kw_only=True)
class WatchdogSettings:
    """Liveness and leave."""

    __pydantic_config__ = _STRICT
    beat_interval_ms: Annotated[int, Ge(50), Le(30_000)] = _is(250, "between heartbeats and permits, ms")
    lost_after_ms: Annotated[int, Ge(500), Le(600_000)] = _is(2_000, "without a beat: hung, ms")
    permit_life_ms: Annotated[int, Ge(500), Le(5_000)] = _is(1_500, "life of a permit from its grant, ms")
    arm_on_start: str = _is("", "never or if_clean; unset: if_clean for devnet and paper, never for live")
    trader_restarts: int = _is(
        -1, "lost traders an hour that are let in again by themselves; -1: live 0, else 3"
    )


@dataclass(frozen=True, kw_only=True)
class RecoverySettings:
    """What an operator's recovery from a stop needs, and what follows it (ES5)."""

    __pydantic_config__ = _STRICT
    approval: Literal["one", "two"] = _is("one", "operators who must agree on it: one or two")
    probation_percent: Annotated[int, Ge(1), Le(100)] = _is(
        25, "how much of every size limit counts after it, percent"
    )
    probation_s: Annotated[int, Ge(0), Le(604_800)] = _is(
        3_600, "how long after it, seconds; 0 for not at all"
    )


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """The JSON-RPC gateway, on loopback."""

    __pydantic_config__ = _STRICT
    host: str = _is("127.0.0.1", "address to listen on")
    port: Port = _is(8547, "port; 0 picks a free one and writes it to run/gateway/url")
    timeout_ms: Milliseconds = _is(2_000, "until the next endpoint is asked, ms")


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """The GET-only HTTP interface, on loopback."""

    __pydantic_config__ = _STRICT
    host: str = _is("127.0.0.1", "address to listen on")
    port: Port = _is(3001, "port; 0 picks a free one and writes it to run/api/url")


@dataclass(frozen=True, kw_only=True)
class DevnetSettings:
    """The local chain of demo and tests."""

    __pydantic_config__ = _STRICT
    seed: int = _is(7, "of the noise traders")
    noise: bool = _is(default=True, doc="let noise traders move prices")
    relays: tuple[str, ...] = _is((), "which of its endpoints play a private relay")
    fork_url: str | None = field(
        default=None, repr=False, metadata={"doc": "fork this chain instead of a new one"}
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that warden.toml may say."""

    environment: Environment = _is(Environment.PAPER, "devnet, paper or live")
    run_dir: Path | None = _is(None, "directory for sockets, where the home's path is too long")
    logs_dir: Path | None = _is(None, "directory for log files; unset: logs in the home")
    chain: ChainSettings = _is(ChainSettings(), "the chain")
    endpoints: tuple[EndpointSettings, ...] = _is((), "RPC endpoints in order of preference")
    wallet: WalletSettings = _is(WalletSettings(), "the key")
    venue: VenueSettings = _is(VenueSettings(), "where swaps go")
    strategy: StrategySettings = _is(StrategySettings(), "what trades")
    limits: LimitSettings = _is(LimitSettings(), "what may be risked")
    execution: ExecutionSettings = _is(ExecutionSettings(), "how transactions leave")
    breaker: BreakerSettings = _is(BreakerSettings(), "the circuit breaker")
    watchdog: WatchdogSettings = _is(WatchdogSettings(), "liveness")
    recovery: RecoverySettings = _is(RecoverySettings(), "recovery from a stop")
    gateway: GatewaySettings = _is(GatewaySettings(), "RPC gateway")
    api: ApiSettings = _is(ApiSettings(), "HTTP interface")
    devnet: DevnetSettings = _is(DevnetSettings(), "local chain")


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"{kind.__name__} is not a setting's type")


def read_frozen(places: Places) -> Settings:
    """Return the frozen copy that `warden up` left for the processes.

    Raises:
        ConfigurationInvalid: it is missing or not what this version writes.
    """
    try:
        return msgspec.json.decode(places.settings.read_bytes(), type=Settings, dec_hook=_path)
    except FileNotFoundError as error:
        raise ConfigurationInvalid(f"{places.settings} is missing: start with 'warden up'") from error
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationInvalid(
            f"{places.settings} cannot be read: run 'warden up' again ({error})"
        ) from error

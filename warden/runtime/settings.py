"""The configuration: one declaration, read twice.

`settings_load` checks warden.toml, the environment and .env against these classes with pydantic-settings and
leaves a frozen copy; the processes read that copy with msgspec, so that no safety process imports pydantic.
Each field says in its metadata what it is, in which unit; docs/configuration.md is made from that.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from annotated_types import Ge, Le, MaxLen, MinLen

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.runtime.settings_aftermath import IncidentSettings, StopStepSettings
from warden.runtime.settings_bot import BotSettings
from warden.runtime.settings_chain import Address, ChainSettings
from warden.runtime.settings_field import STRICT, Amount, Milliseconds, Port, required, setting, table
from warden.runtime.settings_health import HealthSettings
from warden.runtime.settings_limits import NOW, LimitSettings
from warden.runtime.settings_paper import PaperSettings
from warden.runtime.settings_trades import (
    AssessmentSettings,
    CapitalSettings,
    ExitSettings,
    PriceSettings,
    ProfitSettings,
    SizingSettings,
)
from warden.runtime.settings_triggers import BreakerSettings, DrawdownSettings, EmergencySettings
from warden.runtime.settings_watching import CheckSettings, FailsafeSettings

if TYPE_CHECKING:
    from warden.runtime.places import Places

_FROM_DEVNET = "the devnet says it; elsewhere refused"


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """One RPC endpoint. Its URL may hold a key, so it is never shown."""

    __pydantic_config__ = STRICT
    name: Annotated[str, MinLen(1), MaxLen(40)] = required("what it is called on the screen")
    url: str = required("http:// or https:// URL", secret=True)
    send: bool = setting(default=True, doc="signed transactions go here too")
    relay: bool = setting(default=False, doc="a private relay: gets what is routed to it, is never read from")
    send_method: Literal["eth_sendRawTransaction", "eth_sendPrivateTransaction"] = setting(
        "eth_sendRawTransaction", "how a relay takes transactions; the private one is told its last block"
    )
    cancel_method: Literal["none", "eth_cancelPrivateTransaction"] = setting(
        "none", "how a relay takes one back; none: it cannot, and reports say so"
    )


@dataclass(frozen=True, kw_only=True)
class WalletSettings:
    """The key, encrypted, and where its password stands."""

    __pydantic_config__ = STRICT
    keystore: Path | None = setting(
        None,
        "keystore file (version 3 JSON); relative to the home directory",
        unset="the devnet makes one; on paper there is none; live is refused",
    )
    password_file: Path | None = setting(
        None,
        "file with the keystore's password",
        unset="the systemd credential 'keystore-password'",
        secret=True,
    )
    sources_min: Annotated[int, Ge(1), Le(5)] = setting(
        2,
        "endpoints that must say the same of the wallet, at one block hash, before it is believed; 1 counts "
        "only where one endpoint is configured, and never in live",
        unit="endpoints",
    )
    unknown_after_s: Annotated[int, Ge(2), Le(600)] = setting(
        10,
        "without endpoints that agree on the wallet: OBSERVE_ONLY",
        unit="s",
        window="since they last agreed",
    )


@dataclass(frozen=True, kw_only=True)
class TokenSettings:
    """A token by name."""

    __pydantic_config__ = STRICT
    symbol: Annotated[str, MinLen(1), MaxLen(20)] = required("what a strategy calls it")
    address: Address = required("its contract: 0x and 40 hex digits")
    decimals: Annotated[int, Ge(0), Le(36)] = setting(18, "decimals of its smallest unit")


@dataclass(frozen=True, kw_only=True)
class VenueSettings:
    """The Uniswap-V2-style venue; in the devnet environment the devnet says it itself."""

    __pydantic_config__ = STRICT
    router: Address | None = setting(None, "Router02", unset=_FROM_DEVNET)
    factory: Address | None = setting(None, "pair factory", unset=_FROM_DEVNET)
    weth: Address | None = setting(
        None, "wrapped native token, in which profit is counted", unset=_FROM_DEVNET
    )
    tokens: tuple[TokenSettings, ...] = setting((), "tokens that a strategy may see besides it")


@dataclass(frozen=True, kw_only=True)
class StrategySettings:
    """The only strategy: one class, wherever it is. Several are written as `[[strategies]]` instead."""

    __pydantic_config__ = STRICT
    use: Annotated[str, MinLen(3)] = setting(
        "warden.strategies.triangular:TriangularArbitrage", "module:Class"
    )
    path: Path | None = setting(
        None, "directory to import it from, for a strategy of your own", unset="an installed module"
    )
    parameters: dict[str, str | int | bool] = table("handed to the class by keyword")
    command: tuple[Annotated[str, MinLen(1)], ...] = setting(
        (),
        "program and arguments of a bot of your own, in any language, run in the home instead of `use`: "
        "it sends through the gateway, whose URL is in WARDEN_RPC_URL",
    )
    silent_after_s: Annotated[int, Ge(1), Le(86_400)] = setting(
        60, "a `command` that neither calls the gateway nor its /heartbeat for so long is hung", unit="s"
    )
    memory_mb: Annotated[int, Ge(192), Le(1_048_576)] = setting(
        1_024, "most memory of the trader's process, strategy included; it ends beyond that", unit="MB"
    )


@dataclass(frozen=True, kw_only=True)
class NamedStrategySettings(StrategySettings):
    """One of several strategies: a process, a capital pool and a session of its own for each."""

    __pydantic_config__ = STRICT
    name: str = required(
        "what its process (`trader-NAME`), its pool and its trades are called: a letter from a to z, then "
        "letters, digits and -, 18 characters at most"
    )


@dataclass(frozen=True, kw_only=True)
class ExecutionSettings:
    """How transactions leave."""

    __pydantic_config__ = STRICT
    route: str = setting(
        "public", "public (every endpoint that sends), or the name of a relay; never widened"
    )
    simulate: Literal["always", "unknown", "never"] = setting(
        "always",
        "whose asset changes are simulated and judged before signing: of always every transaction, of unknown"
        " only contracts that are no known router and tokens that are bought to be held, of never none",
    )
    second_simulation_from_eth: Amount | None = setting(
        Decimal(1),
        "what spends so much, and every call of an unknown contract, is simulated by two endpoints that must "
        "say the same; with a single endpoint, and on paper, by one",
        unit="ETH",
        window="each transaction",
        micro=Decimal("0.01"),
        strict=Decimal("0.1"),
        tighter="lower",
        unset="one endpoint's simulation is enough",
    )
    max_token_tax_percent: Annotated[int, Ge(0), Le(50)] = setting(
        0, "most that a token may keep for itself when it moves", unit="%", baseline="what is bought or sold"
    )
    max_in_flight: Annotated[int, Ge(1), Le(32)] = setting(
        4,
        "transactions on their way at once; with so many nothing is opened, exits and cancels go on",
        unit="transactions",
        window=NOW,
        strict=1,
        tighter="lower",
    )


@dataclass(frozen=True, kw_only=True)
class WatchdogSettings:
    """Liveness and leave."""

    __pydantic_config__ = STRICT
    beat_interval_ms: Annotated[int, Ge(50), Le(30_000)] = setting(
        250, "between heartbeats; permits come at least thrice in their life", unit="ms"
    )
    lost_after_ms: Annotated[int, Ge(500), Le(600_000)] = setting(2_000, "without a beat: hung", unit="ms")
    permit_life_ms: Annotated[int, Ge(500), Le(5_000)] = setting(
        1_500, "life of a permit from its grant", unit="ms"
    )
    arm_on_start: str = setting("", "never or if_clean; unset: if_clean for devnet and paper, never for live")
    trader_restarts: int = setting(
        -1, "lost traders that are let in again by themselves; -1: live 0, else 3", window="an hour"
    )


@dataclass(frozen=True, kw_only=True)
class RecoverySettings:
    """What an operator's recovery from a stop needs, and what follows it (ES5)."""

    __pydantic_config__ = STRICT
    approval: Literal["one", "two"] = setting("one", "operators who must agree on it: one or two")
    probation_percent: Annotated[int, Ge(1), Le(100)] = setting(
        25, "how much of every size limit counts after it", unit="%", baseline="each limit"
    )
    probation_s: Annotated[int, Ge(0), Le(604_800)] = setting(
        3_600, "how long after it; 0: not at all", unit="s"
    )


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """The JSON-RPC gateway, on loopback."""

    __pydantic_config__ = STRICT
    host: str = setting("127.0.0.1", "address to listen on")
    port: Port = setting(8547, "port; 0 picks a free one and writes it to run/gateway/url")
    timeout_ms: Milliseconds = setting(2_000, "until the next endpoint is asked", unit="ms")
    calls_per_day: Annotated[int, Ge(1)] | None = setting(
        None,
        "RPC calls that the endpoints' plan allows",
        unit="calls",
        window="the UTC day",
        unset="no quota",
    )


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """The GET-only HTTP interface, on loopback."""

    __pydantic_config__ = STRICT
    host: str = setting("127.0.0.1", "address to listen on")
    port: Port = setting(3001, "port; 0 picks a free one and writes it to run/api/url")


@dataclass(frozen=True, kw_only=True)
class DevnetSettings:
    """The local chain of demo and tests."""

    __pydantic_config__ = STRICT
    seed: int = setting(7, "of the noise traders")
    noise: bool = setting(default=True, doc="let noise traders move prices")
    relays: tuple[str, ...] = setting((), "which of its endpoints play a private relay")
    fork_url: str | None = setting(None, "fork the chain behind this URL", unset="a new chain", secret=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that warden.toml may say."""

    __pydantic_config__ = STRICT
    environment: Environment = setting(Environment.PAPER, "devnet, paper or live")
    run_dir: Path | None = setting(
        None, "directory for sockets, where the home's path is too long", unset="run in the home"
    )
    logs_dir: Path | None = setting(None, "directory for log files", unset="logs in the home")
    chain: ChainSettings = setting(ChainSettings(), "the chain")
    endpoints: tuple[EndpointSettings, ...] = setting((), "RPC endpoints in order of preference")
    wallet: WalletSettings = setting(WalletSettings(), "the key")
    venue: VenueSettings = setting(VenueSettings(), "where swaps go")
    strategy: StrategySettings = setting(StrategySettings(), "what trades")
    strategies: tuple[NamedStrategySettings, ...] = setting((), "what trades, where there are several")
    limits: LimitSettings = setting(LimitSettings(), "what may be risked")
    breaker: BreakerSettings = setting(BreakerSettings(), "the circuit breaker")
    emergency: EmergencySettings = setting(EmergencySettings(), "when everything stops by itself")
    drawdown: DrawdownSettings = setting(DrawdownSettings(), "when nothing new is opened for a while")
    exits: ExitSettings = setting(ExitSettings(), "how open positions are protected")
    sizing: SizingSettings = setting(SizingSettings(), "how sizes follow results")
    profit: ProfitSettings = setting(ProfitSettings(), "where profit goes")
    capital: CapitalSettings = setting(CapitalSettings(), "books against wallet")
    price: PriceSettings = setting(PriceSettings(), "what a native coin costs in USD")
    assessment: AssessmentSettings = setting(AssessmentSettings(), "the score of each opportunity")
    execution: ExecutionSettings = setting(ExecutionSettings(), "how transactions leave")
    watchdog: WatchdogSettings = setting(WatchdogSettings(), "liveness")
    health: HealthSettings = setting(HealthSettings(), "when something is not well")
    recovery: RecoverySettings = setting(RecoverySettings(), "recovery from a stop")
    incidents: IncidentSettings = setting(IncidentSettings(), "what is kept of what went wrong")
    stop_steps: tuple[StopStepSettings, ...] = setting((), "steps of your own that follow a stop")
    checks: CheckSettings = setting(CheckSettings(), "what is checked at the start and while it runs")
    failsafe: FailsafeSettings = setting(FailsafeSettings(), "what shuts down when it lasts")
    gateway: GatewaySettings = setting(GatewaySettings(), "RPC gateway")
    api: ApiSettings = setting(ApiSettings(), "HTTP interface")
    devnet: DevnetSettings = setting(DevnetSettings(), "local chain")
    paper: PaperSettings = setting(PaperSettings(), "fills that are computed")
    bot: BotSettings = setting(BotSettings(), "a program of its own that sends through the gateway")


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

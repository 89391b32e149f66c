"""What is right by itself but wrong together, and what is allowed but must be said aloud. Pure."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from warden.domain.chains import PROFILES
from warden.domain.modes import Environment
from warden.runtime.settings_aftermath import wrong_stop_steps
from warden.runtime.settings_field import about
from warden.runtime.settings_strategies import wrong_strategies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.runtime.settings import Settings

    Keys = tuple[str, ...]
    Fault = tuple[tuple[Keys, ...], str]

DEVNET_PRICE_USD: Final = Decimal(2000)
# The finest that a unit is counted in: a wei, a basis point, a millionth of a USD.
DECIMALS_MAX: Final = {"ETH": 18, "gwei": 9, "%": 2, "USD": 6}
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_AUTOMATIC: Final = (
    ("emergency", "nothing stops by itself on a loss, an error or bad health"),
    ("breaker", "no row of failures or losses holds trading up"),
)


def fixed_price_usd(settings: Settings) -> Decimal | None:
    """Return the price of a native coin that the settings fix; None where the chain must tell it."""
    if settings.price.fixed_usd is None and settings.price.usd_token is None:
        return DEVNET_PRICE_USD if settings.environment is Environment.DEVNET else None
    return settings.price.fixed_usd


def usd_limits(settings: Settings) -> tuple[str, ...]:
    """Return the names of the limits in USD that are set: without a price each of them refuses."""
    return tuple(
        f"{section}.{each.name}"
        for section in ("limits", "breaker", "emergency")
        for each in fields(getattr(settings, section))
        if about(each).unit == "USD" and getattr(getattr(settings, section), each.name) is not None
    )


def remarks(settings: Settings) -> tuple[str, ...]:
    """Return what is allowed but weakens the protection or keeps trades from happening, a line each."""
    said = [
        f"{section}.enabled is false: {what}; only what an operator does by hand is left"
        for section, what in _AUTOMATIC
        if not getattr(settings, section).enabled
    ]
    if fixed_price_usd(settings) is None and settings.price.usd_token is None:
        names = usd_limits(settings)
        if names:
            said.append(
                f"no price in USD will be known, so these limits refuse every trade: {', '.join(names)}; "
                'set price.usd_token, or each of them to "none"'
            )
    return tuple(said)


def wrong(settings: Settings) -> Iterator[Fault]:
    """Yield each fault: the keys that it lies in, and one line with what is wrong and what would be right."""
    yield from _too_fine(settings)
    yield from _wrong_limits(settings)
    yield from _wrong_order(settings)
    yield from _wrong_chain(settings)
    yield from _wrong_price(settings)
    yield from wrong_strategies(settings)
    yield from wrong_stop_steps(settings.stop_steps)
    yield from _wrong_watchdog(settings)
    yield from _wrong_health(settings)
    yield from _wrong_endpoints(settings)
    yield from _wrong_for_real(settings)


def _too_fine(settings: Settings) -> Iterator[Fault]:
    """Refuse an amount that cannot be counted exactly, before a process stumbles over it."""
    for section in fields(settings):
        table = getattr(settings, section.name)
        for each in fields(table) if is_dataclass(table) else ():
            value, unit = getattr(table, each.name), about(each).unit
            if not isinstance(value, Decimal) or unit not in DECIMALS_MAX:
                continue
            exponent = value.normalize().as_tuple().exponent
            if isinstance(exponent, int) and -exponent > DECIMALS_MAX[unit]:
                yield (
                    ((section.name, each.name),),
                    (
                        f"{section.name}.{each.name} {value} is finer than {DECIMALS_MAX[unit]} decimals, "
                        f"the finest for {unit}"
                    ),
                )


def _wrong_limits(settings: Settings) -> Iterator[Fault]:
    limits, price = settings.limits, fixed_price_usd(settings)
    if limits.min_trade_eth > limits.max_trade_eth:
        yield (
            (("limits", "min_trade_eth"), ("limits", "max_trade_eth")),
            f"limits.min_trade_eth {limits.min_trade_eth} is above max_trade_eth {limits.max_trade_eth}",
        )
    if price is not None and limits.max_trade_usd is not None:
        least_usd = limits.min_trade_eth * price
        if least_usd > limits.max_trade_usd:
            yield (
                (("limits", "min_trade_eth"), ("limits", "max_trade_usd"), ("price", "fixed_usd")),
                (
                    f"limits.min_trade_eth {limits.min_trade_eth} is {least_usd:f} USD at {price:f} USD per "
                    f"ETH, above max_trade_usd {limits.max_trade_usd}"
                ),
            )


def _wrong_order(settings: Settings) -> Iterator[Fault]:
    """Refuse what is to come before something else and would come after it."""
    emergency, drawdown, assessment = settings.emergency, settings.drawdown, settings.assessment
    if emergency.capital_warning_percent >= emergency.capital_loss_percent:
        yield (
            (("emergency", "capital_warning_percent"), ("emergency", "capital_loss_percent")),
            (
                f"emergency.capital_warning_percent {emergency.capital_warning_percent} must be below "
                f"capital_loss_percent {emergency.capital_loss_percent}: a warning comes first"
            ),
        )
    if drawdown.halt_percent >= emergency.drawdown_percent:
        yield (
            (("drawdown", "halt_percent"), ("emergency", "drawdown_percent")),
            (
                f"drawdown.halt_percent {drawdown.halt_percent} must be below emergency.drawdown_percent "
                f"{emergency.drawdown_percent}: new trades end before everything does"
            ),
        )
    weights = [each.name for each in fields(assessment) if each.name.startswith("weight_")]
    if not any(getattr(assessment, name) for name in weights):
        yield (
            tuple(("assessment", name) for name in weights),
            f"assessment: one of {', '.join(weights)} at least must be above 0",
        )


def _wrong_chain(settings: Settings) -> Iterator[Fault]:
    chain, profile = settings.chain, PROFILES.get(settings.chain.profile)
    if profile is not None and chain.id != profile.chain_id:
        yield (
            (("chain", "id"), ("chain", "profile")),
            f"chain.id {chain.id} is not {profile.title}'s, which is {profile.chain_id}: leave one out",
        )
    genesis = "" if chain.genesis is None else chain.genesis.lower()
    if genesis and not _HASH.fullmatch(genesis):
        yield (("chain", "genesis"),), "chain.genesis must be a hash: 0x and 64 hex digits"
    elif profile is not None and profile.genesis and genesis != profile.genesis:
        yield (
            (("chain", "genesis"), ("chain", "profile")),
            f"chain.genesis is not that of {profile.title}, {profile.genesis}: take it away",
        )
    if chain.l1_fee_oracle is not None and not _ADDRESS.fullmatch(chain.l1_fee_oracle):
        yield (("chain", "l1_fee_oracle"),), "chain.l1_fee_oracle must be an address: 0x and 40 hex digits"


def _wrong_price(settings: Settings) -> Iterator[Fault]:
    price, environment = settings.price, settings.environment
    if price.fixed_usd is not None and environment is Environment.LIVE:
        yield (
            (("price", "fixed_usd"),),
            (
                "price.fixed_usd is for devnet and paper: in live a price that never changes protects "
                "nothing; set price.usd_token"
            ),
        )
    if price.fixed_usd is not None and price.usd_token is not None:
        yield (("price", "fixed_usd"),), "price.fixed_usd and price.usd_token are two prices: set one of them"
    if price.confirm_blocks > price.window_blocks:
        yield (
            (("price", "confirm_blocks"), ("price", "window_blocks")),
            f"price.confirm_blocks {price.confirm_blocks} is above window_blocks {price.window_blocks}",
        )
    for number, address in enumerate(price.second_factories):
        if not _ADDRESS.fullmatch(address):
            keys = ("price", "second_factories", str(number))
            yield (keys,), "price.second_factories must be addresses: 0x and 40 hex digits each"
    if price.second_usd_token is not None and price.second_usd_token == price.usd_token:
        yield (("price", "second_usd_token"),), "price.second_usd_token is price.usd_token: no second source"
    if environment is Environment.DEVNET:
        # The devnet's tokens are known once it runs.
        return
    symbols = [token.symbol for token in settings.venue.tokens]
    for key, symbol in (("usd_token", price.usd_token), ("second_usd_token", price.second_usd_token)):
        if symbol is not None and symbol not in symbols:
            known = ", ".join(symbols) or "none"
            yield (("price", key),), f"price.{key} {symbol!r} is no token; known: {known}"


def _wrong_watchdog(settings: Settings) -> Iterator[Fault]:
    watchdog = settings.watchdog
    if watchdog.arm_on_start not in {"", "never", "if_clean"}:
        yield (("watchdog", "arm_on_start"),), "watchdog.arm_on_start must be 'never' or 'if_clean'"
    if watchdog.lost_after_ms < 2 * watchdog.beat_interval_ms:
        yield (
            (("watchdog", "lost_after_ms"), ("watchdog", "beat_interval_ms")),
            "watchdog.lost_after_ms must be at least twice watchdog.beat_interval_ms: a beat may be late",
        )


def _wrong_health(settings: Settings) -> Iterator[Fault]:
    health = settings.health
    for name in ("cpu", "memory", "disk", "load"):
        degraded, critical = f"{name}_degraded_percent", f"{name}_critical_percent"
        if getattr(health, degraded) >= getattr(health, critical):
            yield (
                (("health", degraded), ("health", critical)),
                (
                    f"health.{degraded} {getattr(health, degraded)} must be below {critical} "
                    f"{getattr(health, critical)}: what is worse comes later"
                ),
            )
    if health.ledger_every_s * 2 > health.ledger_age_s:
        yield (
            (("health", "ledger_every_s"), ("health", "ledger_age_s")),
            (
                f"health.ledger_every_s {health.ledger_every_s} must be at most half of ledger_age_s "
                f"{health.ledger_age_s}: a ledger with nothing to write is no sick one"
            ),
        )


def _wrong_endpoints(settings: Settings) -> Iterator[Fault]:
    names = [each.name for each in settings.endpoints]
    if len(set(names)) != len(names):
        yield (("endpoints",),), "two endpoints have the same name"
    for number, each in enumerate(settings.endpoints):
        if not each.url.startswith(("http://", "https://")):
            keys = ("endpoints", str(number), "url")
            yield (keys,), f"endpoints.{each.name}: url must start with http:// or https://"
        if not each.relay and (each.send_method, each.cancel_method) != ("eth_sendRawTransaction", "none"):
            keys = ("endpoints", str(number), "relay")
            yield (keys,), f"endpoints.{each.name}: only a relay (relay = true) has methods of its own"
    if settings.environment is Environment.DEVNET:
        return
    route, relays = settings.execution.route, [each.name for each in settings.endpoints if each.relay]
    if settings.endpoints and len(relays) == len(settings.endpoints):
        yield (("endpoints",),), "every endpoint is a relay: at least one must be there to read from"
    if route not in {"public", *relays}:
        known = ", ".join(["public", *relays])
        yield (("execution", "route"),), f"execution.route {route!r} is no relay; known: {known}"


def _wrong_for_real(settings: Settings) -> Iterator[Fault]:
    environment = settings.environment
    if environment is Environment.DEVNET:
        return
    if not settings.endpoints:
        yield (
            (("environment",),),
            f"environment {environment} needs at least one [[endpoints]] with name and url",
        )
    for key in ("router", "factory", "weth"):
        if getattr(settings.venue, key) is None:
            yield (("venue",),), f"environment {environment} needs venue.{key}"
        elif not _ADDRESS.fullmatch(str(getattr(settings.venue, key))):
            yield (("venue", key),), f"venue.{key} must be an address: 0x and 40 hex digits"
    for number, token in enumerate(settings.venue.tokens):
        if not _ADDRESS.fullmatch(token.address):
            yield (("venue", "tokens", str(number), "address"),), f"token {token.symbol}: no address"
    if settings.paper.wallet is not None and not _ADDRESS.fullmatch(settings.paper.wallet):
        yield (("paper", "wallet"),), "paper.wallet must be an address: 0x and 40 hex digits"
    if settings.wallet.keystore is None and environment is Environment.LIVE:
        yield (("wallet",),), f"environment {environment} needs wallet.keystore"

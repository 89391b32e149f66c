"""The levers by name (PS4a): what each takes, how it reads a value, and which limit it tightens.

One table for the rules, the command line and the documentation. A lever that tightens a limit has the name
of the limit's key in warden.toml, with or without its `limits.`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBER: Final = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,18}))?")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}")
_TX_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_POSITION_ID: Final = re.compile(r"[!-~]{1,100}")
_SPOKEN_MAX: Final = 80
_PERCENT_WHOLE: Final = 10_000


class Unit(StrEnum):
    """What a number is of, in the lever's own unit."""

    ETH = "ETH"
    GWEI = "gwei"
    USD = "USD"
    PERCENT = "%"
    COUNT = "positions"


_DECIMALS: Final[Mapping[Unit, int]] = MappingProxyType(
    {Unit.ETH: 18, Unit.GWEI: 9, Unit.USD: 6, Unit.PERCENT: 2, Unit.COUNT: 0}
)


class Number(msgspec.Struct, frozen=True):
    """A limit that a lever tightens: `field` of a `part` of LeverLimits; `least`: higher is tighter."""

    part: str
    field: str
    unit: Unit
    least: bool = False

    def looser(self, amount: int, than: int) -> bool:
        """Tell whether `amount` lets more through than `than`."""
        return amount < than if self.least else amount > than

    def tighter(self, one: int, other: int) -> int:
        """Return the one of the two that lets less through."""
        return max(one, other) if self.least else min(one, other)

    def text(self, amount: int) -> str:
        """Return an amount in the lever's unit, every digit that counts."""
        places = _DECIMALS[self.unit]
        whole, part = divmod(amount, 10**places)
        return f"{whole}.{part:0{places}d}".rstrip("0").removesuffix(".") if places else str(whole)


NUMBERS: Final[Mapping[str, Number]] = MappingProxyType(
    {
        "max_gas_price_gwei": Number("gas", "max_fee_per_gas_wei", Unit.GWEI),
        "min_profit_eth": Number("gas", "min_profit_wei", Unit.ETH, least=True),
        "min_trade_eth": Number("trade", "min_trade_wei", Unit.ETH, least=True),
        "max_trade_eth": Number("trade", "max_trade_wei", Unit.ETH),
        "max_trade_usd": Number("trade", "max_trade_micro_usd", Unit.USD),
        "max_trade_percent": Number("trade", "max_trade_bps", Unit.PERCENT),
        "max_exposure_percent": Number("trade", "max_exposure_bps", Unit.PERCENT),
        "max_exposure_usd": Number("trade", "max_exposure_micro_usd", Unit.USD),
        "max_trade_loss_eth": Number("trade", "max_loss_wei", Unit.ETH),
        "risk_per_trade_percent": Number("trade", "max_risk_bps", Unit.PERCENT),
        "gas_reserve_eth": Number("trade", "gas_reserve_wei", Unit.ETH, least=True),
        "max_positions": Number("positions", "max_positions", Unit.COUNT),
        "max_positions_per_whale": Number("positions", "max_per_whale", Unit.COUNT),
        "max_positions_per_market": Number("positions", "max_per_market", Unit.COUNT),
        "max_whale_day_usd": Number("positions", "whale_day_micro_usd", Unit.USD),
        "max_fee_eth": Number("fees", "max_transaction_wei", Unit.ETH),
        "max_fees_per_day_eth": Number("fees", "max_day_wei", Unit.ETH),
    }
)
BLOCKS: Final = ("token", "pair", "pool", "router")
CLOSE_POSITION: Final = "close_position"
CANCEL_TRANSACTION: Final = "cancel_transaction"
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = MappingProxyType(
    {
        CLOSE_POSITION: (_POSITION_ID, "a position's id as 'warden status' shows it"),
        CANCEL_TRANSACTION: (_TX_HASH, "a transaction's hash: 0x and 64 hex digits"),
    }
)
LEVERS: Final = (
    *NUMBERS,
    *(f"{verb}_{kind}" for kind in BLOCKS for verb in ("block", "unblock")),
    CLOSE_POSITION,
    CANCEL_TRANSACTION,
)


class Pulled(msgspec.Struct, frozen=True):
    """A lever and its value, understood: `text` is the value as it is shown, `amount` a number's base units.

    `text` is empty when a number is let go of.
    """

    lever: str
    text: str
    amount: Wei = Wei(0)


def parse(lever: str, value: str) -> Pulled | Refusal:
    """Return what is meant, or one line that says what is wrong and what would be right."""
    name, value = lever.strip().removeprefix("limits."), value.strip()
    if name not in LEVERS:
        return _wrong("lever.unknown", f"there is no lever {_spoken(lever)}; there are {', '.join(LEVERS)}")
    if name in NUMBERS:
        return _number(name, value)
    if name.endswith("_pair"):
        return _pair(name, value.lower())
    form, what = _FORMS.get(name, (_ADDRESS, "an address: 0x and 40 hex digits"))
    text = value if name == CLOSE_POSITION else value.lower()
    if not form.fullmatch(text):
        return _wrong("lever.value", f"{name} takes {what}, not {_spoken(value)}")
    return Pulled(name, text)


def _number(name: str, value: str) -> Pulled | Refusal:
    if not value:
        return Pulled(name, "")
    number = NUMBERS[name]
    places = _DECIMALS[number.unit]
    match = _NUMBER.fullmatch(value)
    if match is None or len(match[2] or "") > places:
        example = "2" if not places else "2.5"
        kind = f"a number of {number.unit.value}, at most {places} decimals" if places else "a whole number"
        return _wrong("lever.value", f"{name} takes {kind}, such as {example}, not {_spoken(value)}")
    amount = int(match[1]) * 10**places + int((match[2] or "").ljust(places, "0") or "0")
    if number.unit is Unit.PERCENT and amount > _PERCENT_WHOLE:
        return _wrong("lever.value", f"{name} is at most 100 %, not {_spoken(value)}")
    return Pulled(name, number.text(amount), Wei(amount))


def _pair(name: str, value: str) -> Pulled | Refusal:
    first, _, second = value.partition("/")
    if not _ADDRESS.fullmatch(first) or not _ADDRESS.fullmatch(second) or first == second:
        message = f"{name} takes two token addresses as 0x…/0x…, not {_spoken(value)}"
        return _wrong("lever.value", message)
    return Pulled(name, "/".join(sorted((first, second))))


def _spoken(text: str) -> str:
    return ascii(text if len(text) <= _SPOKEN_MAX else text[:_SPOKEN_MAX] + "...")


def _wrong(rule: str, message: str) -> Refusal:
    return Refusal(rule, message)

"""What is right by itself and wrong together is one line; what weakens the protection is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.runtime.test_settings_load import LIVE, clean_environment, line_of, load, refused
from warden.domain.modes import Environment
from warden.runtime.settings import Settings
from warden.runtime.settings_checks import fixed_price_usd, remarks, usd_limits
from warden.runtime.settings_trades import PriceSettings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clean_environment"]
DEVNET = 'environment = "devnet"\n'
DAI = "DAI"


@pytest.mark.parametrize(
    ("section", "key", "good", "bad", "says"),
    [
        ("limits", "min_trade_eth", "10", "10.000000000000000001", "is above max_trade_eth 10"),
        ("emergency", "capital_warning_percent", "19.99", "20", "must be below capital_loss_percent 20"),
        ("emergency", "capital_loss_percent", "15.01", "15", "must be below capital_loss_percent 15"),
        ("emergency", "warn_at_percent", "99.99", "100", "less than 100"),
        ("emergency", "drawdown_percent", "15.01", "15", "must be below emergency.drawdown_percent 15"),
        ("drawdown", "halt_percent", "19.99", "20", "must be below emergency.drawdown_percent 20"),
        ("assessment", "score_max_percent", "100", "100.01", "less than or equal to 100"),
        ("assessment", "decay_percent", "99.99", "100", "less than 100"),
        ("assessment", "returns_min", "2", "1", "greater than or equal to 2"),
        ("sizing", "kelly_percent", "100", "100.01", "less than or equal to 100"),
        ("sizing", "kelly_percent", "0.01", "0", "greater than 0"),
        ("sizing", "max_percent", "100", "99.99", "greater than or equal to 100"),
        ("sizing", "mode", '"kelly"', '"martingale"', "'fixed', 'dynamic' or 'kelly'"),
        ("limits", "profile", '"strict"', '"loose"', "'micro', 'standard' or 'strict'"),
        ("limits", "max_trade_usd", '"none"', "0", "greater than 0"),
        ("limits", "max_trade_usd", "20", "19.99", "is 20.00 USD at 2000 USD per ETH, above max_trade_usd"),
        ("limits", "max_positions", "1", "0", "greater than or equal to 1"),
        ("limits", "max_positions", "10", '"none"', "limits.max_positions"),
        ("breaker", "loss_percent", '"none"', "100.01", "less than or equal to 100"),
        ("breaker", "min_sample", "1", "0", "greater than or equal to 1"),
        ("profit", "debt_percent", "0", "-0.01", "greater than or equal to 0"),
        ("profit", "period", '"week"', '"month"', "'day' or 'week'"),
        ("exits", "stop_loss_percent", "100", "0", "greater than 0"),
        ("price", "fixed_usd", "1", "0", "greater than 0"),
        # The finest that can be counted: a wei, a basis point, a millionth of a USD.
        ("limits", "min_trade_eth", '"1e-18"', '"1e-19"', "finer than 18 decimals"),
        ("limits", "max_gas_price_gwei", "0.000000001", "0.0000000001", "finer than 9 decimals"),
        ("limits", "risk_per_trade_percent", "0.25", "0.255", "finer than 2 decimals"),
        ("limits", "max_exposure_usd", "0.000001", "0.0000001", "finer than 6 decimals"),
        ("limits", "max_fee_eth", "1", "inf", "limits.max_fee_eth"),
        ("limits", "max_fee_eth", "1", "nan", "limits.max_fee_eth"),
    ],
)
def test_both_sides_of_each_check(
    tmp_path: Path, *, section: str, key: str, good: str, bad: str, says: str
) -> None:
    """OP3: the last value that is right is taken, the first that is wrong is one line with its place."""
    load(tmp_path, f"{DEVNET}[{section}]\n{key} = {good}\n")
    message = refused(tmp_path, f"{DEVNET}[{section}]\n{key} = {bad}\n")
    assert says in message
    assert line_of(message) == 3, message


def test_a_score_without_weights_is_refused(tmp_path: Path) -> None:
    """All weights zero would score everything zero, so that nothing is ever refused."""
    names = ("exposure", "concentration", "volatility", "impact", "gas", "sandwich")
    lines = [f"weight_{name} = 0\n" for name in names]
    message = refused(tmp_path, f"{DEVNET}[assessment]\n{''.join(lines)}")
    assert "one of weight_exposure" in message
    assert line_of(message) == 3
    load(tmp_path, f"{DEVNET}[assessment]\n{''.join(lines[1:])}")


def test_the_line_is_that_of_what_was_written(tmp_path: Path) -> None:
    """A limit that the other's default contradicts is looked for where the file names either."""
    assert line_of(refused(tmp_path, f"{DEVNET}[drawdown]\n\nhalt_percent = 25\n")) == 4
    message = refused(tmp_path, f"{DEVNET}[emergency]\ndrawdown_percent = 12\n")
    assert "drawdown.halt_percent 15" in message
    assert line_of(message) == 3
    variable = refused(tmp_path, DEVNET, "WARDEN_DRAWDOWN__HALT_PERCENT=25\n")
    assert variable.startswith(".env WARDEN_DRAWDOWN__HALT_PERCENT: drawdown.halt_percent 25 must be")


def test_policies_are_checked(tmp_path: Path) -> None:
    """Reasons and policies by name, in capitals or not; anything else is refused with what is known."""
    text = DEVNET + '[emergency.policies]\ndrawdown = "flatten"\nHEALTH = "hold"\n'
    assert load(tmp_path, text).emergency.policies == {"DRAWDOWN": "flatten", "HEALTH": "hold"}
    for wrong in ('panic = "hold"', 'drawdown = "pray"'):
        message = refused(tmp_path, f"{DEVNET}[emergency.policies]\n{wrong}\n")
        assert "emergency.policies" in message
        assert line_of(message) == 3, message


def test_a_fixed_price_is_not_for_live(tmp_path: Path) -> None:
    """A price that never changes would let every limit in USD mean anything: refused in live, by its line."""
    price = "[price]\nfixed_usd = 2000\n"
    message = refused(tmp_path, LIVE + price)
    assert "price.fixed_usd is for devnet and paper" in message
    assert line_of(message) == (LIVE + price).splitlines().index("fixed_usd = 2000") + 1
    assert load(tmp_path, LIVE.replace('"live"', '"paper"') + price).price.fixed_usd == 2000


def test_a_price_has_one_source(tmp_path: Path) -> None:
    """Two prices are refused, and so is a token that nobody named."""
    both = '[price]\nfixed_usd = 2000\nusd_token = "DAI"\n'
    assert "set one of them" in refused(tmp_path, LIVE.replace('"live"', '"paper"') + both)
    assert "known: DAI" in refused(tmp_path, LIVE + '[price]\nusd_token = "USDX"\n')
    assert load(tmp_path, LIVE + '[price]\nusd_token = "DAI"\n').price == PriceSettings(usd_token=DAI)


def test_the_price_that_is_fixed() -> None:
    """The devnet has one unless told otherwise; elsewhere none is made up."""
    devnet = Settings(environment=Environment.DEVNET)
    assert fixed_price_usd(devnet) == 2000
    assert fixed_price_usd(replace(devnet, price=PriceSettings(fixed_usd=Decimal(3)))) == 3
    assert fixed_price_usd(replace(devnet, price=PriceSettings(usd_token=DAI))) is None
    assert fixed_price_usd(Settings(environment=Environment.PAPER)) is None


def test_what_weakens_the_protection_is_said(tmp_path: Path) -> None:
    """Automatic triggers that are off, and limits in USD that no price serves, are a remark each."""
    assert remarks(load(tmp_path, DEVNET)) == ()
    assert remarks(load(tmp_path, LIVE + '[price]\nusd_token = "DAI"\n')) == ()
    off = load(tmp_path, LIVE + "[breaker]\nenabled = false\n[emergency]\nenabled = false\n")
    first, second, third = remarks(off)
    assert first.startswith("emergency.enabled is false")
    assert second.startswith("breaker.enabled is false")
    assert all(name in third for name in ("breaker.loss_usd", "emergency.daily_loss_usd", "usd_token"))
    assert not any("\n" in each for each in remarks(off))


def test_limits_in_usd_are_known_by_their_unit(tmp_path: Path) -> None:
    """Those that are set need a price; `none` takes each of them off the list."""
    assert usd_limits(load(tmp_path, DEVNET)) == (
        "limits.max_whale_day_usd",
        "breaker.loss_usd",
        "emergency.daily_loss_usd",
    )
    none = (
        '[limits]\nmax_whale_day_usd = "none"\n[breaker]\nloss_usd = "None"\n'
        '[emergency]\ndaily_loss_usd = "none"\n'
    )
    settings = load(tmp_path, DEVNET + none)
    assert usd_limits(settings) == ()
    assert settings.breaker.loss_usd is None
    assert remarks(load(tmp_path, LIVE + none)) == ()

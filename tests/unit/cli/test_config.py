"""`warden config show`: each value in force, where it comes from, and no secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.runtime.test_settings_load import LIVE, clean_environment
from warden.cli.config import HIDDEN, reference, show
from warden.domain.errors import ConfigurationInvalid
from warden.runtime.reference import page
from warden.runtime.settings_load import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clean_environment"]
DEVNET = 'environment = "devnet"\n'


def told(home: Path, text: str, capsys: pytest.CaptureFixture[str], section: str = "") -> dict[str, Any]:
    """What --json prints of a configuration."""
    (home / FILE_NAME).write_text(text, encoding="utf-8")
    assert show(home, section=section, as_json=True) == 0
    out, err = capsys.readouterr()
    assert err == ""
    report: dict[str, Any] = json.loads(out)
    return report


def by_name(report: dict[str, Any]) -> dict[str, tuple[str | None, str, str]]:
    """The settings of a report: value, unit and source by name."""
    return {each["name"]: (each["value"], each["unit"], each["source"]) for each in report["settings"]}


def test_values_units_and_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OP3: what is in force and whence, of every setting; none is null."""
    report = told(tmp_path, DEVNET + '[limits]\nprofile = "strict"\nmax_fee_eth = "none"\n', capsys)
    assert (report["environment"], report["profile"]) == ("devnet", "strict")
    assert (report["pending"], report["remarks"]) == ([], [])
    rows = by_name(report)
    assert rows["limits.max_trade_eth"] == ("10", "ETH", "default")
    assert rows["limits.max_trade_usd"] == ("500", "USD", "profile strict")
    assert rows["limits.max_fee_eth"] == (None, "ETH", "warden.toml:4")
    assert rows["watchdog.permit_life_ms"] == ("1500", "ms", "default")
    assert rows["breaker.enabled"] == ("true", "", "default")


def test_the_price_in_force_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The devnet's own price holds where nothing is set, and is told as such."""
    rows = by_name(told(tmp_path, DEVNET, capsys, "price"))
    assert rows["price.fixed_usd"] == ("2000", "USD", "default on the devnet")
    rows = by_name(told(tmp_path, DEVNET + "[price]\nfixed_usd = 1500.5\n", capsys, "price"))
    assert rows["price.fixed_usd"] == ("1500.5", "USD", "warden.toml:3")


def test_no_secret_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """OB1: URLs and the password's file are hidden in both forms; that they are set is told."""
    text = LIVE.replace('keystore = "key.json"', 'keystore = "key.json"\npassword_file = "secretkey"')
    text += '[devnet]\nfork_url = "http://secretkey"\n'
    rows = by_name(told(tmp_path, text, capsys))
    for name in ("endpoints.0.url", "endpoints.1.url", "wallet.password_file", "devnet.fork_url"):
        assert rows[name][0] == HIDDEN
    assert rows["wallet.keystore"][0] == "key.json"
    assert "secretkey" not in json.dumps(rows)
    assert show(tmp_path, section="", as_json=False) == 0
    assert "secretkey" not in "".join(capsys.readouterr())


def test_a_section_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--section shows one table, in lines of name, value with unit, source; an unknown one is refused."""
    (tmp_path / FILE_NAME).write_text(DEVNET + "[drawdown]\nhalt_percent = 12.5\n", encoding="utf-8")
    assert show(tmp_path, section="drawdown", as_json=False) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
        ["drawdown.halt_percent", "12.5 %", "warden.toml:3"],
        ["drawdown.consecutive_losses", "5 trades", "default"],
        ["drawdown.cooldown_s", "300 s", "default"],
    ]
    for wrong in ("drawdowns", "environment", "limits.max_trade_eth"):
        with pytest.raises(ConfigurationInvalid, match="known: chain, endpoints"):
            show(tmp_path, section=wrong, as_json=False)


def test_what_weakens_the_protection_is_said_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Remarks go to standard error, a line each, and into the JSON."""
    text = DEVNET + "[emergency]\nenabled = false\n"
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    assert show(tmp_path, section="emergency", as_json=False) == 0
    err = capsys.readouterr().err
    assert err.startswith("warden: emergency.enabled is false")
    assert len(err.splitlines()) == 1
    assert len(told(tmp_path, text, capsys)["remarks"]) == 1


def test_parameters_and_lists_have_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a strategy is handed, tokens and endpoints stand there one by one."""
    rows = by_name(told(tmp_path, LIVE, capsys))
    assert rows["strategy.parameters.fast"] == (
        "true",
        "",
        f"warden.toml:{LIVE.splitlines().index('fast = true') + 1}",
    )
    assert rows["venue.tokens.0.symbol"][0] == "DAI"
    assert rows["venue.tokens.0.decimals"] == ("18", "", "default")
    assert rows["endpoints.1.send"][0] == "false"
    assert rows["emergency.policies"][0] == ""


def test_a_wrong_configuration_is_refused(tmp_path: Path) -> None:
    """One line and exit code 2, as `warden up` would."""
    (tmp_path / FILE_NAME).write_text("limits = 5\n", encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=r"warden\.toml:1: limits"):
        show(tmp_path, section="", as_json=False)


def test_the_reference_is_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Redirected into docs/configuration.md it is that page, to the last byte."""
    assert reference() == 0
    assert capsys.readouterr().out == page()

"""Which source a value comes from, and that the first in order wins."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.unit.runtime.test_settings_load import LIVE, clean_environment, load, refused
from warden.domain.modes import Environment
from warden.runtime.settings_load import FILE_NAME, Loaded, load_with_origins
from warden.runtime.settings_sources import ALIASES, merged, named_in, worded

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clean_environment"]
DEVNET = 'environment = "devnet"\n'


@pytest.fixture(autouse=True)
def no_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine reaches a test."""
    for name in ALIASES:
        monkeypatch.delenv(name, raising=False)


def loaded(directory: Path, text: str, dotenv: str = "") -> Loaded:
    """Load a configuration with its sources."""
    load(directory, text, dotenv)
    return load_with_origins(directory / FILE_NAME)


def test_each_source_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OP3: default, profile, file with its line, .env and environment with the variable's name."""
    monkeypatch.setenv("WARDEN_LIMITS__MAX_POSITIONS", "4")
    found = loaded(
        tmp_path,
        DEVNET + '[limits]\nprofile = "micro"\nmax_trade_eth = 2\n[emergency.policies]\nhealth = "hold"\n',
        "WARDEN_LIMITS__MAX_TRADE_PERCENT=7\n",
    )
    for name, origin in {
        "limits.max_positions": "environment WARDEN_LIMITS__MAX_POSITIONS",
        "limits.max_trade_percent": ".env WARDEN_LIMITS__MAX_TRADE_PERCENT",
        "limits.max_trade_eth": "warden.toml:4",
        "limits.profile": "warden.toml:3",
        "limits.max_trade_usd": "profile micro",
        "limits.max_exposure_percent": "default",
        "emergency.policies.HEALTH": "warden.toml:6",
        "environment": "warden.toml:1",
        "breaker.cooldown_s": "default",
    }.items():
        assert found.origin(name.split(".")) == origin, name


def test_a_list_comes_from_one_source_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an item leaves out is the default, and a variable that names the list takes all of it."""
    text = (
        DEVNET + '[[endpoints]]\nname = "a"\nurl = "http://a"\n[[endpoints]]\nname = "b"\nurl = "http://b"\n'
    )
    found = loaded(tmp_path, text)
    assert found.origin(["endpoints", "1", "name"]) == "warden.toml:6"
    assert found.origin(["endpoints", "1", "send"]) == "default"
    monkeypatch.setenv("WARDEN_ENDPOINTS", '[{"name": "c", "url": "http://c"}]')
    found = loaded(tmp_path, text)
    assert [each.name for each in found.settings.endpoints] == ["c"]
    assert found.origin(["endpoints", "0", "name"]) == "environment WARDEN_ENDPOINTS"
    assert found.origin(["endpoints", "0", "send"]) == "default"


def test_dry_run_is_told_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that holds because of DRY_RUN says so; a paper file stays its own."""
    found = loaded(tmp_path, LIVE, "DRY_RUN=true\n")
    assert found.settings.environment is Environment.PAPER
    assert found.origin(["environment"]) == ".env DRY_RUN"
    monkeypatch.setenv("DRY_RUN", "false")
    assert loaded(tmp_path, LIVE, "DRY_RUN=true\n").origin(["environment"]) == "warden.toml:1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[limits]\nmax_trade_eth = 3\n", 3),
        ("limits.max_trade_eth = 3\n", 2),
        ("limits . max_trade_eth = 3\n", 2),
        ("limits = { max_trade_eth = 3 }\n", 2),
        ('[limits]\n\n"max_trade_eth" = 3\n', 4),
    ],
)
def test_the_line_is_found_however_it_is_written(tmp_path: Path, text: str, line: int) -> None:
    """TOML has more than one way to say a key."""
    found = loaded(tmp_path, DEVNET + text)
    assert found.settings.limits.max_trade_eth == 3
    assert found.origin(["limits", "max_trade_eth"]) == f"warden.toml:{line}"


def test_the_own_value_wins_over_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile is the lowest layer: a value of one's own wins in either direction, from any source."""
    text = DEVNET + '[limits]\nprofile = "strict"\nmax_trade_usd = 900\nmax_trade_percent = 5\n'
    limits = load(tmp_path, text).limits
    assert [limits.max_trade_usd, limits.max_trade_percent, limits.max_exposure_usd] == [900, 5, 5000]
    monkeypatch.setenv("WARDEN_LIMITS__PROFILE", "micro")
    limits = load(tmp_path, text).limits
    assert [limits.max_trade_usd, limits.max_exposure_usd] == [900, 25]
    limits = load(tmp_path, text, "WARDEN_LIMITS__MAX_EXPOSURE_USD=none\n").limits
    assert [limits.max_trade_usd, limits.max_exposure_usd] == [900, None]


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_the_source_documents_names_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """OP3: they count as the environment or .env, over the file, and only yes or no is taken."""
    section, key = ALIASES[name]

    def enabled(text: str, dotenv: str = "") -> bool:
        return bool(getattr(getattr(load(tmp_path, text, dotenv), section), key))

    on = f"{DEVNET}[{section}]\n{key} = true\n"
    assert enabled(on)
    assert not enabled(on, f"{name}=false\n")
    assert loaded(tmp_path, on, f"{name}=false\n").origin([section, key]) == f".env {name}"
    monkeypatch.setenv(name, "TRUE")
    assert enabled(f"{DEVNET}[{section}]\n{key} = false\n", f"{name}=false\n")
    for neither in ("", "maybe"):
        monkeypatch.setenv(name, neither)
        assert f"{name} is {neither!r}: use true or false" in refused(tmp_path, on)


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_one_setting_named_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Which of the two an operator believes in cannot be known: a guess might switch protection off."""
    own = f"WARDEN_{'__'.join(ALIASES[name])}".upper()
    monkeypatch.setenv(name, "false")
    monkeypatch.setenv(own, "true")
    message = refused(tmp_path, DEVNET)
    assert name in message
    assert own in message
    assert "keep one" in message


def test_none_is_a_word_where_there_may_be_none() -> None:
    """In any case of letters; elsewhere it stays a text and is refused as one."""
    said = {
        "limits": {"max_trade_usd": " None ", "max_trade_eth": "none", "unknown": "none"},
        "price": "none",
        "environment": "none",
    }
    assert worded(said) == {
        "limits": {"max_trade_usd": None, "max_trade_eth": "none", "unknown": "none"},
        "price": "none",
        "environment": "none",
    }


def test_none_is_refused_where_a_limit_must_be(tmp_path: Path) -> None:
    """A limit that has to be there cannot be switched off."""
    assert "limits.max_trade_eth" in refused(tmp_path, f'{DEVNET}[limits]\nmax_trade_eth = "none"\n')


def test_decimals_of_the_file_are_exact(tmp_path: Path) -> None:
    """No float comes between what is written and what holds, quotes or none."""
    text = DEVNET + "[limits]\nmax_trade_eth = 2.000000000000000001\n[chain]\nblock_time_s = 0.25\n"
    settings = load(tmp_path, text)
    assert settings.limits.max_trade_eth == Decimal("2.000000000000000001")
    assert (settings.chain.block_time_s, type(settings.chain.block_time_s)) == (0.25, float)


def test_merging_and_looking_do_not_stumble() -> None:
    """Whatever shape a file has, a source is asked and never breaks."""
    assert merged([]) == {}
    for values in ({"a": 5}, {"a": [1]}, {"a": [{"c": 1}]}, {"a": {"b": 1}}, {}):
        assert not named_in(values, ["a", "0", "b"])
    assert named_in({"a": [{"b": 1}]}, ["a", "0", "b"])

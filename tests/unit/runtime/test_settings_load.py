"""The configuration: each bad input is one clear line with its place; what was read is in force."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from warden.domain.errors import ConfigurationInvalid
from warden.domain.modes import Environment
from warden.domain.roles import Role
from warden.runtime import settings_load
from warden.runtime.places import INSTALLED_MARK, create, places
from warden.runtime.settings import DevnetSettings, EndpointSettings, Settings, read_frozen

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "0x" + "1" * 40
LIVE = f"""\
environment = "live"
[[endpoints]]
name = "a"
url = "https://a.example/v2/secretkey"
[[endpoints]]
name = "b"
url = "https://b.example"
send = false
[venue]
router = "{ADDRESS}"
factory = "{ADDRESS}"
weth = "{ADDRESS}"
[[venue.tokens]]
symbol = "DAI"
address = "{ADDRESS}"
[wallet]
keystore = "key.json"
[strategy.parameters]
depth = 3
name = "x"
fast = true
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine reaches a test."""
    for name in ("DRY_RUN", "WARDEN_HOME"):
        monkeypatch.delenv(name, raising=False)


def load(directory: Path, text: str, dotenv: str = "") -> Settings:
    """Load a configuration of this text."""
    file = directory / settings_load.FILE_NAME
    file.write_text(text, encoding="utf-8")
    if dotenv:
        file.with_name(".env").write_text(dotenv, encoding="utf-8")
    return settings_load.load(file)


def refused(directory: Path, text: str, dotenv: str = "") -> str:
    """Load a bad configuration and give the one line that refuses it."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load(directory, text, dotenv)
    message = str(caught.value)
    assert "\n" not in message
    return message


def line_of(message: str) -> int:
    """The line number in a refusal, 0 for none."""
    found = re.search(r"warden\.toml:(\d+): ", message)
    return int(found[1]) if found else 0


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """Except that paper needs endpoints and a venue, and says so."""
    assert "needs at least one [[endpoints]]" in refused(tmp_path, "")
    assert load(tmp_path, 'environment = "devnet"') == Settings(environment=Environment.DEVNET)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """Tables, arrays of tables, decimals and parameters of any simple type."""
    settings = load(tmp_path, LIVE + '[limits]\nmax_trade_eth = "2.5"\nmax_gas_price_gwei = 30\n')
    assert settings.environment is Environment.LIVE
    assert [(each.name, each.send) for each in settings.endpoints] == [("a", True), ("b", False)]
    assert settings.limits.max_trade_eth == Decimal("2.5")
    assert settings.venue.tokens[0].symbol == "DAI"
    assert settings.strategy.parameters == {"depth": 3, "name": "x", "fast": True}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("nonsense = 1\n", 1, "unknown key 'nonsense'"),
        ("\n\n[limits]\nmax_trade = 5\n", 4, "unknown key 'limits.max_trade'; known here: max_trade_eth"),
        ("[limit]\nmax_trade_eth = 5\n", 1, "unknown key 'limit'"),
        (
            "[limits]\n\n# a comment\nmax_trade_eth = 0\n",
            4,
            "limits.max_trade_eth: input should be greater than 0",
        ),
        ('[limits]\nmax_trade_eth = "many"\n', 2, "limits.max_trade_eth"),
        ('[limits]\nmax_trade_eth = "NaN"\n', 2, "limits.max_trade_eth"),
        ("[limits]\nmax_trade_eth = inf\n", 2, "limits.max_trade_eth"),
        ("[limits]\nmax_trade_percent = 101\n", 2, "less than or equal to 100"),
        ("[gateway]\nport = 65536\n", 2, "gateway.port"),
        ('[gateway]\nport = "x"\n', 2, "gateway.port"),
        ("[gateway]\nhost = 5\n", 2, "gateway.host"),
        ('environment = "production"\n', 1, "environment: input should be 'devnet', 'paper' or 'live'"),
        ("[chain]\nid = 0\n", 2, "chain.id"),
        ("[chain]\nid = 1\n[chain.more]\nx = 1\n", 3, "unknown key 'chain.more'"),
        ('[[endpoints]]\nname = "a"\n', 1, "endpoints.0.url"),
        (
            '[[endpoints]]\nname = "a"\nurl = "http://x"\n[[endpoints]]\nname = "b"\nurl = 5\n',
            6,
            "endpoints.1.url",
        ),
        (
            '[[endpoints]]\nname = "a"\nurl = "http://x"\nkey = 1\n',
            4,
            "unknown key 'endpoints.0.key'; known here: name",
        ),
        ('[[endpoints]]\nname = "a"\nurl = "ftp://x"\n', 3, "must start with http"),
        (
            '[[endpoints]]\nname = "a"\nurl = "http://x"\n[[endpoints]]\nname = "a"\nurl = "http://y"\n',
            1,
            "same name",
        ),
        ('[venue]\nrouter = "0x12"\n', 2, "venue.router"),
        (
            "[limits]\nmin_trade_eth = 5\nmax_trade_eth = 1\n",
            2,
            "limits.min_trade_eth 5 is above max_trade_eth 1",
        ),
        ('[watchdog]\narm_on_start = "always"\n', 2, "'never' or 'if_clean'"),
        ("[watchdog]\nbeat_interval_ms = 1000\nlost_after_ms = 1999\n", 3, "at least twice"),
        ("limits = 5\n", 1, "limits"),
        ("[strategy]\nparameters = { x = [1] }\n", 2, "strategy.parameters.x"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, says: str) -> None:
    """File, line, what is wrong and what would be right (OP3)."""
    devnet = "" if text.startswith("environment") else 'environment = "devnet"\n'
    message = refused(tmp_path, devnet + text)
    assert says in message
    assert line_of(message) == line + (1 if devnet else 0), message


@pytest.mark.parametrize("text", ["a = ", "[limits\n", "a = 1\na = 2\n", "\x00", "[limits]\n[limits]\n"])
def test_what_is_no_toml_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    """The parser's own place, in one line."""
    assert re.search(r"not TOML: .*\(at (line 1|line 2|end of document)", refused(tmp_path, text))


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    """Missing, a directory, no text, too large."""
    file = tmp_path / settings_load.FILE_NAME
    with pytest.raises(ConfigurationInvalid, match="No such file"):
        settings_load.load(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationInvalid, match="not UTF-8 at byte 0"):
        settings_load.load(file)
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigurationInvalid, match="larger than"):
        settings_load.load(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigurationInvalid, match="directory"):
        settings_load.load(file)


def test_no_refusal_holds_a_secret(tmp_path: Path) -> None:
    """A URL may hold a key; neither a refusal nor the settings' own repr shows it (OB1)."""
    for text in (
        LIVE.replace('"https://a.example/v2/secretkey"', '["https://a.example/v2/secretkey"]'),
        LIVE.replace("https://a.example/v2/secretkey", "wss://a.example/v2/secretkey"),
    ):
        assert "secretkey" not in refused(tmp_path, text)
    assert "secretkey" not in repr(load(tmp_path, LIVE))


def test_the_environment_wins_over_dotenv_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each level adds to the one below; none wipes out its neighbours (OP3)."""
    text = (
        'environment = "devnet"\n[limits]\nmax_trade_eth = 1\nmin_trade_eth = "0.5"\nmax_trade_percent = 7\n'
    )
    dotenv = "WARDEN_LIMITS__MAX_TRADE_ETH=2\nWARDEN_LIMITS__MIN_TRADE_ETH=0.6\nOTHER=1\n"
    assert load(tmp_path, text).limits.max_trade_eth == 1
    assert load(tmp_path, text, dotenv).limits.max_trade_eth == 2
    monkeypatch.setenv("WARDEN_LIMITS__MAX_TRADE_ETH", "3")
    limits = load(tmp_path, text, dotenv).limits
    assert limits.max_trade_eth == Decimal(3)
    assert limits.min_trade_eth == Decimal("0.6")
    assert limits.max_trade_percent == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WARDEN_LIMIT__MAX_TRADE_ETH", "3"),
        ("WARDEN_LIMITS__MAX_TRADE", "3"),
        ("WARDEN_LIMITS__MAX_TRADE_ETH", "many"),
        ("WARDEN_GATEWAY__PORT", "-1"),
        ("WARDEN_ENVIRONMENT", "prod"),
        ("WARDEN_LIMITS", "{"),
    ],
)
def test_a_wrong_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Misspelt or of a wrong value: the operator believes that it is in force (OP3)."""
    monkeypatch.setenv(name, value)
    message = refused(tmp_path, 'environment = "devnet"\n')
    assert "environment" in message.lower()


@pytest.mark.parametrize(
    ("value", "environment"),
    [
        ("true", Environment.PAPER),
        ("TRUE", Environment.PAPER),
        ("1", Environment.PAPER),
        ("yes", Environment.PAPER),
        ("false", Environment.LIVE),
        ("0", Environment.LIVE),
        ("", Environment.LIVE),
    ],
)
def test_dry_run_makes_live_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, environment: Environment
) -> None:
    """The source documents' own variable (OP3)."""
    monkeypatch.setenv("DRY_RUN", value)
    assert load(tmp_path, LIVE).environment is environment


def test_dry_run_is_never_guessed_and_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that is neither yes nor no is refused; a paper or devnet file stays what it is."""
    monkeypatch.setenv("DRY_RUN", "maybe")
    assert "DRY_RUN" in refused(tmp_path, LIVE)
    for value in ("false", "true"):
        monkeypatch.setenv("DRY_RUN", value)
        assert load(tmp_path, LIVE.replace('"live"', '"paper"')).environment is Environment.PAPER
        assert load(tmp_path, 'environment = "devnet"').environment is Environment.DEVNET


def test_dry_run_in_dotenv_counts(tmp_path: Path) -> None:
    """Where the source documents put it (OP3)."""
    assert load(tmp_path, LIVE, "DRY_RUN=true\n").environment is Environment.PAPER


def test_an_unknown_variable_in_dotenv_is_refused(tmp_path: Path) -> None:
    """As in the environment itself; what is not Warden's may stand there too."""
    assert "WARDEN_LIMITZ" in refused(tmp_path, 'environment = "devnet"\n', "WARDEN_LIMITZ__X=1\n")
    dotenv = "SLACK_TOKEN=1\nWARDEN_HOME=/x\nEMPTY\n"
    assert load(tmp_path, 'environment = "devnet"\n', dotenv).environment is Environment.DEVNET
    assert "max_trade" in refused(tmp_path, 'environment = "devnet"\n', "WARDEN_LIMITS__MAX_TRADE=1\n")


def test_a_dotenv_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    """Its own name is in the line, not the configuration's."""
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    assert ".env: not UTF-8" in refused(tmp_path, 'environment = "devnet"\n')


@pytest.mark.parametrize("key", ["router", "factory", "weth", "keystore"])
def test_live_needs_its_venue_and_wallet(tmp_path: Path, key: str) -> None:
    """What only the operator can know is never guessed."""
    text = "\n".join(line for line in LIVE.splitlines() if not line.startswith(f"{key} ="))
    assert key in refused(tmp_path, text)


def test_the_processes_read_what_was_checked(tmp_path: Path) -> None:
    """The frozen copy equals the checked settings, field by field, and is its owner's alone (ADR 3)."""
    where = create(tmp_path / "home", run_dir=tmp_path / "run")
    for text in (LIVE + '[limits]\nmax_trade_eth = "2.000000000000000001"\n', 'environment = "devnet"\n'):
        settings = load(tmp_path, text)
        settings_load.freeze(settings, where)
        assert read_frozen(where) == settings
    assert where.settings.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b'{"environment":"x"}', b'{"limits":{"max_trade_eth":[]}}', b"\xff"]
)
def test_a_frozen_copy_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """Missing or torn: one line that says what to run."""
    where = create(tmp_path / "home", run_dir=tmp_path / "run")
    if content is not None:
        where.settings.write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match="warden up") as caught:
        read_frozen(where)
    assert "\n" not in str(caught.value)


def test_each_role_gets_what_is_meant_for_it(tmp_path: Path) -> None:
    """I8: when installed, no URL is in the trader's copy; gateway and executor have them."""
    (tmp_path / INSTALLED_MARK).touch()
    (tmp_path / "settings").mkdir()
    settings = Settings(
        endpoints=(EndpointSettings(name="one", url="https://host/SECRET-A"),),
        devnet=DevnetSettings(fork_url="https://host/SECRET-B"),
    )
    settings_load.freeze(settings, places(tmp_path))
    for role in Role:
        where = places(tmp_path, role)
        text = where.settings.read_text(encoding="utf-8")
        assert ("SECRET-A" in text) is (role in {Role.GATEWAY, Role.EXECUTOR})
        assert ("SECRET-B" in text) is (role is Role.DEVNET)
        assert read_frozen(where).endpoints[0].name == "one"

"""Bad input: one clear line, exit code 2, nothing started, never a traceback."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import free_port, new_home, one_line, warden
from warden.cli.running import everything
from warden.devnet.config import ANVIL_IN_NODE_MODULES, NODE_MODULES
from warden.executor.sends.keystore import create_keystore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS = "0x" + "11" * 20
SECRET = "k3y-in-the-url"  # noqa: S105 - a canary: it must never be shown


def paper_toml(url: str, *, chain_id: int = 31337) -> str:
    """Return a paper configuration with one endpoint, called main."""
    return f"""\
environment = "paper"
[chain]
id = {chain_id}
[[endpoints]]
name = "main"
url = "{url}"
[wallet]
keystore = "wallet.json"
password_file = "wallet.password"
[venue]
router = "{ADDRESS}"
factory = "{ADDRESS}"
weth = "{ADDRESS}"
[gateway]
port = 0
[api]
port = 0
"""


@contextmanager
def paper_home(url: str, *, chain_id: int = 31337) -> Iterator[Path]:
    """Yield the home of a paper instance: the keystore that it names is not there, and is not needed."""
    with new_home(paper_toml(url, chain_id=chain_id)) as home:
        yield home


@contextmanager
def chain_node() -> Iterator[str]:
    """Yield the URL of a real node of chain 31337."""
    port = free_port()
    anvil = NODE_MODULES / ANVIL_IN_NODE_MODULES
    node = subprocess.Popen([anvil, "--quiet", "--port", str(port), "--chain-id", "31337"])
    try:
        wait_until(lambda: _answers(port), "answer from anvil")
        yield f"http://127.0.0.1:{port}/?key={SECRET}"
    finally:
        node.terminate()
        node.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def listening() -> Iterator[int]:
    """Yield a port that somebody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("environment = devnet\n", ("warden.toml", "not TOML", "line 1")),
        (DEVNET_TOML + "[limits]\nmax_trade = 3\n", ("warden.toml:7", "unknown key 'limits.max_trade'")),
        (DEVNET_TOML + "[limits]\nmax_pending = 'many'\n", ("warden.toml:7", "limits.max_pending")),
        (DEVNET_TOML + "[strategy]\nuse = 'nowhere.at_all:Here'\n", ("strategy.use", "nowhere.at_all")),
        (DEVNET_TOML + "[strategy]\nuse = 'no-class'\n", ("strategy.use", "module:Class")),
        ('environment = "paper"\n', ("environment paper needs", "endpoints")),
    ],
)
def test_a_wrong_configuration_is_one_line(toml: str, parts: tuple[str, ...]) -> None:
    """OP3: broken TOML, an unknown key, a wrong value, a strategy that is not there: file, line, mend."""
    with new_home(toml) as home:
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, *parts)
        assert everything(home) == []


def test_a_misspelt_variable_is_one_line() -> None:
    """OP3: an environment variable that is no setting is not passed over."""
    with new_home() as home:
        done = warden("up", "--home", str(home), WARDEN_LIMITZ__MAX="1")
        assert done.code == 2
        one_line(done, "WARDEN_LIMITZ__MAX", "no such setting")


def test_a_home_without_configuration_is_one_line() -> None:
    """OP3: a directory without warden.toml is said, with the way to name another."""
    with new_home(None) as home:
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, "warden.toml", "--home")


def test_no_home_at_all_is_one_line(tmp_path: Path) -> None:
    """Where nothing says which instance, up does not guess one."""
    done = warden("up", cwd=tmp_path)
    assert done.code == 2
    one_line(done, "which Warden?", "--home", "WARDEN_HOME")


@pytest.mark.parametrize("place", ["home", "run", "logs", "keys", "state"])
def test_a_path_that_is_not_a_directory_is_one_line(place: str) -> None:
    """A file where Warden's directories must be is named, and nothing is replaced."""
    with new_home() as home:
        wrong = home / "file" if place == "home" else home / place
        wrong.write_text("mine", encoding="utf-8")
        done = warden("up", "--home", str(wrong if place == "home" else home))
        assert done.code == 2
        one_line(done, str(wrong))
        assert wrong.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("setting", ["gateway", "api"])
def test_a_port_in_use_is_one_line(setting: str) -> None:
    """A port that somebody listens on is named with its setting."""
    with listening() as port:
        toml = DEVNET_TOML.replace(f"[{setting}]\nport = 0", f"[{setting}]\nport = {port}")
        with new_home(toml) as home:
            done = warden("up", "--home", str(home))
            assert done.code == 2
            one_line(done, f"{setting}.port {port}", "in use")
            assert everything(home) == []


def test_one_port_for_two_is_one_line() -> None:
    """Two services on one port can never work and are refused before either starts."""
    port = free_port()
    with new_home(DEVNET_TOML.replace("port = 0", f"port = {port}")) as home:
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, "api.port", "gateway.port")


def test_a_wrong_password_is_one_line() -> None:
    """The password is proven before anything starts; neither it nor the key is shown."""
    wallet = '[wallet]\nkeystore = "wallet.json"\npassword_file = "wallet.password"\n'
    with new_home(DEVNET_TOML + wallet) as home:
        create_keystore(home / "wallet.json", home / "wallet.password")
        (home / "wallet.password").write_text("not it\n", encoding="utf-8")
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, "password", "wallet.json")
        assert "not it" not in done.err
        assert everything(home) == []


def test_an_unreachable_endpoint_is_one_line_without_its_url() -> None:
    """An endpoint that nobody answers for is named; its URL may hold a key and is never shown."""
    with paper_home(f"http://127.0.0.1:{free_port()}/{SECRET}") as home:
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, "endpoint main", "cannot be reached")
        assert SECRET not in done.err
        assert "127.0.0.1" not in done.err
        assert everything(home) == []


def test_the_wrong_chain_is_one_line_without_its_url() -> None:
    """RP2: an endpoint of another chain is refused by name, with both chain ids."""
    with chain_node() as url, paper_home(url, chain_id=1) as home:
        done = warden("up", "--home", str(home))
        assert done.code == 2
        one_line(done, "endpoint main", "31337", "chain.id is 1")
        assert SECRET not in done.err
        assert everything(home) == []


def test_live_is_refused_under_one_user() -> None:
    """I8: without a user per program live mode does not start: exit code 4."""
    with new_home(paper_toml("http://127.0.0.1:1").replace('"paper"', '"live"')) as home:
        done = warden("up", "--home", str(home))
        assert done.code == 4
        one_line(done, "live", "one user")
        assert everything(home) == []


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("up", "--nonsense"),
        ("up", "more"),
        ("status", "--home"),
        ("status", "--home", "/nonexistent"),
        ("arm",),
        ("arm", "--operator", "ann"),
        ("arm", "--operator", " ", "--reason", "x", "--home", "/var"),
        ("mode", "--operator", "ann", "--reason", "x"),
        ("mode", "AGGRESSIVE", "--operator", "ann", "--reason", "x", "--home", "/var"),
        ("recover", "--operator", "ann", "--reason", "x", "--stop", "../x", "--home", "/var"),
        ("emergency-stop",),
        ("emergency-stop", "--reason"),
        ("emergency-stop", "--reason", ""),
        ("emergency-stop", "--reason", "x", "--policy", "panic"),
        ("--home", "/var", "emergency-stop", "--nonsense"),
        ("verify", "--home", "/var"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    """OP1: every misuse of the command is one line on standard error and exit code 2."""
    done = warden(*words, cwd=tmp_path)
    assert done.code == 2
    one_line(done)

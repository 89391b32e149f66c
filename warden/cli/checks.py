"""What must hold before anything is started: wallet, strategy, ports, endpoints. Each refusal is one line."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

import msgspec

from warden.cli.load_strategy import Wanted
from warden.domain.errors import (
    EXIT_USAGE,
    ConfigurationInvalid,
    EndpointFailed,
    EndpointRefused,
    RefusedForSafety,
)
from warden.domain.modes import Environment
from warden.domain.roles import strategy_of
from warden.runtime.layout import user_of
from warden.runtime.rpc import JsonRpc
from warden.runtime.settings_strategies import run_by, traders
from warden.runtime.wallet import keystore_path, password_path, wallet_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warden.runtime.places import Places
    from warden.runtime.settings import EndpointSettings, Settings, StrategySettings

ENDPOINT_TIMEOUT_S: Final = 5.0
STRATEGY_TIMEOUT_S: Final = 30.0
_ENDPOINTS_AT_ONCE: Final = 8
_HEX: Final = 16


def refuse_live(settings: Settings, where: Places) -> None:
    """Refuse live trading while all programs would run as one user (I8); the rights are checked at the start.

    Raises:
        RefusedForSafety: the environment is live.
    """
    if settings.environment is Environment.LIVE and not where.installed:
        raise RefusedForSafety(
            'environment "live": refused, since all programs would run as one user and the strategy could '
            'read the key; install the users first (scripts/install), or set environment = "paper"'
        )


def check_wallet(settings: Settings, where: Places) -> str:
    """Make the devnet's key where there is none; return the address once the password opens the keystore.

    On paper there is no key: the address is the paper wallet's.

    Raises:
        ConfigurationInvalid: it does not, or a file is missing.
    """
    if settings.environment is Environment.PAPER:
        return wallet_address(settings, where)  # no key is opened where nothing is signed
    # Imported here: it costs half a second.
    from warden.executor.sends.keystore import check_password, create_keystore  # noqa: PLC0415

    if settings.environment is Environment.DEVNET and settings.wallet.keystore is None:
        keystore, password = keystore_path(settings, where), password_path(settings, where)
        if not keystore.exists():
            try:
                create_keystore(keystore, password)
            except OSError as error:
                raise ConfigurationInvalid(
                    f"cannot make the devnet's key {error.filename}: {error.strerror}; remove "
                    f"{keystore.name} and {password.name} from {where.keys} and it makes new ones"
                ) from error
    return check_password(settings, where)


def check_strategies(settings: Settings, where: Places, environ: Mapping[str, str]) -> None:
    """Prove in a process of its own that each strategy's class can be loaded: it is a stranger's code.

    Raises:
        ConfigurationInvalid: one cannot, or it takes longer than 30 s.
    """
    for trader in traders(settings):
        try:
            _check_strategy(run_by(settings, trader), user_of(trader), where, environ)
        except ConfigurationInvalid as error:
            name = strategy_of(trader)
            raise ConfigurationInvalid(f"strategy {name}: {error}" if name else str(error)) from error


def check_stop_steps(settings: Settings, where: Places, environ: Mapping[str, str]) -> None:
    """Prove that the program of every stop step of an operator's own is there; none is run.

    Raises:
        ConfigurationInvalid: one is not.
    """
    for each in settings.stop_steps:
        if not _is_program(each.command[0], where, environ):
            raise ConfigurationInvalid(
                f"stop_steps {each.name}: there is no program {each.command[0]}: name one on the PATH, or by "
                "its path"
            )


def _is_program(program: str, where: Places, environ: Mapping[str, str]) -> bool:
    # As it will be looked for: from the home, where it has a slash.
    named = str(where.home / program) if "/" in program else program
    return shutil.which(named, path=environ.get("PATH")) is not None


def _check_command(strategy: StrategySettings, where: Places, environ: Mapping[str, str]) -> None:
    """Prove that a bot's program is there; nothing of it is run before the watchdog gives leave."""
    program = strategy.command[0]
    if not _is_program(program, where, environ):
        raise ConfigurationInvalid(
            f"strategy.command: there is no program {program}: name one on the PATH, or by its path"
        )


def _check_strategy(strategy: StrategySettings, user: str, where: Places, environ: Mapping[str, str]) -> None:
    if strategy.command:
        _check_command(strategy, where, environ)
        return
    wanted = Wanted(
        use=strategy.use,
        path=None if strategy.path is None else str(where.home / strategy.path),
        parameters=strategy.parameters,
    )
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "warden.cli.load_strategy"],
            capture_output=True,
            input=msgspec.json.encode(wanted),
            timeout=STRATEGY_TIMEOUT_S,
            check=False,
            cwd=where.home,
            env=dict(environ),
            # As the trader's own user, when there is one: it would else run as root.
            user=user if where.installed else None,
            group=user if where.installed else None,
            extra_groups=() if where.installed else None,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationInvalid(
            f"strategy.use {strategy.use}: importing it took longer than {STRATEGY_TIMEOUT_S:.0f} s"
        ) from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        why = next((line for line in reversed(lines) if line.strip()), f"exit code {done.returncode}")
        raise ConfigurationInvalid(
            why if done.returncode == EXIT_USAGE else f"strategy.use {strategy.use}: {why}"
        )


def check_ports(settings: Settings) -> None:
    """Refuse ports that somebody else listens on.

    Raises:
        ConfigurationInvalid: naming the setting.
    """
    taken: dict[tuple[str, int], str] = {}
    for setting, host, port in (
        ("gateway.port", settings.gateway.host, settings.gateway.port),
        ("api.port", settings.api.host, settings.api.port),
    ):
        if port == 0:
            continue
        if (host, port) in taken:
            raise ConfigurationInvalid(
                f"{setting} {port} is {taken[host, port]} too: give one of them another"
            )
        taken[host, port] = setting
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConfigurationInvalid(
                    f"{setting} {port} on {host} cannot be used: {error.strerror or error}; "
                    "end what uses it or set another port (0 picks a free one)"
                ) from error


def check_endpoints(settings: Settings) -> list[str]:
    """Ask every endpoint for its chain; return a line for each that is silent while another answers.

    Raises:
        ConfigurationInvalid: none answers, or one is on another chain. It names endpoints, never URLs.
    """
    if settings.environment is Environment.DEVNET:
        return []
    with ThreadPoolExecutor(_ENDPOINTS_AT_ONCE) as pool:
        answers = list(pool.map(_chain_of, settings.endpoints))
    silent = []
    for endpoint, (chain, trouble) in zip(settings.endpoints, answers, strict=True):
        if chain is None:
            silent.append(f"endpoint {endpoint.name}: {trouble}")
        elif chain != settings.chain.id:
            raise ConfigurationInvalid(
                f"endpoint {endpoint.name} is on chain {chain}, chain.id is {settings.chain.id}: "
                "mend the one that is wrong"
            )
    if len(silent) == len(settings.endpoints):
        raise ConfigurationInvalid("; ".join(silent) + ": no endpoint can be used, look at url and network")
    return silent


def _chain_of(endpoint: EndpointSettings) -> tuple[int | None, str]:
    """Return the endpoint's chain id, or None and what is wrong, in words that hold nothing of its URL."""
    try:
        rpc = JsonRpc(endpoint.url, timeout_s=ENDPOINT_TIMEOUT_S)
    except ValueError:
        return None, "its url cannot be used"
    try:
        return int(rpc.call("eth_chainId"), _HEX), ""
    except EndpointRefused:
        return None, "answers eth_chainId with an error"
    except EndpointFailed as error:
        cause = error.__cause__
        if isinstance(cause, OSError | HTTPException):
            reason = getattr(cause, "strerror", None) or type(cause).__name__
            return None, f"cannot be reached ({reason})"
        return None, "does not answer with JSON-RPC"
    except (TypeError, ValueError):
        return None, "answers eth_chainId with no number"
    finally:
        rpc.close()

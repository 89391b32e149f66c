"""The installed system: a user for each program, on the devnet, in namespaces of its own (I8).

One system for all tests of this file, in order: each leaves it trading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import fault
from tests.process.hostile_trader import ALLOWED
from tests.process.users_stage import OPERATOR
from tests.process.users_trial import TOML, Trial
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED, EXIT_USAGE
from warden.domain.roles import PROCESSES, Role
from warden.runtime.layout import user_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.system

TRADER = user_of(Role.TRADER)
HOSTILE = ("-m", "tests.process.hostile_trader")


@pytest.fixture(scope="module")
def laid_out() -> Iterator[Trial]:
    """A home laid out by scripts/install for an operator, with the trader's firewall; nothing runs yet."""
    with Trial() as trial:
        code, said = trial.install("--operator", OPERATOR)
        assert code in {EXIT_DONE, EXIT_FAILED}, said  # the clone's own rights are the machine's matter
        trial.write(trial.home / "warden.toml", TOML)
        code, said = trial.install("--firewall")
        assert "nft --file" in said, said
        yield trial


@pytest.fixture(scope="module")
def trial(laid_out: Trial) -> Trial:
    """The same, started by root; it trades."""
    code, said = laid_out.warden("root", "up", limit_s=200)
    assert code == EXIT_DONE, said
    trades(laid_out, 2)
    return laid_out


def trades(trial: Trial, more: int) -> None:
    """Wait until so many more trades have landed."""
    before = trial.status()["pnl"]["trades"]
    trial.wait(lambda status: status["pnl"]["trades"] >= before + more, f"{more} more trades")


def replaced(trial: Trial, role: Role, before: int) -> None:
    """Wait until another process than `before` is ready as `role`."""
    trial.wait(
        lambda status: any(
            each["name"] == role and each["pid"] not in {None, before} and each["state"] == "ready"
            for each in status["processes"]
        ),
        f"other {role}",
    )


def try_all(trial: Trial, user: str, *options: str) -> dict[str, str]:
    """Run the hostile program as a user and return what came of each attempt."""
    code, said = trial.as_user(user, *HOSTILE, str(trial.home), *options)
    assert code == 0, said
    results: dict[str, str] = json.loads(said)
    return results


def stop(trial: Trial) -> dict[str, Any]:
    """Stop as the operator, who is not root, and return the answer."""
    code, said = trial.warden(
        OPERATOR, "emergency-stop", "--reason", "test", "--operator", OPERATOR, "--json"
    )
    assert code == EXIT_DONE, said
    result: dict[str, Any] = json.loads(said)
    return result


def recover(trial: Trial) -> None:
    """Recover as the operator; trading goes on."""
    code, said = trial.warden(OPERATOR, "recover", "--reason", "test", "--operator", OPERATOR, limit_s=60)
    assert code == EXIT_DONE, said
    trades(trial, 1)


def test_a_wrong_right_is_refused_and_mended(laid_out: Trial) -> None:
    """I8: nothing starts while the trader could enter another's directory; scripts/install puts it right."""
    directory = laid_out.where.state_of(Role.EXECUTOR)
    assert laid_out.root("chmod", "0777", str(directory))[0] == 0
    code, said = laid_out.warden("root", "up")
    assert code == EXIT_REFUSED
    assert "mode is 2777, must be 2750" in said
    code, said = laid_out.install("--check")
    assert code == EXIT_FAILED
    assert f"{directory}: mode is 2777, must be 2750" in said
    assert f"{directory}: {user_of(Role.EXECUTOR)}:" in laid_out.install()[1]
    assert str(directory) not in laid_out.install("--check")[1]


def test_two_programs_of_one_user_are_refused(laid_out: Trial) -> None:
    """I8: users must exist and differ."""
    user = user_of(Role.EXECUTOR)
    number, traders = (laid_out.root("id", "-u", name)[1].strip() for name in (user, TRADER))
    assert laid_out.root("usermod", "--non-unique", "--uid", traders, user)[0] == 0
    code, said = laid_out.warden("root", "up")
    assert laid_out.root("usermod", "--uid", number, user)[0] == 0
    assert code == EXIT_REFUSED
    assert f"users {TRADER} and {user} are the same" in said


def test_only_root_starts_and_ends(laid_out: Trial) -> None:
    """An operator operates; who could start programs as any user would be root."""
    code, said = laid_out.warden(OPERATOR, "up")
    assert code == EXIT_USAGE
    assert "only root may start it" in said


def test_each_program_runs_as_its_own_user(trial: Trial) -> None:
    """I8, OP4: no two share one, none is root; what root made meanwhile belongs to those it is for."""
    pids = {each["name"]: str(each["pid"]) for each in trial.status()["processes"]}
    users = {name: trial.root("ps", "-o", "user:32=", "-p", pid)[1].strip() for name, pid in pids.items()}
    assert users == {role.value: user_of(role) for role in PROCESSES}
    assert str(trial.home) not in trial.install("--check")[1].replace(f"{trial.home}: every", "")


def test_a_hostile_trader_is_refused_everything(trial: Trial) -> None:
    """I8: no key, password, endpoint or permit, nobody's memory, file, socket or life; trading goes on."""
    results = try_all(trial, TRADER)
    assert results.pop(ALLOWED) == "DONE: connected"
    assert {name: what for name, what in results.items() if not what.startswith("refused: ")} == {}
    assert len(results) > 150
    trades(trial, 1)


def test_the_attempts_are_real(trial: Trial) -> None:
    """What the trader is refused, root is not: no attempt fails for another reason than its rights."""
    results = try_all(trial, "root", "--looks")
    assert {name: what for name, what in results.items() if not what.startswith("DONE: ")} == {}
    assert len(results) > 50


def test_an_operator_stops_and_recovers_and_the_trader_cannot_lift_it(trial: Trial) -> None:
    """I7, I8: a member of warden-operators stops (CONFIRMED) and recovers; the trader can't touch it."""
    ordered = stop(trial)
    assert ordered["level"] == "CONFIRMED"
    results = try_all(trial, TRADER)
    for attempt in ("remove the stop", "move the stop away", "empty the stop"):
        assert results[attempt].startswith("refused: [Errno"), results[attempt]
    code, said = trial.as_user(TRADER, "touch", str(trial.home / "stop" / "mine"))
    assert code != 0, said
    assert [each["id"] for each in trial.status()["stops"]] == [ordered["stop_id"]]
    recover(trial)


def test_a_bare_touch_by_an_operator_stops(trial: Trial) -> None:
    """ES1: warden-operators may write the stop directory; a file is enough, whatever its rights."""
    file = trial.home / "stop" / "by-hand"
    assert trial.as_user(OPERATOR, "sh", "-c", f"umask 077; touch {file}") == (0, "")
    trial.wait(lambda status: bool(status["stops"]), "stop")
    assert [each["id"] for each in trial.status()["stops"]] == ["by-hand"]
    recover(trial)


@fault("queue-full")
def test_a_flood_at_the_sockets_does_not_keep_a_stop_from_being_heard(trial: Trial) -> None:
    """I4: hundreds of connections full of garbage at the stop socket and the watchdog's, and CONFIRMED."""
    words = f"{trial.python} {' '.join(HOSTILE)} {trial.home} 10 >/dev/null 2>&1 &"
    assert trial.as_user(TRADER, "sh", "-c", words)[0] == 0
    flooded = trial.home / "run" / "executor" / "stop.ipc"
    trial.wait_connections(flooded, 100)
    assert stop(trial)["level"] == "CONFIRMED"
    trial.wait_connections(flooded, 0)
    code, said = trial.warden(OPERATOR, "recover", "--reason", "test", "--operator", OPERATOR, limit_s=60)
    assert code == EXIT_DONE, said
    trades(trial, 1)


@fault("executor-paused")
def test_a_hung_executor_is_fenced_through_supervisord(trial: Trial) -> None:
    """I4: an operator may not signal another user's process; supervisord does it, and the lock proves it."""
    before = trial.pid(Role.EXECUTOR)
    trial.root("kill", "-STOP", str(before))
    assert stop(trial)["level"] == "FENCED"
    replaced(trial, Role.EXECUTOR, before)
    recover(trial)


@fault("trader-paused")
def test_a_hung_trader_is_ended_through_supervisord(trial: Trial) -> None:
    """The watchdog's user may signal nobody: supervisord ends the hung trader for it."""
    before = trial.pid(Role.TRADER)
    trial.root("kill", "-STOP", str(before))
    replaced(trial, Role.TRADER, before)
    trades(trial, 1)


def test_live_starts_with_the_users(trial: Trial) -> None:
    """I8: what is refused under one user starts here, on the devnet's chain, and waits to be armed."""
    chain = json.loads(trial.read(trial.where.devnet_manifest))
    endpoints = "".join(
        f'[[endpoints]]\nname = "{each["name"]}"\nurl = "{each["url"]}"\n' for each in chain["endpoints"]
    )
    live = trial.home.with_name("live")
    toml = f"""environment = "live"
[chain]
id = {chain["chain_id"]}
[gateway]
port = 0
[api]
port = 0
[wallet]
keystore = "keys/wallet.json"
password_file = "keys/wallet.password"
[venue]
router = "{chain["router"]}"
factory = "{chain["factory"]}"
weth = "{chain["weth"]}"
{endpoints}"""
    assert trial.root("nft", "delete", "table", "inet", "warden") == (0, "")
    trial.install_in(live)
    trial.write(live / "warden.toml", toml)
    for name in ("wallet.json", "wallet.password"):
        assert trial.root("cp", str(trial.home / "keys" / name), str(live / "keys" / name)) == (0, "")
    code, said = trial.root("-m", "warden.cli", "up", "--home", str(live), limit_s=200)
    trial.root("-m", "warden.cli", "down", "--home", str(live))
    assert code == EXIT_DONE, said
    assert "live OBSERVING" in said


@fault("disk-full")
def test_a_trader_that_fills_the_disk_ends_trading_and_no_stop(trial: Trial) -> None:
    """I4, I8: users share the disk: full, nothing is sent any more, and an operator's stop is CONFIRMED."""
    fill = trial.where.state_of(Role.TRADER) / "fill"
    code, said = trial.as_user(TRADER, "sh", "-c", f"cat /dev/zero > {fill}")
    assert code != 0
    assert "No space left" in said
    trial.wait(lambda status: str(status["gate"]).startswith(("closed", "integrity")), "closed gate")
    ordered = stop(trial)
    assert (ordered["level"], ordered["recorded"]) == ("CONFIRMED", True)
    assert [each["operator"] for each in trial.status()["stops"]] == [OPERATOR]
    assert trial.as_user(TRADER, "rm", str(fill)) == (0, "")


def test_verify_and_down(trial: Trial) -> None:
    """I9: an operator may verify every journal; root ends everything in order."""
    code, said = trial.warden(OPERATOR, "verify", "--json")
    assert code == EXIT_DONE, said
    assert json.loads(said)["rows"] > 20
    code, said = trial.warden("root", "down")
    assert code == EXIT_DONE, said
    assert "force" not in said

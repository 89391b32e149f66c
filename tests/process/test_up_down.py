"""`warden up` and `warden down` with the whole system: real supervisord, real processes, a real chain."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.faults import fault
from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import command, environment, gone, kill_all, new_home, one_line, warden
from warden.cli.running import SUPERVISORD, Running, everything, running, send
from warden.cli.supervisor import ask
from warden.runtime.places import places

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLES = {"devnet", "gateway", "executor", "watchdog", "logger", "notifier", "api", "trader"}
# What scripts rely on (DESIGN §11).
STATUS_KEYS = {
    *("environment", "mode", "stops", "processes", "endpoints", "breaker", "exposure", "positions"),
    *("pnl", "alerts", "journals"),
}
PROCESS_KEYS = {"name", "pid", "state", "age_ms", "progress", "pss_mb", "cpu_percent"}
CANARY = "a-secret-of-the-operator"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def instance() -> Iterator[Path]:
    """An instance that was started with `warden up`, for the tests that leave it running."""
    with new_home() as home:
        started = warden("up", "--home", str(home), OPERATORS_TOKEN=CANARY)
        assert started.code == 0, started
        assert "8 of 8 processes ready" in started.out
        yield home


def named(home: Path, name: str) -> Running:
    """Return the process called `name`, once it runs."""
    wait_until(lambda: any(each.name == name for each in running(home)), f"process {name}")
    return next(each for each in running(home) if each.name == name)


def program(home: Path, name: str) -> dict[str, object]:
    """Return what supervisord says of a program."""
    answer: dict[str, object] = ask(places(home), "supervisor.getProcessInfo", name)
    return answer


def started(home: Path) -> None:
    """Start the instance at `home` and check that all of it is ready."""
    done = warden("up", "--home", str(home))
    assert done.code == 0, done


@contextmanager
def in_foreground(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the supervisord of the instance at `home` once all programs run, ready or not."""
    process = subprocess.Popen(
        command("up", "--foreground", "--home", str(home)),
        stdin=subprocess.DEVNULL,
        env=environment(),
        cwd="/",
    )
    try:
        wait_until(lambda: {each.name for each in running(home)} >= ROLES, "all processes", timeout_s=120)
        yield process
    finally:
        kill_all(home)
        process.wait()


def ended(home: Path) -> None:
    """End the instance at `home` and check that nothing of it is left."""
    family = everything(home)
    done = warden("down", "--home", str(home))
    assert done.code == 0, done
    assert gone(family)
    assert everything(home) == []


def test_up_starts_every_process_and_its_chain(instance: Path) -> None:
    """OP1: after `warden up` all programs run under supervisord, and the devnet's node under the devnet."""
    family = everything(instance)
    assert ROLES | {SUPERVISORD} <= {each.name for each in family}
    assert "anvil" in {each.name for each in family}


@fault("second-instance")
def test_a_second_up_is_refused_and_changes_nothing(instance: Path) -> None:
    """A second `warden up` of the same home: one line with the pid, exit code 2, the first goes on."""
    before = running(instance)
    done = warden("up", "--home", str(instance))
    assert done.code == 2
    one_line(done, "is running already", f"pid {named(instance, SUPERVISORD).pid}")
    assert running(instance) == before


def test_status_and_health_check_find_it_well(instance: Path) -> None:
    """OP1: status has the keys that scripts rely on, and a healthy system is exit code 0."""
    done = warden("status", "--json", "--home", str(instance))
    assert done.code == 0
    status = msgspec.json.decode(done.out)
    assert status["environment"] == "devnet"
    assert {each["name"] for each in status["processes"]} == ROLES
    assert all(
        {"pid", "state", "age_ms", "progress", "pss_mb"} <= each.keys() for each in status["processes"]
    )
    assert {
        "mode",
        "stops",
        "endpoints",
        "breaker",
        "exposure",
        "positions",
        "pnl",
        "alerts",
        "journals",
    } <= (status.keys())
    wait_until(
        lambda: warden("health-check", "--home", str(instance)).code == 0, "healthy instance", timeout_s=120
    )


def test_children_get_no_secret_of_the_operators_environment(instance: Path) -> None:
    """What the operator's shell exports reaches no process: it may be a secret."""
    for each in everything(instance):
        content = Path(f"/proc/{each.pid}/environ").read_bytes()
        assert CANARY.encode() not in content


def test_no_process_writes_into_a_pipe_of_supervisord(instance: Path) -> None:
    """A stuck supervisord blocks nobody: outputs are files."""
    for each in running(instance):
        for number in (1, 2):
            assert Path(f"/proc/{each.pid}/fd/{number}").readlink().is_absolute()


def test_what_crashed_is_started_again(instance: Path) -> None:
    """A killed process comes back under another pid; the executor and the watchdog too."""
    for name in ("logger", "executor", "watchdog"):
        before = named(instance, name)
        send(before, signal.SIGKILL)
        wait_until(lambda before=before: gone([before]), f"end of {before.name}")  # type: ignore[misc] # a default binds it
        assert named(instance, name).pid != before.pid


@fault("crashed-again-and-again")
def test_a_configuration_error_is_not_started_again() -> None:
    """Exit code 2 is final: only the operator can mend it, so supervisord does not try again."""
    with new_home() as home, in_foreground(home):
        where = places(home)
        where.settings.write_bytes(b"no longer what it was")
        send(named(home, "logger"), signal.SIGKILL)
        wait_until(lambda: program(home, "logger")["exitstatus"] == 2, "refusal of the logger")
        told = [program(home, "logger") for _ in range(50)]
        assert {each["statename"] for each in told} == {"EXITED"}


def test_down_ends_everything_and_up_works_again() -> None:
    """After `warden down` nothing is left; a second one, and status, say so: exit code 3; up works again."""
    with new_home() as home:
        started(home)
        ended(home)
        again = warden("down", "--home", str(home))
        assert again.code == 3
        one_line(again, "nothing runs")
        assert warden("status", "--home", str(home)).code == 3
        assert warden("arm", "--operator", "ann", "--reason", "none", "--home", str(home)).code == 3
        assert warden("health-check", "--home", str(home)).code == 3
        verified = warden("verify", "--json", "--home", str(home))
        assert verified.code == 0
        assert msgspec.json.decode(verified.out)["ok"] is True
        started(home)


@fault("supervisord-killed")
def test_up_works_after_supervisord_was_killed() -> None:
    """When supervisord is killed its children end by themselves, and `warden up` starts a new one."""
    with new_home() as home:
        with in_foreground(home) as supervisord:
            family = everything(home)
            supervisord.kill()
            wait_until(lambda: gone(family), "end of the orphans")
        started(home)


@fault("supervisord-killed")
def test_down_ends_orphans_that_hang() -> None:
    """With supervisord killed and processes paused, `warden down` still finds all by pid and ends them."""
    with new_home() as home, in_foreground(home) as supervisord:
        for name in ("devnet", "trader", "watchdog"):
            send(named(home, name), signal.SIGSTOP)
        supervisord.kill()
        ended(home)


@fault("supervisord-paused")
def test_down_ends_a_hung_supervisord() -> None:
    """A paused supervisord is woken and ends everything in order."""
    with new_home() as home, in_foreground(home) as supervisord:
        supervisord.send_signal(signal.SIGSTOP)
        ended(home)
        assert supervisord.wait(timeout=60) == 0


@fault("second-instance")
def test_of_two_at_the_same_moment_one_starts() -> None:
    """Two `warden up` at once: one starts the instance, the other is refused: one line, exit code 2."""
    with new_home() as home:
        both = [
            subprocess.Popen(
                command("up", "--home", str(home)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(),
                cwd="/",
            )
            for _ in range(2)
        ]
        said = [each.communicate(timeout=150) for each in both]
        assert sorted(each.returncode for each in both) == [0, 2], said
        refused = next(err for each, (_, err) in zip(both, said, strict=True) if each.returncode == 2)
        assert len(refused.splitlines()) == 1
        assert "running already" in refused or "being started" in refused
        assert sum(each.name == SUPERVISORD for each in running(home)) == 1


def test_up_in_the_foreground_becomes_supervisord() -> None:
    """For systemd: `warden up --foreground` becomes supervisord itself, and SIGTERM ends everything."""
    with new_home() as home, in_foreground(home) as supervisord:
        assert named(home, SUPERVISORD).pid == supervisord.pid
        family = everything(home)
        supervisord.terminate()
        assert supervisord.wait(timeout=60) == 0
        wait_until(lambda: gone(family), "end of all processes")


@fault("stop-directory-lost")
def test_a_lost_stop_directory_stays_lost() -> None:
    """I7: a stop directory that is gone means stopped; `warden up` says so and does not make a new one."""
    with new_home() as home:
        places(home).state.mkdir()
        (places(home).state / "executor.db").touch()
        done = warden("up", "--home", str(home))
        assert "STOPPED: the stop directory" in done.err
        assert not places(home).stop.exists()
        status = msgspec.json.decode(warden("status", "--json", "--home", str(home)).out)
        assert status["mode"] == "STOPPED"


def test_any_path_of_one_line_works_as_home() -> None:
    """Blanks, quotes, percent and dollar signs in a home's path harm nothing."""
    with new_home(None) as parent:
        home = parent / 'o\'ne "h" %s$x'
        home.mkdir()
        (home / "warden.toml").write_text(DEVNET_TOML, encoding="utf-8")
        with in_foreground(home):
            ended(home)

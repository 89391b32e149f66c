"""The frame that every process stands in: one instance, orderly end, own output, one line on bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.faults import fault
from tests.instance import REPOSITORY, Instance, wait_until
from warden.domain.roles import Role
from warden.wire.addresses import BEATS
from warden.wire.checks import ProcessBroke
from warden.wire.codec import decode
from warden.wire.messages import Beat, ProcessState

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHILD = """
import sys, time
from warden.domain.errors import ConfigurationInvalid
from warden.domain.roles import Role
from warden.runtime.process import run
from warden.wire.messages import ProcessState

def main(frame):
    if what == "raise":
        raise RuntimeError("at https://x.example/secretkey")
    if what == "refuse":
        raise ConfigurationInvalid("the setting x is wrong: use y")
    print("printed for nobody", flush=True)
    progress = 0
    while not frame.ending:
        progress += 1
        frame.beat(ProcessState.READY, progress=progress, detail="d" * 1000)
        time.sleep(0.01)

what = sys.argv.pop()
raise SystemExit(run(Role.API, main))
"""


@pytest.fixture
def instance() -> Iterator[Instance]:
    """A home of its own."""
    with Instance() as made:
        yield made


def start(instance: Instance, what: str = "loop") -> subprocess.Popen[bytes]:
    """Start a process that does `what`; the instance ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, "--home", str(instance.home), what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=REPOSITORY,
    )
    instance.processes[f"{what}-{process.pid}"] = process
    return process


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Wait for its end; give exit code and what reached the pipe it was started with."""
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def wait_started(instance: Instance, count: int = 1) -> None:
    """Wait until it has said so in its log."""
    log = instance.places.logs / "api.log"
    wait_until(lambda: log.exists() and log.read_text().count("process.started") >= count, "start")


def test_it_beats_from_its_own_loop_until_term_and_says_goodbye(instance: Instance) -> None:
    """Sequence and progress rise, the role is proven by its key, the last beat says STOPPING (HM1, HM4)."""
    with instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(BEATS)
        process = start(instance)
        beats: list[Beat] = []

        def listen() -> None:
            while (incoming := server.receive()) is not None:
                assert incoming.role is Role.API
                beats.append(decode(incoming.data, Beat))

        def several() -> bool:
            listen()
            return len(beats) >= 4

        wait_until(several, "beats")
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0

        def goodbye() -> bool:
            listen()
            return beats[-1].state is ProcessState.STOPPING

        wait_until(goodbye, "last beat")
    assert [beat.seq for beat in beats] == sorted({beat.seq for beat in beats})
    assert {beat.pid for beat in beats} == {process.pid}
    assert len({beat.session for beat in beats}) == 1
    working = [beat.progress for beat in beats[:-1]]
    assert working == sorted(set(working))
    assert len(beats[0].detail) == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_and_writes_to_its_own_file(instance: Instance, number: int) -> None:
    """Exit code 0; its output goes to no pipe of its parent's, which may be stuck (issue: own stdout)."""
    process = start(instance)
    wait_started(instance)
    process.send_signal(number)
    assert ended(process) == (0, b"")
    assert "printed for nobody" in instance.output(Role.API)
    kinds = [json.loads(line)["kind"] for line in (instance.places.logs / "api.log").read_text().splitlines()]
    assert kinds == ["process.started", "process.ended"]


@fault("second-instance")
def test_a_second_instance_is_refused_in_one_line(instance: Instance) -> None:
    """Exit code 2, which supervisord does not restart; the first goes on."""
    first = start(instance)
    wait_started(instance)
    second = start(instance)
    assert ended(second)[0] == 2
    assert instance.output(Role.API).count("runs already") == 1
    assert "Traceback" not in instance.output(Role.API)
    assert first.poll() is None
    first.kill()
    assert ended(first)[0] == -signal.SIGKILL
    third = start(instance)
    wait_started(instance, 2)
    third.terminate()
    assert ended(third)[0] == 0


@pytest.mark.parametrize(
    ("what", "code", "kind"), [("refuse", 2, "process.refused"), ("raise", 1, "process.broken")]
)
def test_how_it_failed_is_its_exit_code_and_one_line(
    instance: Instance, what: str, code: int, kind: str
) -> None:
    """Configuration is 2, a defect is 1; neither line holds a key (OB1)."""
    assert ended(start(instance, what)) == (code, b"")
    lines = [json.loads(line) for line in (instance.places.logs / "api.log").read_text().splitlines()]
    assert [line["kind"] for line in lines if line["level"] == "CRITICAL"] == [kind]
    assert "secretkey" not in instance.output(Role.API) + json.dumps(lines)
    assert ("Traceback" in instance.output(Role.API)) is (code == 1)


def test_its_last_words_reach_the_watchdog(instance: Instance) -> None:
    """FS1: a process that breaks, at its very start too, says so and why; no key in it."""
    with instance.bus(Role.WATCHDOG) as bus:
        server = bus.serve(BEATS)
        process = start(instance, "raise")
        words: list[ProcessBroke] = []

        def heard() -> bool:
            while (incoming := server.receive()) is not None:
                words.append(decode(incoming.data, ProcessBroke))
            return bool(words)

        wait_until(heard, "last words")
        assert ended(process)[0] == 1
    assert words[0].why.startswith("RuntimeError: at ")
    assert "secretkey" not in words[0].why


@pytest.mark.parametrize("missing", ["settings", "keys", "socket directory"])
def test_without_set_up_it_says_what_to_run(instance: Instance, missing: str) -> None:
    """Exit code 2 and `warden up`, whatever part is lacking."""
    if missing == "settings":
        instance.places.settings.unlink()
    elif missing == "keys":
        (instance.places.keys / "api.secret").unlink()
    else:
        instance.places.role(Role.API).rmdir()
    assert ended(start(instance))[0] == 2
    said = instance.output(Role.API)
    assert "warden up" in said
    assert len(said.splitlines()) == 1


@fault("supervisord-killed")
def test_it_dies_with_its_parent(instance: Instance) -> None:
    """Nothing is orphaned when supervisord is killed (PDEATHSIG)."""
    code = (
        "import subprocess, sys, time; child = subprocess.Popen(sys.argv[1:]); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, sys.executable, "-c", _CHILD, "--home", str(instance.home), "loop"],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            wait_started(instance)
            os.kill(parent.pid, signal.SIGKILL)
            wait_until(lambda: not child.is_running() or child.status() == "zombie", "end of the child")
        finally:
            if child.is_running() and child.status() != "zombie":
                child.kill()
    log = (instance.places.logs / "api.log").read_text()
    assert "process.ended" in log

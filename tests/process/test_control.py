"""What operators order, by the real commands on the real watchdog: freeze, incident, approval, probation."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.instance import DEVNET_TOML, wait_until
from tests.process.cli_runs import warden
from tests.process.watchdog_stage import Stage, boot_ns
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.domain.stops import Stop, StopReason

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOML = (
    DEVNET_TOML
    + """
[recovery]
approval = "two"
probation_percent = 40
probation_s = 600
"""
)


@pytest.fixture
def armed() -> Iterator[Stage]:
    """Everything up, and armed by itself; two operators must agree on a recovery."""
    with Stage(_TOML) as stage:
        stage.whole_cast()
        stage.wait_mode(Mode.AGGRESSIVE)
        yield stage


def _order(stage: Stage, *words: str, operator: str = "ann", reason: str = "a test") -> tuple[int, str]:
    """Run a command that asks the watchdog; return its exit code and what the watchdog said."""
    done = warden(*words, "--operator", operator, "--reason", reason, "--json", "--home", str(stage.home))
    assert done.out, done.err
    return done.code, json.loads(done.out)["message"]


def _state(stage: Stage) -> str:
    """Return the trader's state letter from the kernel."""
    stat = Path(f"/proc/{stage.processes[Role.TRADER].pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0]


def _permits(stage: Stage, from_ns: int = 0) -> list[dict[str, Any]]:
    return [permit for permit in stage.permits() if permit["issued_ns"] >= from_ns]


def _sessions(stage: Stage) -> list[str]:
    """Return the trader sessions of the last permit; none before the first."""
    permits = _permits(stage)
    return list(permits[-1]["trader_sessions"]) if permits else []


def _word(stage: Stage, role: Role) -> str:
    status = stage.look()
    assert status is not None
    return next(line.state for line in status.processes if line.name == role)


def test_freeze_and_thaw(armed: Stage) -> None:
    """OP1, I7: session withdrawn, then SIGSTOP; not lost, not killed; thawed by the next watchdog too."""
    wait_until(lambda: len(_sessions(armed)) == 1, "a permit with the trader's session")
    before = _sessions(armed)
    for name in ("executor", "gateway"):
        code, said = _order(armed, "freeze", name)
        assert (code, "only the trader" in said) == (4, True)
    code, said = _order(armed, "freeze", reason="proposes nonsense")
    assert (code, "frozen by ann" in said) == (0, True), said
    frozen_ns = boot_ns()
    assert _state(armed) == "T"
    armed.wait_mode(Mode.OBSERVE_ONLY, "an operator froze the trader (ann: proposes nonsense)")
    assert _order(armed, "arm")[0] == 4

    # Longer than lost_after, and over a crash of the watchdog, it is frozen and neither lost nor killed.
    wait_until(lambda: boot_ns() - frozen_ns > 3_000_000_000, "three seconds")
    armed.signal(Role.WATCHDOG, signal.SIGKILL)
    armed.processes[Role.WATCHDOG].wait()
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.OBSERVE_ONLY, "an operator froze the trader")
    assert _word(armed, Role.TRADER) == "FROZEN"
    assert armed.processes[Role.TRADER].poll() is None
    assert {tuple(permit["trader_sessions"]) for permit in _permits(armed, frozen_ns)} == {()}

    code, said = _order(armed, "thaw")
    assert (code, "thawed by ann" in said) == (0, True), said
    assert _state(armed) != "T"
    wait_until(lambda: _word(armed, Role.TRADER) == "ready", "a trader that beats again")
    assert {tuple(permit["trader_sessions"]) for permit in _permits(armed, frozen_ns)} == {()}
    armed.arm("the trader is well")
    armed.wait_mode(Mode.AGGRESSIVE)
    wait_until(lambda: bool(_sessions(armed)), "a session")
    assert _sessions(armed) != before
    assert armed.rows("process.lost") == armed.rows("process.killed") == []


def test_a_breach_two_operators_and_probation(armed: Stage) -> None:
    """ES5: incident, second approver, smaller sizes; each is remembered over a restart of the watchdog."""
    armed.latch.write(Stop(stop_id="breach", reason=StopReason.SECURITY_BREACH, operator="executor"))
    armed.wait_mode(Mode.OBSERVE_ONLY, "a stop stands (breach)")
    wait_until(lambda: bool(armed.rows("incident.opened")), "the incident's row")
    stopped_ns = boot_ns()
    recover = ("recover", "--approver", "bob", "--reset")
    code, said = _order(armed, *recover)
    assert (code, "warden clear-incident --stop breach" in said) == (4, True), said
    assert _order(armed, "clear-incident", "--stop", "another")[0] == 4
    code, said = _order(armed, "clear-incident", "--stop", "breach", reason="own test script")
    assert code == 0, said
    assert b"own test script" in armed.rows("incident.cleared")[0].body
    armed.end(Role.WATCHDOG)
    armed.forget()
    armed.start(Role.WATCHDOG)
    armed.wait_mode(Mode.OBSERVE_ONLY, "a stop stands (breach)")
    wait_until(lambda: _word(armed, Role.TRADER) == _word(armed, Role.EXECUTOR) == "ready", "readiness")

    for approver in ((), ("--approver", " ANN ")):
        code, said = _order(armed, "recover", *approver)
        assert (code, "approve" in said) == (4, True), said
    code, said = _order(armed, *recover)
    assert (code, "probation: 40 % sizes for 10 min" in said) == (0, True), said
    anew = [each for each in armed.heard(Role.EXECUTOR) if each["type"] == "reset.1"]
    assert anew == [{"type": "reset.1", "operator": "ann", "reason": "a test"}]
    body = json.loads(armed.rows("recover")[0].body)
    assert (body["approver"], body["reset"], body["stop_ids"]) == ("bob", True, ["breach"])
    status = armed.wait_mode(Mode.AGGRESSIVE, "probation: 40 % sizes")
    assert status.size_percent == 40
    wait_until(lambda: len(_permits(armed, stopped_ns)) > 1, "permits after the recovery")
    assert {permit["size_percent"] for permit in _permits(armed, stopped_ns)} == {40}

    armed.end(Role.WATCHDOG)
    armed.forget()
    again_ns = boot_ns()
    armed.start(Role.WATCHDOG)
    again = armed.wait_mode(Mode.AGGRESSIVE, "probation: 40 % sizes")
    assert again.probation_until_ns == status.probation_until_ns
    wait_until(lambda: bool(_permits(armed, again_ns)), "permits of the next watchdog")
    assert {permit["size_percent"] for permit in _permits(armed, again_ns)} == {40}

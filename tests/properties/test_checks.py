"""Whatever fails, passes, falls silent and is armed, in whatever order: nothing trades on a failing check."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.watchdog.scene import Scene
from warden.domain.checks import CHECKS
from warden.domain.errors import EXIT_DONE
from warden.domain.health import Health
from warden.domain.modes import Environment, Mode
from warden.domain.roles import Role
from warden.wire.messages import Arm

TOLD = [name for name, check in CHECKS.items() if check.by is not Role.WATCHDOG]
ANSWERING = (Role.EXECUTOR, Role.GATEWAY)
BAD = (Health.UNHEALTHY, Health.CRITICAL)


class Checked(RuleBasedStateMachine):
    """A watchdog whose peers answer their checks, or do not."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(environment=Environment.LIVE)
        self.bad_ms: dict[str, int] = {}
        self.silent_ms = dict.fromkeys(ANSWERING, 0)
        self.armed = False

    @initialize()
    def begin(self) -> None:
        """Every process comes up."""
        self.run(1_500)

    def run(self, for_ms: int) -> None:
        """Let time pass, and count for how long what has been bad."""
        for _ in range(for_ms // 250):
            self.scene.run(250)
            for role in ANSWERING:
                silent = role not in self.scene.answering
                self.silent_ms[role] = self.silent_ms[role] + 250 if silent else 0
            for name in TOLD:
                heard = CHECKS[name].by in self.scene.answering
                bad = name in self.scene.checks and heard
                self.bad_ms[name] = self.bad_ms.get(name, 0) + 250 if bad else 0

    @rule(
        name=st.sampled_from(TOLD), status=st.sampled_from(BAD), for_ms=st.sampled_from([500, 4_000, 9_000])
    )
    def fail(self, name: str, status: Health, for_ms: int) -> None:
        """A check fails from now on."""
        self.scene.fail(name, status=status)
        self.run(for_ms)

    @rule()
    def mend(self) -> None:
        """All of them pass again."""
        self.scene.checks.clear()
        self.run(1_000)

    @rule(role=st.sampled_from(ANSWERING), for_ms=st.sampled_from([5_000, 40_000]))
    def fall_silent(self, role: Role, for_ms: int) -> None:
        """A process goes on beating and answers no check."""
        self.scene.answering.discard(role)
        self.run(for_ms)

    @rule()
    def speak(self) -> None:
        """All answer again."""
        self.scene.answering |= set(ANSWERING)
        self.run(1_000)

    @rule()
    def restart_of_the_executor(self) -> None:
        """Another process comes."""
        self.scene.respawn(Role.EXECUTOR)
        self.run(3_000)

    @rule()
    def arm(self) -> None:
        """An operator tries: it is done only while every check passes, by an answer of who runs now."""
        failing = {name for name in self.scene.checks if CHECKS[name].by in self.scene.answering}
        reply = self.scene.ask(Arm("ann", "trying"))
        if reply.exit_code == EXIT_DONE:
            assert not failing
            self.armed = True
        elif self.scene.answering == set(ANSWERING) and not failing:
            raise AssertionError(reply.message)

    @invariant()
    def nothing_trades_on_what_fails(self) -> None:
        """FS2, FS3, I7: what stops and fails, or is not answered, leaves OBSERVE_ONLY at most."""
        mode = self.scene.core.authority.mode
        if not self.armed:
            assert mode <= Mode.OBSERVE_ONLY
        for name, check in CHECKS.items():
            if check.stops and self.bad_ms.get(name, 0) > (check.settles_s + 1) * 1_000:
                assert mode <= Mode.OBSERVE_ONLY, name
        for role in ANSWERING:
            if self.silent_ms[role] > 36_000 and any(
                check.stops for check in CHECKS.values() if check.by is role
            ):
                assert mode <= Mode.OBSERVE_ONLY, role


TestChecked = Checked.TestCase
TestChecked.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)

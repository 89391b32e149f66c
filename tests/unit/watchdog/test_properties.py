"""What holds whatever happens, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.watchdog.scene import LIFE_MS, MS, Scene
from warden.domain.causes import RULES
from warden.domain.roles import Role
from warden.watchdog.commands import Grant, WriteRow
from warden.watchdog.events import JournalFailed, OperatorAsked, Paused
from warden.watchdog.liveness import Condition
from warden.wire.messages import Arm, Permit, ProcessState, Recover, SetMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.commands import Command

_ROLES = st.sampled_from([Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.LOGGER])
_STATES = st.sampled_from(list(ProcessState))


def _set_state(scene: Scene, role: Role, state: ProcessState) -> None:
    scene.beats[role] = scene.beats[role] | {"state": state}


def _set_positions(scene: Scene, positions: int) -> None:
    scene.beats[Role.EXECUTOR] = scene.beats[Role.EXECUTOR] | {"positions": positions}


def _pause(scene: Scene, for_ms: int) -> None:
    scene.now_ns += for_ms * MS
    scene.tell(Paused(for_ms * MS))


def _set_unreadable(scene: Scene, why: str) -> None:
    scene.unreadable = why


def _set_syncing(scene: Scene, syncing: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    scene.syncing = syncing


_STEPS: st.SearchStrategy[tuple[Callable[..., object], tuple[object, ...]]] = st.one_of(
    st.tuples(st.just(Scene.run), st.tuples(st.sampled_from([50, 250, 1_000, 3_000, 6_000]))),
    st.tuples(st.just(Scene.silence), st.tuples(_ROLES)),
    st.tuples(st.just(Scene.respawn), st.tuples(_ROLES)),
    st.tuples(st.just(_set_state), st.tuples(_ROLES, _STATES)),
    st.tuples(st.just(_set_positions), st.tuples(st.integers(0, 2))),
    st.tuples(st.just(Scene.touch), st.tuples(st.sampled_from(["s1", "s2"]))),
    st.tuples(st.just(lambda scene: scene.stops.clear()), st.just(())),
    st.tuples(st.just(Scene.clear_what_is_asked), st.just(())),
    st.tuples(st.just(_set_unreadable), st.tuples(st.sampled_from(["", "", "cannot be read"]))),
    st.tuples(st.just(_set_syncing), st.tuples(st.booleans())),
    st.tuples(st.just(_pause), st.tuples(st.sampled_from([1_100, 4_000, 20_000]))),
    st.tuples(
        st.just(Scene.tell),
        st.tuples(
            st.sampled_from(
                [
                    OperatorAsked(b"operator", Arm("ann", "again")),
                    OperatorAsked(b"operator", Arm("ann", "again")),
                    OperatorAsked(b"operator", Recover("ann", "checked")),
                    OperatorAsked(b"operator", SetMode("ann", "less", 2)),
                    OperatorAsked(b"operator", SetMode("ann", "less", 1)),
                    JournalFailed("the disk is gone"),
                ]
            )
        ),
    ),
)


class _Watched(Scene):
    """A scene that judges every command in the state in which it was asked for."""

    def tell(self, event: object) -> list[Command]:
        """Tell, then look at what came out of it."""
        commands = super().tell(event)  # type: ignore[arg-type] # whatever event the scene may tell
        core = self.core
        for command in commands:
            if isinstance(command, WriteRow):
                assert not core.out.failed or isinstance(event, JournalFailed)
            if isinstance(command, Grant) and isinstance(command.leave, Permit):
                self._judge(command.leave)
        return commands

    def _judge(self, permit: Permit) -> None:
        core, executor = self.core, self.core.liveness.peers[Role.EXECUTOR]
        assert not self.stops, "a permit while a stop stands"
        assert not self.unreadable, "a permit while the stop directory cannot be read"
        assert not core.out.failed, "a permit on a broken journal"
        for cause in core.authority.standing:
            rule = RULES[cause]
            assert rule.permits, f"a permit while {cause} stands"
            assert permit.mode <= rule.ceiling(executor.positions), f"a permit above {cause}"
        assert permit.executor_session == executor.session
        assert executor.fresh()
        assert permit.expires_ns == permit.issued_ns + LIFE_MS * MS == self.now_ns + LIFE_MS * MS
        trader = core.liveness.peers[Role.TRADER]
        if permit.trader_sessions:
            assert trader.condition is Condition.ALIVE, "a permit for the session of a trader that is not"
            assert permit.trader_sessions == (core.leave.session_of(trader.session),)


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(_STEPS, max_size=25))
def test_no_permit_is_above_any_standing_cause_or_while_stopped(
    starts_up: bool,  # noqa: FBT001 - drawn by hypothesis
    steps: list[tuple[Callable[..., object], tuple[object, ...]]],
) -> None:
    """I2, I3, I7: whatever dies, hangs, is stopped, paused, asked for or breaks, in any order."""
    scene = _Watched()
    if starts_up:
        scene.up()
    for act, arguments in steps:
        act(scene, *arguments)
        # Everything else must hold in the turn that follows any change.
        scene.turn()
    scene.run(1_000)

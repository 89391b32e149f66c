"""What holds whatever happens, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.watchdog.scene import LIFE_MS, MS, Scene
from warden.domain.causes import RULES, Cause
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.watchdog.commands import ClearStops, Grant, WriteRow
from warden.watchdog.events import JournalFailed, OperatorAsked, Paused, StopsCleared
from warden.watchdog.liveness import Condition
from warden.wire.messages import (
    Arm,
    CleanupPermit,
    ClearIncident,
    Freeze,
    Permit,
    ProcessState,
    Recover,
    SetMode,
    Thaw,
    TraderLeave,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.watchdog.commands import Command
    from warden.wire.messages import OperatorRequest

_ARM, _RECOVER = Arm("ann", "again"), Recover("ann", "checked")
_CLEAR, _THAW = ClearIncident("ann", "looked into", "s1"), Thaw("ann", "looked")
_ROLES = st.sampled_from([Role.EXECUTOR, Role.GATEWAY, Role.TRADER, Role.LOGGER])
_POLICIES = st.sampled_from(["hold", "cancel", "cancel", "flatten", "", "later"])
_REASONS = st.sampled_from(["MANUAL", "MANUAL", "SECURITY_BREACH", "later"])
_SCENES = st.tuples(
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["cancel", "cancel", "flatten", "hold"]),
    st.sampled_from(["MANUAL", "SECURITY_BREACH"]),
    st.sampled_from([[1, 2, 3], [2, 3, 4]]),
)
_STATES = st.sampled_from(list(ProcessState))


def _set_state(scene: Scene, role: Role, state: ProcessState) -> None:
    scene.beats[role] = scene.beats[role] | {"state": state}


def _set_positions(scene: Scene, positions: int) -> None:
    scene.beats[Role.EXECUTOR] = scene.beats[Role.EXECUTOR] | {"positions": positions}


def _pause(scene: Scene, for_ms: int) -> None:
    scene.now_ns += for_ms * MS
    scene.tell(Paused(for_ms * MS))


def _set_open(scene: Scene, nonces: list[int]) -> None:
    scene.beats[Role.EXECUTOR] = scene.beats[Role.EXECUTOR] | {"open_nonces": tuple(sorted(nonces))}


def _stop(scene: Scene, stop_id: str, policy: str, reason: str) -> None:
    scene.touch(stop_id, policy=policy, reason=reason)


def _take_away(scene: _Watched, stop_ids: list[str]) -> None:
    """Somebody removes stop files by hand: without a stop, leave to clean up is void at the gate."""
    for stop_id in stop_ids:
        scene.stops.pop(stop_id, None)
    scene.cleanup_until_ns = 0


def _stop_with_open(scene: Scene, stop_id: str, policy: str, reason: str, nonces: list[int]) -> None:
    """A stop meets open transactions, and time enough for a round of leave."""
    _set_open(scene, nonces)
    scene.run(250)
    _stop(scene, stop_id, policy, reason)
    scene.run(500)


def _put_right(scene: Scene, request: OperatorRequest) -> None:
    """An operator lets everything come back, asks, and waits; as far as it goes."""
    scene.unreadable, scene.syncing = "", True
    for role in scene.rules.names:
        scene.beating.add(role)
        scene.beats[role] = {"open_nonces": scene.beats[role].get("open_nonces", ())}
    scene.run(500)
    scene.tell(OperatorAsked(b"operator", request))
    for _ in range(8):
        scene.obey()
        scene.clear_what_is_asked()
        scene.run(250)


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
    st.tuples(st.just(_stop), st.tuples(st.sampled_from(["s1", "s2", "s3"]), _POLICIES, _REASONS)),
    st.tuples(st.just(_stop), st.tuples(st.sampled_from(["s1", "s2"]), st.just("cancel"), st.just("MANUAL"))),
    st.tuples(st.just(_set_open), st.tuples(st.lists(st.integers(0, 5), max_size=3, unique=True))),
    st.tuples(st.just(_take_away), st.tuples(st.sampled_from([["s1"], ["s1", "s2", "s3"]]))),
    st.tuples(st.just(Scene.obey), st.just(())),
    st.tuples(st.just(_stop_with_open), _SCENES),
    st.tuples(st.just(_stop_with_open), _SCENES),
    st.tuples(st.just(_put_right), st.tuples(st.sampled_from([_RECOVER, _RECOVER, _ARM, _THAW, _CLEAR]))),
    st.tuples(st.just(Scene.clear_what_is_asked), st.just(())),
    st.tuples(st.just(_set_unreadable), st.tuples(st.sampled_from(["", "", "cannot be read"]))),
    st.tuples(st.just(_set_syncing), st.tuples(st.booleans())),
    st.tuples(st.just(_pause), st.tuples(st.sampled_from([1_100, 4_000, 20_000]))),
    st.tuples(
        st.just(Scene.tell),
        st.tuples(
            st.sampled_from(
                [
                    OperatorAsked(b"operator", _ARM),
                    OperatorAsked(b"operator", _ARM),
                    OperatorAsked(b"operator", _RECOVER),
                    OperatorAsked(b"operator", _CLEAR),
                    OperatorAsked(b"operator", Freeze("ann", "looking")),
                    OperatorAsked(b"operator", _THAW),
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

    recovered = False
    cleanup_until_ns = 0
    allowed: frozenset[int] | None = None  # what may be cleaned up since a stop stands without a break

    def tell(self, event: object) -> list[Command]:
        """Tell, then look at what came out of it."""
        commands = super().tell(event)  # type: ignore[arg-type] # whatever event the scene may tell
        core = self.core
        self.recovered |= isinstance(event, StopsCleared)
        if not self.stops and not self.unreadable:
            self.allowed = None
        leaves = [command.leave for command in commands if isinstance(command, Grant)]
        assert len({type(leave) for leave in leaves} - {TraderLeave}) <= 1, "leave of both kinds at once"
        for command in commands:
            if isinstance(command, Grant) and isinstance(command.leave, CleanupPermit):
                self._judge_cleanup(command.leave)
            if isinstance(command, ClearStops):
                assert all(core.incidents.known.get(each, True) for each in command.stop_ids), "a breach"
            if isinstance(command, WriteRow):
                assert not core.out.failed or isinstance(event, JournalFailed)
            if isinstance(command, Grant) and isinstance(command.leave, Permit):
                leave = command.leave
                if leave.exits_until_ns == leave.issued_ns:
                    assert (leave.mode, core.authority.mode) == (0, Mode.SHUTDOWN), "void, and yet not over"
                    continue
                self._judge(leave)
        return commands

    def _judge_cleanup(self, permit: CleanupPermit) -> None:
        core, executor = self.core, self.core.liveness.peers[Role.EXECUTOR]
        assert self.stops, "leave to clean up without a stop"
        policies = {stop.policy for stop in self.stops.values()}
        assert policies <= {"cancel", "flatten"}, "leave to clean up while a stop says hold"
        assert permit.policy in policies | {"cancel"}
        assert permit.policy != "flatten" or policies == {"flatten"}
        assert set(permit.stop_ids) == self.stops.keys(), "leave that names other stops than stand"
        assert not self.unreadable, "leave to clean up while nobody can read the stops"
        assert not core.out.failed, "leave to clean up on a broken journal"
        assert core.authority.mode > Mode.SHUTDOWN, "leave to clean up while shut down"
        assert not core.stops.recovering, "leave to clean up during a recovery"
        assert executor.fresh()
        assert permit.executor_session == executor.session
        assert permit.expires_ns == permit.issued_ns + LIFE_MS * MS == self.now_ns + LIFE_MS * MS
        assert permit.nonces or permit.positions, "leave for nothing"
        assert not permit.positions or permit.policy == "flatten"
        assert self.allowed is None or self.allowed >= set(permit.nonces), "nonces have joined"
        self.allowed = frozenset(permit.nonces)
        self.cleanup_until_ns = permit.expires_ns

    def _judge(self, permit: Permit) -> None:
        core, executor = self.core, self.core.liveness.peers[Role.EXECUTOR]
        assert not self.stops, "a permit while a stop stands"
        assert not self.unreadable, "a permit while the stop directory cannot be read"
        assert not core.out.failed, "a permit on a broken journal"
        assert permit.size_percent == core.probation.percent
        assert permit.size_percent <= 25 or not self.recovered, "whole sizes after a recovery"
        if permit.mode > Mode.OBSERVE_ONLY:
            assert self.now_ns >= self.cleanup_until_ns, "trading while leave to clean up is alive"
            assert all(core.incidents.known.values()), "trading on a breach that nobody has cleared"
        if Cause.FROZEN_BY_OPERATOR in core.authority.standing:
            assert permit.trader_sessions == (), "a session for a frozen trader"
        for standing in core.authority.standing.values():
            rule = RULES[standing.cause]
            assert rule.permits, f"a permit while {standing.key} stands"
            assert permit.mode <= rule.ceiling(executor.positions), f"a permit above {standing.key}"
        assert permit.executor_session == executor.session
        assert executor.fresh()
        assert permit.expires_ns == permit.issued_ns + LIFE_MS * MS == self.now_ns + LIFE_MS * MS
        trader = core.liveness.peers[Role.TRADER]
        if permit.trader_sessions:
            assert trader.condition is Condition.ALIVE, "a permit for the session of a trader that is not"
            assert permit.trader_sessions == (core.leave.session_of(trader.session),)


@settings(max_examples=250, deadline=None)
@given(st.booleans(), st.lists(_STEPS, max_size=25))
def test_no_permit_is_above_any_standing_cause_or_while_stopped(
    starts_up: bool,  # noqa: FBT001 - drawn by hypothesis
    steps: list[tuple[Callable[..., object], tuple[object, ...]]],
) -> None:
    """I2, I3, I7: whatever dies, hangs, is stopped, frozen, paused, asked for or breaks, in any order."""
    scene = _Watched()
    if starts_up:
        scene.up()
    for act, arguments in steps:
        act(scene, *arguments)
        # Everything else must hold in the turn that follows any change.
        scene.turn()
    scene.run(1_000)

"""Leave to clean up after a stop: given for what was open then, and for nothing else."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import BEAT_MS, LIFE_MS, MS, STEP_MS, Scene
from warden.domain.roles import Role
from warden.domain.stops import CleanUp, Stop
from warden.watchdog.cleanup import CLEANUP_S_MAX, mildest
from warden.watchdog.events import JournalFailed
from warden.wire.messages import ProcessState, Recover, SetMode
from warden.wire.telemetry import Severity


def _open(scene: Scene, *nonces: int) -> None:
    scene.beats[Role.EXECUTOR] = scene.beats[Role.EXECUTOR] | {"open_nonces": nonces}


def _stopped(policy: str = "cancel", *nonces: int) -> Scene:
    """Return a system that was stopped with these nonces open, a beat later."""
    scene = Scene().up()
    _open(scene, *nonces)
    scene.run(BEAT_MS)
    scene.take()
    scene.touch("s1", policy=policy)
    scene.run(2 * BEAT_MS)
    return scene


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (["cancel"], CleanUp.CANCEL),
        (["flatten", "cancel"], CleanUp.CANCEL),
        (["flatten", "flatten"], CleanUp.FLATTEN),
        (["flatten", "hold"], CleanUp.HOLD),
        (["cancel", "whatever"], CleanUp.HOLD),
        (["CANCEL"], CleanUp.HOLD),
        ([], CleanUp.HOLD),
    ],
)
def test_the_mildest_policy_counts(policies: list[str], expected: CleanUp) -> None:
    """ES6: one stop that says hold, or says what nobody knows, holds for all."""
    assert mildest(Stop(stop_id=str(number), policy=each) for number, each in enumerate(policies)) is expected


def test_it_is_granted_for_what_was_open_and_renewed_each_interval() -> None:
    """ES6, I3: the stops, the mildest policy, the nonces, the life of a permit; written down first."""
    scene = _stopped("cancel", 7, 8)
    scene.run(1_000)
    assert [row["nonces"] for row in scene.rows("cleanup.granted")] == [[7, 8]]
    grants = scene.cleanups()
    assert len(grants) == pytest.approx(1_000 // BEAT_MS, abs=2)
    assert {(grant.stop_ids, grant.policy, grant.nonces) for grant in grants} == {(("s1",), "cancel", (7, 8))}
    assert all(grant.expires_ns == grant.issued_ns + LIFE_MS * MS for grant in grants)
    assert scene.permits() == []
    seqs = [grant.seq for grant in grants]
    assert seqs == sorted(set(seqs))


def test_it_ends_once_nothing_of_it_is_open() -> None:
    """ES6: verified by what the executor finds on the chain, then no leave any more."""
    scene = _stopped("cancel", 7, 8)
    _open(scene, 8)
    scene.run(1_000)
    assert {grant.nonces for grant in scene.cleanups()} == {(7, 8)}
    _open(scene)
    scene.run(BEAT_MS)
    assert [(row["why"], row["left"]) for row in scene.rows("cleanup.ended")] == [("nothing is open", [])]
    assert [notice.severity for notice in scene.notices("cleanup.ended")] == [Severity.INFO]
    scene.take()
    _open(scene, 7)
    scene.run(5_000)
    assert scene.cleanups() == []


def test_it_ends_with_its_limit_and_says_what_is_left() -> None:
    """ES3: 30 s for all of it; whoever reads the alert knows what may still land."""
    scene = _stopped("flatten", 7, 8)
    _open(scene, 8)
    scene.run(CLEANUP_S_MAX * 1_000)
    scene.run(5_000)
    grants = scene.cleanups()
    assert grants[-1].issued_ns - grants[0].issued_ns < CLEANUP_S_MAX * 1_000 * MS
    assert grants[-1].policy == "flatten"
    (ended,) = scene.rows("cleanup.ended")
    assert ("30 s" in ended["why"], ended["left"]) == (True, [8])
    (left,) = scene.notices("cleanup.left")
    assert (left.severity, left.runbook) == (Severity.WARNING, "emergency-stop#what-may-still-land")


@pytest.mark.parametrize("policy", ["hold", "", "later"])
def test_a_stop_that_says_hold_or_nothing_is_never_cleaned_up(policy: str) -> None:
    """ES6: a bare touched file means hold."""
    scene = _stopped(policy, 7)
    scene.run(CLEANUP_S_MAX * 1_000)
    assert scene.cleanups() == []
    assert scene.rows("cleanup.granted") == []


def test_a_file_whose_content_comes_a_moment_later_is_taken_at_its_word() -> None:
    """The name appears before the content; a second later hold is meant, and stays so."""
    scene = _stopped("hold", 7)
    scene.touch("s1", policy="cancel")
    scene.run(1_000)
    assert scene.cleanups() != []
    scene = _stopped("hold", 7)
    scene.run(1_000)
    scene.touch("s1", policy="cancel")
    scene.run(5_000)
    assert scene.cleanups() == []


def test_another_stop_that_says_hold_ends_it_for_good() -> None:
    """ES6: the mildest of all that stand, and nothing begins anew when that one is taken away."""
    scene = _stopped("cancel", 7)
    assert scene.cleanups() != []
    scene.take()
    scene.touch("s2")
    scene.run(2_000)
    assert scene.cleanups() == []
    del scene.stops["s2"]
    scene.run(5_000)
    assert scene.cleanups() == []


def test_a_later_stop_gets_a_snapshot_that_can_only_shrink() -> None:
    """I3: nothing joins the list after the first stop was seen; the leave names both stops."""
    scene = _stopped("cancel", 7, 8)
    _open(scene, 8, 9)
    scene.take()
    scene.touch("s2", policy="flatten")
    scene.run(1_000)
    assert {(grant.stop_ids, grant.policy, grant.nonces) for grant in scene.cleanups()} == {
        (("s1", "s2"), "cancel", (8,))
    }


def test_only_what_is_reported_after_the_stop_was_seen_counts() -> None:
    """I3: a beat from before may know less than the executor does by then."""
    scene = Scene().up()
    _open(scene, 7)
    scene.run(BEAT_MS)
    scene.silence(Role.EXECUTOR)
    scene.touch("s1", policy="cancel")
    scene.run(500)
    assert scene.cleanups() == []
    scene.beat(Role.EXECUTOR, open_nonces=(7, 8), sent_ns=scene.now_ns)
    scene.turn()
    scene.turn()
    assert [grant.nonces for grant in scene.cleanups()] == [(7, 8)]


def test_it_waits_for_an_executor_that_is_there_and_knows() -> None:
    """No leave for one that is lost, starts or ends; one that starts has not read its book yet."""
    scene = _stopped("cancel", 7)
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    scene.take()
    scene.respawn(Role.EXECUTOR)
    scene.beats[Role.EXECUTOR] = {"state": ProcessState.STARTING}
    scene.run(2_000)
    assert scene.cleanups() == []
    assert scene.rows("cleanup.ended") == []
    scene.beats[Role.EXECUTOR] = {"state": ProcessState.DEGRADED, "open_nonces": (7,)}
    scene.run(2 * BEAT_MS)
    assert {grant.executor_session for grant in scene.cleanups()} == {"executor-2"}
    scene.take()
    scene.beats[Role.EXECUTOR] = {"state": ProcessState.STOPPING, "open_nonces": (7,)}
    scene.run(1_000)
    assert len(scene.cleanups()) <= 1


def test_nothing_that_is_not_written_down_is_granted() -> None:
    """I5: no leave before its row is synced, and none on a broken journal."""
    scene = Scene().up()
    _open(scene, 7)
    scene.run(BEAT_MS)
    scene.touch("s1", policy="cancel")
    scene.syncing = False
    scene.run(2_000)
    assert scene.cleanups() == []
    scene.syncing = True
    scene.run(2 * STEP_MS)
    assert scene.cleanups() != []
    scene.tell(JournalFailed("the disk is gone"))
    scene.take()
    scene.run(1_000)
    assert scene.cleanups() == []


def test_shut_down_and_an_unreadable_directory_allow_none() -> None:
    """What is allowed is the lesser of stop and mode; who cannot read the stops knows no policy."""
    scene = _stopped("cancel", 7)
    scene.ask(SetMode("ann", "enough", 0))
    scene.take()
    scene.run(1_000)
    assert scene.cleanups() == []
    scene = _stopped("cancel", 7)
    scene.unreadable = "stop directory /x: Permission denied"
    scene.take()
    scene.run(1_000)
    assert scene.cleanups() == []


def test_a_recovery_ends_it_and_one_permit_life_lies_between() -> None:
    """I7: nothing that was granted for the stop is alive when trading begins."""
    scene = _stopped("cancel", 7)
    assert scene.ask(Recover("ann", "checked")).exit_code == 0
    scene.run(BEAT_MS)
    last, first = scene.cleanups()[-1], scene.permits()[0]
    assert first.issued_ns >= last.expires_ns
    assert [(row["why"], row["left"]) for row in scene.rows("cleanup.ended")] == [
        ("no stop stands any more", [7])
    ]


def test_a_flatten_names_the_positions_and_ends_when_they_are_gone() -> None:
    """ES6: as reported after the stop; one that only cancels names none; it lasts until they are sold."""
    for policy, named in (("flatten", ("p1", "p2")), ("cancel", ())):
        scene = Scene().up()
        scene.beats[Role.EXECUTOR] = {"position_ids": ("p1", "p2"), "positions": 2, "open_nonces": (7,)}
        scene.run(BEAT_MS)
        scene.take()
        scene.touch("s1", policy=policy)
        scene.run(1_000)
        assert {grant.positions for grant in scene.cleanups()} == {named}
        # What is bought later does not join.
        scene.beats[Role.EXECUTOR] = {"position_ids": ("p2", "p3"), "positions": 2, "open_nonces": ()}
        scene.run(2 * BEAT_MS)
        scene.take()
        scene.run(35_000)
        granted = scene.cleanups()
        assert {grant.positions for grant in granted} == ({named} if named else set())
        scene.beats[Role.EXECUTOR] = {"position_ids": ("p3",), "positions": 1, "open_nonces": ()}
        scene.run(1_000)
        assert [row["held"] for row in scene.rows("cleanup.ended")] == ([[]] if named else [])

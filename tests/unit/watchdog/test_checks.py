"""What failing and missing checks do to the mode and to arming."""

from __future__ import annotations

import pytest

from tests.unit.watchdog.scene import ETHER, S, Scene, wallet_read
from warden.domain.checks import CHECKS
from warden.domain.errors import EXIT_REFUSED
from warden.domain.health import Health
from warden.domain.modes import Environment
from warden.domain.money import Wei
from warden.domain.roles import Role
from warden.watchdog.commands import Grant, Show
from warden.watchdog.events import ChecksAsked, StopsSeen, Tick
from warden.watchdog.last_run import LastRun
from warden.wire.checks import Books, CheckTable, RunChecks
from warden.wire.messages import Arm, Head, Recover
from warden.wire.telemetry import Severity

ARM = Arm("ann", "looked into it")
WALLET = "0x" + "aa" * 20


def test_all_passing_it_arms_by_itself() -> None:
    """FS2: with every check answered and passing a clean start needs no operator."""
    scene = Scene().up()
    assert {line.status for line in scene.core.checks.lines.values()} == {Health.HEALTHY}
    assert scene.core.checks.lines.keys() == CHECKS.keys()


@pytest.mark.parametrize("role", [Role.EXECUTOR, Role.GATEWAY])
def test_nothing_is_armed_before_checks_are_answered(role: Role) -> None:
    """FS2: a process that is ready and says nothing of its checks is waited for, then failed."""
    scene = Scene()
    scene.answering.discard(role)
    scene.run(10_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert f"the checks of the {role}" in scene.core.why(scene.now_ns)
    reply = scene.ask(ARM)
    assert reply.exit_code == EXIT_REFUSED
    assert f"was not answered by the {role} yet" in reply.message
    scene.run(30_000)
    assert "check-failed" in scene.core.authority.standing
    assert f"not answered by the {role}" in scene.core.why(scene.now_ns)


@pytest.mark.parametrize("name", [name for name, each in CHECKS.items() if each.by is not Role.WATCHDOG])
def test_any_failure_at_the_start_only_observes_and_calls_a_human(name: str) -> None:
    """FS2: OBSERVE_ONLY, a CRITICAL alert with the section that mends it; arming is refused and names it."""
    scene = Scene()
    scene.fail(name)
    scene.run(8_000)
    assert scene.mode == "OBSERVE_ONLY"
    alarm = scene.notices("check.failed")
    assert [(each.severity, each.runbook) for each in alarm] == [(Severity.CRITICAL, CHECKS[name].mend)]
    refused = scene.ask(ARM)
    assert (refused.exit_code, f"check {name} fails" in refused.message) == (EXIT_REFUSED, True)
    assert CHECKS[name].mend in refused.message


def test_once_it_passes_an_operator_arms() -> None:
    """I7: a check that passes again lifts nothing by itself; then arming works."""
    scene = Scene()
    scene.fail("gas")
    scene.run(8_000)
    scene.checks.clear()
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "it passes now" in scene.core.why(scene.now_ns)
    assert scene.notices("check.passed")
    assert scene.ask(ARM).exit_code == 0
    assert scene.mode == "AGGRESSIVE"


def test_recovery_is_refused_while_a_check_fails() -> None:
    """ES5: a stop is not cleared while a check fails; it still stands afterwards."""
    scene = Scene().up()
    scene.touch("by-hand")
    scene.fail("endpoints")
    scene.run(2_000)
    reply = scene.ask(Recover("ann", "done"))
    assert (reply.exit_code, "check endpoints fails" in reply.message) == (EXIT_REFUSED, True)
    assert "by-hand" in scene.stops


@pytest.mark.parametrize("name", [name for name, each in CHECKS.items() if each.by is not Role.WATCHDOG])
def test_while_trading_only_what_stops_lowers_the_mode(name: str) -> None:
    """FS3: a violation blocks execution; what something else acts on is told, and holds up arming."""
    scene = Scene().up()
    scene.take()
    scene.fail(name)
    scene.run(12_000)
    stops = CHECKS[name].stops
    assert scene.mode == ("OBSERVE_ONLY" if stops else "AGGRESSIVE")
    kinds = {kind: len(scene.notices(kind)) for kind in ("check.failed", "check.holds-up")}
    assert kinds == {"check.failed": int(stops), "check.holds-up": int(not stops)}
    assert scene.rows("check.failed")[0]["name"] == name


def test_what_passes_by_itself_is_given_its_time() -> None:
    """FS2: endpoints come one after another; a start is not handed to a human for that."""
    scene = Scene()
    scene.fail("endpoints")
    scene.run(3_000)
    assert scene.mode == "OBSERVE_ONLY"
    scene.checks.clear()
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"
    assert not scene.notices("check.failed")


def test_answers_of_a_former_process_count_for_nothing() -> None:
    """FS2: the executor that came back must answer anew before it is armed."""
    scene = Scene().up()
    scene.silence(Role.EXECUTOR)
    scene.run(4_000)
    scene.answering.discard(Role.EXECUTOR)
    scene.respawn(Role.EXECUTOR)
    scene.run(2_000)
    assert "was not answered by the executor yet" in scene.ask(ARM).message
    scene.answering.add(Role.EXECUTOR)
    scene.run(500)
    assert scene.ask(ARM).exit_code == 0


def test_answers_that_stop_coming_have_failed() -> None:
    """FS2: silence on checks alone, with beats that go on, fails after `checks.answer_s`."""
    scene = Scene().up()
    scene.answering.discard(Role.EXECUTOR)
    scene.run(29_000)
    assert scene.mode == "AGGRESSIVE"
    scene.run(3_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "not answered by the executor for" in scene.core.why(scene.now_ns)


def test_a_lapse_is_no_failure_to_answer() -> None:
    """HM4: a process that was paused has not answered meanwhile; when it beats again it has its time."""
    scene = Scene(environment=Environment.PAPER).up()
    scene.silence(Role.GATEWAY)
    scene.run(40_000)
    scene.take()
    scene.answering.discard(Role.GATEWAY)
    scene.beating.add(Role.GATEWAY)
    scene.run(5_000)
    assert not scene.notices("check.failed")


def test_a_process_answers_only_its_own_checks() -> None:
    """I8: a gateway cannot say that the executor's books add up."""
    scene = Scene()
    scene.answering.discard(Role.EXECUTOR)
    scene.run(1_000)
    assert "integrity.pools" not in scene.core.checks.lines
    scene.sessions[Role.TRADER] = scene.sessions[Role.EXECUTOR]
    scene.answer_checks(Role.TRADER)
    scene.run(1_000)
    assert "integrity.pools" not in scene.core.checks.lines


def test_a_journal_shorter_than_it_was_seen_is_found() -> None:
    """I9: what the watchdog's journal saw of the executor's is held against it, restarts included."""
    for rows, digest, found in ((9, "f" * 64, "ends at row 9"), (10, "e" * 64, "was rewritten")):
        scene = Scene(last=LastRun(seen={"executor": (10, "f" * 64)}))
        scene.beats[Role.EXECUTOR]["heads"] = (Head("executor", rows, digest),)
        scene.run(1_000)
        assert scene.mode == "OBSERVE_ONLY"
        assert found in scene.core.why(scene.now_ns)
    scene = Scene(last=LastRun(seen={"executor": (10, "f" * 64)}))
    scene.beats[Role.EXECUTOR]["heads"] = (Head("executor", 10, "f" * 64),)
    scene.up()
    scene.beats[Role.EXECUTOR]["heads"] = (Head("executor", 9, "d" * 64),)
    scene.run(500)
    assert scene.mode == "OBSERVE_ONLY"


def compared(coins_wei: int, *, quiet: bool = True, wallet: str = WALLET, for_ms: int = 35_000) -> Scene:
    """Return a scene whose wallet holds 100 ETH, and whose executor's books say `coins_wei`."""
    scene = Scene(environment=Environment.DEVNET)
    scene.run(1_000)  # the wallet is told each second
    scene.up()
    scene.books = Books(wallet=wallet, block=0, coins_wei=Wei(coins_wei), quiet=quiet)
    scene.run(for_ms)
    return scene


def test_the_books_are_held_against_what_endpoints_agree_on() -> None:
    """FS2: capital reconciliation, by the watchdog, with what the executor cannot change."""
    assert compared(100 * ETHER).mode == "AGGRESSIVE"
    assert compared(100 * ETHER + 10**15).mode == "AGGRESSIVE"
    for wrong in (100 * ETHER + 10**15 + 1, 100 * ETHER - 10**15 - 1, 0):
        scene = compared(wrong)
        assert scene.mode == "OBSERVE_ONLY"
        assert "capital.agreed" in scene.core.why(scene.now_ns)


def test_nothing_is_compared_while_something_is_on_its_way() -> None:
    """FS2: between a block and its receipt books and wallet may differ; that must last to count."""
    assert compared(1, quiet=False).mode == "AGGRESSIVE"
    assert compared(1, for_ms=20_000).mode == "AGGRESSIVE"


def test_a_read_that_no_two_reports_bracket_proves_nothing() -> None:
    """FS2: while it trades the wallet may be read before the books have the trade, or after."""
    scene = compared(100 * ETHER)
    for traded in range(1, 60):
        scene.books = Books(wallet=WALLET, block=0, coins_wei=Wei(100 * ETHER + traded * ETHER), quiet=True)
        scene.run(250)
    assert scene.mode == "AGGRESSIVE"
    assert scene.core.checks.lines["capital.agreed"].status is Health.HEALTHY


def test_another_wallet_is_no_wallet_of_ours() -> None:
    """FS2: wallet matches: the one that endpoints are asked for is the executor's."""
    scene = compared(100 * ETHER, wallet="0x" + "bb" * 20)
    assert scene.mode == "OBSERVE_ONLY"
    assert compared(100 * ETHER, wallet=WALLET.upper().replace("X", "x")).mode == "AGGRESSIVE"


def test_a_stepped_wall_clock_is_told_and_decides_nothing() -> None:
    """FS2: clock sane; DESIGN §3: nothing is decided by it."""
    scene = Scene().up()
    wall = scene.core.checks.own.wall
    wall(10**18, scene.now_ns)
    wall(10**18 + 2 * S, scene.now_ns)
    assert scene.core.checks.own._stepped == ""
    for jump in (3_600 * S, 0, 7_200 * S):
        wall(10**18 + jump, scene.now_ns)
    scene.run(1_000)
    assert scene.mode == "AGGRESSIVE"
    assert len(scene.notices("clock.stepped")) == 1
    assert scene.core.checks.lines["clock-step"].status is Health.DEGRADED


def shown(scene: Scene) -> list[CheckTable]:
    """Return the tables that were shown since the last `take`."""
    return [each.table for each in scene.commands if isinstance(each, Show)]


def test_an_operator_gets_the_table_once_everything_was_done_anew() -> None:
    """FS3, on demand: each process is asked, and the answer waits for theirs."""
    scene = Scene().up()
    scene.take()
    scene.tell(ChecksAsked(b"operator", fresh=True))
    asked = [each.leave for each in scene.commands if isinstance(each, Grant)]
    assert [each for each in asked if isinstance(each, RunChecks)] == [RunChecks(1), RunChecks(1)]
    scene.answer_checks(Role.EXECUTOR, number=1)
    scene.tell(Tick())
    assert shown(scene) == []
    scene.answer_checks(Role.GATEWAY, number=1)
    scene.tell(Tick())
    (table,) = shown(scene)
    assert (table.complete, len(table.lines), table.awaited) == (True, len(CHECKS), ())


def test_who_does_not_answer_holds_nobody_up_for_long() -> None:
    """FS3: the table comes after 8 s all the same, and says that it is not complete."""
    scene = Scene().up()
    scene.take()
    scene.tell(ChecksAsked(b"operator", fresh=True))
    scene.run(9_000)
    (table,) = shown(scene)
    assert not table.complete


def test_the_table_as_it_stands_comes_at_once() -> None:
    """FS2: without a fresh run nobody is asked."""
    scene = Scene().up()
    scene.take()
    scene.tell(ChecksAsked(b"operator", fresh=False))
    assert len(shown(scene)) == 1


def test_many_who_ask_are_all_answered_and_bounded() -> None:
    """More than eight at a time get what is there already."""
    scene = Scene().up()
    scene.take()
    for _ in range(20):
        scene.tell(ChecksAsked(b"operator", fresh=True))
    assert len(shown(scene)) == 12
    scene.run(9_000)
    assert len(shown(scene)) == 20


def test_an_unreadable_stop_directory_fails_the_check_of_the_mode() -> None:
    """FS2: mode validity: what the mode rests on can be read."""
    scene = Scene().up()
    scene.tell(StopsSeen((), "it is gone"))
    scene.tell(Tick())
    assert scene.core.checks.lines["mode"].status is Health.CRITICAL


def test_a_wallet_that_nobody_agrees_on_is_not_compared() -> None:
    """ES2: what is not known proves nothing wrong; the cause of its own lowers the mode."""
    scene = compared(1, for_ms=5_000)
    scene.wallet = wallet_read(nonce=1)
    scene.wallet = None
    scene.run(40_000)
    assert scene.core.checks.lines["capital.agreed"].status is Health.DEGRADED

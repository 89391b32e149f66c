"""The capital past the executor: losses exact to the wei, zero included, and what operators may say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.unit.watchdog.scene import ETHER, Scene, wallet_read
from tests.unit.watchdog.test_record import written
from warden.domain.modes import Environment
from warden.domain.money import Wei
from warden.domain.risk.emergency_gauges import EmergencyLimits
from warden.domain.stops import CleanUp, StopReason
from warden.watchdog.capital import CapitalTerms
from warden.watchdog.commands import WriteRow, WriteStop
from warden.watchdog.last_run import Baselines, LastRun
from warden.watchdog.status import capital_line
from warden.wire.capital import TokenRead, WalletDisputed, WalletUnknown
from warden.wire.messages import Arm, MoveBaseline, Recover, ResetBaseline

if TYPE_CHECKING:
    from pathlib import Path

HELD_WEI = 100 * ETHER
DAY_S = 86_400
# Only the limit that a test is about.
ONLY_CAPITAL = EmergencyLimits(daily_loss_bps=None)


def devnet(limits: EmergencyLimits = ONLY_CAPITAL, **changes: Any) -> Scene:  # noqa: ANN401 - a scene's own
    """Return a scene on a chain with 100 ether, armed by itself."""
    terms = CapitalTerms(read=True, limits=limits, unknown_after_ns=10 * 10**9)
    scene = Scene(Environment.DEVNET, capital=terms, **changes)
    scene.run(3_000)
    assert scene.mode == "AGGRESSIVE", scene.core.why(scene.now_ns)
    scene.take()
    return scene


def ordered(scene: Scene) -> list[str]:
    """Return the reasons of the stops that the watchdog had written since the last `take`."""
    return [each.stop.reason for each in scene.commands if isinstance(each, WriteStop)]


def stand(scene: Scene) -> str:
    """Write the stop that was ordered as the writing thread does, and return its id."""
    stop = scene.core.capital.kept.stop
    assert stop is not None
    scene.stops[stop.stop_id] = stop
    return stop.stop_id


@pytest.mark.parametrize(
    ("equity_wei", "stops"),
    [(80 * ETHER + 1, False), (80 * ETHER, True), (80 * ETHER - 1, True), (1, True), (0, True)],
)
def test_es2_a_loss_of_capital_stops_at_the_limit_to_the_wei(equity_wei: int, *, stops: bool) -> None:
    """ES2: 19.999…% is below 20 %, exactly; zero is a total loss, not a lack of data."""
    scene = devnet()
    scene.wallet = wallet_read(equity_wei)
    scene.run(6_000)
    assert bool(ordered(scene)) is stops
    if stops:
        stop = scene.core.capital.kept.stop
        assert stop is not None
        assert (stop.reason, stop.operator, stop.policy) == (
            StopReason.CAPITAL_LOSS,
            "watchdog",
            CleanUp.CANCEL,
        )


@pytest.mark.parametrize(("equity_wei", "near"), [(85 * ETHER + 1, False), (85 * ETHER, True)])
def test_es1a_the_warning_comes_first_and_once(equity_wei: int, *, near: bool) -> None:
    """ES1a: an ERROR at 15 %, exactly; not again while it stands."""
    scene = devnet()
    scene.wallet = wallet_read(equity_wei)
    scene.run(6_000)
    told = scene.notices("capital-loss.near-limit")
    assert [each.severity.value for each in told] == ["error"] * near
    assert ordered(scene) == []


@pytest.mark.parametrize(("equity_wei", "stops"), [(95 * ETHER + 1, False), (95 * ETHER, True)])
def test_es1_the_days_loss_stops_too(equity_wei: int, *, stops: bool) -> None:
    """ES1: five percent of what the day began with, by the blocks' own time."""
    scene = devnet(EmergencyLimits())
    scene.wallet = wallet_read(timestamp_s=2_000_000)
    scene.run(2_000)
    scene.wallet = wallet_read(equity_wei, timestamp_s=2_000_010)
    scene.run(6_000)
    assert (StopReason.DAILY_LOSS in ordered(scene)) is stops


def test_es1_a_new_day_begins_with_what_there_is_then() -> None:
    """ES1: four percent lost yesterday and four today are no five of either; the baseline stays."""
    scene = devnet(EmergencyLimits())
    for day, ether in ((12, 100), (12, 96), (13, 96), (13, 93)):
        scene.wallet = wallet_read(ether * ETHER, timestamp_s=day * DAY_S + 5)
        scene.run(5_000)
    assert ordered(scene) == []
    assert scene.core.capital.kept.baseline_wei == HELD_WEI


def test_es2_a_wallet_that_never_held_anything_has_lost_nothing() -> None:
    """ES2: the first money opens the books; from then on zero is a loss."""
    scene = Scene(Environment.DEVNET)
    scene.wallet = wallet_read(0)
    scene.run(10_000)
    assert (ordered(scene), scene.mode) == ([], "AGGRESSIVE")
    scene.wallet = wallet_read(ETHER)
    scene.run(2_000)
    scene.wallet = wallet_read(0)
    scene.run(6_000)
    assert StopReason.CAPITAL_LOSS in ordered(scene)


def test_es2_what_is_bought_is_no_loss_once_it_is_valued() -> None:
    """ES2: a dip that lasts until the executor's token was read is none; one that nobody explains is."""
    scene = devnet()
    scene.wallet = wallet_read(60 * ETHER)
    scene.run(2_000)
    scene.wallet = wallet_read(60 * ETHER, tokens=(TokenRead("0x" + "01" * 20, Wei(5), Wei(39 * ETHER)),))
    scene.run(6_000)
    assert ordered(scene) == []
    assert capital_line(scene.core.capital, scene.now_ns).tokens_wei == 39 * ETHER
    scene.wallet = wallet_read(60 * ETHER)
    scene.run(6_000)
    assert StopReason.CAPITAL_LOSS in ordered(scene)


def test_es4_the_stop_is_written_until_it_stands_and_survives_a_restart() -> None:
    """ES4: what was ordered before the end is ordered after it, under the same id."""
    scene = devnet()
    scene.wallet = wallet_read(0)
    scene.run(6_000)
    kept = scene.core.capital.kept
    assert kept.stop is not None
    again = Scene(Environment.DEVNET, last=LastRun(capital=kept))
    again.wallet = None
    again.run(2_000)
    orders = [each.stop for each in again.commands if isinstance(each, WriteStop)]
    assert orders
    assert set(orders) == {kept.stop}


def test_es2_a_crash_keeps_what_the_rows_say(tmp_path: Path) -> None:
    """ES2, I9: baseline, day and the stop that was ordered are read back from the journal as they were."""
    scene = Scene(Environment.DEVNET)
    scene.run(3_000)
    scene.wallet = wallet_read(0)
    scene.run(6_000)
    kept = scene.core.capital.kept
    rows = [(each.kind, each.body) for each in scene.commands if isinstance(each, WriteRow)]
    last = written(tmp_path / "watchdog.db", *rows)
    assert (last.capital, last.clean) == (kept, False)
    rows += [(each.kind, each.body) for each in scene.core.end() if isinstance(each, WriteRow)]
    assert written(tmp_path / "ended.db", *rows[-1:]) == written(tmp_path / "whole.db", *rows)
    assert written(tmp_path / "again.db", *rows[-1:]).capital == kept
    assert kept.stop is not None
    assert kept.baseline_wei == HELD_WEI


def test_es4_a_stop_that_was_cleared_in_a_crash_does_not_hide_the_next_loss() -> None:
    """ES4, I7: its file is gone and comes back no more; while the loss holds another one is ordered."""
    scene = devnet()
    scene.wallet = wallet_read(0)
    scene.run(6_000)
    kept = scene.core.capital.kept
    assert kept.stop is not None
    again = Scene(Environment.DEVNET, last=LastRun(capital=kept))
    again.block = scene.block
    again.wallet = wallet_read(0)
    again.run(16_000)
    ids = {each.stop.stop_id for each in again.commands if isinstance(each, WriteStop)}
    assert len(ids) == 2
    assert kept.stop.stop_id in ids


def test_es2_two_short_dips_are_no_loss() -> None:
    """ES2: what is bought, sold and bought again is below the limit for a moment each time."""
    scene = devnet()
    for ether in (60, 100, 60, 100):
        scene.wallet = wallet_read(ether * ETHER)
        scene.run(2_000)
    assert ordered(scene) == []


def test_es2_a_restart_keeps_what_losses_are_measured_by() -> None:
    """ES2, SL2: 25 % lost over two runs is 25 %, whenever the watchdog was restarted."""
    kept = devnet().core.capital.kept
    assert kept.baseline_wei == HELD_WEI
    again = Scene(Environment.DEVNET, last=LastRun(capital=kept))
    again.wallet = wallet_read(75 * ETHER)
    again.run(6_000)
    assert StopReason.CAPITAL_LOSS in ordered(again)


def test_es5_after_a_recovery_it_stops_again_unless_baselines_began_anew() -> None:
    """ES5: what still holds stops again, under another id; with a reset it is the new beginning."""
    scene = devnet()
    scene.wallet = wallet_read(70 * ETHER)
    scene.run(6_000)
    first = stand(scene)
    scene.run(1_000)
    assert scene.ask(Recover("ann", "looked into")).exit_code == 0
    scene.run(8_000)
    second = stand(scene)
    assert second != first
    scene.run(1_000)
    scene.take()
    assert scene.ask(Recover("ann", "it is so", reset=True)).exit_code == 0
    scene.run(8_000)
    assert ordered(scene) == []
    assert scene.core.capital.kept.baseline_wei == 70 * ETHER


def test_es5_a_reset_without_a_stop() -> None:
    """ES5: what a failed reset left to do can be repeated."""
    scene = devnet()
    scene.wallet = wallet_read(90 * ETHER)
    scene.run(2_000)
    assert scene.ask(ResetBaseline("ann", "it is so")).exit_code == 0
    scene.run(2_000)
    assert scene.core.capital.kept.baseline_wei == 90 * ETHER


def test_ex9_a_withdrawal_that_was_told_is_no_loss() -> None:
    """EX9: thirty percent taken out, said before it leaves; a loss beside it still counts in full."""
    scene = devnet(EmergencyLimits())
    told = MoveBaseline("ann", "rent", Wei(-30 * ETHER))
    assert scene.ask(told).exit_code == 0
    scene.wallet = wallet_read(70 * ETHER)
    scene.run(6_000)
    assert ordered(scene) == []
    assert scene.core.capital.kept.baseline_wei == 70 * ETHER
    scene.wallet = wallet_read(56 * ETHER)
    scene.run(6_000)
    assert StopReason.CAPITAL_LOSS in ordered(scene)


def test_ex9_a_deposit_hides_no_loss_and_is_believed_when_it_is_there() -> None:
    """EX9: in proportion to what there was; one that has not arrived is refused, for it would be a loss."""
    scene = devnet()
    scene.wallet = wallet_read(90 * ETHER)
    scene.run(2_000)
    for early_wei in (60 * ETHER, 90 * ETHER):
        assert scene.ask(MoveBaseline("ann", "more", Wei(early_wei))).exit_code == 4
    scene.wallet = wallet_read(180 * ETHER)
    scene.run(2_000)
    assert scene.ask(MoveBaseline("ann", "more", Wei(90 * ETHER))).exit_code == 0
    assert scene.core.capital.kept.baseline_wei == 200 * ETHER


def test_i7_nobody_without_a_name_moves_the_baseline() -> None:
    """I7: by name and with a reason; nothing that an executor says can do it."""
    scene = devnet()
    assert scene.ask(MoveBaseline("", "rent", Wei(-30 * ETHER))).exit_code == 2
    assert scene.core.capital.kept.baseline_wei == HELD_WEI


@pytest.mark.parametrize(
    ("report", "cause"),
    [
        (WalletDisputed(5, "0x5", ("a", "b"), "a says 1, b says 2"), "capital-disputed"),
        (WalletUnknown("a: failing; b: ok", one_source=True), "capital-unknown"),
        (None, "capital-unknown"),
    ],
)
def test_es2_without_agreement_for_long_it_observes_and_heals(report: Any, cause: str) -> None:  # noqa: ANN401 - parameters
    """ES2: a moment is borne; ten seconds are not; it heals by itself once endpoints agree again."""
    scene = devnet()
    scene.wallet = report
    scene.run(8_000)
    assert scene.mode == "AGGRESSIVE"
    scene.run(4_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert set(scene.core.authority.standing) == {cause}
    scene.wallet = wallet_read()
    scene.run(8_000)
    assert scene.mode == "AGGRESSIVE", scene.core.why(scene.now_ns)


def test_es2_one_agreement_between_disputes_heals_nothing() -> None:
    """ES2: they must agree for as long as a lapse takes to heal."""
    scene = devnet()
    dispute = WalletDisputed(5, "0x5", ("a", "b"), "a says 1, b says 2")
    scene.wallet = dispute
    scene.run(13_000)
    scene.wallet = wallet_read()
    scene.run(1_000)
    scene.wallet = dispute
    scene.run(8_000)
    assert scene.mode == "OBSERVE_ONLY"


def test_es4_the_recovery_of_another_stop_is_not_that_of_this_one() -> None:
    """ES4: what was ordered for a loss is wanted until its own file was cleared."""
    scene = devnet()
    scene.wallet = wallet_read(0)
    scene.run(6_000)
    stop_id = stand(scene)
    scene.core.capital.cleared(("another",), reset=False)
    assert scene.core.capital.kept.stop is not None
    scene.core.capital.cleared((stop_id,), reset=False)
    assert scene.core.capital.kept.stop is None


def test_es2_in_live_a_long_dispute_waits_for_an_operator() -> None:
    """ES2: as with other data that is missing: what lasts is a trip."""
    terms = CapitalTerms(read=True, limits=ONLY_CAPITAL, unknown_after_ns=10 * 10**9)
    scene = Scene(Environment.LIVE, capital=terms)
    scene.run(3_000)
    assert scene.ask(Arm("ann", "start")).exit_code == 0
    scene.wallet = WalletDisputed(5, "0x5", ("a", "b"), "a says 1, b says 2")
    scene.run(30_000)
    scene.wallet = wallet_read()
    scene.run(30_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "a says 1, b says 2" in scene.core.why(scene.now_ns)


def test_es2_nothing_is_armed_before_the_capital_was_read() -> None:
    """ES2, FS2: not by itself, and an operator's arming leaves it at observing, with the reason."""
    scene = Scene(Environment.DEVNET)
    scene.wallet = None
    scene.run(20_000)
    assert scene.mode == "OBSERVE_ONLY"
    assert "capital" in scene.core.why(scene.now_ns)
    scene.wallet = wallet_read()
    scene.run(3_000)
    assert scene.mode == "AGGRESSIVE"


def test_i10_what_was_read_long_ago_is_nothing() -> None:
    """I10: a report that waited in a queue does not count as of now."""
    scene = devnet()
    scene.run(20_000)
    old = msgspec.structs.replace(wallet_read(0), read_ns=scene.now_ns - 11 * 10**9)
    scene.core.capital.came(old, scene.now_ns)
    assert isinstance(scene.core.capital.report, WalletUnknown)


def test_es1a_switched_off_it_tells_and_does_not_stop() -> None:
    """ES1a: `emergency.enabled = false`: an ERROR, once, and nothing else."""
    scene = devnet(msgspec.structs.replace(ONLY_CAPITAL, enabled=False))
    scene.wallet = wallet_read(0)
    scene.run(10_000)
    assert ordered(scene) == []
    assert [each.severity.value for each in scene.notices("emergency.not-stopped")] == ["error"]


def test_on_paper_there_is_nothing_to_lose() -> None:
    """EX4: no wallet is on a chain; nothing of this has an effect, and the status says so."""
    scene = Scene().up()
    scene.core.capital.came(wallet_read(0), scene.now_ns)
    scene.run(20_000)
    assert (scene.mode, scene.core.capital.kept) == ("AGGRESSIVE", Baselines())
    assert capital_line(scene.core.capital, scene.now_ns).state == "PAPER"


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (wallet_read(), "AGREED"),
        (wallet_read(endpoints=("a",)), "ONE SOURCE"),
        (WalletUnknown("", one_source=True), "ONE SOURCE"),
        (WalletDisputed(5, "0x5", ("a", "b"), "a says 1, b says 2"), "DISPUTED"),
        (WalletUnknown("none answers"), "STALE"),
    ],
)
def test_co3_how_well_it_is_known_is_said_in_a_word(report: Any, word: str) -> None:  # noqa: ANN401 - parameters
    """CO3, I10: agreed, from one source, disputed or stale; never a bare figure."""
    scene = devnet()
    scene.wallet = report
    scene.run(2_000)
    line = capital_line(scene.core.capital, scene.now_ns)
    assert (line.state, line.equity_wei, line.baseline_wei) == (word, HELD_WEI, HELD_WEI)

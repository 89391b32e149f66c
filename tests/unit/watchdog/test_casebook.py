"""Which happenings are incidents, what belongs together, and when it is written."""

from __future__ import annotations

from tests.unit.watchdog.scene import Scene
from warden.domain.roles import Role
from warden.incident.case import HAPPENINGS_MAX, ID, Case
from warden.watchdog.casebook import FOLD_NS, OPEN_NS_MAX, Casebook, Moment, Page
from warden.watchdog.commands import Notice
from warden.wire.telemetry import Severity

_S = 1_000_000_000
_STOPPED = Notice(Severity.CRITICAL, "stop.seen", "STOPPED by ann", "emergency-stop", {"stop_id": "stop-1"})
_KILLED = Notice(Severity.WARNING, "trader.killed", "trader process 7: ended by SIGKILL", "", {"stack": "x"})


def _at(second: float) -> Moment:
    return Moment(int(second * _S), int(second * _S), f"2026-11-20T10:00:{int(second) % 60:02d}.000Z")


def _pages(book: Casebook, until_s: int, from_s: int = 0) -> list[Page]:
    """Look ten times a second and return what was to be written."""
    looks = range(from_s * 10, until_s * 10)
    return [page for tenth in looks if (page := book.due(tenth * _S // 10)) is not None]


def _book(*before: Case) -> Casebook:
    return Casebook(before, "this-boot")


def test_a_stop_is_written_at_once_once_more_and_to_its_end() -> None:
    """Issue 6: a first page after a second, the last when a minute was calm."""
    book = _book()
    book.saw(_STOPPED, _at(0))
    pages = _pages(book, 200)
    assert [page.case.complete for page in pages] == [False, False, True]
    assert {page.case.id for page in pages} == {"20261120T100000Z-stop-1"}
    assert pages[0].case.stop_ids == ("stop-1",)
    assert all(page.fresh for page in pages)
    assert book.open is None


def test_what_follows_within_a_minute_belongs_to_it() -> None:
    """Repeated causes fold into one folder; a minute of calm begins another."""
    book = _book()
    book.saw(_KILLED, _at(0))
    assert _pages(book, 50)
    book.saw(_STOPPED, _at(50))
    pages = _pages(book, 109, 50)
    assert pages == []
    (last,) = _pages(book, 120, 109)
    assert [each.kind for each in last.case.happenings] == ["trader.killed", "stop.seen"]
    assert last.case.worst.kind == "stop.seen"
    book.saw(_KILLED, _at(121))
    assert _pages(book, 125, 121)[0].case.id != last.case.id


def test_a_loop_of_crashes_is_bounded() -> None:
    """Ten minutes at the most are one incident, and fifty happenings; the others are counted."""
    book = _book()
    pages = []
    for second in range(0, 1_301, 2):
        book.saw(_KILLED, _at(second))
        pages += _pages(book, second + 2, second)
    whole = [page.case for page in pages if page.case.complete]
    assert [len(case.happenings) for case in whole] == [HAPPENINGS_MAX] * len(whole)
    assert [case.more + HAPPENINGS_MAX for case in whole] == [OPEN_NS_MAX // _S // 2 + 1] * 2
    assert len({case.id for case in whole}) == 2


def test_a_stop_in_a_storm_is_never_only_counted() -> None:
    """The stop is what people look for: it stands in the case however much came before."""
    book = _book()
    for _ in range(HAPPENINGS_MAX + 5):
        book.saw(_KILLED, _at(0))
    book.saw(_STOPPED, _at(1))
    assert book.open is not None
    assert book.open.stop_ids == ("stop-1",)


def test_a_stop_that_has_a_folder_gets_no_second_one() -> None:
    """A restart of the watchdog tells of the standing stop again; one without a folder gets one then."""
    first = _book()
    first.saw(_STOPPED, _at(0))
    done = [page.case for page in _pages(first, 100)][-1]
    again = _book(done)
    again.saw(_STOPPED, _at(300))
    assert _pages(again, 500, 300) == []
    again.saw(Notice(Severity.CRITICAL, "stop.seen", "x", "", {"stop_id": "while-it-was-dead"}), _at(500))
    assert _pages(again, 600, 500)[-1].case.stop_ids == ("while-it-was-dead",)


def test_what_a_dead_watchdog_left_is_completed_by_the_next() -> None:
    """Killed in between: the next run writes it to its end, without the moment that is gone."""
    first = _book()
    first.saw(_STOPPED, _at(0))
    (page,) = _pages(first, 5)
    (finished,) = _pages(_book(page.case), 300)
    assert finished.case.complete
    assert finished.case.happenings == page.case.happenings
    assert not finished.fresh


def test_two_of_a_name_are_two_folders() -> None:
    """Another beginning in the same second of the same kind gets a number."""
    book = _book()
    book.saw(_KILLED, _at(0))
    first = _pages(book, 100)[-1].case
    again = _book(first)
    again.saw(_KILLED, _at(0))
    second = _pages(again, 100)[-1].case
    assert (first.id, second.id) == ("20261120T100000Z-trader-killed", "20261120T100000Z-trader-killed-2")
    assert ID.fullmatch(second.id)


def test_an_id_is_a_plain_name_whatever_the_kind() -> None:
    """A stop's id is a file's name already; a kind that is none becomes one."""
    book = _book()
    book.saw(Notice(Severity.CRITICAL, "../../etc/x y", "z"), _at(0))
    assert book.open is not None
    assert ID.fullmatch(book.open.id)
    assert "/" not in book.open.id


def test_what_the_core_tells_is_an_incident_when_it_is_one() -> None:
    """ES1, HM4: with the core's own notices: a stop, a lost trader or executor; no start, no arming."""
    scene = Scene().up()
    book = _book()

    def told() -> list[str]:
        for command in scene.commands:
            if isinstance(command, Notice):
                book.saw(command, _at(scene.now_ns / _S))
        scene.commands.clear()
        return [] if book.open is None else [each.kind for each in book.open.happenings]

    assert told() == []
    scene.silence(Role.TRADER)
    scene.run(3_000)
    assert told() == ["trader.lost"]
    scene.silence(Role.EXECUTOR)
    scene.run(3_000)
    scene.touch("s1")
    scene.run(300)
    assert told() == ["trader.lost", "executor.lost", "stop.seen"]
    scene.silence(Role.LOGGER)
    scene.run(3_000)
    assert "logger.lost" not in told()


def test_a_near_limit_is_no_incident() -> None:
    """AL6: warnings are alerts, not incidents; nor is a report that could not be written one itself."""
    book = _book()
    for severity, kind in (
        (Severity.ERROR, "capital-loss.near-limit"),
        (Severity.WARNING, "logger.lost"),
        (Severity.INFO, "mode.armed"),
        (Severity.WARNING, "report.unwritten"),
    ):
        book.saw(Notice(severity, kind, "text"), _at(0))
    assert book.open is None
    assert FOLD_NS == 60 * _S

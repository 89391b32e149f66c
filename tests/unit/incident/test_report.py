"""report.md says what a person who was asleep asks, and nothing that would break the page."""

from __future__ import annotations

import msgspec

from tests.unit.logger.samples import watchdog_status
from warden.incident.case import Case, Happening
from warden.incident.facts import Facts
from warden.incident.report import report
from warden.incident.timeline import Entry, utc_text

_S = 1_000_000_000
_T = 1_790_000_000 * _S
_READ_IN_A_MINUTE_LINES = 120


def _stop(message: str = "STOPPED by ann: looks wrong (s1)") -> Case:
    happening = Happening(utc_text(_T), _T, "stop.seen", "critical", message, "emergency-stop", "s1")
    killed = Happening(
        utc_text(_T + _S),
        _T + _S,
        "trader.killed",
        "warning",
        "trader process 7: ended by SIGKILL",
        "process-lost#trader",
    )
    return Case("20260921T141320Z-s1", (happening, killed), complete=True)


def _row(after_s: float, kind: str, of: str = "watchdog", **data: object) -> Entry:
    time_ns = _T + int(after_s * _S)
    text = " ".join(f"{key}={value}" for key, value in data.items())
    return Entry(time_ns, utc_text(time_ns), f"journal {of} 1", kind, text, role=of, data=data)


def _facts(*entries: Entry, **more: object) -> Facts:
    facts = Facts(case=_stop(), entries=entries, written=utc_text(_T + 60 * _S), status=watchdog_status())
    return msgspec.structs.replace(facts, **more)


def _section(page: str, title: str) -> str:
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_it_answers_what_a_person_asks() -> None:
    """Issue 6: what, when, mode, what was open, what was done, the stop's level, what is left, what to do."""
    page = report(
        _facts(
            _row(
                0,
                "stop.seen",
                stop_id="s1",
                reason="MANUAL",
                operator="ann",
                policy="cancel",
                time=utc_text(_T),
            ),
            _row(0, "mode.lowered", before="AGGRESSIVE", to="OBSERVE_ONLY", why="a stop stands (s1)"),
            _row(0.03, "stop.acknowledged", stop_id="s1", in_flight=["0xaa"]),
            _row(1, "process.killed", role="trader", pid=7, how="ended by SIGKILL"),
            _row(2, "cleanup.ended", why="nothing is open", left=[]),
            _row(3, "stop-step.ended", step="page", outcome="failed", exit_code=7, said="no route"),
            in_flight=("0xaa",),
            still=("0xbb",),
            positions=("p1 in WETH-USDX, 0.5 ETH, of arb",),
            heads=(("watchdog", 20, "ab" * 32),),
        )
    )
    for wanted in (
        "# STOPPED by ann: looks wrong (s1)",
        "The mode fell from AGGRESSIVE to OBSERVE_ONLY",
        "`s1` (MANUAL, policy cancel) by ann, ordered 14:13:20.000: **CONFIRMED** 14:13:20.030",
        "In flight: `0xaa`",
        "Position p1 in WETH-USDX",
        "trader process 7: ended by SIGKILL",
        "clean-up ended",
        "own step step=page outcome=failed exit_code=7 said=no route",
        "May still land: `0xbb`",
        "1. Open runbooks/emergency-stop.md",
        "2. Open runbooks/process-lost.md, section 'trader'",
        "watchdog: row 20",
    ):
        assert wanted in page
    assert len(page.splitlines()) <= _READ_IN_A_MINUTE_LINES


def test_the_level_is_the_best_that_is_known() -> None:
    """FENCED where the executor was proven dead; RECORDED where nothing more is known; else that is said."""
    seen = _row(0, "stop.seen", stop_id="s1")
    assert "**FENCED** 14:13:21.000" in report(_facts(seen, _row(1, "stop.fenced", stop_ids=["s1"])))
    assert "**RECORDED**" in report(_facts(seen))
    assert "level not in the window's rows" in report(_facts())
    other = _row(1, "stop.acknowledged", stop_id="another")
    assert "**RECORDED**" in report(_facts(seen, other))


def test_what_was_before_is_not_what_was_done_about_it() -> None:
    """An arming of an hour ago is no reaction to a stop."""
    page = report(_facts(_row(-60, "armed", operator="bob"), _row(30, "recover", operator="ann")))
    assert "recover: operator=ann" in _section(page, "What Warden has done")
    assert "operator=bob" not in _section(page, "What Warden has done")


def test_others_words_cannot_break_the_page() -> None:
    """A stop's message is whatever somebody typed: one line, cut, no code marks, no table's end."""
    nasty = "x\n# not a heading | cell `code` " + "y" * 500
    line = Entry(_T, utc_text(_T), "log trader.log", "k", nasty, severity="error", role="trader")
    facts = msgspec.structs.replace(_facts(line), case=_stop(nasty))
    page = report(facts)
    assert "\n# not" not in page
    story = next(each for each in page.splitlines() if "| trader |" in each and "cell" in each)
    assert story.count("|") == 4
    assert all(len(each) < 400 for each in page.splitlines())


def test_it_says_what_it_does_not_know() -> None:
    """I10: a part that could not be gathered is named, an open case says so, and nothing at all is a page."""
    case = msgspec.structs.replace(_stop(), complete=False)
    page = report(Facts(case=case, missing=("executor.db: damaged",), written=utc_text(_T)))
    assert "still being written" in page
    assert "- executor.db: damaged" in page
    assert "Nothing had to be done, or nothing of it is in the journal's window" in page


def test_the_watchdogs_journal_tells_the_story_without_its_log() -> None:
    """A full disk costs the logs; rows are durable."""
    row = _row(0, "cause.stands", cause="stop")
    assert "cause.stands cause=stop" in report(_facts(row))
    said = Entry(
        _T, utc_text(_T), "log watchdog.log", "stop.seen", "STOPPED", severity="critical", role="watchdog"
    )
    assert "cause.stands" not in report(_facts(row, said))

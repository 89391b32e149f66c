"""Who is silent, and what is no silence."""

from __future__ import annotations

from tests.unit.notifier.samples import S
from warden.domain.roles import Role
from warden.notifier.silence import FIRST_WORD_NS, Returned, Silence


def begun(now_ns: int = 0) -> Silence:
    """Return one that has just begun to listen, to the watchdog only."""
    silence = Silence()
    silence.begin(now_ns)
    silence.ears = {Role.WATCHDOG: silence.ears[Role.WATCHDOG]}
    return silence


def look_until(silence: Silence, start_ns: int, end_ns: int) -> list[int]:
    """Look every 50 ms and return when silence was found, in ms."""
    step = S // 20
    return [now // 10**6 for now in range(start_ns, end_ns, step) for _ in silence.look(now)]


def test_silence_counts_from_the_last_word() -> None:
    """A status is as old as its sending, not as its arrival."""
    silence = begun()
    silence.heard(Role.WATCHDOG, sent_ns=1 * S, now_ns=2 * S)
    assert look_until(silence, 0, 10 * S) == [4_000]


def test_starting_takes_time() -> None:
    """Processes start in any order: the first word has longer, but not for ever."""
    assert look_until(begun(), 0, 60 * S) == [FIRST_WORD_NS // 10**6]


def test_an_ordered_end_is_no_alarm_at_once() -> None:
    """AL6: a restart or `warden down` is routine; a watchdog that stays away is not."""
    silence = begun()
    silence.heard(Role.WATCHDOG, 0, 0)
    silence.ended(Role.WATCHDOG, 1 * S)
    assert look_until(silence, 1 * S, 60 * S) == [31_000]


def test_our_own_pause_is_nobody_elses_silence() -> None:
    """Stopped for a minute or suspended, the notifier accuses nobody until it has listened again."""
    silence = begun()
    silence.heard(Role.WATCHDOG, 0, 0)
    assert look_until(silence, 0, 1 * S) == []
    assert look_until(silence, 61 * S, 62 * S) == []
    assert look_until(silence, 62 * S, 70 * S) == [64_000]


def test_a_machine_that_stumbles_still_finds_the_dead() -> None:
    """Looks that come late again and again delay the alarm; they never call it off."""
    silence = begun()
    silence.heard(Role.WATCHDOG, 0, 0)
    looks = [round(each * 1.5 * S) for each in range(1, 10)]
    assert [now // 10**6 for now in looks for _ in silence.look(now)] == [4_500]


def test_a_status_from_before_does_not_end_a_silence() -> None:
    """I10: what waited in a queue while its sender died is old, and shows nothing alive."""
    silence = begun()
    silence.heard(Role.WATCHDOG, 0, 0)
    look_until(silence, 0, 10 * S)
    assert silence.heard(Role.WATCHDOG, 1 * S, 10 * S) is None
    assert silence.heard(Role.WATCHDOG, 10 * S, 10 * S) == Returned(Role.WATCHDOG)
    assert silence.heard(Role.WATCHDOG, 11 * S, 11 * S) is None


def test_a_clock_ahead_of_ours_cannot_buy_silence() -> None:
    """A status that claims to be from the future counts as sent now."""
    silence = begun()
    silence.heard(Role.WATCHDOG, sent_ns=1_000 * S, now_ns=0)
    assert look_until(silence, 0, 10 * S) == [3_000]


def test_others_are_not_listened_for() -> None:
    """A role without a limit is neither silent nor returned."""
    silence = begun()
    silence.reported(Role.API)
    silence.ended(Role.API, 0)
    assert silence.heard(Role.API, 0, 0) is None

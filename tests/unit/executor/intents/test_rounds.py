"""Turns among those who send."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from warden.executor.intents.rounds import Rounds


def test_a_flood_waits_behind_itself() -> None:
    """PL5: who sent one is served after one of the flood, not after all of it."""
    rounds: Rounds[str] = Rounds(each_max=50)
    for number in range(50):
        assert rounds.put("flood", f"f{number}")
    assert rounds.put("quiet", "q0")
    assert list(rounds.take(3)) == ["f0", "q0", "f1"]
    assert rounds.put("quiet", "q1")
    assert list(rounds.take(2)) == ["f2", "q1"]


def test_one_sender_has_room_for_so_many_and_no_more() -> None:
    """Every queue is bounded, and one that is full takes no room from another."""
    rounds: Rounds[int] = Rounds(each_max=2)
    assert [rounds.put("a", each) for each in range(3)] == [True, True, False]
    assert rounds.put("b", 9)
    assert len(rounds) == 3
    assert list(rounds.take(10)) == [0, 9, 1]
    assert len(rounds) == 0
    assert rounds.put("a", 5)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5))))
def test_nobody_is_served_twice_before_who_waits(steps: list[tuple[str, int]]) -> None:
    """PL5: nothing is lost, each sender's order is kept, and who waits is passed by at most once."""
    rounds: Rounds[tuple[str, int]] = Rounds(each_max=1_000)
    sent, got, passed = (dict.fromkeys("abc", 0) for _ in range(3))
    for sender, take in steps:
        rounds.put(sender, (sender, sent[sender]))
        sent[sender] += 1
        for name, number in rounds.take(take):
            assert number == got[name]
            got[name] += 1
            passed[name] = 0
            for other in set("abc") - {name}:
                passed[other] = passed[other] + 1 if sent[other] > got[other] else 0
            assert max(passed.values()) <= 2
    assert len(rounds) == sum(sent.values()) - sum(got.values())

"""How far a price is believed: exact at its bound, moved by blocks in a row alone, and not for ever."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.domain.amm import Hop, route_out
from warden.domain.errors import ConfigurationInvalid
from warden.domain.risk.doubt import DoubtLimits, Ratio, believed, compared, marginal

LIMITS = DoubtLimits()
ETHER = 10**18
PRICES = st.integers(0, 10**24)


def alone(*spots: int, limits: DoubtLimits = LIMITS, too_long: bool = False) -> tuple[int, int, bool]:
    """Return what is believed of a pool without a second source: value, least, disputed."""
    found = believed(spots, [None] * len(spots), limits, too_long=too_long)
    return found.value, found.least, found.disputed


def beside(*pairs: tuple[int, int], too_long: bool = False) -> tuple[int, int, int, bool]:
    """Return what is believed of a pool beside a second source: value, least, most, disputed."""
    found = believed([spot for spot, _ in pairs], [other for _, other in pairs], LIMITS, too_long=too_long)
    return found.value, found.least, found.most, found.disputed


@pytest.mark.parametrize(
    ("now", "disputed"), [(9_500, False), (9_499, True), (10_500, False), (10_501, True), (0, True)]
)
def test_the_bound_is_exact(now: int, *, disputed: bool) -> None:
    """ES2: five percent of what it is compared with is within it, one unit more is not."""
    assert alone(10_000, now)[2] is disputed


def test_one_block_moves_nothing_and_the_second_one_counts() -> None:
    """SL1: a spike down or up is not there for who looks; what stays is, in full."""
    assert alone(100, 100, 100, 60) == (100, 100, True)
    assert alone(100, 100, 60, 100) == (100, 100, False)
    assert alone(100, 100, 60, 60) == (60, 60, True)
    assert alone(100, 100, 100, 160) == (100, 100, True)
    # What rises is at once no loss, but counts as equity only once the median has followed.
    assert alone(100, 100, 160, 160) == (160, 100, True)
    assert alone(100, 100, 160, 160, 160, 160) == (160, 160, False)


def test_a_fall_that_goes_on_counts_as_far_as_it_was_shown_twice() -> None:
    """SL1: each block is in dispute, and none of them holds the stop-loss up by more than one."""
    assert alone(100, 100, 80) == (100, 100, True)
    assert alone(100, 100, 80, 60) == (80, 80, True)
    assert alone(100, 100, 80, 60, 40) == (60, 60, True)


def test_up_and_down_in_turns_moves_nothing() -> None:
    """SL1: who swaps to and fro every block sells nobody out."""
    assert alone(100, 100, 100, 160, 60)[:2] == (160, 100)
    assert alone(100, 100, 100, 60, 160, 60)[0] == 160
    assert alone(100, 100, 100, 60, 100, 60)[:2] == (100, 100)


def test_what_has_lasted_too_long_counts_as_it_is() -> None:
    """SL1: a bound on waiting: from then on it is the pool's word, and losses go by the worse of the two."""
    assert alone(100, 60, too_long=True) == (60, 60, True)
    assert beside((100, 60), too_long=True) == (100, 60, 100, True)


def test_a_second_source_that_agrees_bears_a_fall_out_at_once() -> None:
    """SL1: both pools have fallen in one block: nothing waits."""
    assert beside((100, 100), (60, 61)) == (60, 60, 60, False)


def test_beside_a_second_source_losses_go_by_the_worse_of_the_two() -> None:
    """ES2: one that is pumped is worth what the other says; one that is dumped is shown twice first."""
    assert beside((100, 100), (100, 100), (160, 100)) == (100, 100, 100, True)
    assert beside((100, 100), (160, 100), (160, 100)) == (160, 100, 160, True)
    assert beside((100, 100), (100, 100), (60, 100)) == (100, 100, 100, True)
    assert beside((100, 100), (60, 100), (60, 100)) == (60, 60, 100, True)
    # The second one may be the liar: for one block it makes no loss.
    assert beside((100, 100), (100, 100), (100, 60)) == (100, 100, 100, True)
    assert beside((100, 100), (100, 60), (100, 60)) == (100, 60, 100, True)


def test_nothing_is_compared_with_nothing() -> None:
    """ES2: the first look has nothing to be held against; a price of zero is far from any other."""
    assert alone(100) == (100, 100, False)
    assert alone(0) == (0, 0, False)
    assert alone(0, 1)[2] is True


@given(st.lists(PRICES, min_size=1, max_size=8), st.integers(1, 5), PRICES)
def test_one_block_alone_never_moves_what_is_believed(before: list[int], confirm: int, spike: int) -> None:
    """SL1: whatever a block says, who has seen one price for long believes no more than that price."""
    limits = DoubtLimits(confirm_blocks=max(2, confirm))
    steady = [before[0]] * limits.window_blocks
    value, least, disputed = alone(*steady, spike, limits=limits)
    if disputed:
        assert (value, least) == (before[0], before[0])
    else:
        assert value == least == spike


@given(told=st.lists(st.tuples(PRICES, st.none() | PRICES), min_size=1, max_size=8), long=st.booleans())
def test_what_is_believed_stays_between_what_was_said(
    told: list[tuple[int, int | None]], *, long: bool
) -> None:
    """ES2: never more than the highest, never less than the lowest; the worse is no better than the value."""
    spots, others = [spot for spot, _ in told], [other for _, other in told]
    found = believed(spots, others, LIMITS, too_long=long)
    said = [*spots, *(each for each in others if each is not None)]
    assert min(said) <= found.least <= found.value <= found.most <= max(said)


def test_ways_are_compared_at_the_margin_whatever_their_fees() -> None:
    """ES2: a way of two pools pays the same price as one pool where the reserves say so."""
    hops = (Hop(1_000 * ETHER, 2 * ETHER),)
    way = (Hop(1_500 * ETHER, 4_000 * ETHER), Hop(4_000 * ETHER, 3 * ETHER))
    found = compared(hops, [way], LIMITS)
    assert found is not None
    assert found.of(10**9) == 10**9
    assert marginal(hops, 500) == 1


def test_of_several_ways_the_middle_one_counts_and_shallow_ones_say_nothing() -> None:
    """ES2: a pool that costs little to move must not decide what a deep one is worth."""
    hops = (Hop(1_000 * ETHER, ETHER),)
    dear, cheap, same = (
        (Hop(1_000 * ETHER, 2 * ETHER),),
        (Hop(2_000 * ETHER, ETHER),),
        (Hop(1_000 * ETHER, ETHER),),
    )
    found = compared(hops, [dear, same, cheap], LIMITS)
    assert found is not None
    assert found.of(100) == 100
    shallow = (Hop(10 * ETHER, ETHER // 5),)
    assert compared(hops, [shallow], LIMITS) is None
    just = (Hop(250 * ETHER, ETHER // 4),)
    assert compared(hops, [just], LIMITS) is not None
    assert compared(hops, [(Hop(0, ETHER),)], LIMITS) is None
    assert compared((), [same], LIMITS) is None


def test_depth_is_what_could_be_taken_out_at_most() -> None:
    """ES2: of one pool its reserve; of two in a row no more than the smaller one lets through."""
    wide, narrow = Hop(ETHER, ETHER), Hop(ETHER // 100, ETHER // 100)
    assert compared((wide,), [(narrow, wide)], LIMITS) is None
    assert route_out((narrow, wide), 10**6 * ETHER) < ETHER // 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_deviation_bps": 0},
        {"confirm_blocks": 0},
        {"confirm_blocks": 6},
        {"confirm_within_ns": 0},
        {"depth_bps": 0},
    ],
)
def test_limits_that_bound_nothing_are_refused(wrong: dict[str, int]) -> None:
    """OP3: believing everything, or nothing, is no bound."""
    with pytest.raises(ConfigurationInvalid):
        msgspec.structs.replace(LIMITS, **wrong)
    assert Ratio(1, 2).of(3) == 1

"""What a token is worth to the watchdog: its pool's word, as far as the blocks before bear it out."""

from __future__ import annotations

from warden.domain.amm import RESERVE_MAX, Hop
from warden.domain.risk.doubt import DoubtLimits
from warden.gateway.token_values import TokenValues

ETHER = 10**18
S = 10**9
HELD = 1_000 * ETHER
LIMITS = DoubtLimits()


def pool(percent: int, depth: int = 10**6) -> Hop:
    """Return a deep pool in which a whole token costs so many percent of a thousandth of an ether."""
    return Hop(depth * 1_000 * ETHER, depth * ETHER * percent // 100)


def values(*percents: int, seconds: int = 1) -> list[int]:
    """Return what all that is held is worth, block by block, in thousandths of an ether."""
    told = TokenValues(LIMITS)
    found = [
        told.value_wei("0x01", HELD, pool(percent), number, number * seconds * S)
        for number, percent in enumerate(percents)
    ]
    return [round(each * 1_000 / ETHER) for each in found]


def test_es2_a_flash_crash_of_one_block_is_no_loss_and_a_crash_is_one_at_the_second() -> None:
    """ES2: the capital that stops is by two blocks' word; a pump hides no loss."""
    assert values(100, 100, 100, 40, 100) == [997, 997, 997, 997, 997]
    assert values(100, 100, 100, 40, 40) == [997, 997, 997, 997, 399]
    assert values(100, 100, 300, 300, 100) == [997] * 5
    assert values(100, 300, 300, 300, 300, 300, 300)[-1] == 2991


def test_es2_a_dispute_is_bounded_in_time() -> None:
    """ES2: blocks that are far apart do not put a loss off by more than `confirm_within_s`."""
    told = TokenValues(DoubtLimits(confirm_blocks=5))
    for number in range(3):
        told.value_wei("0x01", HELD, pool(100), number, number * S)
    late = [told.value_wei("0x01", HELD, pool(40), 3, at * S) for at in (3, 62, 63)]
    assert [each * 1_000 // ETHER for each in late] == [996, 996, 398]


def test_a_drained_pool_is_worth_what_it_still_pays() -> None:
    """ES2: liquidity that was taken away is a loss like a price that fell, once it has stayed away."""
    told = TokenValues(LIMITS)
    for number in range(3):
        told.value_wei("0x01", HELD, pool(100), number, 0)
    thin = Hop(ETHER, ETHER // 1_000)
    first, second = (told.value_wei("0x01", HELD, thin, number, 0) for number in (3, 4))
    assert first > 900 * ETHER // 1_000
    assert second < ETHER // 900


def test_a_reorg_replaces_what_was_seen_and_what_is_not_wanted_is_forgotten() -> None:
    """ES2: a block that was taken back shows nothing twice; an unknown amount is worth nothing."""
    told = TokenValues(LIMITS)
    for number, percent in enumerate((100, 100, 100, 40)):
        told.value_wei("0x01", HELD, pool(percent), number, 0)
    assert told.value_wei("0x01", HELD, pool(40), 3, 0) > ETHER // 2
    assert told.value_wei("0x01", 0, pool(100), 4, 0) == 0
    assert told.value_wei("0x01", RESERVE_MAX + 1, pool(100), 4, 0) == 0
    told.forget(["0x02"])
    assert told.value_wei("0x01", HELD, pool(40), 5, 0) < ETHER // 2

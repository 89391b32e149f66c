"""A rolling window: what happened lately, with its sum, in bounded space.

An entry counts up to and including exactly the window's length after its time, and is gone a nanosecond
later: of the two, the one by which a limit is met early rather than late.

At most `ENTRIES_MAX` entries are kept. When another would be one too many, the older half is put together
into 64ths of the window's length, so that sums stay right but leave at another time than they should, by a
64th of the length at most. Which way is the caller's to say, so that the bound fails closed:
- `lingers` (losses, failures): what was put together leaves late, and gains in it no longer make good losses;
- otherwise (successes): it leaves early.
What was put together can no longer be taken back one by one; the newer half always can.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

import msgspec

from warden.domain.money import Wei

ENTRIES_MAX: Final = 512
_SLOTS: Final = 64


class Window(msgspec.Struct, frozen=True):
    """Entries in order of time; `total` is the sum of their values.

    Attributes:
        times: nanoseconds, never decreasing.
        values: in any unit; a loss is above zero, a gain below.
        keys: what each entry can be taken back by; empty for several that were put together.
        fall: how far the running sum of losses and gains stands below its best, never below zero. Gains of
            before a loss do not excuse it; gains after it make it good.
    """

    times: tuple[int, ...] = ()
    values: tuple[Wei, ...] = ()
    keys: tuple[str, ...] = ()
    total: Wei = Wei(0)
    fall: Wei = Wei(0)


EMPTY: Final = Window()


def add(window: Window, length_ns: int, at_ns: int, key: str, value: int, *, lingers: bool = True) -> Window:
    """Return the window with one more entry, and without those whose time is over."""
    window = pruned(window, length_ns, at_ns)
    if len(window.times) >= ENTRIES_MAX:
        window = _put_together(window, length_ns, lingers=lingers)
    # A clock that went back must not break the order.
    time = max(at_ns, window.times[-1]) if window.times else at_ns
    return Window(
        times=(*window.times, time),
        values=(*window.values, Wei(value)),
        keys=(*window.keys, key),
        total=Wei(window.total + value),
        fall=Wei(max(0, window.fall + value)),
    )


def pruned(window: Window, length_ns: int, at_ns: int) -> Window:
    """Return the window without the entries that are older than its length; itself when there are none."""
    return _from(window, bisect_left(window.times, at_ns - length_ns))


def after(window: Window, at_ns: int) -> Window:
    """Return only the entries of later than `at_ns`."""
    return _from(window, bisect_right(window.times, at_ns))


def without(window: Window, key: str) -> Window:
    """Return the window with one entry taken back; itself when it holds no such entry."""
    if not key or key not in window.keys:
        return window
    index = window.keys.index(key)
    return _of(
        window.times[:index] + window.times[index + 1 :],
        window.values[:index] + window.values[index + 1 :],
        window.keys[:index] + window.keys[index + 1 :],
    )


def _from(window: Window, index: int) -> Window:
    if index == 0:
        return window
    return _of(window.times[index:], window.values[index:], window.keys[index:])


def _of(times: tuple[int, ...], values: tuple[Wei, ...], keys: tuple[str, ...]) -> Window:
    """Return a window of these entries; costs one look at each."""
    depth = 0
    for value in values:
        depth += value
        if depth < 0:  # noqa: PLR1730 - max() would cost more than all else here
            depth = 0
    return Window(times, values, keys, Wei(sum(values)), Wei(depth))


def _put_together(window: Window, length_ns: int, *, lingers: bool) -> Window:
    """Return the window with its older half in slots of a 64th of its length."""
    half, width_ns = len(window.times) // 2, max(1, length_ns // _SLOTS)
    times, values = list[int](), list[Wei]()
    slot = -1
    for time, value in zip(window.times[:half], window.values[:half], strict=True):
        counted = max(0, value) if lingers else value
        if times and time // width_ns == slot:
            times[-1] = time if lingers else times[-1]
            values[-1] = Wei(values[-1] + counted)
        else:
            slot = time // width_ns
            times.append(time)
            values.append(Wei(counted))
    kept = (*values, *window.values[half:])
    keys = ("",) * len(times) + window.keys[half:]
    return _of((*times, *window.times[half:]), kept, keys)

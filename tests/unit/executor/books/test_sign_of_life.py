"""A journal with nothing to write shows now and then that it still can be written."""

from __future__ import annotations

from warden.executor.books.sign_of_life import SignOfLife


def test_a_row_is_due_once_nothing_was_written_for_so_long() -> None:
    """HM3: only a sick ledger grows old: silence is broken in time, and each row begins it anew."""
    life = SignOfLife(every_ns=200)
    assert [life.due(5, now_ns) for now_ns in (0, 199, 200)] == [False, False, True]
    assert life.due(6, 201) is False
    assert life.due(6, 400) is False
    assert life.due(6, 401) is True
    assert life.due(7, 402) is False

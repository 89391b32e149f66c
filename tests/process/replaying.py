"""A core that writes down all that it is told and answers, and a fresh one that is told the same again.

A record holds one pickle for each call, in order.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from warden.executor.books.ledger import Ledger
from warden.executor.core import ExecutorCore
from warden.executor.paper import paper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.executor.protocol.terms import Terms

WATCHED = ("begin", "allow", "handle")


class Call(msgspec.Struct, frozen=True):
    """One call of the core, and what it returned; of `put` a row that paper itself puts into the ledger."""

    name: str
    arguments: tuple[Any, ...]
    answer: object = None


class RecordedCore(ExecutorCore):
    """The real core; each call of it goes into the record once it has returned."""

    record: BinaryIO

    def __init__(self, terms: Terms, ledger: Ledger) -> None:
        self.write(Call("terms", (terms,)))
        super().__init__(terms, ledger)

    def begin(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the core takes and returns
        """Record a call."""
        return self._recorded("begin", arguments)

    def allow(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the core takes and returns
        """Record a call."""
        return self._recorded("allow", arguments)

    def handle(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the core takes and returns
        """Record a call."""
        return self._recorded("handle", arguments)

    def _recorded(self, name: str, arguments: tuple[Any, ...]) -> object:
        answer = getattr(super(), name)(*arguments)
        self.write(Call(name, arguments, answer))
        return answer

    @classmethod
    def write(cls, call: Call) -> None:
        """Put a call into the record."""
        pickle.dump(call, cls.record)
        cls.record.flush()


class RecordedChain(paper.PaperChain):
    """Paper's chain; the rows that it puts into the ledger itself go into the record."""

    def _put_down(self, row: Any) -> None:  # noqa: ANN401 - a row of paper
        RecordedCore.write(Call("put", (row,)))
        super()._put_down(row)


def calls(path: Path) -> Iterator[Call]:
    """Yield a record's calls, in order; one that was cut off is the last and is left out."""
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)  # noqa: S301 - a record that this test has written
            except (EOFError, pickle.UnpicklingError):
                return


def replay(path: Path) -> tuple[list[object], list[object]]:
    """Return what a fresh core answers to the calls of a record, and what the first one had answered."""
    first, *rest = calls(path)
    (terms,) = first.arguments
    ledger = Ledger(terms.risk)
    core: ExecutorCore | None = None
    answers: list[object] = []
    for call in rest:
        if call.name == "put":
            ledger.apply(*call.arguments)
            continue
        core = core or ExecutorCore(terms, ledger)
        answers.append(getattr(core, call.name)(*call.arguments))
    return answers, [call.answer for call in rest if call.name != "put"]

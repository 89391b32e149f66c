"""Asks several endpoints the same thing at one block hash, and settles on what two of them agree on (ES2).

A round takes the newest block that enough endpoints have, and asks two for the state at its hash; more are
asked only where one fails, is slow, or differs. What an earlier round agreed on is never gone back from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from warden.gateway.agreement import (
    BLOCK_POSITION,
    Asked,
    Block,
    Said,
    block_of,
    call_at,
    candidates,
    difference,
    results,
    said,
    together,
    verdict,
)
from warden.gateway.errors import Failure, Kind, NoAnswer, judge
from warden.gateway.events import Agreed, Outvoted, ReadFailed
from warden.gateway.jsonrpc import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Sequence

    from warden.gateway.core import Core
    from warden.gateway.endpoint import EndpointClient
    from warden.gateway.events import Event
    from warden.runtime.clock import Clock

SOURCES_ASKED_MAX: Final = 5
BLOCKS_TRIED_MAX: Final = 3
NEXT_ONE_AFTER_S: Final = 0.25
HEAD_LIFE_NS: Final = 100_000_000
_LATEST: Final = Call("eth_getBlockByNumber", params=msgspec.Raw(b'["latest",false]'))
_BACK_LIFE_NS: Final = 60_000_000_000

_Kind = TypeVar("_Kind")


class Settled(msgspec.Struct, frozen=True):
    """What was agreed on: `answers` as the first of `endpoints` gave them, opinions apart."""

    block: Block
    answers: tuple[Answer | None, ...]
    endpoints: tuple[str, ...]
    outvoted: tuple[str, ...]

    def body(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Return it as the result of `warden_agreed`."""
        return {
            "block": hex(self.block.number),
            "blockHash": self.block.hash,
            "timestamp": hex(self.block.timestamp_s),
            "baseFeePerGas": hex(self.block.base_fee_wei),
            "endpoints": self.endpoints,
            "results": results(self.block, asked, self.answers),
        }


class Differ(msgspec.Struct, frozen=True):
    """Endpoints differ and there is no majority."""

    block: Block
    endpoints: tuple[str, ...]
    text: str


class TooFew(msgspec.Struct, frozen=True):
    """Not enough endpoints said anything; `answered` did."""

    text: str
    answered: tuple[str, ...] = ()


Outcome = Settled | Differ | TooFew
_States = dict[str, tuple[Said, tuple[Answer | None, ...]]]


class Rounds:
    """Rounds over one venue's endpoints.

    Args:
        sources_min: how many must say the same.
        tell: hands an event to the core: failures, and who was outvoted.
    """

    def __init__(
        self,
        core: Core,
        clients: dict[str, EndpointClient],
        clock: Clock,
        tell: Callable[[Event], None],
        *,
        sources_min: int,
    ) -> None:
        self.sources_min = sources_min
        self._core = core
        self._clients = clients
        self._clock = clock
        self._tell = tell
        self._heads: dict[str, tuple[Block, int]] = {}
        self._by_number: set[str] = set()
        self._floor = 0
        self._floor_ns = 0

    async def settle(self, asked: Sequence[Asked]) -> Outcome:
        """Return what enough endpoints agree on at the newest block that they have."""
        names = self._core.route(self._clock.boot_ns())[:SOURCES_ASKED_MAX]
        failed: dict[str, str] = {}
        heads = await self._heads_of(names, failed)
        outcome: Outcome = self._too_few(failed, tuple(heads), "no block that enough of them have")
        tried: set[str] = set()
        while len(tried) < BLOCKS_TRIED_MAX:
            chosen = self._newest(heads, names, tried)
            if chosen is None:
                rest = [name for name in names if name not in heads and name not in failed]
                if not rest:
                    break
                heads |= await self._enough(rest, self._head, failed, enough=len(rest))
                continue
            tried.add(chosen.hash)
            able = [
                name
                for name in names
                if name not in failed and (name not in heads or heads[name].number >= chosen.number)
            ]
            outcome = await self._settle_at(chosen, asked, able, failed)
            if not isinstance(outcome, TooFew):
                break
        return outcome

    async def _settle_at(
        self, block: Block, asked: Sequence[Asked], able: Sequence[str], failed: dict[str, str]
    ) -> Outcome:
        """Return what those of `able` that have this block agree on: two of them, or all where two differ."""
        without = dict(failed)
        states = await self._states(able, block, asked, without)
        outcome = self._judged(block, asked, states, without)
        rest = [name for name in able if name not in states and name not in without]
        if isinstance(outcome, Settled) or not rest:
            return outcome
        more = await self._states(rest, block, asked, without, enough=len(rest))
        states = await self._second_look(states | more, block, asked, without)
        return self._judged(block, asked, states, without)

    async def _states(
        self,
        names: Sequence[str],
        block: Block,
        asked: Sequence[Asked],
        failed: dict[str, str],
        *,
        enough: int | None = None,
    ) -> _States:
        """Return what enough of them say at a block, after a second look where they differ."""
        states = await self._enough(
            names, lambda name: self._state(name, block, asked), failed, enough=enough
        )
        return await self._second_look(states, block, asked, failed)

    async def _second_look(
        self, states: _States, block: Block, asked: Sequence[Asked], failed: dict[str, str]
    ) -> _States:
        """Return the states, asked for once more where they differ.

        A node that takes a block in while it answers mixes the state before with that after, whatever hash
        it was asked about. That is gone a moment later; a lie, and a state that is broken, are not.
        """
        if not difference({name: _first(state) for name, state in states.items()}, asked):
            return states
        names = list(states)
        return await self._enough(
            names, lambda name: self._state(name, block, asked), failed, enough=len(names)
        )

    async def check(self, name: str, settled: Settled, asked: Sequence[Asked]) -> None:
        """Ask one that was outvoted the same again, and tell the core whether it agrees now."""
        failed: dict[str, str] = {}
        states = await self._enough(
            [name, settled.endpoints[0]],
            lambda each: self._state(each, settled.block, asked),
            failed,
            enough=2,
        )
        if len(states) == 2:  # noqa: PLR2004 - the two that were asked
            sayings = {each: _first(state) for each, state in states.items()}
            text = difference(sayings, asked)
            self._tell(Outvoted(name, text) if text else Agreed(name))

    def _judged(
        self,
        block: Block,
        asked: Sequence[Asked],
        states: _States,
        failed: dict[str, str],
    ) -> Outcome:
        sayings = {name: _first(state) for name, state in states.items()}
        if len(sayings) < self.sources_min:
            return self._too_few(failed, tuple(sayings), "too few of them answer")
        found = verdict(sayings, self.sources_min)
        if not found.majority:
            return Differ(block, tuple(sayings), f"block {block.number}, {difference(sayings, asked)}")
        for name in found.others:
            both = {each: sayings[each] for each in (name, *found.majority)}
            self._tell(Outvoted(name, f"block {block.number}, {difference(both, asked)}"))
        if block.number >= self._floor:
            self._floor_ns = self._clock.boot_ns()
        self._floor = block.number
        answers = together(asked, [states[name][1] for name in found.majority])
        return Settled(block, answers, found.majority, found.others)

    # --- heads

    async def _heads_of(self, names: Sequence[str], failed: dict[str, str]) -> dict[str, Block]:
        """Return the heads of enough endpoints, of a moment ago at most."""
        now_ns = self._clock.boot_ns()
        known = {
            name: self._heads[name][0]
            for name in names
            if name in self._heads and now_ns - self._heads[name][1] < HEAD_LIFE_NS
        }
        if self._newest(known, names, ()) is not None:
            return known
        return await self._enough(names, self._head, failed)

    async def _head(self, name: str) -> Block:
        answers = await self._clients[name].ask([_LATEST])
        head = block_of(answers[0])
        self._heads[name] = head, self._clock.boot_ns()
        return head

    def _newest(self, heads: dict[str, Block], names: Sequence[str], tried: Container[str]) -> Block | None:
        """Return the newest block that enough endpoints have come to; none that is older than an earlier one.

        A chain that has really gone back is taken at its word after a minute.
        """
        old = self._clock.boot_ns() - self._floor_ns >= _BACK_LIFE_NS
        for candidate in candidates(heads.values(), 0 if old else self._floor):
            reached = sum(name in heads and heads[name].number >= candidate.number for name in names)
            if reached >= self.sources_min and candidate.hash not in tried:
                return candidate
        return None

    # --- state at a block

    async def _state(
        self, name: str, block: Block, asked: Sequence[Asked]
    ) -> tuple[Said, tuple[Answer | None, ...]]:
        """Return what one endpoint says at a block's hash.

        Raises:
            NoAnswer: it does not have the block, or gives no usable answer.
        """
        if name in self._by_number:
            return await self._state_by_number(name, block, asked)
        header = Call("eth_getBlockByHash", params=msgspec.Raw(msgspec.json.encode([block.hash, False])))
        at = {"blockHash": block.hash}
        answers = await self._clients[name].ask([header, *(call_at(each, at) for each in asked)])
        if _knows_no_hash(asked, answers[1:]):
            # An older node, or a proxy before one: EIP-1898 is not known to it.
            state = await self._state_by_number(name, block, asked)
            self._by_number.add(name)
            return state
        return said(_same(block, answers[0]), asked, answers[1:]), tuple(answers[1:])

    async def _state_by_number(
        self, name: str, block: Block, asked: Sequence[Asked]
    ) -> tuple[Said, tuple[Answer | None, ...]]:
        """Ask by number, the block's hash before and after: between the two nothing else stood there."""
        number = hex(block.number)
        header = Call("eth_getBlockByNumber", params=msgspec.Raw(msgspec.json.encode([number, False])))
        calls = [header, *(call_at(each, number) for each in asked), header]
        answers = await self._clients[name].ask(calls)
        _same(block, answers[-1])
        between = answers[1:-1]
        return said(_same(block, answers[0]), asked, between), tuple(between)

    # --- several at a time

    async def _enough(
        self,
        names: Sequence[str],
        ask: Callable[[str], Awaitable[_Kind]],
        failed: dict[str, str],
        *,
        enough: int | None = None,
    ) -> dict[str, _Kind]:
        """Ask as many as are needed at a time, and one more whenever one fails or takes long."""
        wanted = self.sources_min if enough is None else enough
        waiting, answers = deque(names), dict[str, _Kind]()
        tasks: dict[asyncio.Task[_Kind], str] = {}
        try:
            while len(answers) < wanted and (tasks or waiting):
                while waiting and len(tasks) + len(answers) < wanted:
                    name = waiting.popleft()
                    tasks[asyncio.ensure_future(ask(name))] = name
                done, _ = await asyncio.wait(
                    tasks, timeout=NEXT_ONE_AFTER_S, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    self._take(task, tasks.pop(task), answers, failed)
                if not done and waiting:
                    name = waiting.popleft()
                    tasks[asyncio.ensure_future(ask(name))] = name
        finally:
            for task in tasks:
                task.cancel()
        return {name: answers[name] for name in names if name in answers}

    def _take(
        self, task: asyncio.Task[_Kind], name: str, answers: dict[str, _Kind], failed: dict[str, str]
    ) -> None:
        try:
            answers[name] = task.result()
        except NoAnswer as error:
            failed[name] = error.failure.text
            self._tell(ReadFailed(name, error.failure))

    def _too_few(self, failed: dict[str, str], answered: tuple[str, ...], why: str) -> TooFew:
        lines = {line.name: line for line in self._core.lines(self._clock.boot_ns())}
        texts = [
            f"{name}: {failed.get(name) or ('answers' if name in answered else line.state)}"
            for name, line in lines.items()
        ]
        need = f"{self.sources_min} endpoint{'s' if self.sources_min > 1 else ''} must agree"
        return TooFew(f"{need}, {why}: {'; '.join(texts)}", answered)


def _first(state: tuple[Said, tuple[Answer | None, ...]]) -> Said:
    return state[0]


def _same(block: Block, answer: Answer | None) -> Block:
    """Return the block in an answer, which must be the very one that was asked about.

    Raises:
        NoAnswer: it is another one, or none.
    """
    found = block_of(answer)
    if found.hash != block.hash:
        raise NoAnswer(Failure(Kind.MISSING_DATA, "it has another block at that height"))
    return found


def _knows_no_hash(asked: Sequence[Asked], answers: Sequence[Answer | None]) -> bool:
    """Tell whether each read of the state was refused as a wrong question, as nodes without EIP-1898 do."""
    reads = [
        answer
        for call, answer in zip(asked, answers, strict=True)
        if BLOCK_POSITION[call.method] is not None and answer is not None
    ]
    return bool(reads) and all(
        not each.result and judge(bytes(each.error)).kind is Kind.FINAL for each in reads
    )

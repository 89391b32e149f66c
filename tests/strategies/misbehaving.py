"""Strategies that do what none should, one class for each way; and one that is told by a file which to be."""

from __future__ import annotations

import os
import sys
import threading
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from warden.domain.intents import Swap
from warden.domain.money import Wei
from warden.strategies import Decision, Proposal, Strategy, TradeUpdate, swap
from warden.strategies.triangular import TriangularArbitrage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warden.strategies import Market, Token

MB = 1024 * 1024
FLOOD = 10_000
PRINTED_MB = 100
THREADS = 4


def cycles(market: Market) -> Iterator[tuple[Token, Token, Token, Token]]:
    """Yield every way from WETH over two other tokens and back."""
    others = [token for token in market.tokens if token != market.weth]
    for one, other in permutations(others, 2):
        yield market.weth, one, other, market.weth


def worst(market: Market, amount_in: int) -> tuple[Token, Token, Token, Token]:
    """Return the cycle that gives back least."""
    return min(cycles(market), key=lambda path: market.quote(path, amount_in))


def best(market: Market, amount_in: int) -> tuple[Token, Token, Token, Token]:
    """Return the cycle that gives back most."""
    return max(cycles(market), key=lambda path: market.quote(path, amount_in))


class Silent(Strategy):
    """Proposes nothing: the others are measured from here."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Return nothing."""
        return ()


class Liar(Strategy):
    """Claims a million ETH of profit for a cycle that loses, and has the chain enforce nothing."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return one losing cycle that is praised."""
        path = worst(market, 10**18)
        return [swap(path, 10**18, 1, expected_profit_wei=10**24, note="sure thing")]


class LiarToTheWei(Strategy):
    """Lies to the enforced profit too: it says that a losing cycle gains, so that its gas would be lost."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return one losing cycle that is said to gain an ETH."""
        path = worst(market, 10**18)
        return [swap(path, 10**18, 2 * 10**18, expected_profit_wei=10**18)]


class BreakEven(Strategy):
    """Enforces one wei of profit, which the gas eats many times over."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return the best cycle, at a wei of profit."""
        return [swap(best(market, 10**17), 10**17, 10**17 + 1, expected_profit_wei=10**18)]


class Flooder(Strategy):
    """Says ten thousand proposals on each block, each of them as it should be."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return a list that is too long."""
        return [swap(best(market, 10**17), 10**17, 2 * 10**17)] * FLOOD


class Greedy(Strategy):
    """Asks for the whole wallet at once, for a little more than its gas costs."""

    shrinks = False

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return the best cycle, with all there is."""
        amount = market.balance_wei
        return [swap(best(market, 10**17), amount, amount + 10**15, shrinks=self.shrinks)]


class GreedyButSmaller(Greedy):
    """Asks for the whole wallet, and would take less."""

    shrinks = True


class Looper(Strategy):
    """Never returns."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Spin for ever."""
        while True:
            pass


class EndlessGenerator(Strategy):
    """Never stops proposing."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Yield for ever."""
        while True:
            yield swap(best(market, 10**17), 10**17, 2 * 10**17)


class Raiser(Strategy):
    """Raises on each block."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Raise with a text that nobody may write down."""
        raise ValueError("https://example.org/secret")


class RaiserWhenTold(Strategy):
    """Raises whenever it is told of a decision or a trade."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return what will be refused."""
        return [swap(worst(market, 10**18), 10**18, 1)]

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:  # noqa: ARG002 - whatever it is
        """Raise."""
        raise KeyError("told")

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:  # noqa: ARG002 - whatever it is
        """Raise."""
        raise KeyError("told")


class Interrupter(Strategy):
    """Raises what is no Exception."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Raise as if somebody had pressed a key."""
        raise KeyboardInterrupt


class Leaver(Strategy):
    """Ends the interpreter as a script would."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Leave."""
        sys.exit(0)


class Dier(Strategy):
    """Ends the process without a word."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Die, and claim that all is well."""
        os._exit(0)


class Leaker(Strategy):
    """Keeps a few megabytes more on each block."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Keep more."""
        self._kept.append(bytes(8 * MB))
        return ()


class Glutton(Strategy):
    """Wants all memory within one call."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Take until there is no more."""
        kept: list[bytes] = []
        while True:
            kept.append(b"x" * MB)


class Printer(Strategy):
    """Prints megabytes."""

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Print, past the largest file that there may be."""
        for _ in range(PRINTED_MB):
            print("x" * MB)  # noqa: T201 - that is its crime
        return ()


class Threader(Strategy):
    """Starts threads that compute for ever, a few on each block and no end of sleeping ones."""

    def __init__(self) -> None:
        self._end = threading.Event()
        self._started = False

    def on_block(self, market: Market) -> Iterable[Proposal]:  # noqa: ARG002 - whatever it is
        """Start them until the machine says no."""
        if not self._started:
            self._started = True
            for _ in range(THREADS):
                threading.Thread(target=self._spin, daemon=True).start()
        while True:
            threading.Thread(target=self._end.wait, daemon=True).start()

    def _spin(self) -> None:
        while not self._end.is_set():
            pass


class Mutator(Strategy):
    """Changes what it is given, and proposes by that."""

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Raise its own limit, rename a token, empty the pools."""
        path = best(market, 10**17)
        amount = market.balance_wei
        object.__setattr__(market, "trade_max_wei", 10**30)
        object.__setattr__(market, "block", 10**9)
        object.__setattr__(market, "timestamp_s", 2**40)
        for pool in market.pools:
            msgspec.structs.force_setattr(pool, "reserve0", 1)
        return [swap(path, amount, amount + 1, valid_blocks=100)]

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        """Turn the answer round."""
        msgspec.structs.force_setattr(decision, "outcome", "approved")
        msgspec.structs.force_setattr(proposal.swap, "amount_in", 1)


class HostileNumber(int):
    """A number that agrees with every limit."""

    def __le__(self, other: object) -> bool:
        """Say yes."""
        return True

    def __ge__(self, other: object) -> bool:
        """Say yes."""
        return True

    def __int__(self) -> NoReturn:
        """Raise where nobody expects it."""
        raise RuntimeError("no number")


class Masked(type):
    """A class of classes whose names raise."""

    @property
    def __name__(cls) -> str:  # type: ignore[override] # that is its crime
        """Raise."""
        raise RuntimeError("no name")


class Nameless(metaclass=Masked):
    """A thing whose kind can't be asked."""

    def __getattr__(self, name: str) -> NoReturn:
        """Raise."""
        raise RuntimeError(name)


def _half() -> Iterator[object]:
    """Say one thing, then raise."""
    yield None
    raise LookupError("midway")


def hollow() -> Proposal:
    """Return a proposal with a field that is not there."""
    made = Proposal(Swap((), Wei(1), Wei(1)))
    Proposal.__dict__["note"].__delete__(made)
    return made


def rubbish(market: Market) -> dict[str, Any]:
    """Return what is no answer, by name."""
    path = tuple(token.address for token in best(market, 10**17))
    good = Proposal(Swap(path, Wei(10**17), Wei(2 * 10**17)))

    def of_swap(**fields: object) -> Proposal:
        return msgspec.structs.replace(good, swap=msgspec.structs.replace(good.swap, **fields))

    return {
        "a-number": 7,
        "a-text": "buy",
        "numbers": [1, 2, 3],
        "nothing-in-a-list": [None],
        "one-proposal-bare": good,
        "nameless": [Nameless()],
        "nameless-bare": Nameless(),
        "hollow": [hollow()],
        "huge": [of_swap(amount_in=HostileNumber(2**300))],
        "negative": [of_swap(amount_in=-1)],
        "hostile-number": [of_swap(min_amount_out=HostileNumber(-(2**80)))],
        "endless-path": [of_swap(path=path * 1_000)],
        "surrogates": [msgspec.structs.replace(good, note="\ud800\x1b[2J\n")],
        "halfway": _half(),
    }


class Rubbish(Strategy):
    """Returns all kinds of rubbish, one after the other."""

    def __init__(self) -> None:
        self._turn = 0

    def on_block(self, market: Market) -> Any:  # noqa: ANN401 - that is its crime
        """Return the next kind."""
        kinds = rubbish(market)
        self._turn += 1
        return list(kinds.values())[self._turn % len(kinds)]


class Honest(TriangularArbitrage):
    """The one that ships, content with any profit."""

    def __init__(self) -> None:
        super().__init__(min_profit_eth="0")


class Chameleon(Strategy):
    """Is on each block what the file `told` names: one system serves all trials.

    Args:
        told: path of a file with the name of a class of this module; nothing in it: silent.
    """

    def __init__(self, *, told: str) -> None:
        self._told = Path(told)
        self._word = ""
        self._now: Strategy = Silent()

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Become what the file names, and do as it does."""
        word = self._told.read_text(encoding="utf-8").strip()
        if word != self._word:
            self._word = word
            self._now = globals()[word]() if word else Silent()
        return self._now.on_block(market)

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:
        """Hear it as that."""
        self._now.on_decision(decision, proposal)

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:
        """Hear it as that."""
        self._now.on_trade(update, proposal)

"""The wallet at the newest block, as enough endpoints agree on it: what the watchdog goes by (ES2).

Tokens are valued by what their pool with the wrapped native token would pay for all of them at that block, so
that whoever names a token can add nothing that could not be sold; see token_values.py for how far that pool
is believed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.amm import Hop
from warden.domain.money import Wei
from warden.gateway.agreement import Asked
from warden.gateway.rounds import Differ, Settled
from warden.gateway.token_values import TokenValues
from warden.wire.capital import TOKENS_MAX, TokenRead, WalletDisputed, WalletRead, WalletUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from warden.domain.risk.doubt import DoubtLimits
    from warden.gateway.jsonrpc import Answer
    from warden.gateway.rounds import Outcome, Rounds
    from warden.runtime.clock import Clock
    from warden.runtime.venue import Venue
    from warden.wire.capital import WalletReport

# The first bytes of Keccak-256 of the signatures in the Solidity ABI specification.
_BALANCE_OF: Final = "0x70a08231"
_GET_PAIR: Final = "0xe6a43905"
_GET_RESERVES: Final = "0x0902f1ac"
_WORD_DIGITS: Final = 64
_ADDRESS_DIGITS: Final = 40
_NOWHERE: Final = "0x" + "0" * _ADDRESS_DIGITS
_TEXT_MAX: Final = 500
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}")
_HEX: Final = frozenset("0123456789abcdef")


class WalletReader:
    """Reads one wallet over one venue's endpoints.

    Args:
        wallet: its address, hex.
        doubts: how far pools are believed.
    """

    def __init__(self, rounds: Rounds, venue: Venue, wallet: str, clock: Clock, doubts: DoubtLimits) -> None:
        self._rounds = rounds
        self._wallet = wallet.lower()
        self._weth = venue.weth.lower()
        self._factory = venue.factory.lower()
        self._clock = clock
        self._pairs: dict[str, str] = {}
        self._values = TokenValues(doubts)
        self._last: Settled | None = None
        self._asked: tuple[Asked, ...] = ()

    async def read(self, tokens: Sequence[str]) -> WalletReport:
        """Return the wallet with these tokens valued, at the newest block that enough endpoints have."""
        wanted = tuple(token for token in usable(tokens) if token != self._weth)
        await self._find_pairs(wanted)
        asked = self._calls(wanted)
        outcome = await self._rounds.settle(asked)
        if isinstance(outcome, Settled):
            self._last, self._asked = outcome, asked
        return self._report(outcome, wanted)

    async def check(self, names: Iterable[str]) -> None:
        """Ask those that were outvoted for what was agreed on last."""
        for name in names:
            if self._last is not None and name not in self._last.endpoints:
                await self._rounds.check(name, self._last, self._asked)

    async def _find_pairs(self, tokens: Sequence[str]) -> None:
        missing = [token for token in tokens if token not in self._pairs]
        if not missing:
            return
        asked = [_call(self._factory, _GET_PAIR, *sorted((token, self._weth))) for token in missing]
        outcome = await self._rounds.settle(asked)
        if not isinstance(outcome, Settled):
            return  # the read that follows says why
        for token, answer in zip(missing, outcome.answers, strict=True):
            pair = "0x" + _words(answer, 1)[-_ADDRESS_DIGITS:]
            if pair != _NOWHERE:  # one that does not exist yet may come to be
                self._pairs[token] = pair
        while len(self._pairs) > 4 * TOKENS_MAX:
            del self._pairs[next(iter(self._pairs))]

    def _calls(self, tokens: Sequence[str]) -> tuple[Asked, ...]:
        calls = [
            Asked("eth_getBalance", (self._wallet,)),
            Asked("eth_getTransactionCount", (self._wallet,)),
            _call(self._weth, _BALANCE_OF, self._wallet),
        ]
        for token in tokens:
            calls += [
                _call(token, _BALANCE_OF, self._wallet),
                _call(self._pairs.get(token, _NOWHERE), _GET_RESERVES),
            ]
        return tuple(calls)

    def _report(self, outcome: Outcome, tokens: Sequence[str]) -> WalletReport:
        if isinstance(outcome, Differ):
            return WalletDisputed(
                block=outcome.block.number,
                block_hash=outcome.block.hash,
                endpoints=outcome.endpoints,
                text=outcome.text[:_TEXT_MAX],
            )
        if not isinstance(outcome, Settled):
            return WalletUnknown(outcome.text[:_TEXT_MAX], one_source=len(outcome.answered) == 1)
        native, nonce, wrapped, *rest = outcome.answers
        pairs = zip(tokens, rest[::2], rest[1::2], strict=True)
        block, now_ns = outcome.block.number, self._clock.boot_ns()
        self._values.forget(tokens)
        try:
            return WalletRead(
                wallet=self._wallet,
                block=outcome.block.number,
                block_hash=outcome.block.hash,
                timestamp_s=outcome.block.timestamp_s,
                native_wei=Wei(_quantity(native)),
                wrapped_wei=Wei(int(_words(wrapped, 1), 16)),
                nonce=_quantity(nonce),
                tokens=tuple(self._valued(*each, block, now_ns) for each in pairs),
                endpoints=outcome.endpoints,
                outvoted=outcome.outvoted,
                read_ns=now_ns,
            )
        except ValueError as error:
            return WalletUnknown(f"what the endpoints agree on cannot be read: {error}"[:_TEXT_MAX])

    def _valued(
        self, token: str, balance: Answer | None, reserves: Answer | None, block: int, now_ns: int
    ) -> TokenRead:
        """Return a token with its value: what cannot be read, or sold, is worth nothing."""
        try:
            held = int(_words(balance, 1), 16)
            words = _words(reserves, 3)
            first, second = int(words[:_WORD_DIGITS], 16), int(words[_WORD_DIGITS : 2 * _WORD_DIGITS], 16)
        except ValueError:
            return TokenRead(token, Wei(0), Wei(0))
        hop = Hop(*((first, second) if token < self._weth else (second, first)))
        return TokenRead(token, Wei(held), Wei(self._values.value_wei(token, held, hop, block, now_ns)))


def usable(tokens: Sequence[str]) -> tuple[str, ...]:
    """Return those that are addresses, lower case, each once, 32 at most."""
    lowered = dict.fromkeys(token.lower() for token in tokens)
    found = [
        each
        for each in lowered
        if each[:2] == "0x" and len(each) == len(_NOWHERE) and _HEX.issuperset(each[2:])
    ]
    return tuple(found[:TOKENS_MAX])


def _call(to: str, selector: str, *addresses: str) -> Asked:
    data = selector + "".join(each.removeprefix("0x").lower().rjust(_WORD_DIGITS, "0") for each in addresses)
    return Asked("eth_call", ({"to": to, "data": data},))


def _text(answer: Answer | None) -> str:
    if answer is None or not answer.result:
        raise ValueError("a call failed")
    try:
        return msgspec.json.decode(answer.result, type=str)
    except msgspec.DecodeError as error:
        raise ValueError("an answer is no text") from error


def _quantity(answer: Answer | None) -> int:
    return int(_text(answer), 16)


def _words(answer: Answer | None, count: int) -> str:
    """Return the digits of an answer of so many words.

    Raises:
        ValueError: it is not that.
    """
    digits = _text(answer).lower().removeprefix("0x")
    if len(digits) != count * _WORD_DIGITS or not _HEX.issuperset(digits):
        raise ValueError(f"a call did not answer with {count} words")
    return digits

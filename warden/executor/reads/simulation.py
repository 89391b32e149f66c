"""What a call of the wallet's would change, by `eth_simulateV1`: the question and its answer (EX11).

The method's parameters are those of the execution-apis specification. The wallet's balances are read by calls
in the same simulated block, before and after; the native coin's by a contract of eight opcodes that stands
there in the simulation only. Nothing is validated as a block would be: nonces are the signer's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.risk.asset_changes import NATIVE, Allowance, Change, Changes
from warden.executor.reads import asset_logs, calldata

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Simulate
    from warden.executor.reads.asset_logs import Told

METHOD: Final = "eth_simulateV1"
# An address that nobody owns: the end of a hash of words.
_BALANCE_READER: Final = "0x21bcfd9cbe41e73880280695bb3615e90021147d"
# PUSH1 0 CALLDATALOAD BALANCE PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
_BALANCE_CODE: Final = "0x6000353160005260206000f3"
_WATCHED_MAX: Final = 32

Call = dict[str, Any]


class Unreadable(ValueError):
    """What a node, or a contract, answered to a simulation cannot be understood."""


class Watched(msgspec.Struct, frozen=True):
    """What is read before and after: balances of tokens, and what spenders may take of them."""

    tokens: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


class Result(msgspec.Struct, frozen=True):
    """One simulated call: whether it succeeded, its answer and logs, the units it used."""

    success: bool
    answer: object
    logs: object
    gas: int
    error: str

    def uint(self) -> int | None:
        """Return the number that it answered, None where it is none."""
        try:
            return calldata.uint(self.answer) if self.success else None
        except ValueError:
            return None


def block(order: Simulate, calls: list[Call], *, later_s: int = 0) -> dict[str, Any]:
    """Return a block of calls; its time is the order's deadline, the last moment at which it counts."""
    overrides: dict[str, str] = {}
    if order.at_s:
        overrides["time"] = hex(order.at_s + later_s)
    if order.base_fee_wei:
        overrides["baseFeePerGas"] = hex(order.base_fee_wei)
    return {"blockOverrides": overrides, "calls": calls}


def payload(blocks: list[dict[str, Any]], parent: str) -> list[Any]:
    """Return the method's parameters."""
    first = {**blocks[0], "stateOverrides": {_BALANCE_READER: {"code": _BALANCE_CODE}}}
    return [{"blockStateCalls": [first, *blocks[1:]], "traceTransfers": True, "validation": False}, parent]


def results(answer: Any, calls: list[int]) -> list[list[Result]]:  # noqa: ANN401 - JSON
    """Return what came of each call of each block; `calls` says how many each has.

    Raises:
        Unreadable: it is no answer of this method.
    """
    try:
        found = [[_result(each) for each in made["calls"]] for made in answer]
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{METHOD} answered with another form: {error}") from error
    if [len(each) for each in found] != calls:
        raise Unreadable(f"{METHOD} answered other calls than were asked")
    return found


def _result(made: dict[str, Any]) -> Result:
    error = made.get("error")
    text = str(error.get("message", "")) if isinstance(error, dict) else ""
    text = calldata.revert_reason(made.get("returnData")) or text
    return Result(
        success=calldata.quantity(made["status"]) == 1,
        answer=made.get("returnData"),
        logs=made.get("logs", []),
        gas=calldata.quantity(made["gasUsed"]),
        error=text[:200] or "reverts",
    )


class Look:
    """One call of the wallet's between two readings of what is watched, on top of the block `parent`."""

    def __init__(self, order: Simulate, wallet: str, parent: str = "latest") -> None:
        tokens = (each.lower() for each in (*order.path, *order.tokens))
        pairs = [*order.pairs, *([(order.path[0].lower(), order.to.lower())] if order.path else [])]
        if order.round_trip:
            pairs.append((order.path[-1].lower(), (order.sell_at or order.to).lower()))
        self.order = order
        self.wallet = wallet
        self.parent = parent
        self.watched = Watched(tuple(dict.fromkeys(tokens)), tuple(pairs))

    def estimated(self) -> Call:
        """Return the call as eth_estimateGas takes it."""
        order = self.order
        call = {"from": self.wallet, "to": order.to, "data": "0x" + order.data.hex()}
        return call | ({"value": hex(order.value_wei)} if order.value_wei else {})

    def call(self, to: str = "", data: bytes = b"") -> Call:
        """Return the order's call, or another one of the wallet's, as it would be signed."""
        order = self.order
        what = {"from": self.wallet, "to": to, "data": "0x" + data.hex()} if to else self.estimated()
        limits = {"gas": hex(order.gas_limit)} if order.gas_limit else {}
        price = {"gasPrice": hex(order.gas_price_wei)} if order.gas_price_wei else {}
        return what | limits | price

    def parameters(self) -> list[Any]:
        """Return the method's parameters for the call between two readings."""
        return payload([block(self.order, [*self._reads(), self.call(), *self._reads()])], self.parent)

    def _reads(self) -> list[Call]:
        watched, wallet = self.watched, self.wallet
        return [
            {"to": _BALANCE_READER, "data": "0x" + wallet[2:].rjust(64, "0")},
            *({"to": token, "data": calldata.balance_of(wallet)} for token in watched.tokens),
            *({"to": token, "data": calldata.allowance(wallet, spender)} for token, spender in watched.pairs),
        ]

    def read(self, answer: object) -> tuple[Result, Changes] | None:
        """Return what the call did; None: it touches more than was watched, which is watched from now on.

        Raises:
            Unreadable: the answer, or a log of it, has another form.
        """
        count = len(self._reads())
        (made,) = results(answer, [2 * count + 1])
        result = made[count]
        if not result.success:
            return result, Changes((), ())
        try:
            logs = asset_logs.read(result.logs, self.wallet)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"a log that is none: {error}") from error
        wider = self._wider(logs)
        if wider != self.watched:
            self.watched = wider
            return None
        return result, self._changes(made[:count], result, made[count + 1 :], logs)

    def before(self, answer: object, token: str, spender: str) -> int | None:
        """Return what a spender might take of a token before the call; None: not read."""
        count = len(self._reads())
        (made,) = results(answer, [2 * count + 1])
        at = self.watched.pairs.index((token, spender))
        return made[1 + len(self.watched.tokens) + at].uint()

    def _wider(self, logs: Told) -> Watched:
        """Return what has to be watched: what leaves, too, and whoever gets an allowance of tokens."""
        watched = self.watched
        tokens = dict.fromkeys((*watched.tokens, *(each for each in logs.went if each != NATIVE)))
        numbered = (pair for pair, after in logs.allowances.items() if after is not None)
        pairs = dict.fromkeys((*watched.pairs, *numbered))
        if max(len(tokens), len(pairs)) > _WATCHED_MAX:
            raise Unreadable(f"it touches more than {_WATCHED_MAX} tokens or allowances")
        return Watched(tuple(tokens), tuple(pairs))

    def _changes(self, before: list[Result], made: Result, after: list[Result], logs: Told) -> Changes:
        watched = self.watched
        counted = [_difference(one, other) for one, other in zip(before, after, strict=True)]
        native = _native(made, counted[0], logs, self.order.gas_price_wei)
        tokens = dict(zip(watched.tokens, counted[1:], strict=False))
        others = (each for each in logs.came if each not in tokens and each != NATIVE)
        assets = [
            Change(token, logs.went.get(token, 0), logs.came.get(token, 0), tokens.get(token))
            for token in (*watched.tokens, *others)
        ]
        first = 1 + len(watched.tokens)
        return Changes(
            assets=(native, *assets),
            allowances=_allowances(watched, before[first:], after[first:], logs),
            uniques_went=logs.uniques_went,
        )


def _difference(before: Result, after: Result) -> int | None:
    had, has = before.uint(), after.uint()
    return None if had is None or has is None else has - had


def _native(made: Result, counted: int | None, logs: Told, gas_price_wei: int) -> Change:
    """Return what the native coin did, gas apart: nodes differ in whether a simulation pays for it."""
    went, came = logs.went.get(NATIVE, 0), logs.came.get(NATIVE, 0)
    gas_wei = made.gas * gas_price_wei
    if counted is not None and counted + gas_wei == came - went:
        counted += gas_wei
    return Change(NATIVE, went, came, counted)


def _allowances(
    watched: Watched, before: list[Result], after: list[Result], logs: Told
) -> tuple[Allowance, ...]:
    """Return every allowance that was read or told of; of what is read and what is told the larger."""
    found = []
    for pair, one, other in zip(watched.pairs, before, after, strict=True):
        told, read = logs.allowances.get(pair), other.uint()
        known = [each for each in (told, read) if each is not None]
        if known:
            found.append(Allowance(*pair, one.uint() or 0, max(known)))
    everything = (pair for pair, amount in logs.allowances.items() if amount is None)
    return (*found, *(Allowance(*pair, 0, None) for pair in everything))

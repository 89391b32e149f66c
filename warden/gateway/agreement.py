"""What several endpoints say of one block, put side by side: who agrees, who does not. Pure.

Answers are compared by what they mean, for clients write the same thing differently: hex by its letters'
value, errors as errors, a receipt by the fields that money is counted from. A receipt in a later block is no
receipt yet: everything that is agreed on is the state at one block hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.gateway.errors import Failure, Kind, NoAnswer, judge
from warden.gateway.jsonrpc import NULL, Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from warden.gateway.jsonrpc import Answer

# Where each method that may be agreed on names its block; None: it has none.
BLOCK_POSITION: Final[Mapping[str, int | None]] = {
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
    "eth_call": 1,
    "eth_getTransactionReceipt": None,
    "eth_maxPriorityFeePerGas": None,
}
# No state but an opinion, on which nobody has to agree: of those who agree on all else the least counts, so
# that no single one can make a transaction dearer.
OPINIONS: Final = frozenset({"eth_maxPriorityFeePerGas"})
CALLS_MAX: Final = 512
_WORD_CHARACTERS: Final = 66
_FIGURE_CHARACTERS_MAX: Final = 90
_NO_ANSWER: Final = Failure(Kind.NOT_AN_ANSWER, Kind.NOT_AN_ANSWER.value)
_RECEIPT: Final = "eth_getTransactionReceipt"
_RECEIPT_FIELDS: Final = ("blockHash", "blockNumber", "status", "gasUsed", "effectiveGasPrice", "l1Fee")
_LOG_FIELDS: Final = ("address", "topics", "data")

Said = tuple[str, ...]
"""One endpoint's answers at one block: the block itself, then each call's, in a form that can be compared."""


class Block(msgspec.Struct, frozen=True):
    """A block as one endpoint names it; JSON-RPC quantities as integers, hash in lower case."""

    number: int
    hash: str
    timestamp_s: int
    base_fee_wei: int


class Asked(msgspec.Struct, frozen=True):
    """One call that is to be agreed on; the block that its parameters name is put in for it."""

    method: str
    params: tuple[Any, ...]


def read_asked(params: bytes) -> tuple[Asked, ...]:
    """Return the calls in the parameters of `warden_agreed`: a list of pairs of method and parameters.

    Raises:
        ValueError: it is something else, too many, or a method that is not agreed on.
    """
    try:
        (listed,) = msgspec.json.decode(params, type=tuple[list[tuple[str, list[Any]]]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"one list of pairs of method and parameters is expected: {error}") from error
    if len(listed) > CALLS_MAX:
        raise ValueError(f"{len(listed)} calls, at most {CALLS_MAX} are taken")
    for method, given in listed:
        if method not in BLOCK_POSITION:
            raise ValueError(f"{method[:80]} is none of {', '.join(BLOCK_POSITION)}")
        if method not in OPINIONS and len(given) < (BLOCK_POSITION[method] or 1):
            raise ValueError(f"{method} has too few parameters")
    return tuple(Asked(method, tuple(given)) for method, given in listed)


def call_at(asked: Asked, block: object) -> Call:
    """Return the call as an endpoint is asked it, at `block`: an object with its hash, or a number as hex."""
    position, params = BLOCK_POSITION[asked.method], list(asked.params)
    if position is not None:
        params[position:] = [block]
    return Call(asked.method, params=msgspec.Raw(msgspec.json.encode(params)))


def block_of(answer: Answer | None) -> Block:
    """Return the block that an endpoint answered with.

    Raises:
        NoAnswer: it does not know it, or answered with something else.
    """
    found = _decoded(answer)
    if not isinstance(found, dict):
        raise NoAnswer(Failure(Kind.MISSING_DATA, "it does not have that block"))
    try:
        return Block(
            number=int(found["number"], 16),
            hash=str(found["hash"]).lower(),
            timestamp_s=int(found["timestamp"], 16),
            base_fee_wei=int(found.get("baseFeePerGas") or "0x0", 16),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NoAnswer(_NO_ANSWER) from error


def said(block: Block, asked: Sequence[Asked], answers: Sequence[Answer | None]) -> Said:
    """Return an endpoint's answers in a form that can be compared.

    Raises:
        NoAnswer: one of them is missing, or is about the endpoint and not about the chain.
    """
    header = f"{block.number} {block.hash} {block.timestamp_s} {block.base_fee_wei}"
    return (header, *(_said(block, call, answer) for call, answer in zip(asked, answers, strict=True)))


def _said(block: Block, call: Asked, answer: Answer | None) -> str:
    if call.method in OPINIONS:
        return ""
    if answer is None or not answer.result:
        failure = _NO_ANSWER if answer is None else judge(bytes(answer.error))
        if failure.kind is not Kind.FINAL:
            raise NoAnswer(failure)
        return "error"
    result = _decoded(answer)
    if call.method == _RECEIPT:
        return _receipt(block, result)
    if not isinstance(result, str):
        raise NoAnswer(_NO_ANSWER)
    lowered = result.lower()
    return lowered if len(lowered) >= _WORD_CHARACTERS else _quantity(lowered)


def _quantity(text: str) -> str:
    """Return a short hex number without the leading zeros that some clients write."""
    try:
        return hex(int(text, 16))
    except ValueError:
        return text  # `0x`, what a call of no contract answers


def _receipt(block: Block, receipt: object) -> str:
    if not is_landed(block, receipt) or not isinstance(receipt, dict):
        return "none"
    logs = receipt.get("logs")
    kept = {name: str(receipt.get(name)).lower() for name in _RECEIPT_FIELDS if receipt.get(name) is not None}
    events = [
        [str(log.get(name)).lower() for name in _LOG_FIELDS] for log in logs or () if isinstance(log, dict)
    ]
    return msgspec.json.encode([kept, events]).decode()


def is_landed(block: Block, receipt: object) -> bool:
    """Tell whether a receipt is of a transaction in this block or before it."""
    if not isinstance(receipt, dict):
        return False
    try:
        return int(receipt["blockNumber"], 16) <= block.number
    except (KeyError, TypeError, ValueError):
        return False


def together(asked: Sequence[Asked], answers: Sequence[Sequence[Answer | None]]) -> tuple[Answer | None, ...]:
    """Return the answers of endpoints that agree as one: the first one's, and of each opinion the least."""
    found = list(answers[0])
    for place, call in enumerate(asked):
        if call.method in OPINIONS:
            opinions = [each[place] for each in answers if _opinion(each[place]) is not None]
            found[place] = min(opinions, key=lambda each: _opinion(each) or 0, default=found[place])
    return tuple(found)


def _opinion(answer: Answer | None) -> int | None:
    """Return the number that an endpoint thinks, None where it says none."""
    if answer is None or not answer.result:
        return None
    try:
        return int(msgspec.json.decode(answer.result, type=str), 16)
    except (msgspec.DecodeError, ValueError):
        return None


def _decoded(answer: Answer | None) -> Any:  # noqa: ANN401 - any JSON
    if answer is None:
        raise NoAnswer(_NO_ANSWER)
    if not answer.result:
        raise NoAnswer(judge(bytes(answer.error)))
    try:
        return msgspec.json.decode(answer.result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer(_NO_ANSWER) from error


class Verdict(msgspec.Struct, frozen=True):
    """Who agrees; `majority` is empty where there is none."""

    majority: tuple[str, ...]
    others: tuple[str, ...]


def verdict(sayings: Mapping[str, Said], sources_min: int) -> Verdict:
    """Return the endpoints whose answers stand: `sources_min` at least, and more than say anything else."""
    groups: dict[Said, list[str]] = {}
    for name, each in sayings.items():
        groups.setdefault(each, []).append(name)
    largest = sorted(groups.values(), key=len, reverse=True)
    alone = len(largest) == 1 or (len(largest) > 1 and len(largest[0]) > len(largest[1]))
    if not largest or not alone or len(largest[0]) < sources_min:
        return Verdict((), tuple(sayings))
    return Verdict(tuple(largest[0]), tuple(name for group in largest[1:] for name in group))


def candidates(heads: Iterable[Block], floor: int) -> list[Block]:
    """Return the heads, newest first, each once; none below `floor`: what was agreed on never goes back."""
    by_hash = {head.hash: head for head in heads if head.number >= floor}
    return sorted(by_hash.values(), key=_number, reverse=True)


def _number(block: Block) -> int:
    return block.number


def difference(sayings: Mapping[str, Said], asked: Sequence[Asked]) -> str:
    """Return the first figure that endpoints differ on, with each one's name; empty where they do not."""
    vectors = list(sayings.values())
    for place, told in enumerate(zip(*vectors, strict=True)):
        if len(set(told)) > 1:
            what = "the block" if place == 0 else asked[place - 1].method
            figures = (f"{name} says {_figure(each[place])}" for name, each in sayings.items())
            return f"{what}: {', '.join(figures)}"
    return ""


def _figure(text: str) -> str:
    """Return a value for people: a number where it is one word or less."""
    if text.startswith("0x") and len(text) <= _WORD_CHARACTERS:
        try:
            return str(int(text, 16))
        except ValueError:
            return text
    return text if len(text) <= _FIGURE_CHARACTERS_MAX else f"{text[:_FIGURE_CHARACTERS_MAX]}…"


def results(block: Block, asked: Sequence[Asked], answers: Sequence[Answer | None]) -> list[dict[str, Any]]:
    """Return what each call is answered with: `result`, null for what has not landed yet, or `error`."""
    found: list[dict[str, Any]] = []
    for call, answer in zip(asked, answers, strict=True):
        if answer is None or not answer.result:
            error = NULL if answer is None else bytes(answer.error)
            found.append({"error": msgspec.Raw(error)})
        elif call.method == _RECEIPT and not is_landed(block, msgspec.json.decode(answer.result)):
            found.append({"result": None})
        else:
            found.append({"result": msgspec.Raw(bytes(answer.result))})
    return found

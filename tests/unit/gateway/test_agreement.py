"""Answers side by side: who agrees, whatever words they use, and what is never taken for agreement."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warden.gateway.agreement import (
    CALLS_MAX,
    Asked,
    Block,
    block_of,
    call_at,
    candidates,
    difference,
    read_asked,
    results,
    said,
    together,
    verdict,
)
from warden.gateway.errors import NoAnswer
from warden.gateway.jsonrpc import Answer

BLOCK = Block(number=16, hash="0xb10", timestamp_s=100, base_fee_wei=7)
BALANCE = Asked("eth_getBalance", ("0xaa",))
RECEIPT = Asked("eth_getTransactionReceipt", ("0xcc",))
LANDED: dict[str, Any] = {
    "blockNumber": "0xf",
    "blockHash": "0xBF",
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x9",
    "logs": [{"address": "0xAB", "topics": ["0x01"], "data": "0x02", "logIndex": "0x0"}],
}


def answer(result: object) -> Answer:
    """Return an endpoint's answer with a result."""
    return Answer(result=msgspec.Raw(json.dumps(result).encode()))


def refused(code: int, message: str) -> Answer:
    """Return an endpoint's answer with an error."""
    return Answer(error=msgspec.Raw(json.dumps({"code": code, "message": message}).encode()))


def of(*answers: Answer | None, asked: tuple[Asked, ...] = (BALANCE,)) -> tuple[str, ...]:
    """Return what one endpoint said, in a form that can be compared."""
    return said(BLOCK, asked, answers)


@pytest.mark.parametrize(("one", "other"), [("0x0a", "0xA"), ("0x" + "AB" * 32, "0x" + "ab" * 32)])
def test_the_same_value_in_other_letters_agrees(one: str, other: str) -> None:
    """ES2: clients write leading zeros and capitals differently."""
    assert of(answer(one)) == of(answer(other))
    assert of(answer(one)) != of(answer("0xb"))


def test_a_revert_is_an_answer_whatever_its_words() -> None:
    """RP4: two that refuse a call agree on that; one that does not have the data has said nothing."""
    assert of(refused(3, "execution reverted: A")) == of(refused(-32000, "VM Exception: revert B"))
    for failure in (refused(-32000, "header not found"), refused(-32005, "rate limit"), None):
        with pytest.raises(NoAnswer):
            of(failure)


@pytest.mark.parametrize("result", [5, None, ["0x1"], {"a": 1}])
def test_what_is_no_text_is_no_answer(result: object) -> None:
    """Fails closed: another form is not compared."""
    with pytest.raises(NoAnswer):
        of(answer(result))


def test_receipts_are_compared_by_what_money_is_counted_from() -> None:
    """PL1, ES2: other fields of clients' own do not matter; a figure that differs does."""

    def told(**changes: object) -> tuple[str, ...]:
        return of(answer(LANDED | changes), asked=(RECEIPT,))

    assert told(type="0x2", blobGasUsed="0x0", blockHash="0xbf") == told()
    for name in ("status", "gasUsed", "effectiveGasPrice", "blockHash"):
        assert told(**{name: "0x3"}) != told()
    logs = [{"address": "0xab", "topics": ["0x01"], "data": "0x03"}]
    assert told(logs=logs) != told()
    assert told(logs=[]) != told()


@pytest.mark.parametrize("receipt", [None, LANDED | {"blockNumber": None}, LANDED | {"blockNumber": "0x11"}])
def test_what_landed_later_has_not_landed_yet(receipt: object) -> None:
    """ES2: all that is agreed on is the state of one block; a later receipt does not belong to it."""
    assert of(answer(receipt), asked=(RECEIPT,)) == of(answer(None), asked=(RECEIPT,))
    assert results(BLOCK, (RECEIPT,), [answer(receipt)]) == [{"result": None}]


def test_a_block_of_another_fee_or_time_is_another_answer() -> None:
    """ES2: who tells another base fee of the same hash does not agree."""
    other = msgspec.structs.replace(BLOCK, base_fee_wei=8)
    assert said(BLOCK, (BALANCE,), [answer("0x1")]) != said(other, (BALANCE,), [answer("0x1")])


@given(st.lists(st.sampled_from(["x", "y", "z"]), max_size=6), st.integers(1, 4))
def test_only_a_majority_of_enough_stands(words: list[str], sources_min: int) -> None:
    """ES2: as many as are needed, and more than say anything else; else nobody is believed."""
    sayings = {str(number): (word,) for number, word in enumerate(words)}
    found = verdict(sayings, sources_min)
    assert {*found.majority, *found.others} == set(sayings)
    counts = sorted((words.count(word) for word in set(words)), reverse=True)
    stands = bool(counts) and counts[0] >= sources_min and (len(counts) == 1 or counts[0] > counts[1])
    assert bool(found.majority) is stands
    if stands:
        assert len(found.majority) == counts[0]
        assert len({sayings[name] for name in found.majority}) == 1


def test_both_figures_are_named() -> None:
    """ES2: a dispute says who said what, as numbers."""
    sayings = {"a": of(answer("0xa")), "b": of(answer("0x64"))}
    assert difference(sayings, (BALANCE,)) == "eth_getBalance: a says 10, b says 100"


def test_newest_first_and_never_older_than_before() -> None:
    """ES2: what was agreed on is not gone back from."""
    heads = [Block(number, f"0x{number}", 0, 0) for number in (5, 9, 7, 9)]
    assert [each.number for each in candidates(heads, 6)] == [9, 7]


def test_the_block_is_put_in_where_a_method_names_it() -> None:
    """ES2: whatever block was asked for, it is the agreed one."""
    call = Asked("eth_call", ({"to": "0xaa"}, "latest", {"overrides": 1}))
    made = call_at(call, {"blockHash": "0xb10"})
    assert json.loads(bytes(made.params)) == [{"to": "0xaa"}, {"blockHash": "0xb10"}]
    assert json.loads(bytes(call_at(RECEIPT, "0x10").params)) == ["0xcc"]


@pytest.mark.parametrize(
    "params",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'[[["eth_sendRawTransaction",["0x"]]]]',
        b'[[["eth_getBalance",[]]]]',
        b'[[["eth_getBalance"]]]',
        json.dumps([[["eth_getBalance", ["0x"]]] * (CALLS_MAX + 1)]).encode(),
    ],
)
def test_other_questions_are_refused(params: bytes) -> None:
    """RP5: bounded, and only what can be compared."""
    with pytest.raises(ValueError, match=r"is expected|at most|none of|too few"):
        read_asked(params)


@pytest.mark.parametrize(
    "block", [None, {}, {"number": "0x1"}, "0x1", {"number": 1, "hash": "0x", "timestamp": "0x"}]
)
def test_what_is_no_block_is_no_head(block: object) -> None:
    """Fails closed."""
    with pytest.raises(NoAnswer):
        block_of(answer(block))


def test_of_opinions_the_least_counts_and_nobody_has_to_agree() -> None:
    """EX6, ES2: a tip is no state; one endpoint alone makes no transaction dearer, and spoils no read."""
    asked = (BALANCE, Asked("eth_maxPriorityFeePerGas", ()))
    dear = (answer("0x5"), answer("0x9502f9000"))
    cheap = (answer("0x05"), answer("0x3b9aca00"))
    silent = (answer("0x5"), None)
    assert of(*dear, asked=asked) == of(*cheap, asked=asked) == of(*silent, asked=asked)
    assert together(asked, [dear, cheap]) == (dear[0], cheap[1])
    assert together(asked, [cheap, dear]) == cheap
    assert together(asked, [silent, dear])[1] == dear[1]
    assert together(asked, [(answer("0x5"), answer([])), dear])[1] == dear[1]
    assert together(asked, [silent, silent]) == silent
    assert read_asked(b'[[["eth_maxPriorityFeePerGas", []]]]') == (asked[1],)

"""Errors told apart, by what nodes and providers really answer."""

from __future__ import annotations

import json

import pytest

from warden.gateway.errors import Kind, judge


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (3, "execution reverted", Kind.FINAL),
        (3, "execution reverted: rate limit exceeded", Kind.FINAL),
        (-32000, "execution reverted", Kind.FINAL),
        (-32603, "VM Exception while processing transaction: reverted with reason string 'x'", Kind.FINAL),
        (-32603, "EVM error StackUnderflow", Kind.FINAL),
        (-32000, "nonce too low", Kind.FINAL),
        (-32000, "already known", Kind.FINAL),
        (-32000, "insufficient funds for gas * price + value", Kind.FINAL),
        (-32000, "replacement transaction underpriced", Kind.FINAL),
        (-32000, "something nobody has seen before", Kind.FINAL),
        (-32602, "invalid argument 0: hex string without 0x prefix", Kind.FINAL),
        (-32602, "missing value for required argument 0", Kind.FINAL),
        (-32600, "invalid request", Kind.FINAL),
        (-32602, "BlockOutOfRangeError: block height is 5 but requested was 10", Kind.MISSING_DATA),
        (-32000, "header not found", Kind.MISSING_DATA),
        (-32000, "missing trie node 0badc0de (path ) state is not available", Kind.MISSING_DATA),
        (-32001, "Unable to find block", Kind.MISSING_DATA),
        (-32601, "the method trace_block does not exist/is not available", Kind.METHOD_NOT_FOUND),
        (-32601, "Method not found", Kind.METHOD_NOT_FOUND),
        (-32004, "nope", Kind.METHOD_NOT_FOUND),
        (-32005, "query returned more than 10000 results", Kind.TOO_LARGE),
        (-32000, "block range is too wide", Kind.TOO_LARGE),
        (-32005, "daily request count exceeded, request rate limited", Kind.RATE_LIMIT),
        (-32005, "", Kind.RATE_LIMIT),
        (429, "Your app has exceeded its compute units per second capacity", Kind.RATE_LIMIT),
        (-32000, "Too Many Requests", Kind.RATE_LIMIT),
        (-32603, "service temporarily unavailable", Kind.CAPACITY),
        (-32002, "request timed out", Kind.CAPACITY),
        (-32603, "internal error", Kind.INTERNAL),
        (-32700, "parse error", Kind.INTERNAL),
    ],
)
def test_what_another_endpoint_could_answer_is_told_from_what_is_final(
    code: int, message: str, kind: Kind
) -> None:
    """Each of RP4's kinds by code and words, as geth, anvil, erigon, hardhat and providers give them."""
    assert judge(json.dumps({"code": code, "message": message}).encode()).kind is kind


@pytest.mark.parametrize("error", [b"", b'"text"', b"5", b"[1]", b"{"])
def test_an_error_that_is_none_is_no_answer(error: bytes) -> None:
    """A node that gives no error object gave no answer."""
    assert judge(error).kind is Kind.NOT_AN_ANSWER


@pytest.mark.parametrize("error", [b"{}", b'{"code":"x","message":7}', b'{"code":1.5}'])
def test_an_odd_error_object_is_final(error: bytes) -> None:
    """An object of an unknown kind goes back as it is."""
    assert judge(error).kind is Kind.FINAL


def test_a_text_never_holds_a_key() -> None:
    """An error's own words may name the URL with its key; what we repeat does not (OB1)."""
    failure = judge(b'{"code":-32603,"message":"upstream https://rpc.example/v2/secretkey failed"}')
    assert "secretkey" not in failure.text
    assert "rpc.example" in failure.text

"""Drafts: what will be signed, with which fees."""

from __future__ import annotations

import msgspec
import pytest
from eth_abi.abi import decode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.executor.books.test_settlement import HEAD, NOW
from tests.unit.executor.rows import outcome, signed, tx
from tests.unit.executor.scene import ETHER, GWEI, ROUTER, TERMS, TOKEN_A, TOKEN_B, WALLET, WETH, intent
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.executor.books.book import Entry
from warden.executor.sends import drafts
from warden.executor.sends.drafts import Moment
from warden.wire.rows import Purpose

CAP_WEI = TERMS.max_fee_wei


def moment(base_fee_wei: int = GWEI, tip_wei: int = 2 * GWEI) -> Moment:
    """Return a head with these fees."""
    head = msgspec.structs.replace(HEAD, base_fee_wei=base_fee_wei, tip_wei=tip_wei)
    return Moment(head, TERMS, NOW)


@pytest.mark.parametrize(("blocks", "eighths"), [(1, 9), (2, 81), (3, 729)])
def test_the_fee_outlives_the_blocks_that_it_is_valid_for(blocks: int, eighths: int) -> None:
    """EX6, EIP-1559: a full block raises the base fee by an eighth, and the cap covers each that may come."""
    at = moment(3 * 8**3 * GWEI // 1_000, 2 * GWEI)
    base_wei = 3 * 8**3 * GWEI // 1_000 * eighths // 8**blocks
    assert drafts.fees(at, at.head.timestamp_s + blocks) == (base_wei + 2 * GWEI, 2 * GWEI)


def test_the_fee_of_what_has_no_deadline_covers_a_while() -> None:
    """EX6: about twice the base fee; and no deadline however far makes a cap without bound."""
    high, _ = drafts.fees(moment(3 * GWEI, 2 * GWEI))
    assert 8 * GWEI <= high < 9 * GWEI
    assert 100 * GWEI < drafts.fees(moment(GWEI, 0), 10**9)[0] < 120 * GWEI


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_no_fee_passes_the_cap_and_none_is_malformed(base_fee_wei: int, tip_wei: int) -> None:
    """EX6: the operator's cap holds for both; the tip is never above the whole, which nodes refuse."""
    max_fee, priority = drafts.fees(moment(base_fee_wei, tip_wei))
    assert 0 <= priority <= max_fee <= CAP_WEI


def test_a_swap_is_the_intents_and_the_chain_bounds_it() -> None:
    """I2: amounts, path and deadline are the intent's, the receiver is the wallet, gas has room above use."""
    order = intent(1, amount_wei=3 * ETHER, not_after_s=1_234)
    sign = drafts.swap(order, 100_000, 7, moment())
    draft = sign.draft
    assert (draft.intent_id, draft.purpose, draft.nonce, draft.to) == (
        order.intent_id,
        Purpose.SWAP,
        7,
        ROUTER,
    )
    assert (draft.gas, draft.spend_wei, draft.not_after_s) == (130_000, 3 * ETHER, 1_234)
    assert (draft.raw, draft.tx_hash, draft.replaces, sign.value_wei) == ("", "", "", 0)
    types = ["uint256", "uint256", "address[]", "address", "uint256"]
    assert decode(types, sign.data[4:]) == (
        3 * ETHER,
        3 * ETHER + 1,
        (WETH, TOKEN_A, TOKEN_B, WETH),
        WALLET,
        1_234,
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((WETH, TOKEN_A, TOKEN_B, WETH), "swapExactTokensForTokens"),
        ((WETH, TOKEN_A), "swapExactTokensForTokensSupportingFeeOnTransferTokens"),
        ((TOKEN_A, WETH), "swapExactTokensForTokensSupportingFeeOnTransferTokens"),
    ],
)
def test_what_opens_or_reduces_counts_what_arrives(path: tuple[str, ...], name: str) -> None:
    """EX7: a token that keeps a part of each transfer can be sold, and its least amount is of what comes."""
    order = intent(1, path=path, not_after_s=1_234)
    selector = keccak(text=f"{name}(uint256,uint256,address[],address,uint256)")[:4]
    assert drafts.swap_calldata(order, TERMS)[:4] == selector


def test_an_approval_is_exact_and_ends() -> None:
    """EX7: exactly the amount for the router, on the token, and not valid for ever."""
    approving = drafts.Approving("approve-1", "trace", WETH, 5 * ETHER, 50_000, Action.OPEN)
    sign = drafts.approval(approving, 3, moment())
    assert (sign.draft.purpose, sign.draft.to.lower(), sign.draft.nonce) == (Purpose.APPROVE, WETH, 3)
    assert (sign.draft.gas, sign.draft.spender, sign.draft.allowance) == (65_000, ROUTER, 5 * ETHER)
    assert decode(["address", "uint256"], sign.data[4:]) == (ROUTER, 5 * ETHER)
    assert sign.draft.not_after_s == 1_011
    assert sign.draft.spend_wei == 0


def stuck(max_fee_wei: int, priority_fee_wei: int) -> Entry:
    """Return a stuck swap with these fees."""
    row = signed(4, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
    return Entry(signed=row, outcome=outcome(4, TradeState.SIGNED))


def test_a_cancel_takes_the_nonce_and_moves_nothing() -> None:
    """EX3: same nonce, to the wallet itself, no value, no data, no deadline; it names what it replaces."""
    sign = drafts.cancel(stuck(10 * GWEI, GWEI), moment())
    draft = sign.draft
    assert (draft.nonce, draft.to, draft.gas, draft.replaces) == (4, WALLET, 21_000, tx(4))
    assert (draft.purpose, draft.not_after_s, draft.spend_wei) == (Purpose.CANCEL, 0, 0)
    assert (sign.data, sign.value_wei) == (b"", 0)
    assert draft.intent_id == f"cancel-{tx(4)}"


@pytest.mark.parametrize(
    ("fee_wei", "tip_wei"), [(100, 10), (101, 11), (1, 1), (0, 0), (CAP_WEI, CAP_WEI), (CAP_WEI, 1)]
)
def test_a_cancel_raises_both_fees_by_the_chains_minimum(fee_wei: int, tip_wei: int) -> None:
    """EX6, EX8: at least ten percent on both sides, rounded up, even above the cap: it must go through."""
    draft = drafts.cancel(stuck(fee_wei, tip_wei), moment(0, 0)).draft
    for before, after in ((fee_wei, draft.max_fee_wei), (tip_wei, draft.priority_fee_wei)):
        assert after * 100 >= before * 110
        assert after > before


@given(st.integers(0, CAP_WEI), st.integers(0, CAP_WEI), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_cancel_is_never_below_what_the_chain_asks_for_now(
    fee_wei: int, tip_wei: int, base_fee_wei: int, now_tip_wei: int
) -> None:
    """EX6: at least the present fees and at least the bump, and the tip never above the whole."""
    at = moment(base_fee_wei, now_tip_wei)
    draft = drafts.cancel(stuck(max(fee_wei, tip_wei), tip_wei), at).draft
    fees = drafts.fees(at)
    assert draft.max_fee_wei >= fees[0]
    assert draft.priority_fee_wei >= fees[1]
    assert draft.priority_fee_wei <= draft.max_fee_wei

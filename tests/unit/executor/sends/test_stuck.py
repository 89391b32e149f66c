"""What is stuck pays more while that is worth it, else gives its nonce back; only one of them lands."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.flights import ACCEPTED, FLIGHT_TERMS, NOT_BEGUN, Flight, signs
from tests.unit.executor.scene import GWEI, only
from tests.unit.executor.test_core import states
from warden.domain.intents import TradeState
from warden.domain.modes import Action
from warden.domain.risk.events import BreakerOrder
from warden.executor.books.signed_bytes import call_of
from warden.executor.protocol.commands import Reply, Sign
from warden.executor.protocol.events import Ordered
from warden.executor.sends.drafts import Moment
from warden.executor.sends.stuck import Stuck
from warden.wire.messages import Progress
from warden.wire.orders import ForceBreaker, PullLever
from warden.wire.rows import Purpose

DEAR = 20 * GWEI


def stuck(**more: int) -> tuple[Flight, str, Sign]:
    """Return a scene whose trade was priced out, and the draft that pays more."""
    scene = Flight()
    tx_hash = scene.fly(1, *ACCEPTED, **more)
    (sign,) = signs(scene.read(base_fee_wei=DEAR))
    return scene, tx_hash, sign


def test_it_is_the_same_transaction_for_more() -> None:
    """EX3, I6: same intent, nonce, call and deadline; both fees raised by the chain's step at least."""
    scene, tx_hash, sign = stuck()
    before, draft = scene.row(tx_hash), sign.draft
    assert call_of(before.raw) == (sign.value_wei, sign.data)
    assert len(sign.data) > 100
    same = msgspec.structs.replace(
        before,
        raw="",
        tx_hash="",
        replaces=tx_hash,
        max_fee_wei=draft.max_fee_wei,
        priority_fee_wei=draft.priority_fee_wei,
        at_ns=draft.at_ns,
        block=draft.block,
    )
    assert draft == same
    assert draft.max_fee_wei > DEAR
    assert draft.priority_fee_wei * 100 >= before.priority_fee_wei * 110


def test_one_at_a_time_and_the_dearer_one_settles_the_intent() -> None:
    """EX3, I6: its trader hears of one trade; the share holds the dearer gas until it has landed."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    held = scene.core.ledger.engine.state.reservations.held[f"{1:032x}"]
    assert held.gas_wei >= sign.draft.gas * sign.draft.max_fee_wei
    scene.legs(dearer, *ACCEPTED)
    assert signs(scene.read(base_fee_wei=DEAR)) == []
    commands = scene.read({dearer: scene.mined(dearer)}, nonce=1) + scene.read(nonce=1) + scene.read(nonce=1)
    told = [each.message.update.state for each in only(commands, Reply) if isinstance(each.message, Progress)]
    assert told == [TradeState.MINED]
    outcomes = {entry.signed.tx_hash: entry.outcome.state for entry in scene.core.book.recent(9)}
    assert outcomes == {dearer: TradeState.MINED, tx_hash: TradeState.SUPERSEDED}
    assert scene.core.book.totals.trades == 1
    assert scene.core.ledger.engine.state.reservations.held == {}
    assert scene.core.ledger.engine.state.capital.held == {}


def test_the_first_one_may_land_all_the_same() -> None:
    """EX3, I6: whichever lands counts, once; the other is superseded and takes nothing away."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    scene.legs(dearer, *ACCEPTED)
    scene.read({tx_hash: scene.mined(tx_hash)}, nonce=1)
    scene.read(nonce=1)
    outcomes = {entry.signed.tx_hash: entry.outcome.state for entry in scene.core.book.recent(9)}
    assert outcomes == {tx_hash: TradeState.MINED, dearer: TradeState.SUPERSEDED}
    assert scene.core.book.totals.trades == 1
    assert scene.core.ledger.engine.state.reservations.held == {}


def test_a_dearer_one_that_never_left_leaves_the_share_with_the_first() -> None:
    """PS2: while the first may land its intent holds what it may spend; the next block tries again."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    assert signs(scene.legs(dearer, *NOT_BEGUN)) == []
    assert list(scene.core.ledger.engine.state.reservations.held) == [f"{1:032x}"]
    (again,) = signs(scene.read(base_fee_wei=DEAR))
    assert again.draft.replaces == tx_hash
    assert scene.core.book.exposure_wei() == 10**18


def test_a_reorg_of_the_dearer_one_and_the_first_one_mined_in_its_place() -> None:
    """EX8, I6: what is undone holds its share again, and what lands in its place settles it, once."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    scene.legs(dearer, *ACCEPTED)
    scene.read({dearer: scene.mined(dearer)}, nonce=1)
    scene.read(nonce=1)
    for _ in range(2):
        scene.read({dearer: None}, nonce=0)
    assert list(scene.core.ledger.engine.state.reservations.held) == [f"{1:032x}"]
    landed = scene.mined(tx_hash)
    for _ in range(3):
        scene.read({tx_hash: landed, dearer: None}, nonce=1)
    outcomes = {entry.signed.tx_hash: entry.outcome.state for entry in scene.core.book.recent(9)}
    assert outcomes == {tx_hash: TradeState.MINED, dearer: TradeState.SUPERSEDED}
    assert scene.core.book.totals.trades == 1
    assert scene.core.ledger.engine.state.reservations.held == {}


def test_next_in_line_and_passed_over_for_long_it_pays_more() -> None:
    """EX3: at a fair base fee the tip may be too low; the first in line alone, for others wait for it."""
    scene = Flight()
    first = scene.fly(1, *ACCEPTED)
    scene.fly(2, *ACCEPTED)
    drafted: list[Sign] = []
    for _ in range(4):
        drafted += signs(scene.read())
    assert [sign.draft.replaces for sign in drafted] == [first]


@pytest.mark.parametrize("why", ["poor", "closed", "breaker", "lever", "cap", "sequencer"])
def test_what_is_not_worth_it_or_not_allowed_waits_for_its_deadline(why: str) -> None:
    """EX3, EX6: a profit that does not cover it, a closed gate, any rule, the cap: then it is cancelled."""
    terms = msgspec.structs.replace(
        FLIGHT_TERMS,
        replaceable=why != "sequencer",
        max_fee_wei=10 * GWEI if why == "cap" else FLIGHT_TERMS.max_fee_wei,
    )
    scene = Flight(terms)
    tx_hash = scene.fly(1, *ACCEPTED, profit_wei=10**12 if why == "poor" else 10**17, not_after_s=1_010)
    if why == "closed":
        scene.core.allow(frozenset({Action.CANCEL}))
    if why == "breaker":
        scene.tell(Ordered(b"o", ForceBreaker("ann", "why", BreakerOrder.OPEN)))
    if why == "lever":
        scene.tell(Ordered(b"o", PullLever("ann", "why", "max_gas_price_gwei", "5")))
    drafted: list[Sign] = []
    while not drafted:
        drafted = signs(scene.read(base_fee_wei=DEAR))
    (sign,) = drafted
    assert (sign.draft.purpose, sign.draft.replaces) == (Purpose.CANCEL, tx_hash)
    assert scene.block > 10


def test_what_holds_up_others_is_taken_back_at_once() -> None:
    """EX3: not worth more, and a later one could land now: it must not wait for its deadline."""
    scene = Flight()
    poor = scene.fly(1, *ACCEPTED, profit_wei=10**12)
    scene.read(base_fee_wei=3 * GWEI)
    scene.now_ns += 1
    rich = scene.fly(2, *ACCEPTED)
    assert scene.row(rich).max_fee_wei > 0
    base_fee_wei = int(scene.row(poor).max_fee_wei) + 1
    high = msgspec.structs.replace(scene.row(rich), max_fee_wei=10 * base_fee_wei)
    scene.core.book.apply(high)
    (sign,) = signs(scene.read(base_fee_wei=base_fee_wei))
    assert (sign.draft.purpose, sign.draft.replaces) == (Purpose.CANCEL, poor)


def test_an_operators_cancel_of_the_first_takes_back_what_stands_in_its_place() -> None:
    """PS4a: whichever of its hashes is named; and the order is done once none of them can land."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    scene.legs(dearer, *ACCEPTED)
    (cancel,) = signs(scene.tell(Ordered(b"o", PullLever("ann", "why", "cancel_transaction", tx_hash))))
    assert (cancel.draft.purpose, cancel.draft.replaces) == (Purpose.CANCEL, dearer)
    by, _ = scene.sign(cancel)
    scene.legs(by, *ACCEPTED)
    scene.read({by: scene.mined(by)}, nonce=1)
    scene.read(nonce=1)
    scene.read(nonce=1)
    assert states(scene)[-2:] == [TradeState.SUPERSEDED] * 2
    assert scene.core.ledger.engine.state.levers.orders == {}
    assert scene.core.ledger.engine.state.reservations.held == {}


def test_after_a_restart_it_goes_on_from_the_rows() -> None:
    """EX2: the dearer one is found in the journal, and is neither signed twice nor forgotten."""
    scene, tx_hash, sign = stuck()
    dearer, _ = scene.sign(sign)
    again = Flight(rows=tuple(scene.rows))
    again.block, again.now_ns, again.signed = scene.block, scene.now_ns, scene.signed
    assert again.core.ledger.engine.state.reservations == scene.core.ledger.engine.state.reservations
    assert signs(again.read(base_fee_wei=DEAR)) == []
    again.read({dearer: again.mined(dearer)}, nonce=1)
    again.read(nonce=1)
    outcomes = {entry.signed.tx_hash: entry.outcome.state for entry in again.core.book.recent(9)}
    assert outcomes == {dearer: TradeState.MINED, tx_hash: TradeState.SUPERSEDED}


@pytest.mark.parametrize("raw", ["0x", "0x02", "0x02c0", "0x01c0", "zz", "0xc0", "0x02ff"])
def test_bytes_that_tell_no_call_are_never_signed_again(raw: str) -> None:
    """I6: what cannot be read back is not guessed."""
    assert call_of(raw) is None


@pytest.mark.parametrize(("case", "pays_more"), [("", True), ("blocked", False), ("cap", False)])
def test_the_sale_of_a_position_always_pays_more(case: str, *, pays_more: bool) -> None:
    """SL1, EX3: no profit, no reservation and no breaker holds it back; the cap and a blocked router do."""
    scene = Flight()
    bought = scene.fly(1, *ACCEPTED)
    row = msgspec.structs.replace(
        scene.row(bought),
        intent_id="exit-1",
        purpose=Purpose.EXIT,
        action=Action.REDUCE,
        position_id="p",
        profit_wei=None,
        nonce=1,
        tx_hash="0xe",
    )
    ledger = scene.core.ledger
    ledger.apply(row)
    scene.tell(Ordered(b"o", ForceBreaker("ann", "why", BreakerOrder.OPEN)))
    if case == "blocked":
        scene.tell(Ordered(b"o", PullLever("ann", "why", "block_router", row.to)))
    scene.read(base_fee_wei=250 * GWEI if case == "cap" else DEAR)
    entry, head = ledger.book.get("0xe"), scene.core.head
    assert entry is not None
    assert head is not None
    dearer = Stuck(ledger).dearer(entry, Moment(head, FLIGHT_TERMS, scene.now()))
    assert (dearer is not None) == pays_more
    if dearer is not None:
        assert (dearer.draft.position_id, dearer.draft.replaces) == ("p", "0xe")

"""The executor's decisions, as scripts of events in and commands out."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.executor.scene import (
    ETHER,
    GENESIS,
    ROUTER,
    TERMS,
    TOKEN_A,
    TRADER,
    WETH,
    Scene,
    intent,
    only,
)
from warden.domain.errors import ConfigurationInvalid
from warden.domain.intents import Outcome, TradeState
from warden.domain.modes import Action
from warden.domain.money import Wei
from warden.domain.risk.refusal import Refusal
from warden.executor.books.book import Book
from warden.executor.protocol.commands import Command, DemandStop, Record, Reply, Send, Sign, Simulate, Tell
from warden.executor.protocol.events import Identified, LegDone, Simulated, SimulationFailed, Tick
from warden.wire.messages import Answer, Progress
from warden.wire.rows import LegRow, OutcomeRow, Purpose, SignedRow


def rule_of(commands: list[Command]) -> str:
    """Return the rule of the one refusal among the commands."""
    (reply,) = only(commands, Reply)
    assert isinstance(reply.message, Answer)
    assert reply.message.decision.outcome is Outcome.REFUSED
    return reply.message.decision.rule


def states(scene: Scene) -> list[TradeState]:
    """Return the outcomes that were journalled, in order."""
    return [row.state for row in scene.rows if isinstance(row, OutcomeRow)]


def test_nothing_is_sent_before_its_row_is_durable() -> None:
    """I5: the send hangs on the record of signed bytes, hash, nonce and fees, and on nothing else."""
    scene = Scene().begin()
    tx_hash, commands = scene.trade(intent())
    assert only(commands, Send) == []
    (record,) = only(commands, Record)
    assert isinstance(record.row, SignedRow)
    assert (record.row.tx_hash, record.row.nonce, record.row.raw) == (tx_hash, 0, "0x02")
    approval, send = record.then
    assert isinstance(approval, Reply)
    assert isinstance(send, Send)
    assert (send.tx_hash, send.ticket.action, send.ticket.trader_session) == (tx_hash, Action.OPEN, "session")


def test_the_gates_refusal_comes_first() -> None:
    """EX1: a closed gate refuses before anything else is looked at, and nothing is simulated or signed."""
    scene = Scene().begin()
    commands = scene.submit(intent(amount_wei=99 * ETHER), gate=Refusal("stop", "stopped"))
    assert rule_of(commands) == "stop"
    assert only(commands, Simulate) == []


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"amount_wei": 10 * ETHER + 1}, "limits.max_trade_eth"),
        ({"amount_wei": ETHER // 100 - 1}, "limits.min_trade_eth"),
        ({"amount_wei": 0, "min_amount_out": Wei(1)}, "intent.shape"),
        ({"path": (WETH,)}, "intent.path"),
        ({"path": (WETH, WETH)}, "intent.path"),
        ({"path": (TOKEN_A, ROUTER)}, "intent.path"),
        ({"path": (TOKEN_A, WETH)}, "position.unknown"),
        ({"path": ("0x12", TOKEN_A, WETH)}, "intent.shape"),
        ({"path": ()}, "intent.shape"),
        ({"min_amount_out": Wei(ETHER)}, "intent.unprofitable"),
        ({"not_after_s": 1_001}, "not_after"),
    ],
)
def test_what_is_no_safe_trade_is_refused(changed: dict[str, object], rule: str) -> None:
    """PS1: sizes outside the limits, malformed paths, unknown positions, unprofitable cycles: a typed no."""
    scene = Scene().begin()
    assert rule_of(scene.submit(intent(**changed))) == rule  # type: ignore[arg-type] # keys of intent()


def test_limits_hold_on_both_sides() -> None:
    """PS1: exactly the limit passes, one wei more does not (20 % of 50 ETH is the 10 ETH limit, too)."""
    assert only(Scene().begin().submit(intent(amount_wei=10 * ETHER)), Simulate)
    poorer = Scene().begin(trading_balance_wei=10 * ETHER)
    assert only(poorer.submit(intent(1, amount_wei=2 * ETHER)), Simulate)
    poorer = Scene().begin(trading_balance_wei=10 * ETHER)
    assert rule_of(poorer.submit(intent(1, amount_wei=2 * ETHER + 1))) == "limits.max_trade_percent"


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ({"trading_balance_wei": 0}, "capital.zero"),
        ({"gas_balance_wei": ETHER // 50 - 1}, "limits.gas_reserve_eth"),
        ({"base_fee_wei": 200 * 10**9}, "limits.max_gas_price_gwei"),
    ],
)
def test_the_wallet_and_the_gas_price_decide_too(head: dict[str, int], rule: str) -> None:
    """ES2, EX6: a capital of zero is a loss and no missing figure; gas must be there and not too dear."""
    assert rule_of(Scene().begin(**head).submit(intent())) == rule


def test_an_unknown_or_old_chain_refuses() -> None:
    """Fails closed: no head yet, or one of more than ten seconds ago, is no ground to trade on."""
    scene = Scene()
    assert rule_of(scene.submit(intent(1))) == "chain.unknown"
    scene.begin()
    scene.now_ns += 10_000_000_001
    assert rule_of(scene.submit(intent(2))) == "chain.unknown"


def test_one_transaction_at_a_time_and_no_id_twice() -> None:
    """A second intent waits for the first one's end; the same intent is never taken twice (EX2)."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1))
    assert rule_of(scene.submit(intent(2))) == "pending"
    assert rule_of(scene.submit(intent(1))) == "intent.duplicate"
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    scene.read(receipts={tx_hash: scene.mined(tx_hash)}, nonce=1)
    assert rule_of(scene.submit(intent(1))) == "intent.duplicate"
    assert only(scene.submit(intent(3)), Simulate)


def test_a_missing_allowance_is_set_first_and_exactly() -> None:
    """EX7: the router may take one largest trade, journalled, and the strategy hears why it waits."""
    scene = Scene().begin(allowance_wei=0)
    commands = scene.submit(intent(1))
    assert rule_of(commands) == "allowance"
    (simulate,) = only(commands, Simulate)
    assert only(scene.submit(intent(2)), Simulate) == []
    (sign,) = only(scene.tell(Simulated(simulate.intent_id, gas=46_000)), Sign)
    assert sign.draft.purpose is Purpose.APPROVE
    assert sign.data[-32:] == (10 * ETHER).to_bytes(32, "big")
    assert (sign.draft.spender, sign.draft.allowance) == (ROUTER, 10 * ETHER)
    assert only(scene.submit(intent(3)), Simulate) == []
    tx_hash, follow = scene.sign(sign)
    (record,) = only(follow, Record)
    assert isinstance(record.row, SignedRow)
    assert (record.row.tx_hash, record.row.nonce) == (tx_hash, 0)


def test_a_reverting_simulation_is_refused_and_not_sent() -> None:
    """EX1: what would revert now is never signed; what nobody can simulate is refused as well."""
    scene = Scene().begin()
    scene.submit(intent(1))
    failed = SimulationFailed(intent_id=intent(1).intent_id, refused=True, text="execution reverted")
    assert rule_of(scene.tell(failed)) == "simulation.reverts"
    scene.submit(intent(2))
    scene.now_ns += 5_000_000_001
    assert rule_of(scene.tell(Tick())) == "simulation.unavailable"
    assert scene.tell(Simulated(intent_id=intent(2).intent_id, gas=1)) == []


def test_profit_comes_from_the_receipt() -> None:
    """PL1: net is what the receipt's transfers and gas say, whatever the strategy claimed."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    commands = scene.read(receipts={tx_hash: scene.mined(tx_hash, gain_wei=1_000)}, nonce=1)
    (reply,) = only(commands, Reply)
    assert isinstance(reply.message, Progress)
    assert (reply.identity, reply.message.update.net_wei) == (TRADER, 900)
    totals = scene.core.book.totals
    assert (totals.trades, totals.wins, totals.net_wei, totals.gas_wei) == (1, 1, 900, 100)


def test_a_reverted_trades_gas_is_a_loss() -> None:
    """CB3: gas of a failed trade counts, and the breaker counts the failure."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.legs(tx_hash, "accepted", "unknown", "unknown")
    scene.read(receipts={tx_hash: scene.mined(tx_hash, success=False)}, nonce=1)
    assert scene.core.book.totals.net_wei == -100
    assert scene.core.ledger.engine.state.breaker.failures == 1


def test_a_nonce_of_which_no_byte_left_is_free_again() -> None:
    """DESIGN §3: all legs not begun means released by a row, and the next trade takes the same nonce."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1))
    scene.legs(tx_hash, "not-begun", "not-begun", "not-begun")
    assert states(scene) == [TradeState.RELEASED]
    _, commands = scene.trade(intent(2))
    (record,) = only(commands, Record)
    assert isinstance(record.row, SignedRow)
    assert record.row.nonce == 0


def test_unknown_is_not_failed() -> None:
    """EX3: when no endpoint says what became of it, it stays open, keeps its nonce and is sent again."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1))
    scene.legs(tx_hash, "unknown", "not-begun", "unknown")
    assert states(scene) == []
    (again,) = only(scene.read(), Send)
    assert (again.tx_hash, again.raw) == (tx_hash, "0x02")
    assert rule_of(scene.submit(intent(2))) == "pending"


def test_refused_by_all_is_released_only_once_it_can_no_longer_land() -> None:
    """An endpoint may refuse and still pass it on: the nonce is free only after the deadline has passed."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1, not_after_s=1_003))
    scene.legs(tx_hash, "rejected", "rejected", "rejected")
    assert states(scene) == [TradeState.REJECTED]
    scene.read()
    scene.read()
    assert states(scene) == [TradeState.REJECTED]
    scene.read()
    assert states(scene) == [TradeState.REJECTED, TradeState.RELEASED]


def test_a_stuck_transaction_is_cancelled_at_its_own_nonce_with_both_fees_raised() -> None:
    """EX3, EX6: past its deadline and not mined, its nonce is taken back by a same-nonce replacement."""
    scene = Scene().begin()
    tx_hash, commands = scene.trade(intent(1, not_after_s=1_003))
    (record,) = only(commands, Record)
    assert isinstance(record.row, SignedRow)
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    signs: list[Sign] = []
    for _ in range(6):
        signs += only(scene.read(), Sign)
    (sign,) = signs
    cancel = sign.draft
    assert (cancel.purpose, cancel.nonce, cancel.replaces) == (Purpose.CANCEL, 0, tx_hash)
    assert cancel.max_fee_wei * 10 > record.row.max_fee_wei * 11
    assert cancel.priority_fee_wei * 10 > record.row.priority_fee_wei * 11
    cancel_hash, _ = scene.sign(sign)
    scene.legs(cancel_hash, "accepted", "accepted", "accepted")
    scene.read(receipts={cancel_hash: scene.mined(cancel_hash, gain_wei=0)}, nonce=1)
    scene.read(nonce=1)
    assert states(scene) == [TradeState.MINED, TradeState.SUPERSEDED]
    assert only(scene.submit(intent(2, not_after_s=2_000)), Simulate)


def test_a_transaction_that_nobody_knows_is_told_loudly() -> None:
    """EX9: a nonce consumed by a transaction that no row explains demands a stop, and is no shrug."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1, not_after_s=2_000))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    scene.read(nonce=1)
    scene.read(nonce=1)
    commands = scene.read(nonce=1)
    (demand,) = only(commands, DemandStop)
    told = {tell.kind: tell.severity for tell in (*only(commands, Tell), demand.tell)}
    assert told == {"trade.superseded": "error", "wallet.stranger": "critical"}
    assert (demand.stop.stop_id, demand.stop.reason) == ("foreign-transaction-1", "SECURITY_BREACH")


def test_a_mined_trade_becomes_final_or_is_taken_back() -> None:
    """EX8: at finality depth the receipt is looked at again; one that is gone undoes the profit."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1))
    scene.legs(tx_hash, "accepted", "accepted", "accepted")
    receipt = scene.mined(tx_hash)
    scene.read(receipts={tx_hash: receipt}, nonce=1)
    for _ in range(11):
        scene.read(nonce=1)
    assert states(scene) == [TradeState.MINED]
    scene.read(receipts={tx_hash: None}, nonce=0)
    scene.read(receipts={tx_hash: None}, nonce=0)
    assert TradeState.REORGED in states(scene)
    assert scene.core.book.totals.net_wei == 0


def test_the_breaker_opens_after_five_failures_in_a_row_and_not_before() -> None:
    """CB1: four reverted trades leave it closed, the fifth opens it, and then nothing starts."""
    scene = Scene().begin()
    for number in range(1, 6):
        assert scene.core.ledger.engine.state.breaker.state == "CLOSED"
        tx_hash, _ = scene.trade(intent(number, not_after_s=2_000))
        scene.legs(tx_hash, "accepted", "accepted", "accepted")
        scene.read(receipts={tx_hash: scene.mined(tx_hash, success=False)}, nonce=number)
    assert scene.core.ledger.engine.state.breaker.state == "OPEN"
    assert rule_of(scene.submit(intent(9, not_after_s=2_000))) == "breaker.open"


def test_the_book_after_a_restart_equals_the_book_before() -> None:
    """I6: the rows alone give the same open transactions, totals and next nonce."""
    scene = Scene().begin()
    first, _ = scene.trade(intent(1))
    scene.legs(first, "accepted", "accepted", "accepted")
    scene.read(receipts={first: scene.mined(first)}, nonce=1)
    second, _ = scene.trade(intent(2, not_after_s=2_000))
    again = Book()
    for row in scene.rows:
        again.apply(row)
    assert again.totals == scene.core.book.totals
    assert [entry.signed.tx_hash for entry in again.open()] == [second]
    assert again.next_nonce(0) == scene.core.book.next_nonce(0) == 2


def test_after_a_crash_bytes_that_may_have_left_keep_their_nonce() -> None:
    """I6: signed but with no leg recorded may have been sent; not-begun now does not free its nonce."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent(1, not_after_s=2_000))
    restarted = Scene(rows=tuple(scene.rows)).begin()
    assert [row for row in restarted.rows if isinstance(row, LegRow)] == []
    restarted.legs(tx_hash, "not-begun", "not-begun", "not-begun")
    assert states(restarted) == []
    assert restarted.core.book.next_nonce(0) == 1


def test_another_chain_is_refused() -> None:
    """FS2: a wrong chain id, or a journal of another genesis, ends with one clear line."""
    with pytest.raises(ConfigurationInvalid, match=r"serve chain 1, but chain\.id is 31337"):
        Scene().tell(Identified(chain_id=1, genesis=GENESIS))
    scene = Scene().begin()
    with pytest.raises(ConfigurationInvalid, match="belongs to another chain"):
        Scene(rows=tuple(scene.rows)).tell(Identified(chain_id=31337, genesis="0x01"))


def test_refusals_are_folded() -> None:
    """AL6: the same refusal each block is one row a minute with a count, and one line on the screen."""
    scene = Scene().begin()
    for number in range(50):
        scene.submit(intent(number, amount_wei=11 * ETHER))
    assert len([row for row in scene.rows if type(row).__name__ == "DecisionRow"]) == 1
    (line,) = scene.core.decisions.lines()
    assert (line.count, line.decision.rule) == (50, "limits.max_trade_eth")


def test_on_paper_the_core_decides_as_elsewhere() -> None:
    """EX4: the same proposal leads to the same commands, whether anything is really sent or not."""
    terms = (TERMS, msgspec.structs.replace(TERMS, sends=False))
    real, paper = (Scene(terms=each).begin().trade(intent()) for each in terms)
    assert real == paper


def test_a_private_trade_takes_its_own_route_and_its_cancel_both() -> None:
    """DESIGN §3: one route each, never widened by itself; a private one is cancelled there and publicly."""
    scene = Scene(terms=msgspec.structs.replace(TERMS, route="relay")).begin()
    tx_hash, commands = scene.trade(intent(1, not_after_s=1_003))
    (record,) = [each for each in only(commands, Record) if each.then]
    (send,) = [each for each in record.then if isinstance(each, Send)]
    assert send.routes == ("relay",)
    scene.tell(LegDone(tx_hash=tx_hash, endpoint="relay", result="unknown", text=""))
    (again,) = only(scene.read(), Send)
    assert again.routes == ("relay",)
    scene.tell(LegDone(tx_hash=tx_hash, endpoint="relay", result="unknown", text=""))
    signs: list[Sign] = []
    for _ in range(6):
        signs += only(scene.read(), Sign)
    _, commands = scene.sign(signs[0])
    (record,) = [each for each in only(commands, Record) if each.then]
    (send,) = [each for each in record.then if isinstance(each, Send)]
    assert send.routes == ("relay", "public")


def test_a_route_that_is_gone_is_cancelled_publicly() -> None:
    """A relay that left the configuration leaves a transaction open: its nonce is taken back in the end."""
    scene = Scene(terms=msgspec.structs.replace(TERMS, route="gone")).begin()
    scene.trade(intent(1, not_after_s=1_003))
    signs: list[Sign] = []
    for _ in range(6):
        signs += only(scene.read(), Sign)
    assert [sign.draft.route for sign in signs] == ["gone+public"]


def test_a_leg_that_is_still_out_is_listed_though_its_trade_has_settled() -> None:
    """I3: a starved leg may write after the others' bytes were mined; until it has ended its hash is told."""
    scene = Scene().begin()
    tx_hash, _ = scene.trade(intent())
    scene.tell(LegDone(tx_hash=tx_hash, endpoint="a", result="accepted", text=""))
    scene.read(receipts={tx_hash: scene.mined(tx_hash)}, nonce=1)
    assert scene.core.hashes_out() == (tx_hash,)
    for endpoint in ("b", "c"):
        scene.tell(LegDone(tx_hash=tx_hash, endpoint=endpoint, result="not-begun", text=""))
    assert scene.core.hashes_out() == ()


def test_another_block_0_than_the_pinned_one_is_refused() -> None:
    """EX8, RP2: the same id is not the same chain."""
    with pytest.raises(ConfigurationInvalid, match="block 0 is 0x01"):
        Scene().tell(Identified(chain_id=31337, genesis="0x01"))

"""The trader's decisions as scripts: events in, commands out; no sockets, no sleeps."""

from __future__ import annotations

from itertools import count
from typing import TypeVar

from tests.unit.strategies.samples import GEM, WETH, market
from warden.domain.intents import Decision, Intent, Outcome, Proposal, TradeState, TradeUpdate
from warden.runtime.clock import NS_PER_S
from warden.strategies import swap
from warden.trader.book import ASKED_MAX
from warden.trader.core import Command, Core, Note, Run, Send, TellDecision, TellExit, TellTrade
from warden.trader.feed import Contact, Seen
from warden.wire.messages import ProcessState, TraderLeave

ME = "aa" * 16
LEAVE = TraderLeave(trader_process=ME, trader_session="5e" * 16, mode=3, size_percent=100)
START_NS = 1_000 * NS_PER_S
GOOD = swap([WETH, GEM], 10**18, 5, note="up")

Kind = TypeVar("Kind", bound=Command)


def core(*, leave: bool = True) -> Core:
    """Return a core, with the watchdog's leave unless told otherwise."""
    ids = count(1)
    made = Core(session=ME, strategy="Mine", block_time_s=1.0, new_id=lambda: f"{next(ids):032x}")
    if leave:
        made.grant(LEAVE)
    return made


def seen(seq: int = 1, *, since_ns: int = START_NS) -> Seen:
    """Return a market whose block is no older than `since_ns`."""
    return Seen(seq=seq, since_ns=since_ns, market=market(block=100 + seq))


def healthy(now_ns: int = START_NS) -> Contact:
    """Return a feed that heard from the gateway just now."""
    return Contact(ok_ns=now_ns, offered=1)


def of(kind: type[Kind], commands: list[Command]) -> list[Kind]:
    """Return the commands of one kind."""
    return [each for each in commands if isinstance(each, kind)]


def proposed(one: Core, said: list[object]) -> list[Intent]:
    """Show a block, let the strategy say something, return what is sent."""
    one.see(seen(), START_NS)
    return [send.intent for send in of(Send, one.say(said, START_NS))]


def test_without_leave_blocks_are_seen_and_nothing_runs() -> None:
    """A respawned trader is harmless: it observes (DESIGN: Killing)."""
    one = core(leave=False)
    assert of(Run, one.see(seen(1), START_NS)) == []
    assert (
        one.grant(TraderLeave(trader_process="bb" * 16, trader_session="x", mode=3, size_percent=100)) == []
    )
    assert of(Run, one.see(seen(2), START_NS)) == []
    assert one.handled == 2
    assert one.status(healthy(), START_NS).state == "waiting"


def test_leave_lets_the_strategy_run_and_is_told_once() -> None:
    """The watchdog repeats its leave; the strategy hears of markets from the next block on."""
    one = core(leave=False)
    assert len(one.grant(LEAVE)) == 1
    assert one.grant(LEAVE) == []
    block = seen(1)
    assert of(Run, one.see(block, START_NS)) == [Run(block.market)]
    assert one.status(healthy(), START_NS).state == "running"


def test_a_block_of_unknown_age_is_only_looked_at() -> None:
    """The first block after a start may be old: no deadline could be told for it."""
    one = core()
    assert of(Run, one.see(seen(1, since_ns=0), START_NS)) == []
    assert one.handled == 1


def test_an_intent_carries_session_and_deadlines() -> None:
    """Chain time from the block's own timestamp, boot time from the last look that found it missing (I2)."""
    (intent,) = proposed(core(), [GOOD])
    here = seen().market
    assert intent == Intent(
        intent_id=f"{1:032x}",
        trace_id=f"{2:032x}",
        trader_session=LEAVE.trader_session,
        strategy="Mine",
        block=here.block,
        not_after_s=here.timestamp_s + 2,
        not_after_boot_ns=START_NS + 2 * NS_PER_S,
        proposal=GOOD,
    )


def test_a_proposal_that_comes_too_late_is_refused_here() -> None:
    """A slow strategy's proposal on a block that has run out never leaves; the strategy hears so."""
    one = core()
    one.see(seen(), START_NS)
    commands = one.say([GOOD], START_NS + 2 * NS_PER_S)
    assert of(Send, commands) == []
    (told,) = of(TellDecision, commands)
    assert (told.decision.outcome, told.decision.rule) == (Outcome.REFUSED, "trader.late")


def test_outstanding_intents_are_bounded() -> None:
    """While 32 wait for an answer no other is sent; one answer makes room for one."""
    one = core()
    sent: list[Intent] = []
    for _ in range(ASKED_MAX // 16):
        sent += proposed(one, [GOOD] * 16)
    assert len(sent) == ASKED_MAX
    one.see(seen(), START_NS)
    (told,) = of(TellDecision, one.say([GOOD], START_NS))
    assert (told.decision.rule, told.decision.limit) == ("trader.outstanding", str(ASKED_MAX))
    one.answer(Decision(sent[0].intent_id, Outcome.REFUSED))
    assert len(proposed(one, [GOOD, GOOD])) == 1


def test_a_decision_finds_its_proposal_once() -> None:
    """The strategy hears its own proposal with the decision; a second or foreign answer is a stray."""
    one = core()
    other = swap([GEM, WETH], 7, 1)
    first, second = proposed(one, [GOOD, other])
    decision = Decision(second.intent_id, Outcome.REFUSED, rule="limits.max_trade_eth", limit="10")
    assert one.answer(decision) == [TellDecision(decision, other)]
    assert one.answer(decision) == []
    assert one.answer(Decision("ff" * 16, Outcome.APPROVED)) == []
    assert one.strays == 2
    one.answer(Decision(first.intent_id, Outcome.REDUCED))
    status = one.status(healthy(), START_NS)
    assert (status.proposals, status.approved, status.refused) == (2, 1, 1)


def test_a_trade_is_followed_until_it_is_over() -> None:
    """Every state is told with its proposal; after the last one the trade is forgotten."""
    one = core()
    (intent,) = proposed(one, [GOOD])
    mined = TradeUpdate(intent.intent_id, TradeState.MINED)
    assert one.progress(mined) == []
    one.answer(Decision(intent.intent_id, Outcome.APPROVED))
    assert one.progress(mined) == [TellTrade(mined, GOOD)]
    final = TradeUpdate(intent.intent_id, TradeState.FINAL)
    assert one.progress(final) == [TellTrade(final, GOOD)]
    assert one.progress(final) == []


def test_an_exit_of_wardens_own_is_told_without_a_proposal() -> None:
    """SL1: nobody proposed it, so it is no stray; a strategy that runs no more does not hear of it."""
    one = core()
    proposed(one, [GOOD])
    sold = TradeUpdate("exit-1", TradeState.MINED, position="ab" * 16, exit="stop-loss")
    assert one.progress(sold) == [TellExit(sold)]
    assert one.strays == 0
    for _ in range(10):
        one.blame("ValueError", "mine.py:3", START_NS)
    assert one.progress(sold) == []


def test_an_answer_that_never_comes_is_unknown_not_refused() -> None:
    """EX3: long after an intent ran out its fate is unknown; news of its trade is still passed on."""
    one = core()
    (intent,) = proposed(one, [GOOD])
    early = intent.not_after_boot_ns + NS_PER_S
    assert of(TellTrade, one.tick(healthy(early), early)) == []
    late = intent.not_after_boot_ns + 60 * NS_PER_S
    (told,) = of(TellTrade, one.tick(healthy(late), late))
    assert (told.update.state, told.proposal) == (TradeState.UNKNOWN, GOOD)
    assert of(TellTrade, one.tick(healthy(late), late)) == []
    mined = TradeUpdate(intent.intent_id, TradeState.MINED)
    assert one.progress(mined) == [TellTrade(mined, GOOD)]


def test_an_intent_that_never_left_is_refused() -> None:
    """The executor is not there: nothing can have been sent, so this one is a refusal."""
    one = core()
    (intent,) = proposed(one, [GOOD])
    (told,) = of(TellDecision, one.undelivered(intent))
    assert (told.decision.rule, told.proposal) == ("executor.unreachable", GOOD)


def test_rubbish_is_told_once_a_block_and_the_rest_is_sent() -> None:
    """One event with the count and the first reason; what is a proposal goes its way."""
    one = core()
    one.see(seen(), START_NS)
    commands = one.say(["buy!", GOOD, None], START_NS)
    assert len(of(Send, commands)) == 1
    (note,) = [each for each in of(Note, commands) if each.kind == "strategy.rubbish"]
    assert note.data == {"count": "2", "why": "a str is not a Proposal"}
    assert one.refused == 2


def test_a_flood_is_refused_whole() -> None:
    """More than 16 on one block: nothing of it is sent, good or not."""
    assert proposed(core(), [GOOD] * 17) == []


def test_ten_errors_in_a_row_end_the_strategy_and_one_good_block_starts_anew() -> None:
    """Each is told with its number; the tenth makes the strategy failed and the process DEGRADED."""
    one = core()
    for _ in range(9):
        one.see(seen(), START_NS)
        one.blame("ValueError", "mine.py:3", START_NS)
    one.see(seen(), START_NS)
    one.say([], START_NS)
    for number in range(1, 11):
        assert of(Run, one.see(seen(), START_NS))
        kinds = [note.kind for note in of(Note, one.blame("ValueError", "mine.py:3", START_NS))]
        assert kinds == ["strategy.raised"] + ["strategy.failed"] * (number == 10)
    assert of(Run, one.see(seen(), START_NS)) == []
    assert one.state(healthy(), START_NS)[0] is ProcessState.DEGRADED
    assert one.status(healthy(), START_NS).state == "failed"


def test_a_failed_strategy_hears_nothing_more() -> None:
    """What it asked before is still booked, but its code is not called again."""
    one = core()
    (intent,) = proposed(one, [GOOD])
    for _ in range(10):
        one.blame("ValueError", "mine.py:3", START_NS)
    assert one.answer(Decision(intent.intent_id, Outcome.APPROVED)) == []
    assert one.progress(TradeUpdate(intent.intent_id, TradeState.MINED)) == []
    assert one.approved == 1


def test_states_from_start_to_blindness_and_back() -> None:
    """STARTING with what it waits for, READY, DEGRADED when the gateway or the chain is silent."""
    one = core()
    waiting = Contact(trouble="waiting for the gateway")
    assert one.state(waiting, START_NS) == (ProcessState.STARTING, "waiting for the gateway")
    assert one.tick(waiting, START_NS) == []
    one.see(seen(), START_NS)
    assert one.state(healthy(), START_NS) == (ProcessState.READY, "")
    later = START_NS + 3 * NS_PER_S
    silent = Contact(ok_ns=START_NS, trouble="gateway: no answer: timed out")
    assert one.state(silent, later) == (ProcessState.DEGRADED, silent.trouble)
    assert [note.kind for note in of(Note, one.tick(silent, later))] == ["trader.blind"]
    assert one.tick(silent, later) == []
    assert [note.kind for note in of(Note, one.tick(healthy(later), later))] == ["trader.sees"]
    stale = START_NS + 11 * NS_PER_S
    assert one.state(healthy(stale), stale) == (ProcessState.DEGRADED, "no new block for 11 s")


def test_work_is_offered_and_handled() -> None:
    """A block counts as handled when the strategy is done with it, not before."""
    one = core()
    one.see(seen(7), START_NS)
    assert one.handled == 0
    one.say([], START_NS)
    assert one.handled == 7
    one.see(seen(8), START_NS)
    one.blame("ValueError", "mine.py:3", START_NS)
    assert one.handled == 8


def test_a_proposal_is_normalised_before_it_is_sent() -> None:
    """What travels is of our own making: plain numbers of a hand-made proposal become wei."""
    rough = Proposal(swap=swap([WETH, GEM], 2**90, 5).swap, note=" a  b ")
    (intent,) = proposed(core(), [rough])
    assert intent.proposal.note == "a b"


def test_who_raises_at_each_answer_is_given_up_too() -> None:
    """Surviving each block does not make up for raising at every decision; one that is heard does."""
    one = core()
    for _ in range(9):
        proposed(one, [])
        one.blame("KeyError", "mine.py:9", START_NS, told=True)
    one.heard()
    for number in range(1, 11):
        proposed(one, [])
        assert one.status(healthy(), START_NS).state == "running"
        note = of(Note, one.blame("KeyError", "mine.py:9", START_NS, told=True))[0]
        assert note.data["in_a_row"] == str(number)
    assert one.status(healthy(), START_NS).state == "failed"
    assert one.state(healthy(), START_NS) == (
        ProcessState.DEGRADED,
        "10 times in a row Mine raised KeyError at mine.py:9",
    )


def test_what_was_wrong_is_told_for_a_minute() -> None:
    """OP1a: the process stays READY, but its line says what its strategy did, how often, and then no more."""
    one = core()
    one.see(seen(), START_NS)
    one.babble("an int is not a list of proposals", START_NS)
    one.say(["buy"], START_NS)
    told = "Mine said what is no proposal: a str is not a Proposal (2 times lately)"
    assert one.state(healthy(), START_NS) == (ProcessState.READY, told)
    minute = START_NS + 61 * NS_PER_S
    one.see(seen(2), minute)
    assert one.state(healthy(minute), minute) == (ProcessState.READY, "")
    (note,) = of(Note, one.printed(9_000_000, minute))
    assert (note.kind, note.message) == (
        "strategy.output-cut",
        "Mine printed 9 MB, which were thrown away",
    )
    assert one.state(healthy(minute), minute)[1] == note.message


def test_the_wish_for_less_travels() -> None:
    """A proposal that would take a smaller size says so to the gate."""
    (intent,) = proposed(core(), [swap([WETH, GEM], 10**18, 5, shrinks=True)])
    assert intent.proposal.shrinks

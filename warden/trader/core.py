"""What the trader does about each event, pure: events and the time come in, commands go out.

No strategy code runs here and nothing is sent here; `main.py` does both as it is told.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.intents import Decision, Intent, Outcome, Proposal, TradeState, TradeUpdate
from warden.runtime.clock import NS_PER_S
from warden.strategies.market import Market
from warden.strategies.propose import ProposalInvalid, checked
from warden.trader.book import ASKED_MAX, Book
from warden.wire.messages import ProcessState
from warden.wire.telemetry import Severity, TraderStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from warden.trader.feed import Contact, Seen
    from warden.wire.messages import TraderLeave

PROPOSALS_MAX: Final = 16
RAISED_MAX: Final = 10
# How long what was wrong with the strategy is still told beside its name.
_COMPLAINT_NS: Final = 60 * NS_PER_S
# Without an answer of the gateway for so long, the trader says that it is degraded.
_QUIET_NS: Final = 2 * NS_PER_S
_STALE_NS: Final = 10 * NS_PER_S
_STALE_BLOCKS: Final = 5


class Run(msgspec.Struct, frozen=True):
    """Show the strategy a market, and say what it said."""

    market: Market


class Send(msgspec.Struct, frozen=True):
    """Hand an intent to the gate."""

    intent: Intent


class TellDecision(msgspec.Struct, frozen=True):
    """Tell the strategy what became of its proposal."""

    decision: Decision
    proposal: Proposal


class TellTrade(msgspec.Struct, frozen=True):
    """Tell the strategy how its trade fares."""

    update: TradeUpdate
    proposal: Proposal


class TellExit(msgspec.Struct, frozen=True):
    """Tell the strategy how an exit of Warden's own from its position fares."""

    update: TradeUpdate


class Note(msgspec.Struct, frozen=True):
    """Write an event."""

    severity: Severity
    kind: str
    message: str
    data: dict[str, str] = {}
    trace_id: str = ""
    runbook: str = ""


Command = Run | Send | TellDecision | TellTrade | TellExit | Note


class Core:
    """One trader process.

    Args:
        session: of this process; only a leave that names it counts.
        strategy: its name.
        block_time_s: of the chain.
        new_id: makes random ids of 32 hex characters.
    """

    def __init__(
        self, *, session: str, strategy: str, block_time_s: float, new_id: Callable[[], str]
    ) -> None:
        self._session = session
        self._strategy = strategy
        self._block_time_s = block_time_s
        self._new_id = new_id
        self._trader_session = ""
        self._size_percent = 0
        self._book = Book()
        self._seen: Seen | None = None
        self._seen_ns = 0
        # On blocks and on what it is told: whoever raises at each answer is not excused by surviving blocks.
        self._raised_in_a_row = {False: 0, True: 0}
        self._failed = False
        self._complaint = ""
        self._complaint_ns = 0
        self._complaints = 0
        self._lost = False
        self.handled = 0
        self.proposals = 0
        self.approved = 0
        self.refused = 0
        self.strays = 0

    @property
    def trader_session(self) -> str:
        """The session that the watchdog gave this process; empty before it did."""
        return self._trader_session

    def grant(self, leave: TraderLeave) -> list[Command]:
        """Take the watchdog's leave for this process; one for another process is not ours to use."""
        if leave.trader_process != self._session:
            return []
        self._size_percent = leave.size_percent
        if leave.trader_session == self._trader_session:
            return []
        self._trader_session = leave.trader_session
        return [Note(Severity.INFO, "trader.leave", "the watchdog lets the strategy run")]

    def see(self, seen: Seen, now_ns: int) -> list[Command]:
        """Take a new block: the strategy looks at it if it may."""
        first = self._seen is None
        self._seen, self._seen_ns = seen, now_ns
        if self._trader_session and not self._failed and seen.since_ns:
            market = seen.market
            # During probation the gate takes smaller sizes only: the strategy is told, not refused.
            trade_max_wei = market.trade_max_wei * self._size_percent // 100
            return [Run(replace(market, trade_max_wei=trade_max_wei))]
        self.handled = seen.seq
        if not first:
            return []
        pools = str(len(seen.market.pools))
        return [Note(Severity.INFO, "trader.market", f"the market has {pools} pools", {"pools": pools})]

    def say(self, said: Sequence[object], now_ns: int) -> list[Command]:
        """Take what the strategy said about the block that it was shown: intents for what is a proposal."""
        self._raised_in_a_row[False] = 0
        seen = self._shown()
        self.handled = seen.seq
        self.proposals += len(said)
        if len(said) > PROPOSALS_MAX:
            why = f"more than {PROPOSALS_MAX} proposals on one block: none of them counts"
            return self._rubbish(len(said), why, now_ns)
        commands: list[Command] = []
        wrong: list[str] = []
        for each in said:
            try:
                proposal = checked(each)
            except ProposalInvalid as error:
                wrong.append(str(error))
            except Exception as error:  # noqa: BLE001 - a thing of the user's making may raise on any look
                wrong.append(f"a proposal that cannot be read: {type(error).__name__}")
            else:
                commands += self._intend(proposal, seen, now_ns)
        return commands + (self._rubbish(len(wrong), wrong[0], now_ns) if wrong else [])

    def heard(self) -> None:
        """Take that the strategy has heard of a decision or a trade, and raised nothing."""
        self._raised_in_a_row[True] = 0

    def babble(self, why: str, now_ns: int) -> list[Command]:
        """Take that what the strategy answered is not even a list of anything."""
        self._raised_in_a_row[False] = 0
        self.handled = self._shown().seq
        return self._rubbish(1, why, now_ns)

    def printed(self, size: int, now_ns: int) -> list[Command]:
        """Take that the process's output had to be cut at so many bytes."""
        why = f"printed {size // 1_000_000} MB, which were thrown away"
        self._complain(why, now_ns)
        message = f"{self._strategy} {why}"
        data = {"bytes": str(size)}
        return [Note(Severity.WARNING, "strategy.output-cut", message, data, runbook="strategy-raised")]

    def blame(self, kind: str, place: str, now_ns: int, *, told: bool = False) -> list[Command]:
        """Take an error that the strategy raised: its type and place, never its values.

        Args:
            kind: of the error.
            place: file and line.
            now_ns: the moment.
            told: it was raised on hearing of a decision or a trade, not on a block.
        """
        if self._seen is not None:
            self.handled = self._seen.seq
        self._raised_in_a_row[told] += 1
        row = self._raised_in_a_row[told]
        self._complain(f"raised {kind} at {place}", now_ns)
        data = {"type": kind, "place": place, "in_a_row": str(row)}
        raised = f"{self._strategy} raised {kind} at {place} ({row} in a row)"
        notes: list[Command] = [
            Note(Severity.ERROR, "strategy.raised", raised, data, runbook="strategy-raised")
        ]
        if row >= RAISED_MAX and not self._failed:
            self._failed = True
            failed = (
                f"{self._strategy} raised {row} times in a row, last {kind} at {place}, and runs no more: "
                "mend it, restart the trader"
            )
            notes.append(Note(Severity.ERROR, "strategy.failed", failed, data, runbook="strategy-raised"))
        return notes

    def answer(self, decision: Decision) -> list[Command]:
        """Take the gate's decision."""
        approved = decision.outcome is not Outcome.REFUSED
        proposal = self._book.decide(decision.intent_id, approved=approved)
        if proposal is None:
            self.strays += 1
            return []
        self.approved += approved
        self.refused += not approved
        return self._tell(TellDecision(decision, proposal))

    def progress(self, update: TradeUpdate) -> list[Command]:
        """Take news of a trade, or of an exit of Warden's own: no proposal belongs to that."""
        if update.exit:
            return self._tell(TellExit(update))
        proposal = self._book.follow(update.intent_id, update.state)
        if proposal is None:
            self.strays += 1
            return []
        return self._tell(TellTrade(update, proposal))

    def undelivered(self, intent: Intent) -> list[Command]:
        """Take back an intent that never left this process: the strategy hears a refusal."""
        return self.answer(
            Decision(
                intent_id=intent.intent_id,
                outcome=Outcome.REFUSED,
                rule="executor.unreachable",
                message="the executor is not there",
            )
        )

    def tick(self, contact: Contact, now_ns: int) -> list[Command]:
        """Notice what did not happen: answers that never came, a gateway that is silent."""
        commands: list[Command] = []
        for intent in self._book.unanswered(now_ns):
            update = TradeUpdate(
                intent_id=intent.intent_id, state=TradeState.UNKNOWN, error="the executor never answered"
            )
            commands += self._tell(TellTrade(update, intent.proposal))
        if self._seen is None:
            return commands
        trouble = self._trouble(contact, now_ns)
        if bool(trouble) != self._lost:
            self._lost = bool(trouble)
            commands.append(
                Note(Severity.WARNING, "trader.blind", trouble, runbook="network-failure")
                if trouble
                else Note(Severity.INFO, "trader.sees", "new blocks come in again")
            )
        return commands

    def state(self, contact: Contact, now_ns: int) -> tuple[ProcessState, str]:
        """Return how the process stands, with one line on what is not well."""
        if self._failed:
            row = max(self._raised_in_a_row.values())
            return ProcessState.DEGRADED, f"{row} times in a row {self._strategy} {self._complaint}"
        if self._seen is None:
            return ProcessState.STARTING, contact.trouble
        trouble = self._trouble(contact, now_ns)
        if trouble:
            return ProcessState.DEGRADED, trouble
        # Not degraded: a strategy that says rubbish harms nobody, and may do better on the next block.
        return ProcessState.READY, self._said_wrong(now_ns)

    def status(self, contact: Contact, now_ns: int) -> TraderStatus:
        """Return what the strategy has done."""
        _, detail = self.state(contact, now_ns)
        return TraderStatus(
            sent_ns=now_ns,
            session=self._session,
            strategy=self._strategy,
            state="failed" if self._failed else "running" if self._trader_session else "waiting",
            block=self._seen.market.block if self._seen is not None else 0,
            proposals=self.proposals,
            approved=self.approved,
            refused=self.refused,
            detail=detail,
        )

    def _shown(self) -> Seen:
        if self._seen is None:
            raise ValueError("the strategy was shown no block")
        return self._seen

    def _tell(self, news: TellDecision | TellTrade | TellExit) -> list[Command]:
        """Return the command to tell the strategy, none when it runs no more."""
        return [] if self._failed else [news]

    def _trouble(self, contact: Contact, now_ns: int) -> str:
        if now_ns - contact.ok_ns > _QUIET_NS:
            return contact.trouble or "gateway: no answer"
        stale_ns = max(_STALE_NS, round(_STALE_BLOCKS * self._block_time_s * NS_PER_S))
        if now_ns - self._seen_ns > stale_ns:
            return f"no new block for {(now_ns - self._seen_ns) // NS_PER_S} s"
        return ""

    def _intend(self, proposal: Proposal, seen: Seen, now_ns: int) -> list[Command]:
        """Return the intent for a proposal on its way, or the refusal where it can't go."""
        life_s = ceil(proposal.valid_blocks * self._block_time_s)
        intent = Intent(
            intent_id=self._new_id(),
            trace_id=self._new_id(),
            trader_session=self._trader_session,
            strategy=self._strategy,
            block=seen.market.block,
            not_after_s=seen.market.timestamp_s + life_s,
            not_after_boot_ns=seen.since_ns + life_s * NS_PER_S,
            proposal=proposal,
        )
        if now_ns >= intent.not_after_boot_ns:
            return self._hold_back(intent, "trader.late", "its block is too old by now")
        if self._book.full:
            return self._hold_back(
                intent, "trader.outstanding", f"{ASKED_MAX} proposals wait for an answer", str(ASKED_MAX)
            )
        self._book.ask(intent)
        data = {"intent_id": intent.intent_id, "block": str(intent.block)}
        message = (
            f"{self._strategy} proposes {proposal.note}" if proposal.note else f"{self._strategy} proposes"
        )
        return [Note(Severity.INFO, "trade.proposed", message, data, trace_id=intent.trace_id), Send(intent)]

    def _hold_back(self, intent: Intent, rule: str, message: str, limit: str = "") -> list[Command]:
        self.refused += 1
        decision = Decision(
            intent_id=intent.intent_id, outcome=Outcome.REFUSED, rule=rule, limit=limit, message=message
        )
        return [TellDecision(decision, intent.proposal)]

    def _complain(self, why: str, now_ns: int) -> None:
        """Keep what was wrong with the strategy, for whoever looks at how it stands."""
        self._complaints = self._complaints + 1 if self._said_wrong(now_ns) else 1
        self._complaint, self._complaint_ns = why, now_ns

    def _said_wrong(self, now_ns: int) -> str:
        """Return what was wrong with the strategy lately, in one line; empty when nothing was."""
        if not self._complaint or now_ns - self._complaint_ns > _COMPLAINT_NS:
            return ""
        times = f" ({self._complaints} times lately)" if self._complaints > 1 else ""
        return f"{self._strategy} {self._complaint}{times}"

    def _rubbish(self, count: int, why: str, now_ns: int) -> list[Command]:
        self.refused += count
        self._complain(f"said what is no proposal: {why}", now_ns)
        message = f"{self._strategy} said what is no proposal: {why}"
        data = {"count": str(count), "why": why}
        return [Note(Severity.WARNING, "strategy.rubbish", message, data, runbook="strategy-raised")]

"""The chain as the core sees it on paper: everybody's blocks, and a wallet that only the journal knows (EX4).

Stands where the chain's reader stands elsewhere, so that core, journal and rules are the same. Nothing here
knows an endpoint, a key or a socket that could send.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.domain.fills import FillModel
from warden.domain.money import Wei
from warden.domain.risk.events import CapitalMoved, Moved
from warden.domain.risk.pools import Account
from warden.executor.paper.paper_reads import PaperAsk, PaperRead, PaperTried, Waiting, read_paper, try_swap
from warden.executor.paper.paper_wallet import ON_CHAIN, PaperWallet
from warden.executor.protocol.commands import Record, Simulate
from warden.executor.reads.chain import NOTHING, ChainReader, ReadFailed
from warden.wire.rows import RiskRow
from warden.wire.rows_paper import FillRow, PaperRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.executor.books.ledger import Ledger
    from warden.executor.paper.paper_sends import PaperLegs
    from warden.executor.protocol.events import Event, HeadRead, Watch
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import ExecutorRow

# Approvals are taken for granted: what they would cost is no part of the model (docs/paper.md).
_UNLIMITED: Final = 2**256 - 1


class Paper(msgspec.Struct, frozen=True):
    """The terms of trading on paper.

    Attributes:
        funds: what the paper wallet begins with, where no row says so yet.
        announce: told what there is to trade with, in wei, on the reader's thread.
    """

    model: FillModel
    funds: PaperRow
    announce: Callable[[int], None]


class PaperChain(ChainReader):
    """Reads the real chain, and puts what would have landed on it into what it read.

    Used by one thread, the loop's; only the reads themselves run on the reader's.

    Args:
        find_url, terms: as a ChainReader's.
        ledger: of the executor, whose rows are all that the paper wallet is made of.
        legs: what has left.
        paper: the terms.
        record: journals a row.
    """

    def __init__(
        self,
        find_url: Callable[[], str | None],
        terms: Terms,
        *,
        ledger: Ledger,
        legs: PaperLegs,
        paper: Paper,
        record: Callable[[Record], None],
    ) -> None:
        super().__init__(find_url, terms)
        self._paper_terms = terms
        self._ledger = ledger
        self._book = ledger.book
        self._legs = legs
        self._paper = paper
        self._record = record
        self._wallet = PaperWallet(ledger, terms.weth, paper.model)
        self._asked = False
        if self._book.paper is None:
            self._put_down(paper.funds)

    def read_head(self, hashes: tuple[str, ...], *, observe: bool = False, watch: Watch = NOTHING) -> None:
        """Ask for the head, and for the blocks in which something of ours lands; one at a time."""
        if self._asked:
            return
        ask = PaperAsk(hashes, tuple(self._waiting()), self._blocks(hashes), observe, watch)
        told, announce, terms = self._wallet.trading_wei, self._paper.announce, self._paper_terms

        def job(rpc: Any, pools: Any) -> PaperRead:  # noqa: ANN401 - as ChainReader.ask has them
            announce(told)
            return read_paper(rpc, terms, ask, pools)

        self._asked = self.ask(job)

    def simulate(self, order: Simulate) -> bool:
        """Ask what a swap would bring now; False when too much waits already."""
        terms, model = self._paper_terms, self._paper.model
        return self.ask(lambda rpc, pools: try_swap(rpc, pools, order, terms, model))

    def take(self) -> list[Event | ReadFailed]:
        """Return what was read since the last call, as the core understands it."""
        return [self._understood(each) for each in super().take()]

    def follow(self, row: ExecutorRow) -> None:
        """Move the wallet's money where an operator's order has moved the books'."""
        held = self._book.paper
        if held is None or not isinstance(row, RiskRow) or not isinstance(row.event, CapitalMoved):
            return
        move = row.event
        amount = int(move.amount_wei) if move.move is Moved.DEPOSIT else -int(move.amount_wei)
        trading, gas = (0, amount) if move.account == Account.GAS else (amount, 0)
        self._put_down(PaperRow(Wei(held.trading_wei + trading), Wei(held.gas_wei + gas)))

    def _put_down(self, row: PaperRow | FillRow) -> None:
        self._ledger.apply(row)
        self._record(Record(row=row))

    def _waiting(self) -> Iterator[Waiting]:
        """Yield what has left and not landed; of an earlier run's it is not known when it left."""
        for entry in self._book.open():
            signed = entry.signed
            block = self._legs.left.get(signed.tx_hash)
            if entry.accepted and not self._legs.never_lands(signed.tx_hash):
                first = 0 if block is None else self._paper.model.landing(block)
                yield Waiting(signed.tx_hash, signed.path, first)

    def _blocks(self, hashes: tuple[str, ...]) -> tuple[int, ...]:
        entries = (self._book.get(tx_hash) for tx_hash in hashes)
        mined = {entry.outcome.block for entry in entries if entry and entry.outcome.state in ON_CHAIN}
        return tuple(sorted(mined))

    def _understood(self, result: Any) -> Event | ReadFailed:  # noqa: ANN401 - paper's own reads are no events
        if isinstance(result, PaperRead):
            self._asked = False
            return self._head(result)
        if isinstance(result, PaperTried):
            return self._wallet.simulated(result)
        if isinstance(result, ReadFailed):
            self._asked = False
        understood: Event | ReadFailed = result
        return understood

    def _head(self, read: PaperRead) -> HeadRead:
        """Return the head with what has landed on paper, and the paper wallet as it is after that."""
        wallet, legs = self._wallet, self._legs
        look = wallet.look(read)
        receipts = {
            tx_hash: receipt for tx_hash in read.ask.hashes for receipt in wallet.again(tx_hash, read)
        }
        head = msgspec.structs.replace(
            read.head,
            nonce=look.nonce,
            trading_balance_wei=wallet.trading_wei + look.gained_wei,
            gas_balance_wei=wallet.gas_wei - look.burnt_wei,
            allowance_wei=_UNLIMITED,
            allowances=dict.fromkeys(read.ask.watch.tokens, _UNLIMITED),
            receipts=receipts | look.receipts,
            tokens={token: wallet.held(token, look) for token in read.ask.watch.tokens},
            routes=wallet.routes(read, look),
        )
        if look.fills:
            self._put_down(FillRow(look.block, tuple(look.fills), look.footprints))
        legs.block = read.head.block
        for tx_hash in look.dropped:
            legs.drop(tx_hash)
        for tx_hash in look.late:  # looked at again in the next block
            legs.left[tx_hash] = read.head.block + 1 - self._paper.model.latency_blocks
        legs.forget({entry.signed.tx_hash for entry in self._book.open()} - look.receipts.keys())
        return head

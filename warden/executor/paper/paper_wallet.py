"""The wallet that exists on paper alone: what rows gave it, and what lands in each block that is read.

Folded from rows: the funds of PaperRow, and what the book says that its transactions came to. Nothing is
remembered besides, so that a restart finds the same wallet. Pure: reads come in, receipts come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain import fills
from warden.domain.amm import Hop, Pool, SwapImpossible
from warden.domain.intents import TradeState
from warden.domain.money import Wei
from warden.executor.protocol.events import Receipt, Simulated, SimulationFailed
from warden.executor.reads import calldata
from warden.wire.rows import TokenFlow
from warden.wire.rows_paper import PaperFill, PaperState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warden.executor.books.book import Entry
    from warden.executor.books.ledger import Ledger
    from warden.executor.paper.paper_reads import Landing, PaperRead, PaperTried
    from warden.wire.rows import OutcomeRow, SignedRow

ON_CHAIN: Final = frozenset({TradeState.MINED, TradeState.REVERTED, TradeState.FINAL})
_APPROVE_GAS: Final = 46_000


class Look:
    """What one read lets land, gathered in the order of the nonces.

    Attributes:
        receipts: by hash, of what lands.
        undone: outcomes whose blocks are the chain's no more: the wallet is as if they had never been.
        nonce: the first that is not on the chain, after this look.
        fills: how each was computed, for the journal.
        late, dropped: hashes of what this block did not take, and of what no block will.
        block: the last one in which something landed.
    """

    def __init__(self, footprints: fills.Footprints, nonce: int) -> None:
        self.nonce = nonce
        self.undone: list[OutcomeRow] = []
        self.receipts: dict[str, Receipt] = {}
        self.fills: list[PaperFill] = []
        self.late: set[str] = set()
        self.dropped: set[str] = set()
        self.footprints = footprints
        self.block = 0

    @property
    def gained_wei(self) -> int:
        """What these came to before gas."""
        undone = sum(each.gain_wei for each in self.undone)
        return sum(each.gain_wei for each in self.receipts.values()) - undone

    @property
    def burnt_wei(self) -> int:
        """What gas they burnt."""
        undone = sum(each.gas_wei for each in self.undone)
        return sum(each.gas_wei for each in self.receipts.values()) - undone

    def came(self, token: str) -> int:
        """Return what of a token (lower case) came less what went, in its smallest unit."""
        done = [flow for each in self.receipts.values() for flow in each.flows]
        undone = [flow for each in self.undone for flow in each.flows]
        return _came(done, token) - _came(undone, token)


class PaperWallet:
    """The wallet of one journal on paper.

    Args:
        ledger: the fold of the journal.
        weth: the wrapped native token's address.
        model: the terms of fills.
    """

    def __init__(self, ledger: Ledger, weth: str, model: fills.FillModel) -> None:
        self._ledger = ledger
        self._book = ledger.book
        self._weth = weth.lower()
        self._model = model

    @property
    def trading_wei(self) -> int:
        """What it holds of the wrapped native token."""
        return self._state.trading_wei + self._book.totals.gain_wei

    @property
    def gas_wei(self) -> int:
        """What it holds to pay for gas."""
        return self._state.gas_wei - self._book.totals.gas_wei

    def held(self, token: str, look: Look) -> int:
        """Return what it holds of a token (lower case) after a look, in its smallest unit."""
        if token == self._weth:
            return self.trading_wei + look.gained_wei
        booked = sum(each.amount for each in self._ledger.holdings.open.values() if each.token == token)
        return booked + look.came(token)

    def routes(self, read: PaperRead, look: Look) -> dict[tuple[str, ...], tuple[Hop | None, ...]]:
        """Return the pools of the ways out as they stand for us after a look, in the direction of a sale."""
        return {route: _hops(_stand(pools, look.footprints), route) for route, pools in read.routes.items()}

    @property
    def _state(self) -> PaperState:
        return self._book.paper or PaperState()

    def simulated(self, tried: PaperTried) -> Simulated | SimulationFailed:
        """Return what the chain says of a swap, held against the pools as they stand for us."""
        order, seen = tried.order, tried.seen
        if calldata.is_approval(order.data):
            return Simulated(order.intent_id, _APPROVE_GAS)
        if isinstance(seen, SimulationFailed):
            return seen
        pools = _stand(tried.pools, self._state.footprints)
        wanted = calldata.swap_of(order.data)
        try:
            amounts = fills.quote(order.path, pools, 0 if wanted is None else wanted[0])
        except SwapImpossible as error:
            return SimulationFailed(order.intent_id, refused=True, text=str(error))
        if wanted is None or amounts[-1] < wanted[1]:
            text = f"it would bring {amounts[-1]}, less than the least that it asks for"
            return SimulationFailed(order.intent_id, refused=True, text=text)
        told = seen or Simulated(order.intent_id, self._model.gas(len(pools)))
        return msgspec.structs.replace(told, pools=tried.found, hops=_hops(pools, order.path))

    def again(self, tx_hash: str, read: PaperRead) -> Iterator[Receipt | None]:
        """Yield the receipt of what landed before, None if its block is not the chain's any more.

        None, too, of what has not landed; nothing of one whose block this read could not see.
        """
        entry = self._book.get(tx_hash)
        if entry is None or entry.outcome.state not in ON_CHAIN:
            yield None
            return
        row = entry.outcome
        if row.block not in read.hashes:
            return
        if read.hashes[row.block] != row.block_hash:
            yield None
            return
        yield Receipt(
            tx_hash=tx_hash,
            block=row.block,
            block_hash=row.block_hash,
            success=row.state is not TradeState.REVERTED and not row.error,
            gain_wei=row.gain_wei,
            gas_wei=row.gas_wei,
            sold_wei=row.sold_wei,
            bought_wei=row.bought_wei,
            flows=row.flows,
        )

    def look(self, read: PaperRead) -> Look:
        """Return what lands, one nonce after the other as on the chain."""
        look = Look(self._state.footprints, self._book.landed_nonce())
        for entry in self._landed_of(read):
            if None in self.again(entry.signed.tx_hash, read):
                look.undone.append(entry.outcome)
                look.nonce = min(look.nonce, entry.signed.nonce)
        while self._lands(look.nonce, read, look):
            look.nonce += 1
        return look

    def _landed_of(self, read: PaperRead) -> list[Entry]:
        entries = (self._book.get(tx_hash) for tx_hash in read.ask.hashes)
        return [entry for entry in entries if entry is not None and entry.outcome.state in ON_CHAIN]

    def _lands(self, nonce: int, read: PaperRead, look: Look) -> bool:
        """Let one of the transactions with this nonce land; False when no block takes any of them."""
        for entry, landing in self._due(nonce, read):
            tx_hash, footprints = entry.signed.tx_hash, look.footprints
            if entry.outcome.state is TradeState.REORGED:
                footprints = footprints.before(entry.outcome.block)
            fill = self._fill(entry.signed, landing, footprints, look)
            if fill.ending is fills.Ending.DROPPED:
                look.dropped.add(tx_hash)
                continue
            if not fill.mined or landing.block.number < look.block:
                look.late.add(tx_hash)
                continue
            if fill.amounts:
                pools = [pool for pool in landing.pools if pool is not None]
                footprints = footprints.after(entry.signed.path, pools, fill.amounts, landing.block.number)
            look.footprints, look.block = footprints, landing.block.number
            look.receipts[tx_hash] = self._receipt(entry.signed, fill, landing)
            look.fills.append(_told(tx_hash, fill, landing))
            return True
        return False

    def _due(self, nonce: int, read: PaperRead) -> list[tuple[Entry, Landing]]:
        """Return those with this nonce by the block that could take them; in one block the newest first."""
        due = [
            (entry, read.landings[entry.signed.tx_hash])
            for entry in reversed(self._book.open())
            if entry.signed.nonce == nonce and entry.signed.tx_hash in read.landings
        ]
        return sorted(due, key=lambda each: each[1].block.number)

    def _fill(
        self, signed: SignedRow, landing: Landing, footprints: fills.Footprints, look: Look
    ) -> fills.Fill:
        """Return what becomes of one transaction, given what landed before it in this look."""
        max_fee, tip = int(signed.max_fee_wei), int(signed.priority_fee_wei)
        gas_held = self.gas_wei - look.burnt_wei
        data = bytes.fromhex(signed.call.removeprefix("0x"))
        wanted = calldata.swap_of(data)
        if wanted is None:
            gas = _APPROVE_GAS if calldata.is_approval(data) else fills.TRANSFER_GAS
            unknown = "" if not data or gas == _APPROVE_GAS else "paper cannot tell what this call does"
            return fills.plain(gas, max_fee, tip, landing.block, gas_held, reason=unknown)
        amount_in, least, _, deadline_s = wanted
        order = fills.Order(
            order_id=signed.tx_hash,
            path=signed.path,
            amount_in=amount_in,
            min_amount_out=least,
            not_after_s=deadline_s,
            max_fee_wei=max_fee,
            tip_wei=tip,
        )
        return fills.fill(
            order,
            _stand(landing.pools, footprints),
            landing.block,
            self._model,
            held=self.held(signed.path[0].lower(), look),
            gas_held_wei=gas_held,
        )

    def _receipt(self, signed: SignedRow, fill: fills.Fill, landing: Landing) -> Receipt:
        paid = fill.amounts
        sold = paid[0] if paid and signed.path[0].lower() == self._weth else 0
        bought = paid[-1] if paid and signed.path[-1].lower() == self._weth else 0
        return Receipt(
            tx_hash=signed.tx_hash,
            block=landing.block.number,
            block_hash=landing.block_hash,
            success=fill.ending is fills.Ending.FILLED,
            gain_wei=bought - sold,
            gas_wei=fill.gas_wei,
            sold_wei=sold,
            bought_wei=bought,
            flows=self._flows(signed, paid),
        )

    def _flows(self, signed: SignedRow, paid: tuple[int, ...]) -> tuple[TokenFlow, ...]:
        """Return what moved of other tokens than the wrapped native one: both ends, as a receipt has them."""
        if not paid:
            return ()
        moved: dict[str, list[int]] = {}
        for token, side, amount in ((signed.path[0], 0, paid[0]), (signed.path[-1], 1, paid[-1])):
            if token.lower() != self._weth:
                moved.setdefault(token.lower(), [0, 0])[side] += amount
        return tuple(TokenFlow(token, Wei(sent), Wei(got)) for token, (sent, got) in moved.items())


def _hops(pools: tuple[Pool | None, ...], path: tuple[str, ...]) -> tuple[Hop | None, ...]:
    # A path has one more token than pools.
    return tuple(None if pool is None else pool.hop(token) for pool, token in zip(pools, path, strict=False))


def _came(flows: list[TokenFlow], token: str) -> int:
    return sum(flow.received - flow.sent for flow in flows if flow.token == token)


def _stand(pools: tuple[Pool | None, ...], footprints: fills.Footprints) -> tuple[Pool | None, ...]:
    return tuple(None if pool is None else footprints.pool(pool) for pool in pools)


def _told(tx_hash: str, fill: fills.Fill, landing: Landing) -> PaperFill:
    return PaperFill(
        tx_hash=tx_hash,
        ending=fill.ending.value,
        reason=fill.reason,
        pools=landing.pools,
        amounts=tuple(map(Wei, fill.amounts)),
        gas=fill.gas,
        gas_wei=Wei(fill.gas_wei),
    )

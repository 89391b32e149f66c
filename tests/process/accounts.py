"""Every wei of a wallet explained: chain, journals and receive logs held against one another."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from tests.process.chain_truth import ON_THE_CHAIN, TRANSFER
from warden.domain.intents import TradeState
from warden.domain.roles import Role
from warden.executor.beginnings import fold
from warden.executor.books import position_book
from warden.executor.books.ledger import Ledger
from warden.executor.books.position_book import opens, reduces
from warden.executor.books.risk_terms import limits_of
from warden.runtime.journal import verify
from warden.wire.rows import MissingRow, OutcomeRow, SignedRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.process.chain_truth import ChainTruth
    from tests.process.system import System

JOURNALS: Final = (Role.EXECUTOR, Role.WATCHDOG)

Pair = tuple[SignedRow, OutcomeRow]


class Accounts:
    """One wallet that began with the devnet's funds and no token.

    Args:
        system: whose wallet it is.
        truth: the chain.
        gifts: what strangers gave, by hash, with the ether in it; it may grow.
        tokens: that may be held, beside the devnet's own.
    """

    def __init__(
        self,
        system: System,
        truth: ChainTruth,
        *,
        gifts: Mapping[str, int] | None = None,
        tokens: tuple[str, ...] = (),
    ) -> None:
        self._system = system
        self.truth = truth
        self._gifts = {} if gifts is None else gifts
        manifest = truth.manifest
        own = (each.address for each in manifest.tokens if each.address != manifest.weth)
        self.tokens = tuple(dict.fromkeys(each.lower() for each in (*own, *tokens)))

    # --- what there is

    def ledger(self) -> Ledger:
        """Return what a start of the executor would make of its journal now."""
        ledger = Ledger(limits_of(self._system.settings))
        fold(self._system.places.journal(Role.EXECUTOR), ledger)
        return ledger

    def transactions(self) -> dict[str, int]:
        """Return how many transactions of each purpose and end the journal knows."""
        signed, outcomes = self.truth.signed(), self.truth.outcomes()
        ends = Counter(
            f"{row.purpose}.{outcomes[tx_hash].state if tx_hash in outcomes else 'signed'}"
            for tx_hash, row in signed.items()
        )
        return dict(sorted(ends.items()))

    def turns(self) -> dict[str, int]:
        """Return how often the journal tells of what trades seldom meet, and how many tokens were traded."""
        rows = self.truth.rows()
        signed = [row for row in rows if isinstance(row, SignedRow)]
        states = Counter(row.state for row in rows if isinstance(row, OutcomeRow))
        found = self._landed()
        return {
            "dearer": sum(bool(row.replaces) and row.purpose != "cancel" for row in signed),
            "cancels": sum(row.purpose == "cancel" for row in signed),
            "exits": sum(row.purpose == "exit" for row, _ in found),
            "reverted": states[TradeState.REVERTED],
            "reorged": states[TradeState.REORGED],
            "superseded": states[TradeState.SUPERSEDED],
            "positions": len({row.position_id for row, _ in found if opens(row)}),
            "tokens": len({row.path[-1].lower() for row, _ in found if opens(row)}),
        }

    def _landed(self) -> list[Pair]:
        """Return what stands on the chain by the journal."""
        signed = self.truth.signed()
        return [
            (signed[tx_hash], row)
            for tx_hash, row in self.truth.outcomes().items()
            if row.state in ON_THE_CHAIN
        ]

    # --- what is not explained

    def unexplained(self) -> list[str]:
        """Return what does not agree to the wei; empty when every wei is explained."""
        truth = self.truth
        return [
            *truth.disagreements(set(truth.signed())),
            *self._coins(),
            *self._nonces(),
            *self._tokens(),
            *self._pools(),
            *self._positions(),
            *self._received(),
            *self._journals(),
        ]

    def settled(self) -> bool:
        """Tell whether everything has come to its end, and the books have seen it."""
        truth = self.truth
        return not truth.disagreements(set(truth.signed())) and not list(self._pools())

    def _coins(self) -> Iterator[str]:
        truth = self.truth
        weth, ether = truth.moved()
        outcomes = [row for _, row in self._landed()]
        booked = sum(row.gain_wei for row in outcomes) + self._given(truth.manifest.weth)
        if weth != booked:
            yield f"WETH moved by {weth}, the journal and the gifts say {booked}"
        left = self._given("") - sum(row.gas_wei for row in outcomes)
        if ether != left:
            yield f"ether moved by {ether}, the journal's gas and the gifts say {left}"

    def _given(self, token: str) -> int:
        """Return what strangers gave of a token, or of ether, and no reorg took back."""
        wallet, total = self.truth.wallet.lower(), 0
        for tx_hash, value in list(self._gifts.items()):
            receipt = self.truth.receipt(tx_hash)
            if receipt is None:
                continue
            total += 0 if token else value
            for log in receipt["logs"]:
                to = "0x" + log["topics"][2][-40:] if log["topics"][0] == TRANSFER else ""
                if to == wallet and log["address"].lower() == token.lower():
                    total += int(log["data"], 16)
        return total

    def _nonces(self) -> Iterator[str]:
        """One transaction of each nonce and of each intent; all of an intent at the same nonce (I6)."""
        nonces = sorted(row.nonce for row, _ in self._landed())
        if nonces != list(range(self.truth.nonce())):
            yield f"the chain has {self.truth.nonce()} transactions, the journal those of {nonces}"
        used = defaultdict(set)
        for row in self.truth.signed().values():
            used[row.intent_id].add(row.nonce)
        twice = {intent: found for intent, found in used.items() if len(found) > 1}
        if twice:
            yield f"signed at two nonces: {twice}"

    def _tokens(self) -> Iterator[str]:
        held = position_book.booked(self.ledger().holdings)
        for token in self.tokens:
            flows = [each for _, row in self._landed() for each in row.flows if each.token == token]
            net = sum(each.received - each.sent for each in flows)
            balance, given = self.truth.balance(token), self._given(token)
            if balance != net + given:
                yield f"{token}: the wallet holds {balance}, the journal's receipts say {net}, gifts {given}"
            if held.get(token, 0) != net:
                yield f"{token}: the positions hold {held.get(token, 0)}, the journal's receipts say {net}"

    def _pools(self) -> Iterator[str]:
        """Each strategy's pool is what it was given and what its trades came to; together, the wallet."""
        truth, ledger = self.truth, self.ledger()
        capital, coins = ledger.engine.state.capital, truth.balance(truth.manifest.weth)
        coins += int(truth.node("eth_getBalance", truth.wallet, "latest"), 16)
        booked = sum(pool.wallet_wei for pool in capital.pools.values()) + capital.unexplained_wei
        if booked != coins:
            yield f"the wallet holds {coins} wei, the pools and what is unexplained {booked}"
        given = self._given("") + self._given(truth.manifest.weth)
        if capital.unexplained_wei != given:
            yield f"unexplained are {capital.unexplained_wei} wei, strangers gave {given}"
        costs = Counter[str]()
        for held in ledger.holdings.open.values():
            costs[held.strategy] += int(held.cost_wei)
        nets = Counter[str]()
        for signed, row in self._landed():
            nets[signed.pool] += row.gain_wei - row.gas_wei
        for name, pool in capital.pools.items():
            accounts = pool.available_wei + pool.reserved_wei + pool.positions_wei
            accounts += pool.gas_wei + pool.debts_wei + pool.operating_wei
            due = pool.invested_wei + nets[name] + costs[name]
            if not accounts == pool.total_wei == due or pool.positions_wei != costs[name]:
                yield (
                    f"pool {name}: accounts {accounts}, total {pool.total_wei}, positions "
                    f"{pool.positions_wei}; by its trades {due}, positions {costs[name]}"
                )

    def _positions(self) -> Iterator[str]:
        """What each position holds is what was bought for it less what was sold; so is what it cost."""
        bought, sold, cost = Counter[str](), Counter[str](), Counter[str]()
        sales = Counter[str]()
        for signed, row in self._landed():
            if row.error or row.state is TradeState.REVERTED:
                continue
            if opens(signed):
                bought[signed.position_id] += position_book.bought(signed, row)
                cost[signed.position_id] -= row.gain_wei
            elif reduces(signed):
                sold[signed.position_id] += position_book.sold(signed, row)
                sales[signed.position_id] += 1
        standing = self.ledger().holdings.open
        for name in sorted({*bought, *sold, *standing}):
            held = standing.get(name)
            amount, left = (0, 0) if held is None else (int(held.amount), int(held.cost_wei))
            if amount != bought[name] - sold[name]:
                yield f"position {name} holds {amount}, bought {bought[name]}, sold {sold[name]}"
            share = cost[name] * amount // (bought[name] or 1)
            # Each sale's share of the cost is rounded down, so that the rest may keep a wei of each.
            if not share <= left <= share + sales[name]:
                yield f"position {name} cost {left} of {cost[name]} for {amount} of {bought[name]}"
        if lost := [row for row in self.truth.rows() if isinstance(row, MissingRow)]:
            yield f"said to be missing, and nobody took it: {lost}"

    def _received(self) -> Iterator[str]:
        """What the endpoints were sent of this wallet is what the journal has signed, byte for byte."""
        signed, wallet = self.truth.signed(), self.truth.wallet.lower()
        for line in self._system.received():
            if str(line.sender).lower() != wallet:
                continue
            row = signed.get(line.tx_hash)
            if row is None or row.nonce != line.nonce:
                yield f"an endpoint was sent what was never signed, or at another nonce: {line}"

    def _journals(self) -> Iterator[str]:
        """Journals are whole, and what their snapshots say is what all their rows come to."""
        for role in JOURNALS:
            yield from (f"{role}: {each}" for each in verify(self._system.places.journal(role))[1])
        whole = Ledger(limits_of(self._system.settings))
        for row in self.truth.rows():
            if not isinstance(row, SnapshotRow):
                whole.apply(row)
        short = self.ledger()
        if whole.holdings.open != short.holdings.open or whole.book.totals != short.book.totals:
            yield "the executor's snapshots say something else than its rows"
        if whole.engine.state.capital.pools != short.engine.state.capital.pools:
            yield "the pools of the executor's snapshots are not those of its rows"

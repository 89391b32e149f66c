"""A scripted paper executor: blocks and reserves as the test says, everything else as on paper."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import msgspec

from tests.unit.executor.scene import ETHER, GENESIS, GWEI, TERMS, TOKEN_A, TOKEN_B, WETH, Scene, intent, only
from warden.domain.amm import Pool
from warden.domain.fills import Block, FillModel
from warden.domain.money import Wei
from warden.executor.paper.paper import Paper, PaperChain
from warden.executor.paper.paper_reads import Landing, PaperAsk, PaperRead, PaperTried
from warden.executor.paper.paper_sends import ROUTE, PaperLegs, sign
from warden.executor.protocol.commands import Command, Record, Send, Sign, Simulate
from warden.executor.protocol.events import HeadRead, Identified, LegDone, Watch
from warden.wire.rows import RiskRow
from warden.wire.rows_paper import PaperRow

if TYPE_CHECKING:
    from warden.domain.intents import Intent
    from warden.domain.risk.refusal import Refusal
    from warden.executor.books.ledger import Ledger
    from warden.executor.protocol.terms import Ticket
    from warden.wire.rows import ExecutorRow

PAPER_TERMS: Final = msgspec.structs.replace(TERMS, sends=False, legs={ROUTE: 1}, route="public")
FUNDS: Final = PaperRow(Wei(10 * ETHER), Wei(ETHER))
LUCKY: Final = FillModel(failure_bps=0)


class OpenGate:
    """Lets everything through until it is told to refuse."""

    def __init__(self) -> None:
        self.why: Refusal | None = None

    def refusal(self, _ticket: Ticket) -> Refusal | None:
        """Return why nothing may leave."""
        return self.why


class ScriptedChain(PaperChain):
    """Paper's view of a chain of which the test says every block."""

    def understood(self, read: PaperRead) -> HeadRead:
        """Return the head as the core would see it."""
        return self._head(read)

    def asks(self, hashes: tuple[str, ...]) -> PaperAsk:
        """Return what the next read would be asked for."""
        return PaperAsk(hashes, tuple(self._waiting()), self._blocks(hashes), observe=False, watch=Watch())

    def tries(self, tried: PaperTried) -> object:
        """Return what a simulation comes to."""
        return self._wallet.simulated(tried)


class PaperScene(Scene):
    """One core on paper, its chain of three pools, and its rows."""

    def __init__(self, model: FillModel = LUCKY, rows: tuple[ExecutorRow, ...] = ()) -> None:
        super().__init__(PAPER_TERMS, rows)
        self.gate = OpenGate()
        self.legs_out = PaperLegs(self.gate)  # type: ignore[arg-type] # a gate that is told what to say
        self.chain = self._chain(self.core.ledger, model)
        self.hashes: dict[int, str] = {}
        self.base_fee_wei = GWEI
        self.pools = {
            pool.address: pool
            for pool in (
                _pool(WETH, TOKEN_A, 1_000 * ETHER, 2_000 * ETHER),
                _pool(TOKEN_A, TOKEN_B, 2_000 * ETHER, 4_000 * ETHER),
                _pool(WETH, TOKEN_B, 1_100 * ETHER, 4_000 * ETHER),
            )
        }

    def _chain(self, ledger: Ledger, model: FillModel) -> ScriptedChain:
        made = ScriptedChain(
            lambda: None,
            PAPER_TERMS,
            ledger=ledger,
            legs=self.legs_out,
            paper=Paper(model, FUNDS, lambda _: None),
            record=self._recorded,
        )
        made.close()
        return made

    def _recorded(self, record: Record) -> None:
        self.rows.append(record.row)

    def path_pools(self, path: tuple[str, ...]) -> tuple[Pool | None, ...]:
        """Return the pools of a path as the chain has them."""
        return tuple(self.pools.get(_name(one, other)) for one, other in itertools.pairwise(path))

    def block_now(self, *, fork: str = "") -> list[Command]:
        """Let a block come, read it, and carry out what follows; `fork` tells its hash from another's."""
        self.block += 1
        self.now_ns += 1_000_000_000
        self.hashes[self.block] = f"0x{self.block:060x}{fork:0>4}"
        ask = self.chain.asks(self.core.wanted_receipts())
        head = HeadRead(
            block=self.block,
            block_hash=self.hashes[self.block],
            timestamp_s=1_000 + self.block,
            base_fee_wei=self.base_fee_wei,
            tip_wei=GWEI,
            nonce=99,
            gas_balance_wei=0,
            trading_balance_wei=0,
            allowance_wei=0,
            receipts={},
            price_usd=PAPER_TERMS.fixed_usd,
        )
        landings = {
            each.tx_hash: Landing(
                Block(self.block, 1_000 + self.block, self.base_fee_wei),
                self.hashes[self.block],
                self.path_pools(each.path),
            )
            for each in ask.waiting
            if each.block <= self.block
        }
        hashes = {number: self.hashes[number] for number in ask.blocks if number in self.hashes}
        return self.run(self.tell(self.chain.understood(PaperRead(ask, head, landings, hashes))))

    def tell_chain(self, *, first: bool = True) -> None:
        """Let the chain be known; and read once, at the very beginning."""
        self.tell(Identified(chain_id=31337, genesis=GENESIS))
        if first:
            self.block_now()

    def fork(self, depth: int) -> None:
        """Replace the newest blocks by others, and read the new head."""
        for number in range(self.block - depth + 1, self.block + 1):
            self.hashes[number] = f"0x{number:060x}f{self.block:03x}"

    def run(self, commands: list[Command]) -> list[Command]:
        """Carry out what a loop would: sign, send, simulate; return all commands, those that followed too."""
        done: list[Command] = []
        waiting = list(commands)
        while waiting:
            command = waiting.pop(0)
            done.append(command)
            if isinstance(command, Sign):
                waiting += self.tell(sign(command))
            elif isinstance(command, Simulate):
                pools = self.path_pools(command.path)
                found = tuple("0x" if pool is None else pool.address for pool in pools)
                tried = PaperTried(command, found, pools)
                waiting += self.tell(self.chain.tries(tried))  # type: ignore[arg-type] # one of two events
            elif isinstance(command, Record):
                if isinstance(command.row, RiskRow):
                    self.chain.follow(command.row)
                for each in command.then:
                    if isinstance(each, Send):
                        self.legs_out.send(each)
            elif isinstance(command, Send):
                self.legs_out.send(command)
            for leg in self.legs_out.take():
                waiting += self.tell(leg)
        return done

    def propose(self, order: Intent) -> list[Command]:
        """Submit an intent and carry out all that follows."""
        return self.run(self.submit(order))

    @property
    def wallet(self) -> tuple[int, int]:
        """What the paper wallet holds: trading and gas, in wei."""
        head = self.core.head
        assert head is not None
        return head.trading_balance_wei, head.gas_balance_wei


def _pool(one: str, other: str, reserve_one: int, reserve_other: int) -> Pool:
    if one.lower() > other.lower():
        one, other, reserve_one, reserve_other = other, one, reserve_other, reserve_one
    return Pool(_name(one, other), one.lower(), other.lower(), reserve_one, reserve_other)


def _name(one: str, other: str) -> str:
    return "-".join(sorted((one.lower(), other.lower())))


__all__ = ["ETHER", "FUNDS", "GWEI", "LUCKY", "LegDone", "PaperScene", "intent", "only"]

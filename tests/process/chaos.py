"""Misfortunes of every kind while a system trades; at the end every wei of the wallet must be explained.

Seeded: the same seed orders the same misfortunes. What they meet is up to the processes, so no two runs are
alike; what must hold at the end is.
"""

from __future__ import annotations

import contextlib
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.instance import wait_until
from tests.process.chain_truth import ON_THE_CHAIN, ChainTruth
from tests.process.cli_runs import warden
from tests.process.operator_at_work import let_trade
from warden.domain.errors import InvariantBroken
from warden.domain.modes import Mode
from warden.domain.roles import Role
from warden.wire.rows import OutcomeRow, SignedRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.process.system import System

KILLED: Final = (
    Role.EXECUTOR,
    Role.TRADER,
    Role.WATCHDOG,
    Role.GATEWAY,
    Role.LOGGER,
    Role.NOTIFIER,
    Role.API,
)
# Below the devnet's finality depth, which a book need not follow beyond (EX8).
REORG_DEPTH_MAX: Final = 8
DEAR_WEI: Final = 5_000 * 10**9
LOOK_S: Final = 30.0
LOOKS_MAX: Final = 8
DUST_WEI: Final = 12_345
TRANSFER: Final = "0xa9059cbb"
BALANCE_OF: Final = "0x70a08231"


class Chaos:
    """One system, one seed.

    Args:
        system: running, and trading.
        seed: of the order of misfortunes.
    """

    def __init__(self, system: System, seed: int) -> None:
        self._system = system
        self._random = random.Random(seed)
        self.truth = ChainTruth(system)
        self.done: Counter[str] = Counter()
        self._gifts: list[tuple[str, str]] = []
        self._order: list[str] = []
        self._giver = self._fund_giver()
        self._start_tokens = self.balances()
        self._deeds: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "kill-all": self._kill_all,
            "reorg": self._reorg,
            "dear": self._dear,
            "refused": self._refused,
            "hung": self._hung,
            "dust": self._dust,
            "pause": self._pause,
        }

    def run(self, deeds: int, trades_each: int) -> None:
        """Do so many misfortunes; after each an operator looks, and so many trades more must land."""
        for number in range(deeds):
            # Each kind comes before any comes twice.
            names = sorted(self._deeds)
            round_, place = divmod(number, len(names))
            if place == 0:
                self._random.shuffle(names)
                self._order = names
            name = self._order[place]
            self._deeds[name]()
            self.done[name] += 1
            self._trade_on(trades_each, f"{name}, misfortune {number} in round {round_}")

    def _trade_on(self, trades: int, after: str) -> None:
        """Wait for more trades; an operator looks again now and then.

        What was killed may be noticed only after the first look: then it has to be armed once more.
        """
        before = self._system.trades
        for _ in range(LOOKS_MAX):
            let_trade(self._system)
            with contextlib.suppress(AssertionError):
                self._system.wait(
                    lambda system: system.trades >= before + trades, f"{trades} trades", timeout_s=LOOK_S
                )
                return
        why = warden("why", "--home", str(self._system.home))
        raise AssertionError(f"too few trades after {after}; {why.out}{why.err}")

    # --- misfortunes

    def _kill(self) -> None:
        self._restart((self._random.choice(KILLED),))

    def _kill_all(self) -> None:
        self._restart(KILLED)

    def _restart(self, roles: tuple[Role, ...]) -> None:
        for role in roles:
            self._system.kill(role)
        self._system.pass_time(self._random.uniform(0.0, 1.0))
        for role in roles:
            self._system.start(role)

    def _pause(self) -> None:
        """Hold a process still for longer than any permit lives."""
        role = self._random.choice((Role.EXECUTOR, Role.WATCHDOG, Role.TRADER, Role.GATEWAY))
        self._system.signal(role, signal.SIGSTOP)
        self._system.pass_time(2.5)
        self._system.signal(role, signal.SIGCONT)

    def _reorg(self) -> None:
        """Take blocks back; some of ours in them are mined again, elsewhere, others must be sent again."""
        depth = self._random.randint(1, REORG_DEPTH_MAX)
        self.truth.mining(running=False)
        head = int(self.truth.node("eth_blockNumber"), 16)
        rows = self.truth.rows()
        blocks = {
            row.tx_hash: row.block
            for row in rows
            if isinstance(row, OutcomeRow) and row.state in ON_THE_CHAIN
        }
        young = [
            row for row in rows if isinstance(row, SignedRow) and blocks.get(row.tx_hash, 0) > head - depth
        ]
        again = [[row.raw, self._random.randrange(depth)] for row in young[: len(young) // 2]]
        again.sort(key=lambda each: int(str(each[1])))
        self.truth.node("anvil_reorg", depth, again)
        self.truth.mining(running=True)

    def _dear(self) -> None:
        """Raise the base fee far above what was offered: what waits is stuck until it falls again."""
        self.truth.node("anvil_setNextBlockBaseFeePerGas", hex(DEAR_WEI))
        self._system.pass_time(self._random.uniform(1.0, 4.0))

    def _refused(self) -> None:
        self._faulty("errors")

    def _hung(self) -> None:
        self._faulty("hung")

    def _faulty(self, kind: str) -> None:
        """Have every endpoint fail at sends for a while."""
        self.truth.fault(kind, "eth_sendRawTransaction")
        self._system.pass_time(self._random.uniform(0.5, 4.0))
        self.truth.fault("healthy")

    def _fund_giver(self) -> str:
        """Return an account that nobody else sends from, with a little of every token."""
        manifest, node = self.truth.manifest, self.truth.node
        noise = {each.lower() for each in manifest.noise_accounts}
        giver = str([each for each in node("eth_accounts") if each.lower() not in noise][-1])
        for token in manifest.tokens:
            data = f"{TRANSFER}{_word(giver)}{DUST_WEI * 1_000:064x}"
            order = {"from": manifest.noise_accounts[0], "to": token.address, "data": data}
            self._mined(node("eth_sendTransaction", order))
        return giver

    def _dust(self) -> None:
        """Have a stranger send a little of everything to the wallet (EX9)."""
        data = f"{TRANSFER}{_word(self.truth.wallet)}{DUST_WEI:064x}"
        orders = [("", {"from": self._giver, "to": self.truth.wallet, "value": hex(DUST_WEI)})]
        orders += [
            (token.address, {"from": self._giver, "to": token.address, "data": data})
            for token in self.truth.manifest.tokens
        ]
        for token, order in orders:
            tx_hash = self.truth.node("eth_sendTransaction", order)
            self._mined(tx_hash)
            self._gifts.append((token, tx_hash))

    def _mined(self, tx_hash: str) -> None:
        wait_until(lambda: self._receipt(tx_hash) is not None, "a stranger's transaction on the chain")
        if self._receipt(tx_hash)["status"] != "0x1":
            raise InvariantBroken(f"a stranger's transaction {tx_hash} failed")

    def _receipt(self, tx_hash: str) -> Any:  # noqa: ANN401 - JSON
        return self.truth.node("eth_getTransactionReceipt", tx_hash)

    def _dusted(self, token: str) -> int:
        """Return how much dust of a token came and was not taken back by a reorg; "" is ether."""
        stands = [tx for each, tx in self._gifts if each == token and self._receipt(tx) is not None]
        return DUST_WEI * len(stands)

    # --- the end

    def balances(self) -> dict[str, int]:
        """Return what the wallet holds of every token, in smallest units."""
        data = BALANCE_OF + _word(self.truth.wallet)
        return {
            token.address: int(self.truth.node("eth_call", {"to": token.address, "data": data}, "latest"), 16)
            for token in self.truth.manifest.tokens
        }

    def transactions(self) -> dict[str, int]:
        """Return how many transactions of each purpose and end the journal knows."""
        signed, outcomes = self.truth.signed(), self.truth.outcomes()
        ends = Counter(
            f"{row.purpose}.{outcomes[tx_hash].state if tx_hash in outcomes else 'signed'}"
            for tx_hash, row in signed.items()
        )
        return dict(sorted(ends.items()))

    def unexplained(self) -> list[str]:
        """Return what chain and journal do not agree on to the wei; empty when every wei is explained."""
        truth = self.truth
        found = truth.disagreements(set(truth.signed()))
        outcomes = [row for row in truth.outcomes().values() if row.state in ON_THE_CHAIN]
        weth, ether = truth.moved()
        booked = sum(row.gain_wei for row in outcomes) + self._dusted(truth.manifest.weth)
        gas = sum(row.gas_wei for row in outcomes)
        if weth != booked:
            found.append(f"WETH moved by {weth}, the journal and the dust say {booked}")
        if ether != self._dusted("") - gas:
            found.append(
                f"ether moved by {ether}, the journal's gas and the dust say {self._dusted('') - gas}"
            )
        for token, start in self._start_tokens.items():
            flows = [each for row in outcomes for each in row.flows if each.token.lower() == token.lower()]
            net = sum(each.received - each.sent for each in flows) + self._dusted(token)
            if token != truth.manifest.weth and self.balances()[token] - start != net:
                moved = self.balances()[token] - start
                found.append(f"{token} moved by {moved}, the journal and the dust say {net}")
        return found

    def settle(self) -> None:
        """End the trader, let everything come to its end, and end the executor in order."""
        system, truth = self._system, self.truth
        system.end(Role.TRADER)
        system.wait(lambda each: each.mode is not Mode.AGGRESSIVE, "a lower mode once the trader has ended")
        wait_until(lambda: not truth.disagreements(set(truth.signed())), "a settled book", timeout_s=180)
        system.end(Role.EXECUTOR)


def _word(address: str) -> str:
    """Return an address as one word of calldata."""
    return address.lower().removeprefix("0x").rjust(64, "0")

"""What befalls a system that trades: its processes, its chain, its endpoints, its markets, its operators."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from tests.chain.devnet import post
from tests.process.chain_truth import ON_THE_CHAIN
from warden.devnet.faults import FaultKind
from warden.domain.errors import NotRunning
from warden.domain.modes import Mode
from warden.domain.risk.lever_table import CLOSE_POSITION
from warden.domain.roles import Role
from warden.domain.stops import CleanUp
from warden.executor.books import position_book
from warden.operator.link import ask
from warden.operator.orders import order
from warden.operator.stopping import order_stop
from warden.wire.messages import SetMode
from warden.wire.orders import PullLever
from warden.wire.rows import OutcomeRow, SignedRow

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.process.accounts import Accounts
    from tests.process.crowd import Crowd
    from tests.process.system import System

# Below the devnet's finality depth, which a book need not follow beyond (EX8).
REORG_DEPTH_MAX: Final = 8
DEAR_WEI: Final = 5_000 * 10**9
# Above what a trade was signed for, below what a good one pays: it is signed again for more.
DEARER_WEI: Final = 3 * 10**9
DUST_WEI: Final = 12_345
FALL_PPM: Final = -250_000
RISE_PPM: Final = 450_000
LOOKS_MAX: Final = 10
LOOK_S: Final = 0.5
ONE_ENDPOINT: Final = (
    FaultKind.LYING,
    FaultKind.STALE,
    FaultKind.WRONG_CHAIN,
    FaultKind.GARBAGE,
    FaultKind.DEAD,
    FaultKind.HUNG,
    FaultKind.RATE_LIMITED,
)


class Misfortunes:
    """One of each kind at a time, with a seeded hand.

    Args:
        system: what they befall.
        accounts: what it holds.
        crowd: the strangers on its chain.
        tokens: whose price is moved against the wrapped native token, and which come as dust.
        chance: seeded.
    """

    def __init__(
        self,
        system: System,
        accounts: Accounts,
        crowd: Crowd,
        tokens: tuple[str, ...],
        chance: random.Random,
    ) -> None:
        self._system, self._truth, self._accounts = system, accounts.truth, accounts
        self._crowd, self._tokens, self._random = crowd, tokens, chance
        # The devnet is the world: it is not killed.
        self._names = tuple(name for name in system.names if name != Role.DEVNET)
        self.kinds: dict[str, Callable[[], None]] = {
            "kill": self._kill,
            "kill-all": lambda: self._restart(self._names),
            "pause": self._pause,
            "reorg": self._reorg,
            "dear": self._dear,
            "dearer": self._dearer,
            "overtaken": self._overtaken,
            "refused": lambda: self._all_fail("errors"),
            "hung": lambda: self._all_fail("hung"),
            "one-endpoint": self._one_endpoint,
            "dust": self._dust,
            "fall": lambda: self._move(FALL_PPM),
            "rise": lambda: self._move(RISE_PPM),
            "stop": self._stop,
            "operator": self._operator,
        }

    def revive(self) -> None:
        """Start what has ended, as supervisord does: whom the watchdog found hung it has killed."""
        for name, process in list(self._system.processes.items()):
            if process.poll() is not None:
                del self._system.processes[name]
                self._system.start(name)

    # --- processes

    def _kill(self) -> None:
        self._restart((self._random.choice(self._names),))

    def _restart(self, names: tuple[str, ...]) -> None:
        self.revive()
        for name in names:
            self._system.kill(name)
        self._system.pass_time(self._random.uniform(0.0, 1.0))
        for name in names:
            self._system.start(name)

    def _pause(self) -> None:
        """Hold a process still for longer than any permit lives, and about as long as one may be silent."""
        traders = [name for name in self._names if name.startswith(Role.TRADER)]
        name = self._random.choice((Role.EXECUTOR, Role.WATCHDOG, Role.GATEWAY, *traders))
        self.revive()
        self._system.signal(name, signal.SIGSTOP)
        self._system.pass_time(self._random.uniform(1.6, 3.0))
        self._system.signal(name, signal.SIGCONT)

    # --- the chain

    def _reorg(self) -> None:
        """Take blocks back; some of ours in them are mined again, elsewhere, others must be sent again."""
        depth = self._random.randint(1, REORG_DEPTH_MAX)
        self._truth.mining(running=False)
        head = int(self._truth.node("eth_blockNumber"), 16)
        rows = self._truth.rows()
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
        self._truth.node("anvil_reorg", depth, again)
        self._truth.mining(running=True)

    def _dear(self) -> None:
        """Raise the base fee far above what was offered: what waits is stuck until it falls again."""
        self._truth.node("anvil_setNextBlockBaseFeePerGas", hex(DEAR_WEI))
        self._system.pass_time(self._random.uniform(0.8, 2.5))

    def _dearer(self) -> None:
        """Raise the base fee above what is on its way, and leave it there: some of it is worth that."""
        self._noise(running=False)
        self._hold_one()
        self._truth.node("anvil_setNextBlockBaseFeePerGas", hex(DEARER_WEI))
        self._truth.mining(running=True)
        self._system.pass_time(self._random.uniform(0.8, 2.0))
        self._noise(running=True)

    def _overtaken(self) -> None:
        """Have a stranger trade along the path of one that waits, before it: it reverts, or brings less."""
        row = self._hold_one()
        if row is not None:
            self._crowd.overtakes(row.path)
        self._truth.mining(running=True)

    def _hold_one(self) -> SignedRow | None:
        """Hold the blocks, if it can be at a moment at which a swap waits; return that one."""
        for _ in range(LOOKS_MAX):
            self._truth.mining(running=False)
            self._system.pass_time(LOOK_S)
            signed, outcomes = self._truth.signed(), self._truth.outcomes()
            waiting = [row for key, row in signed.items() if row.path and key not in outcomes]
            if waiting:
                return waiting[0]
            self._truth.mining(running=True)
            self._system.pass_time(LOOK_S / 2)
        return None

    def _noise(self, *, running: bool) -> None:
        url = f"{self._truth.manifest.control_url}/noise"
        if post(url, {"running": running}).status != 200:
            raise AssertionError("the noise traders do not listen")

    # --- endpoints

    def _all_fail(self, kind: str) -> None:
        """Have every endpoint fail at sends for a while."""
        self._truth.fault(kind, "eth_sendRawTransaction")
        self._system.pass_time(self._random.uniform(0.5, 2.5))
        self._truth.fault("healthy")

    def _one_endpoint(self) -> None:
        """Have one endpoint lie, lag, hang or talk rubbish in everything for a while."""
        endpoint = self._random.choice(self._truth.manifest.endpoints)
        self._system.fault(endpoint.name, self._random.choice(ONE_ENDPOINT))
        self._system.pass_time(self._random.uniform(0.8, 2.5))
        self._system.fault(endpoint.name, FaultKind.HEALTHY)

    # --- markets

    def _dust(self) -> None:
        """Have a stranger send a little of everything to the wallet (EX9)."""
        for token in ("", self._truth.manifest.weth, *self._tokens):
            self._crowd.give(token, DUST_WEI)

    def _move(self, ppm: int) -> None:
        """Let some prices fall or rise so far that positions are sold."""
        for token in self._random.sample(self._tokens, k=max(1, len(self._tokens) // 2)):
            self._crowd.move(token, ppm)

    # --- operators

    def _stop(self) -> None:
        """Stop everything, with a clean-up of any kind; whoever looks next recovers from it."""
        policy = self._random.choice(tuple(CleanUp))
        order_stop(self._system.home, message="a misfortune", operator="tester", policy=policy)
        self._system.pass_time(self._random.uniform(0.0, 2.0))

    def _operator(self) -> None:
        """Close a position by hand, or let only sales pass for a while."""
        held = position_book.standing(self._accounts.ledger().holdings)
        try:
            if held and self._random.random() < 0.5:
                chosen = self._random.choice(held).position_id
                order(self._system.home, PullLever("tester", "a misfortune", CLOSE_POSITION, chosen))
            else:
                lowered = SetMode("tester", "a misfortune", Mode.REDUCE_ONLY.value)
                ask(self._system.home, lowered)
        except NotRunning:
            # A busy machine, or one just killed: what is not answered is not done, and nothing was promised.
            return
        self._system.pass_time(self._random.uniform(0.5, 2.0))

    # --- the end of it

    def over(self) -> None:
        """Let the chain and its endpoints be well again, and prices stand still."""
        self._truth.fault("healthy")
        self._truth.mining(running=True)
        self._noise(running=False)
        self.revive()

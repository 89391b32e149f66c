"""Open positions against the chain with every head: what they are worth, and whether they are still there.

- Their exit value comes from pool reserves of the head's own read; the rules hear of it when it changed.
- Equity is the wallet and what the positions would bring. What has left the wallet for a position whose
  receipt is not read yet counts at its cost: it is on its way, not lost. A value that cannot be told counts
  as it was last, as long as that is fresh, and as nothing after that.
- The balance of each token is held against what is booked. While a transaction of ours that touches it is
  open, nothing is compared. Less than booked: nothing is opened from the first look on; what is missing for
  three blocks is taken off the positions, youngest first. More is dust: noted, never counted (EX9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from warden.domain.money import Wei
from warden.domain.risk.events import Valued
from warden.domain.risk.exit_triggers import Worth
from warden.domain.risk.refusal import Refusal
from warden.executor.books import position_book
from warden.executor.books.doubts import Doubts
from warden.executor.books.position_book import opens
from warden.executor.protocol.commands import Tell
from warden.executor.protocol.events import Watch
from warden.wire.rows import MissingRow, RiskRow
from warden.wire.telemetry import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from warden.domain.risk.events import Valuation
    from warden.domain.risk.protection import Guard
    from warden.executor.books.ledger import Ledger
    from warden.executor.books.position_book import Holding
    from warden.executor.protocol.commands import Command
    from warden.executor.protocol.events import HeadRead
    from warden.executor.protocol.terms import Now, Terms
    from warden.wire.rows import ExecutorRow

_LOOKS: Final = 3
# As many tokens as strategies may go through in turn before one is read for the first time again.
_ASKED_MAX: Final = 16
_RUNBOOK: Final = "manual-intervention"
_UNTOLD_LOSS: Final = Refusal("integrity.balance", "the wallet holds less of a token than its positions")
_UNKNOWN: Final = Refusal("integrity.balance", "the balance of a token that is held cannot be read")
_DISTRUSTED: Final = "some of this token went away before that nobody had sold: recover --reset lets it again"


class _Gap(msgspec.Struct, frozen=True):
    """A difference between balance and book, and on how many blocks it was seen, the last of them `block`."""

    found: int
    booked: int
    block: int
    looks: int = 1


class Positions:
    """What is held, as the chain shows it; remembers only what it was told last, in this run."""

    def __init__(
        self, terms: Terms, ledger: Ledger, record: Callable[[ExecutorRow, Now], list[Command]]
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._weth = terms.weth.lower()
        self._due_ns = terms.risk.exits.stale_after_ns // 2
        self._stale_ns = terms.risk.exits.stale_after_ns
        self._told: tuple[Valuation, ...] = ()
        self._told_ns = 0
        self._gaps: dict[str, _Gap] = {}
        self._dust: dict[str, int] = {}
        self._asked: dict[str, tuple[str, ...]] = {}
        self.doubts = Doubts(terms.prices.doubts)
        self.refusal: Refusal | None = None

    def ask(self, token: str, route: tuple[str, ...] = ()) -> None:
        """Have the next reads bring this token, too: somebody would buy it, and sell it on this route."""
        self._asked.pop(token, None)
        self._asked[token] = route
        while len(self._asked) > _ASKED_MAX:
            del self._asked[next(iter(self._asked))]

    def distrust(self, token: str) -> Refusal | None:
        """Return why this token is not bought, or None."""
        if token.lower() not in self._ledger.holdings.distrusted:
            return None
        return Refusal("token.distrusted", _DISTRUSTED, observed=token)

    def watch(self, *, observe: bool) -> Watch:
        """Return what the next read should bring; with `observe` all tokens that were ever held."""
        holdings, book = self._ledger.holdings, self._ledger.book
        standing = position_book.standing(holdings)
        # What was just sold, too, until that is final: the chain must show that it is gone.
        tokens = dict.fromkeys(held.token for held in holdings.open.values())
        for entry in book.open():
            if entry.signed.position_id:
                tokens |= dict.fromkeys(token.lower() for token in entry.signed.path)
        tokens |= dict.fromkeys(self._asked)
        if observe:
            tokens |= dict.fromkeys(holdings.traded)
        tokens.pop(self._weth, None)
        routes = dict.fromkeys(held.route for held in standing)
        if self.doubts.watching:
            routes |= dict.fromkeys(each for each in self._asked.values() if each)
        return Watch(tokens=tuple(tokens), routes=tuple(routes))

    def head(self, head: HeadRead, now: Now) -> list[Command]:
        """Value the positions, and hold their tokens' balances against the book."""
        held = [(each, self._worth(each)) for each in position_book.standing(self._ledger.holdings)]
        commands: list[Command] = [*self.doubts.look(head, held, now)]
        valued = self.valued(head, now)
        if valued is not None:
            commands += self._record(RiskRow(at_ns=now.utc_ns, event=valued), now)
        rows, told = self.look(head, now)
        for row in rows:
            commands += [*self._record(row, now), _missing_told(row)]
        return [*commands, *told]

    # --- what they are worth

    def valued(self, head: HeadRead, now: Now) -> Valued | None:
        """Return the exit values that this head gives, where the rules have not heard them or wait."""
        found = self._valuations(head)
        if not found:
            return None
        guards = self._ledger.engine.state.exits.guards
        waits = any(_waits(guard) for guard in guards.values())
        if found == self._told and now.utc_ns - self._told_ns < self._due_ns and not waits:
            return None
        self._told, self._told_ns = found, now.utc_ns
        return Valued(read_ns=now.utc_ns, valuations=found)

    def _valuations(self, head: HeadRead) -> tuple[Valuation, ...]:
        found = []
        for held in position_book.standing(self._ledger.holdings):
            hops = head.routes.get(held.route)
            if hops is None:
                continue  # bought after this read was asked for
            found.append(self.doubts.valuation(held, hops, self._worth(held)))
        return tuple(found)

    def _worth(self, held: Holding) -> Worth:
        """Return what a position was last worth by its guard; what it cost before that."""
        guard = self._ledger.engine.state.exits.guards.get(held.position_id)
        if guard is None:
            return Worth()
        return guard.value if guard.value.amount or guard.lost else guard.cost

    def worth_wei(self, head: HeadRead, now: Now) -> int:
        """Return what counts as equity beside the wallet: positions' values, and what is on its way."""
        guards = self._ledger.engine.state.exits.guards
        values = {
            each.position_id: each.value_wei if each.least_wei is None else each.least_wei
            for each in self._valuations(head)
        }
        total = 0
        for held in position_book.standing(self._ledger.holdings):
            value = values.get(held.position_id)
            total += self._last(guards.get(held.position_id), held.amount, now) if value is None else value
        return total + self._on_its_way(head)

    def _last(self, guard: Guard | None, amount: int, now: Now) -> int:
        """Return what it was worth when that could last be told; nothing once that is too old."""
        if guard is None or now.utc_ns - guard.valued_ns > self._stale_ns:
            return 0
        # One that was just bought is worth what it cost, until the next head says better.
        last = guard.value if guard.value.amount or guard.lost else guard.cost
        return last.wei * amount // last.amount if last.amount else 0

    def _on_its_way(self, head: HeadRead) -> int:
        """Return what has left the wallet for positions whose receipts were not read yet."""
        capital = self._ledger.engine.state.capital
        if not capital.opened:
            return 0
        booked = sum(pool.wallet_wei for pool in capital.pools.values()) + capital.unexplained_wei
        gone = booked - head.trading_balance_wei - head.gas_balance_wei
        spends = sum(entry.signed.spend_wei for entry in self._ledger.book.open() if opens(entry.signed))
        return max(0, min(gone, spends))

    # --- whether they are there

    def held(self) -> frozenset[str]:
        """Return the positions of which the book has something, or the last read of the chain too much."""
        over = {token for token, gap in self._gaps.items() if gap.found > gap.booked and gap.looks < _LOOKS}
        return frozenset(
            held.position_id
            for held in self._ledger.holdings.open.values()
            if held.amount > 0 or held.token in over
        )

    def look(self, head: HeadRead, now: Now) -> tuple[list[MissingRow], list[Tell]]:
        """Hold balances against the book; return what is gone for good, and what there is to tell."""
        booked = position_book.booked(self._ledger.holdings)
        busy = {token.lower() for entry in self._ledger.book.open() for token in entry.signed.path}
        rows, told, short = list[MissingRow](), list[Tell](), False
        unknown = any(token not in head.tokens and token not in busy for token in booked)
        for token, found in head.tokens.items():
            due = booked.get(token, 0)
            if token in busy or found == due:
                self._gaps.pop(token, None)
                continue
            gap = self._seen(token, found, due, head.block)
            short = short or found < due
            if gap.looks < _LOOKS:
                continue
            if found < due:
                rows += self._missing(token, due, found, now)
                del self._gaps[token]
            elif found - due >= 2 * self._dust.get(token, 0):
                self._dust[token] = found - due
                text = f"{found - due} units of {token} came that nothing explains: they are not counted"
                told.append(Tell(Severity.INFO, "position.dust", text, data={"token": token}))
        self.refusal = _UNTOLD_LOSS if short else _UNKNOWN if unknown and self._read_of(head) else None
        return rows, told

    def _read_of(self, head: HeadRead) -> bool:
        """Tell whether this read was asked for every position: what was just bought comes with the next."""
        return all(held.route in head.routes for held in position_book.standing(self._ledger.holdings))

    def _seen(self, token: str, found: int, booked: int, block: int) -> _Gap:
        before = self._gaps.get(token)
        gap = _Gap(found, booked, block)
        if before is not None and (before.found, before.booked) == (found, booked):
            looks = before.looks + (block > before.block)
            gap = _Gap(found, booked, max(block, before.block), looks)
        self._gaps[token] = gap
        return gap

    def _missing(self, token: str, booked: int, found: int, now: Now) -> list[MissingRow]:
        """Return what each position in the token loses: the youngest first, none more than it has."""
        left, rows = booked - found, list[MissingRow]()
        for held in reversed(position_book.standing(self._ledger.holdings)):
            taken = min(left, held.amount) if held.token == token else 0
            if taken <= 0:
                continue
            left -= taken
            rows.append(
                MissingRow(
                    at_ns=now.utc_ns,
                    position_id=held.position_id,
                    token=token,
                    booked=Wei(booked),
                    found=Wei(found),
                    amount=Wei(taken),
                )
            )
        return rows


def _missing_told(row: MissingRow) -> Tell:
    """Return the alert of a position of which something is gone."""
    text = (
        f"position {row.position_id} lost {int(row.amount)} units of {row.token} that nobody sold: "
        f"the wallet holds {int(row.found)}, the book {int(row.booked)}"
    )
    data = {"position_id": row.position_id, "token": row.token}
    return Tell(Severity.CRITICAL, "position.missing", text, runbook=_RUNBOOK, data=data)


def _waits(guard: Guard) -> bool:
    """Tell whether a guard needs to hear a value, though it has not changed: to sell, or to be well again."""
    again = guard.leaving is None and bool(guard.failures or guard.ordered)
    return again or guard.gap is not None

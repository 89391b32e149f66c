"""Triangular arbitrage: WETH to A to B to WETH in one transaction, its profit enforced on the chain."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import permutations
from typing import TYPE_CHECKING, Final

from warden.domain.amm import best_input, cycle_profit
from warden.domain.intents import Outcome, TradeState
from warden.domain.money import WEI_PER_ETHER, ether_to_wei, format_ether
from warden.strategies.propose import VALID_BLOCKS_MAX, swap
from warden.strategies.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warden.domain.amm import Hop, Token
    from warden.domain.intents import Decision, Proposal, TradeUpdate
    from warden.strategies.market import Market

# Where a trade stands when the market's next block shows what came of it.
_ENDED: Final = frozenset(
    {
        TradeState.MINED,
        TradeState.FINAL,
        TradeState.REVERTED,
        TradeState.REJECTED,
        TradeState.RELEASED,
    }
)


class TriangularArbitrage(Strategy):
    """Proposes the cycle that earns most after gas, fed with the size that is best in closed form.

    `amountOutMin` is what goes in plus gas plus the least profit, so a trade that would earn less is undone
    by the router. One proposal is open at a time: a second one on the same pools would find them changed.

    Args:
        min_profit_eth: least profit after gas, ETH as text.
        max_input_eth: most that one trade puts in, ETH as text; empty for the market's own limit alone.
        gas_units: what one such transaction burns.
        valid_blocks: how many blocks a proposal may wait to be mined.

    Raises:
        ValueError: a parameter is out of its range.
    """

    def __init__(
        self,
        *,
        min_profit_eth: str = "0.0005",
        max_input_eth: str = "",
        gas_units: int = 300_000,
        valid_blocks: int = 3,
    ) -> None:
        self._min_profit_wei = _ether("min_profit_eth", min_profit_eth)
        self._max_input_wei = _ether("max_input_eth", max_input_eth) if max_input_eth else None
        if isinstance(gas_units, bool) or not isinstance(gas_units, int) or gas_units <= 0:
            raise ValueError("gas_units must be a whole number above 0")
        if isinstance(valid_blocks, bool) or not isinstance(valid_blocks, int):
            raise ValueError("valid_blocks must be a whole number")  # noqa: TRY004 - one kind of error for all parameters
        if not 1 <= valid_blocks <= VALID_BLOCKS_MAX:
            raise ValueError(f"valid_blocks must be from 1 to {VALID_BLOCKS_MAX}")
        self._gas_units = gas_units
        self._valid_blocks = valid_blocks
        self._open_until_block = 0

    def on_block(self, market: Market) -> Iterable[Proposal]:
        """Return the best cycle if it earns enough, else nothing."""
        if market.block <= self._open_until_block:
            return ()
        amount_max = market.trade_max_wei
        if self._max_input_wei is not None:
            amount_max = min(amount_max, self._max_input_wei)
        profit, amount, path = max(
            (
                (cycle_profit(hops, amount), amount, path)
                for path, hops in _cycles(market)
                if (amount := best_input(hops, amount_max))
            ),
            # The path decides between equals, so that the same market always gives the same answer.
            key=lambda found: (found[0], [token.address for token in found[2]]),
            default=(0, 0, ()),
        )
        gas_wei = self._gas_units * market.gas_price_wei
        if amount < market.trade_min_wei or profit - gas_wei <= self._min_profit_wei:
            return ()
        self._open_until_block = market.block + self._valid_blocks
        return (
            swap(
                path,
                amount,
                amount + gas_wei + self._min_profit_wei,
                valid_blocks=self._valid_blocks,
                expected_profit_wei=profit - gas_wei,
                note=f"{' > '.join(token.symbol for token in path)}: {format_ether(profit - gas_wei)} ETH",
                # The chain demands the same profit of a smaller one; where that can't be had it is refused.
                shrinks=True,
            ),
        )

    def on_decision(self, decision: Decision, proposal: Proposal) -> None:  # noqa: ARG002 - one is open at a time
        """Look again on the next block after a refusal."""
        if decision.outcome is Outcome.REFUSED:
            self._open_until_block = 0

    def on_trade(self, update: TradeUpdate, proposal: Proposal) -> None:  # noqa: ARG002 - one is open at a time
        """Look again once the trade has come to its end."""
        if update.state in _ENDED:
            self._open_until_block = 0


def _cycles(market: Market) -> Iterator[tuple[tuple[Token, ...], tuple[Hop, ...]]]:
    """Yield each way from WETH over two other tokens and back for which there are pools."""
    weth = market.weth
    others = [token for token in market.tokens if token.address.lower() != weth.address.lower()]
    for one, other in permutations(others, 2):
        if market.pool(weth, one) and market.pool(one, other) and market.pool(other, weth):
            path = (weth, one, other, weth)
            yield path, market.hops(path)


def _ether(name: str, text: object) -> int:
    """Return ETH given as text (or a whole number) in wei."""
    try:
        wei = ether_to_wei(Decimal(str(text)))
    except (InvalidOperation, ValueError) as error:
        raise ValueError(f'{name} must be an amount of ETH such as "0.001"') from error
    if not 0 <= wei <= 10**9 * WEI_PER_ETHER:
        raise ValueError(f"{name} must be from 0 to a billion ETH")
    return wei

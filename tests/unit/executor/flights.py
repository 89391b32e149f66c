"""An executor with several transactions on their way, whose bytes can be read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import rlp  # type: ignore[import-untyped] # ships no types

from tests.unit.executor.scene import TERMS, TOKEN_B, WETH, Scene, intent, only
from warden.executor.protocol.commands import Sign
from warden.executor.protocol.events import Signed
from warden.wire.rows import SignedRow

if TYPE_CHECKING:
    from warden.executor.protocol.commands import Command
    from warden.executor.protocol.terms import Terms
    from warden.wire.rows import ExecutorRow

FLIGHT_TERMS = msgspec.structs.replace(TERMS, max_in_flight=4)
ACCEPTED = ("accepted",) * 3
NOT_BEGUN = ("not-begun",) * 3
REJECTED = ("rejected",) * 3


class Flight(Scene):
    """A scene whose signed bytes hold the call, as the key would make them."""

    def __init__(self, terms: Terms = FLIGHT_TERMS, rows: tuple[ExecutorRow, ...] = (), **head: int) -> None:
        super().__init__(terms, rows)
        if not rows:
            self.begin(**head)

    def sign(self, order: Sign) -> tuple[str, list[Command]]:
        """Sign a draft; its bytes have value and data where a transaction has them."""
        self.signed += 1
        tx_hash, draft = f"0x{self.signed:064x}", order.draft
        fields = [31337, draft.nonce, draft.priority_fee_wei, draft.max_fee_wei, draft.gas, 0]
        content = rlp.encode([*map(int, fields), order.value_wei, order.data])
        row = msgspec.structs.replace(draft, raw="0x02" + content.hex(), tx_hash=tx_hash)
        return tx_hash, self.tell(Signed(row=row))

    def fly(self, number: int, *results: str, profit_wei: int = 10**17, not_after_s: int = 1_020) -> str:
        """Send a cycle that enforces a profit, and let its legs end where results are given."""
        # A market of its own each: how many of one may be open is another limit.
        path = (WETH, f"0x{number:040x}", TOKEN_B, WETH)
        order = intent(number, not_after_s=not_after_s, min_amount_out=10**18 + profit_wei, path=path)
        tx_hash, _ = self.trade(order)
        if results:
            self.legs(tx_hash, *results)
        return tx_hash

    def row(self, tx_hash: str) -> SignedRow:
        """Return a transaction's row."""
        return next(row for row in self.rows if isinstance(row, SignedRow) and row.tx_hash == tx_hash)


def signs(commands: list[Command]) -> list[Sign]:
    """Return the drafts among commands."""
    return only(commands, Sign)

"""What a strategy proposes and what Warden answers: typed values, the same in every environment."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from warden.domain.modes import Action
from warden.domain.money import Wei


class Outcome(StrEnum):
    """Warden's answer to a proposal."""

    APPROVED = "approved"
    REDUCED = "reduced"
    REFUSED = "refused"


class TradeState(StrEnum):
    """Where an intent stands. UNKNOWN is never treated as failed (EX3)."""

    SIGNED = "signed"
    SENT = "sent"
    SEEN = "seen"
    MINED = "mined"
    FINAL = "final"
    REVERTED = "reverted"
    REJECTED = "rejected"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    REORGED = "reorged"
    UNKNOWN = "unknown"


class Swap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A swap through a Uniswap-V2-style router along `path`.

    Attributes:
        path: token addresses, checksummed hex, first sold, last bought; two at least.
        amount_in: of `path[0]`, in its smallest unit, above zero.
        min_amount_out: of `path[-1]`; the router reverts below it, so that profit is enforced on chain.
    """

    path: tuple[str, ...]
    amount_in: Wei
    min_amount_out: Wei


NO_SWAP = Swap((), Wei(0), Wei(0))
"""Where a proposal is a call: no rule on swaps lets it pass."""


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of any contract, judged by what it would do (EX11, EX12).

    Attributes:
        to: the contract, hex with 0x.
        data: calldata.
        value_wei: of the native coin that goes along.
        nonce: the one that its author reckons with; None: whichever comes next.
    """

    to: str
    data: bytes = b""
    value_wei: Wei = Wei(0)
    nonce: int | None = None


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a strategy asks for: a swap, or a call, never both.

    Attributes:
        swap: the trade; NO_SWAP where it is a call.
        action: what it is said to do to the exposure; what counts is its path. A closed cycle counts as OPEN.
        valid_blocks: how many blocks after the one it was made on it may still be mined, 1 to 100.
        expected_profit_wei: the strategy's claim, in wei of the path's first token; never believed.
        note: one line for the operator.
        shrinks: a smaller size would do, with the same profit enforced; else a limit refuses it as a whole.
        whale: the wallet that it follows, empty for none: what it opens counts against that one's limits.
        position: of a sale, the position that it is taken from; empty: the oldest of that token.
        stop_loss_bps, take_profit_bps, trailing_bps: exits of the position that it opens, in basis points;
            None: those of all positions. A stop-loss is 1 to 5,000, a trailing stop 1 to 10,000.
    """

    swap: Swap = NO_SWAP
    action: Action = Action.OPEN
    valid_blocks: int = 2
    expected_profit_wei: Wei = Wei(0)
    note: str = ""
    shrinks: bool = False
    whale: str = ""
    position: str = ""
    stop_loss_bps: int | None = None
    take_profit_bps: int | None = None
    trailing_bps: int | None = None
    call: Call | None = None

    @property
    def triggers(self) -> tuple[int | None, int | None, int | None]:
        """Its position's own exits, in the order of `events.TriggersSet`."""
        return self.stop_loss_bps, self.take_profit_bps, self.trailing_bps


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proposal on its way through the gate.

    Attributes:
        intent_id: random, 32 hex characters; a second one with the same id is refused.
        trace_id: one id from opportunity to receipt (OB3), 32 hex characters.
        trader_session: the session that the watchdog gave this trader process.
        strategy: the strategy's name.
        block: number of the block that it was made on.
        not_after_s: chain time in Unix seconds; the swap's deadline is no later (I2).
        not_after_boot_ns: CLOCK_BOOTTIME in nanoseconds after which nothing of it leaves.
    """

    intent_id: str
    trace_id: str
    trader_session: str
    strategy: str
    block: int
    not_after_s: int
    not_after_boot_ns: int
    proposal: Proposal


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Warden's answer, typed so that screen, journal and alert show it without parsing text (EX1).

    Attributes:
        rule: the rule's id, such as `limits.max_trade_eth`; empty when approved.
        limit, observed: what was compared, as text in `unit`.
        setting: the key of warden.toml that would change it; empty where none does.
        message: one line for people.
        amount_in: of a reduced one, what is traded instead; else 0.
    """

    intent_id: str
    outcome: Outcome
    rule: str = ""
    limit: str = ""
    observed: str = ""
    unit: str = ""
    setting: str = ""
    message: str = ""
    amount_in: Wei = Wei(0)


class TradeUpdate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an approved intent, or an exit of Warden's own, fares; figures come from the receipt alone.

    Attributes:
        intent_id: of an exit one that Warden made; no proposal belongs to it.
        net_wei: what came less what went less gas, in wei; None until it is mined.
        gas_wei: gas burnt in wei; None until it is mined.
        position: what it opened or sold from, by id; empty for a cycle.
        exit: why Warden itself sells from the position: stop-loss, trailing-stop, take-profit, ordered,
            flatten, or unknown; empty for a trade of the strategy's own.
    """

    intent_id: str
    state: TradeState
    tx_hash: str = ""
    block: int = 0
    net_wei: Wei | None = None
    gas_wei: Wei | None = None
    error: str = ""
    position: str = ""
    exit: str = ""

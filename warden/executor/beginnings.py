"""What an executor begins with: the book that its journal tells, and the terms that its settings set."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from warden.domain.errors import JournalBroken, WardenError
from warden.domain.modes import Environment
from warden.domain.money import BPS_ONE, WEI_PER_GWEI, ether_to_wei
from warden.domain.risk.circuit_breaker import BreakerLimits
from warden.domain.risk.position_size import SizeLimits
from warden.executor.keystore import unlock
from warden.executor.leg import PUBLIC
from warden.executor.protocol import Terms
from warden.runtime.journal import read
from warden.wire.codec import Undecodable, from_json
from warden.wire.rows import ExecutorRow

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from warden.executor.book import Book
    from warden.runtime.places import Places
    from warden.runtime.settings import Settings
    from warden.runtime.venue import Venue


class Unlocking:
    """Opens the keystore on a thread of its own: that takes a second, and a stop may not wait so long."""

    def __init__(self, settings: Settings, where: Places) -> None:
        self._settings = settings
        self._where = where
        self._account: LocalAccount | None = None
        self._error: WardenError | None = None
        self._thread = threading.Thread(target=self._unlock, name="unlocking", daemon=True)
        self._thread.start()

    def account(self) -> LocalAccount | None:
        """Return the account once it is open, None before that.

        Raises:
            WardenError: it cannot be opened.
        """
        if self._error is not None:
            raise self._error
        return self._account

    def _unlock(self) -> None:
        try:
            self._account = unlock(self._settings, self._where)
        except WardenError as error:
            self._error = error


def fold(path: Path, book: Book) -> None:
    """Fold the journal into the book.

    Raises:
        JournalBroken: a row cannot be read; nothing may be sent on such a journal.
    """
    for row in read(path):
        try:
            book.apply(from_json(row.body, ExecutorRow))
        except Undecodable as error:
            raise JournalBroken(f"executor.db: row {row.row} cannot be read: {error}") from error


def terms_of(settings: Settings, venue: Venue, wallet: str) -> Terms:
    """Return what is fixed while this executor runs, from the settings and the venue."""
    limits, breaker = settings.limits, settings.breaker
    return Terms(
        sends=settings.environment is not Environment.PAPER,
        wallet=wallet,
        chain_id=settings.chain.id,
        genesis=venue.genesis,
        router=to_checksum_address(venue.router),
        weth=to_checksum_address(venue.weth),
        route=settings.execution.route,
        legs=_legs_of(venue),
        block_time_s=settings.chain.block_time_s,
        finality_depth=settings.chain.finality_depth,
        bump_percent=settings.chain.replacement_bump_percent,
        size=SizeLimits(
            max_trade_wei=ether_to_wei(limits.max_trade_eth),
            min_trade_wei=ether_to_wei(limits.min_trade_eth),
            max_trade_bps=limits.max_trade_percent * BPS_ONE // 100,
            max_exposure_bps=limits.max_exposure_percent * BPS_ONE // 100,
            max_fee_wei=int(limits.max_gas_price_gwei * WEI_PER_GWEI),
            gas_reserve_wei=ether_to_wei(limits.gas_reserve_eth),
        ),
        breaker=BreakerLimits(
            consecutive_failures=breaker.consecutive_failures,
            cooldown_s=breaker.cooldown_s,
            successes_to_close=breaker.successes_to_close,
            probe_timeout_s=breaker.probe_timeout_s,
        ),
    )


def _legs_of(venue: Venue) -> dict[str, int]:
    """Return how many endpoints each route has; a relay is a route of its own."""
    public = sum(each.send for each in venue.readable)
    return {PUBLIC: public} | {each.name: 1 for each in venue.endpoints if each.relay}

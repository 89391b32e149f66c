"""What an executor begins with: the ledger that its journal tells, and the terms that its settings set."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from warden.domain.errors import ConfigurationInvalid, InvariantBroken, JournalBroken, WardenError
from warden.domain.fills import FillModel
from warden.domain.modes import Environment
from warden.domain.money import BPS_PER_PERCENT, WEI_PER_GWEI, Wei, ether_to_wei
from warden.executor.books.risk_terms import limits_of
from warden.executor.intents.bot_terms import terms_of_bot
from warden.executor.paper.paper import Paper
from warden.executor.paper.paper_sends import ROUTE
from warden.executor.protocol.price_terms import PricePair, PriceTerms
from warden.executor.protocol.simulating import Simulating
from warden.executor.protocol.terms import Terms
from warden.executor.sends.keystore import unlock
from warden.executor.sends.leg import PUBLIC
from warden.runtime.doubt_terms import doubt_limits
from warden.runtime.journal import read
from warden.runtime.journal_search import newest
from warden.runtime.paper import announce
from warden.runtime.settings_checks import fixed_price_usd
from warden.runtime.settings_strategies import pool_of
from warden.wire.codec import Undecodable, from_json
from warden.wire.rows import ExecutorRow, SnapshotRow
from warden.wire.rows_paper import PaperRow

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from warden.executor.books.ledger import Ledger
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


def fold(path: Path, ledger: Ledger) -> int:
    """Fold the journal into the ledger, from its newest snapshot on; return how many rows were read.

    Raises:
        JournalBroken: a row cannot be read, or does not fit; nothing may be sent on such a journal.
    """
    after, count = _restored(path, ledger), 0
    for row in read(path, after=after):
        try:
            ledger.apply(from_json(row.body, ExecutorRow))
        except Undecodable as error:
            raise JournalBroken(f"executor.db: row {row.row} cannot be read: {error}") from error
        except InvariantBroken as error:
            raise JournalBroken(f"executor.db: row {row.row} does not fit those before: {error}") from error
        count += 1
    return count


def _restored(path: Path, ledger: Ledger) -> int:
    """Restore the newest snapshot; return its row, 0 where there is none that this version can read."""
    found = newest(path, str(SnapshotRow.__struct_config__.tag))
    if found is None:
        return 0
    try:
        snapshot: SnapshotRow = from_json(found.body, SnapshotRow)
    except Undecodable as error:
        raise JournalBroken(f"executor.db: row {found.row} cannot be read: {error}") from error
    return found.row if ledger.restore(snapshot) else 0


def refuse_other_books(ledger: Ledger, settings: Settings) -> None:
    """Refuse a journal of the other kind: money on paper and real money are never counted together.

    Raises:
        ConfigurationInvalid: it is one.
    """
    chain, paper = ledger.book.chain, settings.environment is Environment.PAPER
    if chain is not None and chain.paper != paper:
        held, wanted = ("paper", settings.environment.value) if chain.paper else ("real money", "paper")
        raise ConfigurationInvalid(
            f"executor.db is the journal of {held}, and environment is {settings.environment}: "
            f"use another --home for {wanted}"
        )


def paper_of(settings: Settings, where: Places) -> Paper:
    """Return the terms of trading on paper."""
    told = settings.paper
    return Paper(
        model=FillModel(
            latency_blocks=told.latency_blocks,
            failure_bps=int(told.failure_percent * BPS_PER_PERCENT),
            dropped_bps=int(told.dropped_percent * BPS_PER_PERCENT),
            seed=told.seed,
            gas_base=told.gas_base,
            gas_hop=told.gas_hop,
            revert_base=told.revert_base,
            revert_hop=told.revert_hop,
        ),
        funds=PaperRow(Wei(ether_to_wei(told.trading_eth)), Wei(ether_to_wei(told.gas_eth))),
        announce=lambda trading_wei: announce(where, trading_wei),
    )


def terms_of(settings: Settings, venue: Venue, wallet: str) -> Terms:
    """Return what is fixed while this executor runs, from the settings and the venue."""
    return Terms(
        sends=settings.environment is not Environment.PAPER,
        wallet=wallet,
        chain_id=settings.chain.id,
        genesis=venue.genesis,
        router=to_checksum_address(venue.router),
        weth=to_checksum_address(venue.weth),
        pool=pool_of(settings, next((each.name for each in settings.strategies), "")),
        strategies=tuple(each.name for each in settings.strategies),
        factory=to_checksum_address(venue.factory),
        fixed_usd=fixed_price_usd(settings),
        priced_by=_priced_by(settings, venue, "usd_token"),
        prices=_prices(settings, venue),
        observe_s=settings.assessment.interval_s,
        allowance_wei=ether_to_wei(settings.limits.max_trade_eth),
        max_fee_wei=int(settings.limits.max_gas_price_gwei * WEI_PER_GWEI),
        route=settings.execution.route,
        legs=_legs_of(venue) if settings.environment is not Environment.PAPER else {ROUTE: 1},
        block_time_s=settings.chain.block_time_s,
        finality_depth=settings.chain.finality_depth,
        bump_percent=settings.chain.replacement_bump_percent,
        exit_slippage_bps=int(settings.exits.max_slippage_percent * BPS_PER_PERCENT),
        exit_slippage_bps_max=int(settings.exits.widest_slippage_percent * BPS_PER_PERCENT),
        risk=limits_of(settings),
        simulating=Simulating(settings.execution.simulate),
        witnessed_from_wei=_witnessed_from_wei(settings, venue),
        max_token_tax_bps=settings.execution.max_token_tax_percent * BPS_PER_PERCENT,
        decimals={each.address.lower(): each.decimals for each in venue.tokens},
        max_in_flight=settings.execution.max_in_flight,
        bot=terms_of_bot(settings),
        replaceable=settings.chain.replaceable,
        min_tip_wei=int(settings.chain.min_tip_gwei * WEI_PER_GWEI),
        base_fee_step_bps=int(settings.chain.base_fee_step_percent * BPS_PER_PERCENT),
        l1_fee_oracle=settings.chain.l1_fee_oracle,
        withdrawing=tuple(each.name for each in venue.endpoints if each.cancel_method),
    )


def _witnessed_from_wei(settings: Settings, venue: Venue) -> int | None:
    """Return from which size on two endpoints simulate; None where there are no two, or nothing is sent."""
    least = settings.execution.second_simulation_from_eth
    several = len(venue.readable) > 1 and settings.environment is not Environment.PAPER
    return ether_to_wei(least) if several and least is not None else None


def _prices(settings: Settings, venue: Venue) -> PriceTerms:
    price = settings.price
    return PriceTerms(
        doubts=doubt_limits(settings),
        factories=tuple(to_checksum_address(each) for each in price.second_factories),
        bridges=tuple(to_checksum_address(each.address) for each in venue.tokens)
        if price.second_routes
        else (),
        second_usd=_priced_by(settings, venue, "second_usd_token"),
    )


def _priced_by(settings: Settings, venue: Venue, key: str) -> PricePair | None:
    symbol: str | None = getattr(settings.price, key)
    if symbol is None:
        return None
    token = next((each for each in venue.tokens if each.symbol == symbol), None)
    if token is None:
        known = ", ".join(each.symbol for each in venue.tokens) or "none"
        raise ConfigurationInvalid(f"price.{key} {symbol!r} is none of the venue's tokens; known: {known}")
    return PricePair(token=to_checksum_address(token.address), decimals=token.decimals)


def _legs_of(venue: Venue) -> dict[str, int]:
    """Return how many endpoints each route has; a relay is a route of its own."""
    public = sum(each.send for each in venue.readable)
    return {PUBLIC: public} | {each.name: 1 for each in venue.endpoints if each.relay}

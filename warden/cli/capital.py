"""`warden capital`: pools, accounts and figures; books what is put in or taken out (EX9, PL3, PL5)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warden.cli.request import asked, name_and_reason, ordered, report_of, told
from warden.cli.table import aligned, printable
from warden.cli.words import say
from warden.domain.errors import EXIT_DONE, EXIT_FAILED, ConfigurationInvalid, WardenError
from warden.domain.money import Wei, ether_to_wei
from warden.domain.risk.events import Moved
from warden.domain.risk.pools import ACCOUNTS, account_of
from warden.domain.risk.thresholds import exact_ether, format_percent
from warden.wire.codec import to_json
from warden.wire.messages import MoveBaseline, OperatorReply
from warden.wire.orders import MoveCapital

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warden.wire.orders import RiskReport

MOVES: Final = {
    "deposit": Moved.DEPOSIT,
    "withdraw": Moved.WITHDRAWAL,
    "pay-debt": Moved.DEBT_PAID,
    "cost": Moved.COST,
}
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?")
_UNKNOWN: Final = "unknown"


def capital(
    home: Path,
    move: str,
    amount: str,
    *,
    pool: str,
    account: str,
    operator: str,
    reason: str,
    watchdog_only: bool,
    as_json: bool,
) -> int:
    """Book a move, or show; return the exit code: 4 when the executor refuses.

    The watchdog is told after the executor: it measures losses by a baseline of its own (ES2), which nobody
    else can move. With `watchdog_only` it alone is told, where that failed before.

    Raises:
        ConfigurationInvalid: no such move or account, no amount, or an empty word.
    """
    if not move:
        report = report_of(home)
        if as_json:
            say(to_json(json_of(report)).decode())
        else:
            for line in text_of(report):
                say(line)
        return EXIT_DONE
    request = moved(move, amount, pool=pool, account=account, operator=operator, reason=reason)
    name_and_reason(operator, reason)
    done = OperatorReply(EXIT_DONE, "the executor was not asked")
    reply = done if watchdog_only else ordered(home, request)
    if reply.exit_code == EXIT_DONE:
        reply = with_baseline(home, request, reply)
    return told(reply, as_json=as_json)


def with_baseline(home: Path, request: MoveCapital, booked: OperatorReply) -> OperatorReply:
    """Tell the watchdog of a move that the executor has booked, and return what to say of both."""
    change = Wei(request.amount_wei if request.move is Moved.DEPOSIT else -request.amount_wei)
    try:
        reply = asked(home, MoveBaseline(request.operator, request.reason, change))
    except WardenError as error:
        reply = OperatorReply(EXIT_FAILED, str(error))
    if reply.exit_code == EXIT_DONE:
        return msgspec.structs.replace(booked, message=f"{booked.message}; {reply.message}")
    text = (
        f"{booked.message}; but the watchdog still measures losses as before: {reply.message}; "
        "repeat with --watchdog-only"
    )
    return OperatorReply(reply.exit_code, text)


def moved(move: str, amount: str, *, pool: str, account: str, operator: str, reason: str) -> MoveCapital:
    """Return what to ask of the executor.

    Raises:
        ConfigurationInvalid: no such move or account, or no amount of ether above zero.
    """
    kind = MOVES.get(move.strip().lower())
    if kind is None:
        raise ConfigurationInvalid(f"{move[:80]!a}: use one of {', '.join(MOVES)}, or nothing to look")
    if account and account_of(kind, account) is None:
        allowed = ", ".join(ACCOUNTS[kind])
        raise ConfigurationInvalid(f"--account {account[:80]!a}: {move} goes by {allowed}")
    return MoveCapital(
        operator=operator, reason=reason, move=kind, amount_wei=wei_of(amount), pool=pool, account=account
    )


def wei_of(amount: str) -> Wei:
    """Return an amount of ether in wei, exactly.

    Raises:
        ConfigurationInvalid: it is no plain decimal above zero, or finer than one wei.
    """
    text = amount.strip()
    wei = ether_to_wei(Decimal(text)) if _AMOUNT.fullmatch(text) else 0
    if wei <= 0:
        shown = ascii(amount[:80]) if text else "nothing"
        raise ConfigurationInvalid(
            f"AMOUNT_ETH is a number of ether above zero with at most 18 decimals, such as 0.25, not {shown}"
        )
    return Wei(wei)


def json_of(report: RiskReport) -> dict[str, Any]:
    """Return what `--json` prints; wei are decimal strings, null where nothing is known."""
    return {
        "equity_wei": report.equity_wei,
        "peak_wei": report.peak_wei,
        "opening_wei": report.opening_wei,
        "drawdown_bps": report.drawdown_bps,
        "price_usd": report.price_usd or None,
        "pools": report.pools,
        "today": report.today,
        "ever": report.ever,
    }


def text_of(report: RiskReport) -> Iterator[str]:
    """Yield equity, pools with their accounts, and the figures of today and of all time."""
    yield f"equity: {_ether(report.equity_wei)}, peak {_ether(report.peak_wei)}, {_drawdown(report)}"
    yield f"opening of the UTC day: {_ether(report.opening_wei)}"
    yield f"price of one ETH: {f'{report.price_usd} USD' if report.price_usd else _UNKNOWN}"
    for each in report.pools:
        yield f"pool {printable(each.pool)}: {_ether(each.total_wei)}"
        yield from (
            f"  {line}" for line in aligned([(name, _ether(held)) for name, held in each.accounts.items()])
        )
    if not report.pools:
        yield "pools: the books are not open yet"
    names = dict.fromkeys((*report.today, *report.ever))
    if names:
        rows = [(name, report.today.get(name, "-"), report.ever.get(name, "-")) for name in names]
        yield from aligned([("FIGURE", "TODAY", "EVER"), *rows])


def _ether(amount_wei: int | None) -> str:
    return _UNKNOWN if amount_wei is None else f"{exact_ether(amount_wei)} ETH"


def _drawdown(report: RiskReport) -> str:
    told = _UNKNOWN if report.drawdown_bps is None else f"{format_percent(report.drawdown_bps)} %"
    return f"drawdown {told}"

"""The words of the commands about money and the rules on it; they stand beside those of `app`."""

# ruff: noqa: PLC0415 - as in app: one command never loads another's libraries

from __future__ import annotations

from typing import Annotated, Final

import typer

from warden.cli.options import Home, Json, WhoChanges, WhyChanges, home_of

money: Final = typer.Typer(rich_markup_mode=None)

Off = Annotated[bool, typer.Option("--off", help="Let it go: what warden.toml says holds again.")]


@money.command()
def why(
    *,
    context: typer.Context,
    trade: Annotated[
        str,
        typer.Argument(metavar="ID", help="An intent, a trace or a transaction: its id, or six digits."),
    ] = "",
    strategy: Annotated[
        str, typer.Option("--strategy", help="Of several: why this one does not trade.")
    ] = "",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Say why nothing trades right now, or what became of one trade."""
    from warden.cli.why import why as command

    return command(home_of(context, home), trade, strategy=strategy, as_json=as_json)


@money.command("test-trade")
def trade_by_hand(
    *,
    context: typer.Context,
    eth: Annotated[str, typer.Option("--eth", help="How much of the wrapped native token.")] = "0.01",
    path: Annotated[
        str, typer.Option("--path", help="Tokens with commas between; each step is a trade.")
    ] = "WETH,USDX,WETH",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Trade once by hand through the whole gate; for development, refused in live."""
    from warden.cli.hand_trade import hand_trade as command

    return command(home_of(context, home), eth=eth, path=path, as_json=as_json)


@money.command()
def lever(
    *,
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which; nothing lists those pulled.")] = "",
    value: Annotated[str, typer.Argument(metavar="VALUE", help="A number, address, id or hash.")] = "",
    off: Off = False,
    operator: WhoChanges = "",
    reason: WhyChanges = "",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Pull a lever, by name and with a reason: tighten a limit, block a token, close a position."""
    from warden.cli.lever import lever as command

    home = home_of(context, home)
    return command(home, name, value, off=off, operator=operator, reason=reason, as_json=as_json)


@money.command()
def limit(
    *,
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which; nothing shows them all.")] = "",
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The tighter value.")] = "",
    off: Off = False,
    operator: WhoChanges = "",
    reason: WhyChanges = "",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Show the limits and how much of each is used; lower one, by name and with a reason."""
    from warden.cli.limit import limit as command

    home = home_of(context, home)
    return command(home, name, value, off=off, operator=operator, reason=reason, as_json=as_json)


@money.command()
def breaker(
    *,
    context: typer.Context,
    order: Annotated[
        str, typer.Argument(metavar="ORDER", help="open, close or reset; nothing shows how it stands.")
    ] = "",
    operator: WhoChanges = "",
    reason: WhyChanges = "",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Show the circuit breaker; open, close or reset it, by name and with a reason."""
    from warden.cli.breaker import breaker as command

    return command(home_of(context, home), order, operator=operator, reason=reason, as_json=as_json)


@money.command()
def capital(
    *,
    context: typer.Context,
    move: Annotated[
        str, typer.Argument(metavar="MOVE", help="deposit, withdraw, pay-debt or cost; nothing shows.")
    ] = "",
    amount: Annotated[str, typer.Argument(metavar="AMOUNT_ETH", help="In ether, exact.")] = "",
    pool: Annotated[str, typer.Option("--pool", help="Whose money; needed where there are several.")] = "",
    account: Annotated[str, typer.Option("--account", help="Of the pool; else the move's own.")] = "",
    operator: WhoChanges = "",
    reason: WhyChanges = "",
    watchdog_only: Annotated[
        bool, typer.Option("--watchdog-only", help="Tell the watchdog alone, where that failed before.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Show pools and figures; book what you put in or took out, by name and with a reason."""
    from warden.cli.capital import capital as command

    return command(
        home_of(context, home),
        move,
        amount,
        pool=pool,
        account=account,
        operator=operator,
        reason=reason,
        watchdog_only=watchdog_only,
        as_json=as_json,
    )

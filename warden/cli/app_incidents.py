"""`warden incidents` in words: names, options, help."""

# ruff: noqa: PLC0415 - one command never loads another's libraries

from __future__ import annotations

from typing import Annotated, Final

import typer

from warden.cli.options import Home, Json, home_of

incidents: Final = typer.Typer(
    name="incidents",
    help="List what went wrong, newest last, or show one of them.",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@incidents.callback()
def listed(*, context: typer.Context, home: Home = None, as_json: Json = False) -> int:
    """List what went wrong, newest last, or show one of them."""
    context.obj = home or context.obj
    if context.invoked_subcommand is not None:
        return 0
    from warden.cli.incidents import list_incidents

    return list_incidents(home_of(context, home), as_json=as_json)


@incidents.command()
def show(
    *,
    context: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="ID", help="An incident's id or its beginning, a stop's id, or latest.")
    ],
    home: Home = None,
) -> int:
    """Print an incident's report."""
    from warden.cli.incidents import show_incident

    return show_incident(home_of(context, home), which)

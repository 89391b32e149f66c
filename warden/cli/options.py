"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warden.cli.home import find_home

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="The instance's directory, which holds warden.toml. Else WARDEN_HOME, else the directory at "
        "hand, else the demo of this clone.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Operator = Annotated[str, typer.Option("--operator", help="Your name, for the journal.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
# For commands that only show when nothing is to be changed; a change asks for both.
WhoChanges = Annotated[str, typer.Option("--operator", help="Your name, for the journal; needed to change.")]
WhyChanges = Annotated[str, typer.Option("--reason", help="Why, for the journal; needed to change.")]


def home_of(context: typer.Context, home: Path | None) -> Path:
    """Return which instance a command is about: what was named after it or before it, else what is at hand.

    Raises:
        ConfigurationInvalid: nothing says which instance.
    """
    return find_home(home or context.obj)

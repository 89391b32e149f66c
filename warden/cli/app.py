"""The commands' words: names, options, help. Each imports its own module only when it is called."""

# ruff: noqa: PLC0415 - that is what this module is for: one command never loads another's libraries

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from warden.cli.app_incidents import incidents
from warden.cli.app_money import money
from warden.cli.home import find_home
from warden.cli.options import Home, Json, Operator, Reason, home_of
from warden.cli.words import warn
from warden.domain.errors import EXIT_DONE, EXIT_USAGE

app: Final = typer.Typer(
    name="warden",
    help="Warden: a safety system that stands outside the on-chain trading bot it guards.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

config: Final = typer.Typer(
    name="config", help="Show the configuration, and what may stand in it.", rich_markup_mode=None
)
app.add_typer(config)
app.add_typer(incidents)
app.add_typer(money)

Process = Annotated[
    str,
    typer.Argument(metavar="PROCESS", help="Whom: the trader; of several the one, by its strategy's name."),
]


def run_app(given: list[str]) -> int:
    """Run the command in `given` and return its exit code; wrong usage is one line and code 2."""
    command: Any = typer.main.get_command(app)
    try:
        code = command.main(given, prog_name="warden", standalone_mode=False)
    except typer.TyperException as error:
        context: typer.Context | None = getattr(error, "ctx", None)
        path = "warden" if context is None else context.command_path
        text = error.format_message().rstrip(".")
        warn(f"{text[:1].lower()}{text[1:]}; see '{path} --help'")
        return EXIT_USAGE
    return code if isinstance(code, int) else EXIT_DONE


@app.callback()
def chosen(context: typer.Context, home: Home = None) -> None:
    """Warden: a safety system that stands outside the on-chain trading bot it guards."""
    context.obj = home


@app.command()
def up(
    *,
    context: typer.Context,
    home: Home = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Become supervisord instead of starting it, for systemd.")
    ] = False,
) -> int:
    """Check the configuration and start every process."""
    from warden.cli.up import up as command

    return command(find_home(home or context.obj, demo=None), foreground=foreground)


@app.command()
def down(context: typer.Context, home: Home = None) -> int:
    """End every process, in order."""
    from warden.cli.down import down as command

    return command(home_of(context, home))


@app.command()
def status(*, context: typer.Context, home: Home = None, as_json: Json = False) -> int:
    """Show how things stand."""
    from warden.cli.status import status as command

    return command(home_of(context, home), as_json=as_json)


@app.command("health-check")
def health_check(*, context: typer.Context, home: Home = None, as_json: Json = False) -> int:
    """Do every check anew and show it; exit 0 when all pass."""
    from warden.cli.health_check import health_check as command

    return command(home_of(context, home), as_json=as_json)


@app.command("health-report")
def health_report(
    *,
    context: typer.Context,
    hours: Annotated[int, typer.Option("--hours", min=1, max=168, help="How many hours back.")] = 1,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Show what each hour came to: averages, extremes, and how long each process was up."""
    from warden.cli.health_report import health_report as command

    return command(home_of(context, home), hours=hours, as_json=as_json)


@app.command()
def arm(
    *, context: typer.Context, operator: Operator, reason: Reason, home: Home = None, as_json: Json = False
) -> int:
    """Let trading begin, by name and with a reason; refused while a stop stands."""
    from warden.cli.arm import arm as command

    return command(home_of(context, home), operator=operator, reason=reason, as_json=as_json)


@app.command()
def recover(
    *,
    context: typer.Context,
    operator: Operator,
    reason: Reason,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="Clear this stop only; may be given again.")
    ] = None,
    approver: Annotated[str, typer.Option("--approver", help="A second operator's name.")] = "",
    reset: Annotated[
        bool, typer.Option("--reset", help="Count streaks and baselines from now on anew.")
    ] = False,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Clear stops, then arm, by name and with a reason."""
    from warden.cli.recover import recover as command

    return command(
        home_of(context, home),
        operator=operator,
        reason=reason,
        stop_ids=tuple(stop or ()),
        approver=approver,
        reset=reset,
        as_json=as_json,
    )


@app.command("clear-incident")
def clear_incident(
    *,
    context: typer.Context,
    stop: Annotated[str, typer.Option("--stop", help="The stop whose reason is SECURITY_BREACH.")],
    operator: Operator,
    reason: Reason,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Say that a security breach was looked into, so that its stop can be recovered."""
    from warden.cli.clear_incident import clear_incident as command

    home = home_of(context, home)
    return command(home, stop_id=stop, operator=operator, reason=reason, as_json=as_json)


@app.command()
def freeze(
    *,
    context: typer.Context,
    process: Process = "trader",
    operator: Operator,
    reason: Reason,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Hold the trader still, by name and with a reason; its session is withdrawn first."""
    from warden.cli.freeze import freeze as command

    return command(home_of(context, home), process, operator=operator, reason=reason, as_json=as_json)


@app.command()
def thaw(
    *,
    context: typer.Context,
    process: Process = "trader",
    operator: Operator,
    reason: Reason,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Let a frozen trader run again, by name and with a reason; it trades when armed."""
    from warden.cli.thaw import thaw as command

    return command(home_of(context, home), process, operator=operator, reason=reason, as_json=as_json)


@app.command()
def mode(
    *,
    context: typer.Context,
    to: Annotated[str, typer.Argument(metavar="MODE", help="REDUCE_ONLY, OBSERVE_ONLY or SHUTDOWN.")],
    operator: Operator,
    reason: Reason,
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Lower the mode, by name and with a reason; raising it is what arm is for."""
    from warden.cli.mode import lower_mode

    return lower_mode(home_of(context, home), to, operator=operator, reason=reason, as_json=as_json)


@app.command()
def verify(*, context: typer.Context, home: Home = None, as_json: Json = False) -> int:
    """Walk every journal and check its chain of hashes."""
    from warden.cli.verify import verify as command

    return command(home_of(context, home), as_json=as_json)


@config.command("show")
def config_show(
    *,
    context: typer.Context,
    section: Annotated[str, typer.Option("--section", help="One section only, as limits.")] = "",
    home: Home = None,
    as_json: Json = False,
) -> int:
    """Print each value in force and where it comes from; secrets are hidden."""
    from warden.cli.config import show as command

    return command(home_of(context, home), section=section, as_json=as_json)


@config.command("reference")
def config_reference() -> int:
    """Print every setting with its default, profiles, unit and meaning."""
    from warden.cli.config import reference as command

    return command()


@app.command()
def console(
    *,
    context: typer.Context,
    home: Home = None,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch only.")] = False,
) -> int:
    """Open the console."""
    from warden.cli.console import console as command

    return command(home_of(context, home), readonly=readonly)


@app.command(
    "emergency-stop",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def emergency_stop(context: typer.Context) -> int:
    """Stop everything now; works with anything dead or hung."""
    from warden.cli.emergency_stop import run

    given = context.args if context.obj is None else ["--home", str(context.obj), *context.args]
    return run(given)

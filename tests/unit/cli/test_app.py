"""The commands' words, and their page in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from warden.cli.app import app

PAGE = Path(__file__).resolve().parents[3] / "docs" / "commands.md"


def test_every_command_stands_on_the_page_and_nothing_else() -> None:
    """OP1: docs/commands.md has one section for each command, by its name."""
    command: Any = typer.main.get_command(app)
    sections = re.findall(r"^### `warden ([a-z-]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(command.commands)


def test_every_option_stands_in_its_commands_section() -> None:
    """OP1: each option of a command is explained where the command is."""
    command: Any = typer.main.get_command(app)
    for section in re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name = section.removeprefix("`warden ").split()[0].strip("`")
        below = getattr(command.commands[name], "commands", {})
        assert all(f"warden {name} {each}" in section for each in below)
        for each in (command.commands[name], *below.values()):
            for option in (word for parameter in each.params for word in parameter.opts):
                assert option in section or option in {"--home", "--help"} or not option.startswith("--")

"""A bot's program is looked for before anything is started, and not run."""

from __future__ import annotations

import dataclasses

import pytest

from tests.instance import Instance
from warden.cli.checks import check_strategies
from warden.domain.errors import ConfigurationInvalid
from warden.runtime.settings import Settings, StrategySettings


def commanded(instance: Instance, *command: str) -> Settings:
    """Return the instance's settings with a bot's program."""
    return dataclasses.replace(instance.settings, strategy=StrategySettings(command=command))


def test_a_program_that_is_not_there_is_one_line() -> None:
    """EX12, OP3: named, with the mend; a file that is no program is none."""
    with Instance() as instance:
        (instance.home / "notes.txt").write_text("no program", encoding="utf-8")
        for program in ("no-such-program", "./no-such-program", "./notes.txt"):
            with pytest.raises(ConfigurationInvalid, match="there is no program") as refused:
                check_strategies(commanded(instance, program), instance.places, {"PATH": "/usr/bin:/bin"})
            assert program in str(refused.value)


def test_a_program_on_the_path_or_in_the_home_is_found_and_not_run() -> None:
    """EX12: nothing of it runs before the watchdog has given leave."""
    with Instance() as instance:
        bot = instance.home / "bot"
        bot.write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
        bot.chmod(0o700)
        for program in ("sh", "./bot", str(bot)):
            check_strategies(commanded(instance, program), instance.places, {"PATH": "/usr/bin:/bin"})
        assert not (instance.home / "ran").exists()

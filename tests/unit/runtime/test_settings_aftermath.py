"""An operator's own stop steps are checked when the configuration is read, and their programs looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.instance import DEVNET_TOML, Instance
from warden.cli.checks import check_stop_steps
from warden.domain.errors import ConfigurationInvalid
from warden.domain.stop_steps import OVERALL_S
from warden.runtime import settings_load

if TYPE_CHECKING:
    from pathlib import Path

    from warden.runtime.settings_aftermath import StopStepSettings

_STEP = '[[stop_steps]]\nname = "page"\ncommand = ["/bin/echo", "stopped"]\n'


def _load(tmp_path: Path, text: str) -> tuple[StopStepSettings, ...]:
    file = tmp_path / "warden.toml"
    file.write_text(DEVNET_TOML + text, encoding="utf-8")
    return settings_load.load(file).stop_steps


def test_a_step_has_a_command_a_place_and_a_limit(tmp_path: Path) -> None:
    """ES3: what is not said has a default; the list stays in the order of the file."""
    (step,) = _load(tmp_path, _STEP)
    assert (step.name, step.command, step.priority, step.limit_s) == (
        "page",
        ("/bin/echo", "stopped"),
        50,
        10,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_STEP + _STEP, "is given twice"),
        (_STEP.replace('"page"', '"Page me"'), "a letter from a to z"),
        (_STEP.replace('["/bin/echo", "stopped"]', "[]"), "stop_steps.0.command"),
        (_STEP.replace('["/bin/echo", "stopped"]', '[""]'), "stop_steps.0.command"),
        (_STEP.replace('["/bin/echo", "stopped"]', '"/bin/echo stopped"'), "stop_steps.0.command"),
        (_STEP + "priority = 10\n", "stop_steps.0.priority"),
        (_STEP + "priority = 90\n", "stop_steps.0.priority"),
        (_STEP + f"limit_s = {OVERALL_S + 1}\n", "stop_steps.0.limit_s"),
        (_STEP + "shell = true\n", "unknown key"),
        ("".join(_STEP.replace("page", f"page-{each}") for each in range(17)), "at most 16"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    """OP3: with file and line, before anything starts."""
    with pytest.raises(ConfigurationInvalid, match=r"warden\.toml:\d+") as refused:
        _load(tmp_path, text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_program_that_is_not_there_is_refused_before_anything_starts() -> None:
    """ES3: found on the PATH or by its path from the home; a step is not tried in earnest."""
    with Instance(DEVNET_TOML + _STEP) as instance:
        check_stop_steps(instance.settings, instance.places, {"PATH": "/usr/bin:/bin"})
    with (
        Instance(DEVNET_TOML + _STEP.replace("/bin/echo", "./no-such")) as instance,
        pytest.raises(ConfigurationInvalid, match=r"stop_steps page: there is no program \./no-such"),
    ):
        check_stop_steps(instance.settings, instance.places, {"PATH": "/usr/bin:/bin"})

"""The table of checks, its page, and the settings and sections that it names."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from warden.domain import checks
from warden.domain.checks import CHECKS
from warden.domain.checks_page import markdown
from warden.domain.failsafe import TRIGGERS
from warden.domain.health import Health
from warden.domain.roles import Role
from warden.runtime.settings import Settings
from warden.runtime.settings_field import table_of

ROOT = Path(__file__).parents[3]


def sections(page: str) -> set[str]:
    """Return the anchors of a runbook."""
    text = (ROOT / "runbooks" / f"{page}.md").read_text(encoding="utf-8")
    return {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)}


def settings_keys() -> set[str]:
    """Return every setting as `section.key`."""
    whole = Settings()
    return {
        f"{section.name}.{each.name}"
        for section in fields(Settings)
        if table_of(type(getattr(whole, section.name))) is not None
        for each in fields(getattr(whole, section.name))
    }


def test_the_page_is_what_the_tables_say() -> None:
    """FS1, FS2: `python -m warden.domain.checks_page > docs/checks.md` renews it."""
    assert (ROOT / "docs" / "checks.md").read_text(encoding="utf-8") == markdown()


def test_every_check_says_how_to_mend_it() -> None:
    """FS2: the runbook that a failing check names has that section."""
    for name, check in CHECKS.items():
        page, _, section = check.mend.partition("#")
        assert section in sections(page), name


def test_every_setting_that_is_named_is_one() -> None:
    """FS1, FS2: limits and windows are settings, under the names that the page gives."""
    keys = settings_keys()
    texts = " ".join([each.fails for each in CHECKS.values()] + [each.setting for each in TRIGGERS.values()])
    named = set(re.findall(r"[a-z]+\.[a-z0-9_]+", texts)) - {"executor.db", "watchdog.db"}
    assert named
    assert named <= keys
    assert {f"failsafe.{each.name}" for each in fields(Settings().failsafe)} >= {
        each.setting for each in TRIGGERS.values()
    }


def test_who_answers_is_told_apart() -> None:
    """FS2: each check is one process's, and each of the three has some."""
    by_role = [checks.of(role) for role in (Role.EXECUTOR, Role.GATEWAY, Role.WATCHDOG)]
    assert all(by_role)
    assert sorted(name for names in by_role for name in names) == sorted(CHECKS)


def test_an_answer_that_is_well_names_no_mend() -> None:
    """FS2: how to mend is said where there is something to mend, a warning included."""
    assert checks.answer("gas", Health.HEALTHY, "10 ETH").mend == ""
    assert checks.answer("gas", Health.DEGRADED, "1 ETH").mend == "startup#gas"


def test_what_breaks_integrity_lowers_the_mode_whenever_it_fails() -> None:
    """FS3: a violation blocks execution, at the start and afterwards."""
    assert all(check.stops for name, check in CHECKS.items() if name.startswith("integrity."))

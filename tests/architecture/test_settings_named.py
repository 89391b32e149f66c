"""What a refusal, a finding or a lever names as the setting to change is a setting."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from tests.architecture.source import python_files, tree, where
from warden.domain.risk.assessment import Factors
from warden.domain.risk.lever_table import NUMBERS
from warden.runtime.settings import Settings
from warden.runtime.settings_field import sections

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN: Final = {f"{name}.{each.name}" for name, kind in sections(Settings) for each in fields(kind)}
TABLES: Final = {name for name, _ in sections(Settings)}
KEY: Final = re.compile(r"[a-z_]+\.[a-z_]+")
# Ids of rules and kinds of findings look alike, but none of them ends with a unit.
WITH_UNIT: Final = re.compile(rf"({'|'.join(sorted(TABLES))})\.[a-z_]+_(percent|eth|usd|gwei|bps|s|ms|day)")


def named(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each text that names a setting: given as `setting`, or a table's key that ends with a unit."""
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "setting" and isinstance(node.value, ast.Constant):
            # Not all that would change an answer is a setting: the stop directory is not.
            if isinstance(node.value.value, str) and KEY.fullmatch(node.value.value):
                yield node.value, node.value.value
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and WITH_UNIT.fullmatch(node.value)
        ):
            yield node, node.value


def test_every_setting_that_is_named_exists() -> None:
    """OP3: whoever is refused is sent to a key that warden.toml takes."""
    wrong = {
        where(path, node): text
        for path in python_files("warden", "console")
        for node, text in named(tree(path))
        if text not in KNOWN
    }
    assert wrong == {}


def test_levers_and_factors_are_settings() -> None:
    """The keys that are put together from names: a lever is the limit of that name, a factor its `max_`."""
    assert {f"limits.{lever}" for lever in NUMBERS} <= KNOWN
    for factor in Factors.__struct_fields__:
        assert {f"assessment.max_{factor}_percent", f"assessment.weight_{factor}"} <= KNOWN


def test_a_setting_that_is_none_is_found() -> None:
    """The rule finds what it is there for."""
    module = ast.parse(
        'Refusal("limits.rule", setting="limits.nonsense")\nKEY = "breaker.los_percent"\nx = "drawdown.no"\n'
    )
    assert {text for _, text in named(module)} == {"limits.nonsense", "breaker.los_percent"}

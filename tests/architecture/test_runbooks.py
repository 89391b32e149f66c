"""Runbooks: what code names exists, every command in them is one, and all have one shape (OP2)."""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer

from tests.architecture.source import ROOT, calls, dotted, python_files, tree, where
from warden.cli.app import app
from warden.cli.emergency_stop import _parser as stop_parser
from warden.domain.causes import RULES as CAUSES
from warden.notifier.meanings import GENERIC, RULES
from warden.notifier.rules import PROCESS_SECTIONS, is_routine, rule_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = ROOT / "runbooks"
RUNBOOKS: Final = sorted(FOLDER.glob("*.md"))
PROMISED: Final = frozenset(
    {
        "breaker-opened",
        "daily",
        "degraded-health",
        "emergency-stop",
        "high-capital-loss",
        "key-rotation",
        "manual-intervention",
        "monthly",
        "network-failure",
        "position-limit",
        "process-lost",
        "recovery-after-crash",
        "startup",
    }
)
HEADINGS: Final = (
    "What you see",
    "What Warden has already done",
    "What to do now",
    "How to know that it is over",
)
ALARMING: Final = frozenset(
    {f"{kind}.{loud}" for kind in ("Severity", "Weight") for loud in ("WARNING", "ERROR", "CRITICAL")}
)
KIND: Final = re.compile(r"[a-z][a-z-]*(\.[a-z][a-z_-]*)+")


def slug(heading: str) -> str:
    """Return the anchor that a heading gets on the pages where Markdown is shown."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).strip().replace(" ", "-")


def sections(path: Path) -> set[str]:
    """Return the anchors of a page."""
    return {slug(each) for each in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)}


def exists(reference: str) -> bool:
    """Tell whether `file` or `file#section` is there."""
    stem, _, section = reference.partition("#")
    path = FOLDER / f"{stem}.md"
    return path.is_file() and (not section or section in sections(path))


def named_in_code() -> Iterator[tuple[str, str]]:
    """Yield every runbook that code gives as a literal, with its place."""
    for path in python_files("warden", "console"):
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "runbook"
                and isinstance(node.value, ast.Constant)
            ):
                yield where(path, node.value), str(node.value.value)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every `warden ...` of a runbook, in a block or within a line."""
    for path in RUNBOOKS:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"(?:^ *|`)(?:\.venv/bin/)?warden ([a-z][^`\n]*)", text, re.MULTILINE):
            yield path.stem, shlex.split(match.group(1), comments=True)


def test_all_that_are_promised_are_there() -> None:
    """OP2: a runbook for each situation that exists by now."""
    assert {path.stem for path in RUNBOOKS} >= PROMISED


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_each_has_the_same_shape(path: Path) -> None:
    """OP2: what you see, what was done, what to do in numbered steps, how to know that it is over."""
    text = path.read_text(encoding="utf-8")
    found = [each for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE) if each in HEADINGS]
    assert found == list(HEADINGS)
    steps = text.partition("What to do now")[2].partition("How to know")[0]
    assert re.search(r"^1\. ", steps, re.MULTILINE)


def test_every_runbook_that_is_named_exists() -> None:
    """AL2: whatever code names can be opened, section included."""
    named = [(place, reference) for place, reference in named_in_code() if reference]
    assert [each for each in named if not exists(each[1])] == []
    ruled = [each.runbook for each in (*RULES.values(), GENERIC)]
    ruled += [each.runbook for each in CAUSES.values()]
    assert [each for each in ruled if not exists(each)] == []
    assert [each for each in sorted(PROCESS_SECTIONS) if not exists(f"process-lost#{each}")] == []


def test_every_alarming_kind_has_a_rule() -> None:
    """AL2: an event of WARNING and above says what it means and what to do, not just that it happened."""
    offences = []
    for path in python_files("warden"):
        for node, _ in calls(path):
            words = [each.value for each in node.args if isinstance(each, ast.Constant)]
            kinds = [each for each in words if isinstance(each, str) and KIND.fullmatch(each)]
            if any(dotted(each) in ALARMING for each in node.args):
                offences += [
                    f"{where(path, node)}: {kind}"
                    for kind in kinds[:1]
                    if rule_for(kind) is GENERIC and not is_routine(kind)
                ]
    assert offences == []


def test_every_command_in_them_is_one() -> None:
    """OP2: each command line is understood by the command that it names, options and all."""
    group: Any = typer.main.get_command(app)
    checked = 0
    for runbook, words in commands():
        checked += 1
        if words[0] == "emergency-stop":
            stop_parser().parse_args(words[1:])
            continue
        command = group.commands.get(words[0])
        assert command is not None, f"{runbook}: there is no 'warden {words[0]}'"
        if len(words) == 1:
            continue  # named, not written out
        given = words[1:]
        if given[0] in getattr(command, "commands", {}):
            command, given = command.commands[given[0]], given[1:]
        with command.make_context(f"warden {words[0]}", list(given)) as context:
            assert context.params, f"{runbook}: {words}"
    assert checked > 20

"""The pages for people: what they name is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.architecture.source import ROOT, name

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "runbooks").glob("*.md"))]
# A path of the repository in backticks, or after the program that is run on it.
PATH = re.compile(r"(?<![\w./-])((?:warden|console|tests|scripts|docs|runbooks)/[\w./-]*[\w/])")
LINK = re.compile(r"\]\((?!https?:)([\w./-]+\.md)")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_and_links_lead_somewhere(page: Path) -> None:
    """A file or directory that a page names exists, and so does every page that it links to."""
    text = page.read_text(encoding="utf-8")
    folder = page.parent
    missing = [each for each in PATH.findall(text) if not (ROOT / each).exists()]
    missing += [each for each in LINK.findall(text) if not (folder / each).exists()]
    assert missing == []

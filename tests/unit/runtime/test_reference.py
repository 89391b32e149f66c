"""The configuration reference is made from the declarations, and the page in docs/ is that."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from warden.runtime.reference import page
from warden.runtime.settings import Settings
from warden.runtime.settings_field import table_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def rows_of(text: str, section: str) -> dict[str, list[str]]:
    """The table of one section: cells by the setting's name, the header under `name`."""
    part = text.partition(f"## `[{section}]`")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_page_is_current() -> None:
    """Whoever changes a setting makes it anew: warden config reference > docs/configuration.md."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_stands_in_its_section() -> None:
    """OP3: none is forgotten, whatever its table."""
    text = page()
    for name, hint in get_type_hints(Settings).items():
        kind = table_of(hint)
        if kind is None:
            assert f"| `{name}` |" in text
        else:
            part = text.partition(f"[{name}]`\n\n")[2] or text.partition(f"[[{name}]]`\n\n")[2]
            part = part.partition("\n## ")[0]
            for each in fields(kind):
                below = table_of(get_type_hints(kind)[each.name])
                assert f"| `{each.name}` |" in part or (below is not None and f"[{name}.{each.name}]" in text)


def test_a_limit_stands_there_with_all_that_is_known_of_it() -> None:
    """Default, profiles, unit, what is accepted, what it is a share of, window, meaning: in columns."""
    rows = rows_of(page(), "limits")
    assert rows["name"] == [
        "standard",
        "micro",
        "strict",
        "unit",
        "accepts",
        "share of",
        "window",
        "meaning",
    ]
    assert rows["max_trade_percent"][:5] == ["20", "20", "10", "%", "above 0, at most 100"]
    assert rows["max_trade_percent"][5].startswith("trading capital")
    assert rows["max_trade_usd"][:5] == ["none", "10", "500", "USD", "above 0 or none"]
    assert rows["max_trade_usd"][-1].endswith("none: no such limit")


def test_every_row_has_as_many_cells_as_its_header() -> None:
    """A bar within a text would break its table."""
    width = 0
    for line in page().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.split(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line

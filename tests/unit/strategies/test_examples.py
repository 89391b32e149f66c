"""The examples are what the documentation shows, line by line, and they do what it says."""

from __future__ import annotations

import pytest

from tests.instance import REPOSITORY


@pytest.mark.parametrize("name", ["my_strategy.py", "dip_buyer.py"])
def test_the_documentation_shows_each_example_whole(name: str) -> None:
    """EX5: what somebody copies from the page is what the tests run."""
    example = (REPOSITORY / "examples" / name).read_text(encoding="utf-8")
    page = (REPOSITORY / "docs" / "strategies.md").read_text(encoding="utf-8")
    assert f"```python\n{example}```" in page

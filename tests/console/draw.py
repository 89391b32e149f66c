"""Draws the README's picture: the real console over a constructed snapshot, the same bytes on every run."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.console import samples
from tests.console.stage import recorded_app

SIZE = (100, 30)
# Fonts are the reader's own: a picture in a README must not ask another host for any.
FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")


async def draw() -> str:
    """Return the picture as SVG."""
    app = recorded_app(samples.normal())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.3)
        picture = app.export_screenshot(title="warden console", simplify=True)
    return FONTS.sub("", picture).replace("Fira Code, monospace", "monospace")


def main(arguments: list[str]) -> int:
    """Write the picture to the path that is given."""
    os.environ.pop("NO_COLOR", None)
    path = Path(arguments[0])
    path.write_text(asyncio.run(draw()), encoding="utf-8")
    sys.stdout.write(f"{path} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

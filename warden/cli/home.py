"""Which instance a command is about: its home directory.

Named with --home, else with WARDEN_HOME, else the directory at hand when it holds warden.toml, else the demo
of this clone. Imports nothing but the standard library: the stop path begins here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from warden.domain.errors import ConfigurationInvalid

CLONE: Final = Path(__file__).resolve().parent.parent.parent
DEMO_HOME: Final = CLONE / ".warden" / "demo"
CONFIG_NAME: Final = "warden.toml"
VARIABLE: Final = "WARDEN_HOME"


def find_home(named: Path | None, *, demo: Path | None = DEMO_HOME) -> Path:
    """Return the home directory that a command is about, absolute, links resolved.

    Args:
        named: what --home said, if anything.
        demo: where this clone's demo lives; None where a demo is not meant.

    Raises:
        ConfigurationInvalid: nothing says which instance, or what was named is no directory.
    """
    if named is not None:
        return _directory(named, "--home")
    variable = os.environ.get(VARIABLE)
    if variable:
        return _directory(Path(variable), VARIABLE)
    here = Path.cwd()
    if (here / CONFIG_NAME).is_file():
        return here.resolve()
    if demo is not None and (demo / CONFIG_NAME).is_file():
        return demo.resolve()
    raise ConfigurationInvalid(
        f"which Warden? There is no {CONFIG_NAME} in {here}: name its directory with --home or {VARIABLE}"
        + ("" if demo is None else ", or start the demo with scripts/demo")
    )


def _directory(path: Path, said_by: str) -> Path:
    try:
        if path.is_dir():
            return path.resolve()
        wrong = "is not a directory" if path.exists() else "does not exist"
    except OSError as error:
        wrong = f"cannot be used: {error.strerror}"
    raise ConfigurationInvalid(f"{said_by} {path} {wrong}; name the directory that holds {CONFIG_NAME}")

"""Where set-up puts things: all of it inside the clone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The paths of one clone.

    Attributes:
        root: The clone's top directory, absolute.
    """

    root: Path

    @property
    def venv(self) -> Path:
        """The virtual environment that everything runs from."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def setup(self) -> Path:
        """Everything else that set-up makes."""
        return self.root / ".setup"

    @property
    def stamp(self) -> Path:
        """The record of what was set up; absent until the first set-up has ended."""
        return self.setup / "stamp.json"

    @property
    def unfinished(self) -> Path:
        """There while the environment is being changed: found at a start, that change was cut short."""
        return self.setup / "venv-unfinished"

    @property
    def scratch(self) -> Path:
        """Work in progress; emptied when a set-up ends well."""
        return self.setup / "work"

    @property
    def cache(self) -> Path:
        """Fetched files of pip and npm, kept until a set-up ends well so that it can go on after a cut."""
        return self.setup / "cache"

    @property
    def logs(self) -> Path:
        """The full output of the programs that set-up ran."""
        return self.setup / "log"

    @property
    def pip(self) -> Path:
        """The unpacked pip: a directory for `PYTHONPATH`."""
        return self.setup / "pip"

    @property
    def certificates(self) -> Path:
        """The bundle of certificates for a machine that has none."""
        return self.setup / "ca-certificates.crt"

    @property
    def npm(self) -> Path:
        """The npm packages: anvil and the contracts of the devnet."""
        return self.setup / "npm"

    @property
    def anvil(self) -> Path:
        """The chain node's binary, which needs no Node.js."""
        return self.npm / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"

    @property
    def npm_source(self) -> Path:
        """The directory with `package.json` and `package-lock.json` of the devnet."""
        return self.root / "warden" / "devnet" / "npm"

    def lock_file(self, name: str) -> Path:
        """The file with the hashes of the set of Python packages called `name`."""
        return self.root / "locks" / f"{name}.txt"

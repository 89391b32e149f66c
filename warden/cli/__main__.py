"""`python -m warden.cli`: the same as the `warden` command."""

from __future__ import annotations

from warden.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m warden.watchdog --home HOME`."""

from __future__ import annotations

from warden.domain.roles import Role
from warden.runtime.process import run
from warden.watchdog.main import main

if __name__ == "__main__":
    raise SystemExit(run(Role.WATCHDOG, main))

"""`python -m warden.trader --home DIR`: the trader, as supervisord starts it."""

from __future__ import annotations

from warden.domain.roles import Role
from warden.runtime.process import run
from warden.trader.main import main

if __name__ == "__main__":
    raise SystemExit(run(Role.TRADER, main))

"""`python -m warden.gateway --home HOME`, as supervisord starts it."""

from __future__ import annotations

from warden.domain.roles import Role
from warden.gateway.main import main
from warden.runtime.process import run

if __name__ == "__main__":
    raise SystemExit(run(Role.GATEWAY, main))

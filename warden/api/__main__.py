"""`python -m warden.api --home HOME`: what supervisord starts."""

from warden.api.main import main
from warden.domain.roles import Role
from warden.runtime.process import run

if __name__ == "__main__":
    raise SystemExit(run(Role.API, main))

"""`python -m warden.logger --home HOME`: what supervisord starts."""

from warden.domain.roles import Role
from warden.logger.main import main
from warden.runtime.process import run

if __name__ == "__main__":
    raise SystemExit(run(Role.LOGGER, main))

"""`python -m warden.notifier --home HOME`: what supervisord starts."""

from warden.domain.roles import Role
from warden.notifier.main import main
from warden.runtime.process import run

if __name__ == "__main__":
    raise SystemExit(run(Role.NOTIFIER, main))

"""Runs the executor."""

from warden.domain.roles import Role
from warden.executor.main import main
from warden.runtime.process import run

if __name__ == "__main__":
    raise SystemExit(run(Role.EXECUTOR, main))

"""`scripts/test --fresh`: the README's commands on a bare Debian 12, as root and as an ordinary user."""

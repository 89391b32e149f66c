"""The `warden` command: one command, one module; each is imported only when it is called."""

"""Set-up of a clone, by the standard library alone: it runs before anything is installed."""

"""The logger's rules."""

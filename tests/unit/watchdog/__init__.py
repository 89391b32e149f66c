"""The watchdog's rules: events in, commands out."""

"""What the core is told and what it asks for: terms, events, commands."""

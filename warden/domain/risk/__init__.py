"""Risk rules as state machines: (state, event, now) -> state, decisions."""

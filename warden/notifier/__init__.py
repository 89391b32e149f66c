"""Turns what happened into alerts for people: few, meaningful, and never held up by a slow channel."""

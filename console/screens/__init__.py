"""Screens: what is shown together."""

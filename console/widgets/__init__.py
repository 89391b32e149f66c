"""Panes: each draws one part of the picture into the room that it has."""

"""Incidents written down: folders, timelines, reports."""
